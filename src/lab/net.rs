//! The lab's network: a bridge in a network namespace of its own, a line from there to this machine, to each host and
//! to the client. No host has a route out, and this machine's own packet filter is not asked.

use super::LabError;
use super::record::{Lab, LabHost};
use super::run::{run, run_with};
use ipnet::Ipv4Net;
use std::fmt::Write as _;

/// Makes the bridge, this machine's line to it and the client.
pub(super) async fn make_switch(lab: &Lab) -> Result<(), LabError> {
    let (switch, client, number) = (lab.switch(), lab.client(), lab.number);
    run_with("ip", &["-batch", "-"], &format!("netns add {switch}\nnetns add {client}\n")).await?;
    let inside = "link set lo up\nlink add br0 type bridge\nlink set br0 up\n".to_owned();
    run_with("ip", &["-n", &switch, "-batch", "-"], &inside).await?;
    let outer = lab.interface();
    let outside = format!(
        "link add {outer} type veth peer name up0 netns {switch}\n\
         link set {outer} addrgenmode none\n\
         addr add {}/24 dev {outer}\naddr add fdc0:1ab:{number}::1/64 dev {outer} nodad\nlink set {outer} up\n",
        lab.gateway()
    );
    run_with("ip", &["-batch", "-"], &outside).await?;
    run("ip", &["-n", &switch, "link", "set", "up0", "master", "br0", "up"]).await?;
    let address6 = format!("fdc0:1ab:{number}::fa");
    line(&switch, "client", &client, &[lab.client_address().to_string() + "/24", address6 + "/64"]).await
}

/// Makes a host's network namespace and its line.
pub(super) async fn make_host(lab: &Lab, host: &LabHost) -> Result<(), LabError> {
    let own = lab.kernel_name(host);
    run("ip", &["netns", "add", &own]).await?;
    let addresses = [format!("{}/24", host.address), format!("{}/64", host.address6)];
    line(&lab.switch(), &port(host), &own, &addresses).await
}

/// A line from the bridge to a network namespace, where it is called `host0`.
async fn line(switch: &str, port: &str, to: &str, addresses: &[String]) -> Result<(), LabError> {
    let bridge =
        format!("link add {port} type veth peer name host0 netns {to}\nlink set {port} master br0 up\n");
    run_with("ip", &["-n", switch, "-batch", "-"], &bridge).await?;
    let mut inside = "link set lo up\n".to_owned();
    for address in addresses {
        let nodad = if address.contains(':') { " nodad" } else { "" };
        let _ = writeln!(inside, "addr add {address} dev host0{nodad}");
    }
    inside.push_str("link set host0 up\n");
    run_with("ip", &["-n", to, "-batch", "-"], &inside).await.map(drop)
}

/// Pulls a host's cable, or puts it back.
pub(super) async fn set_link(lab: &Lab, host: &LabHost, up: bool) -> Result<(), LabError> {
    run("ip", &["-n", &lab.switch(), "link", "set", &port(host), if up { "up" } else { "down" }])
        .await
        .map(drop)
}

/// Drops all that passes between two hosts, while each still reaches all others.
pub(super) async fn part(lab: &Lab, one: &LabHost, other: &LabHost) -> Result<(), LabError> {
    let rules = format!("{PARTING}add element bridge imctl parted {}\n", pairs(&[(one, other)]));
    filter(lab, &rules).await
}

/// Lets pass again between a host and others.
pub(super) async fn join(lab: &Lab, one: &LabHost, others: &[&LabHost]) -> Result<(), LabError> {
    let pairs = pairs(&others.iter().map(|other| (one, *other)).collect::<Vec<_>>());
    // Adding first, because what is not there cannot be deleted.
    let verbs = ["add", "delete"].map(|verb| format!("{verb} element bridge imctl parted {pairs}\n"));
    filter(lab, &format!("{PARTING}{}", verbs.concat())).await
}

/// The table that parts hosts; made again it stays as it is but for its one rule.
const PARTING: &str = "add table bridge imctl
add set bridge imctl parted { type ifname . ifname; }
add chain bridge imctl between { type filter hook forward priority 0; }
flush chain bridge imctl between
add rule bridge imctl between iifname . oifname @parted drop
";

async fn filter(lab: &Lab, rules: &str) -> Result<(), LabError> {
    run_with("ip", &["netns", "exec", &lab.switch(), "nft", "-f", "-"], rules).await.map(drop)
}

/// Both ways between each two hosts, as elements of a set.
fn pairs(hosts: &[(&LabHost, &LabHost)]) -> String {
    let both = |(one, other): &(&LabHost, &LabHost)| {
        let (one, other) = (port(one), port(other));
        format!("\"{one}\" . \"{other}\", \"{other}\" . \"{one}\"")
    };
    format!("{{ {} }}", hosts.iter().map(both).collect::<Vec<_>>().join(", "))
}

/// Whether a host's cable is in.
pub(super) async fn link_is_up(lab: &Lab, host: &LabHost) -> bool {
    let shown =
        run("ip", &["-n", &lab.switch(), "-o", "link", "show", &port(host)]).await.unwrap_or_default();
    shown
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .is_some_and(|(flags, _)| flags.split(',').any(|flag| flag == "UP"))
}

/// Removes everything of the lab's network that there is.
pub(super) async fn remove(lab: &Lab) -> Result<(), LabError> {
    let there = run("ip", &["netns", "list"]).await?;
    let there: Vec<&str> = there.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let mut names: Vec<String> = lab.hosts.iter().map(|host| lab.kernel_name(host)).collect();
    names.extend([lab.client(), lab.switch()]);
    let outer = lab.interface();
    if std::path::Path::new("/sys/class/net").join(&outer).exists() {
        run("ip", &["link", "del", &outer]).await?;
    }
    for name in names.iter().filter(|name| there.contains(&name.as_str())) {
        run("ip", &["netns", "del", name]).await?;
    }
    Ok(())
}

/// The networks that this machine's routes and addresses touch.
pub(super) async fn used() -> Result<Vec<Ipv4Net>, LabError> {
    let routes = run("ip", &["-o", "-4", "route", "show", "table", "all"]).await?;
    let addresses = run("ip", &["-o", "-4", "addr"]).await?;
    Ok(networks(&format!("{routes}\n{addresses}")))
}

/// Every word of a text that is an IPv4 network or address, without the default route.
fn networks(text: &str) -> Vec<Ipv4Net> {
    let network = |word: &str| {
        let single = || word.parse::<std::net::Ipv4Addr>().ok().map(Ipv4Net::from);
        word.parse::<Ipv4Net>().ok().or_else(single).filter(|network| network.prefix_len() > 0)
    };
    text.split_whitespace().filter_map(network).collect()
}

/// The bridge's end of a host's line.
fn port(host: &LabHost) -> String {
    format!("port{}", host.index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_and_addresses_are_networks_and_the_default_route_is_not() {
        let text = "default via 192.0.2.1 dev eth0\n10.8.0.0/16 dev tun0\n2: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global";
        let found: Vec<String> = networks(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.1/32", "10.8.0.0/16", "192.0.2.2/24", "192.0.2.255/32"]);
    }
}
