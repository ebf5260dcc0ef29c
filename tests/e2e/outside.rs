//! No outside call: commands run where only the hosts are reached, and whatever they send elsewhere is counted.

use super::lab::number;
use super::world::{World, may_run, text};
use std::path::Path;
use std::process::Command;

/// A way out of the lab's client on which everything is counted and dropped: packets to anywhere but the lab's hosts,
/// and questions to a name server on the loopback.
struct Fence {
    namespace: String,
}

impl Fence {
    fn around(world: &World) -> Self {
        let number = number(world);
        let fence = Self { namespace: format!("imlab{number}-client") };
        let rules = format!(
            "table inet outside {{ chain out {{ type filter hook output priority 0; \
             ip daddr 10.213.{number}.0/24 accept; oifname lo th dport != 53 accept; meta l4proto ipv6-icmp accept; \
             ip protocol igmp accept; counter drop; }}; }}"
        );
        fence.inside(&["ip", "link", "add", "out", "type", "veth", "peer", "name", "nowhere"]);
        fence.inside(&["ip", "link", "set", "nowhere", "up"]);
        fence.inside(&["ip", "link", "set", "out", "up"]);
        fence.inside(&["ip", "route", "add", "default", "dev", "out"]);
        fence.inside(&["nft", &rules]);
        fence
    }

    fn inside(&self, words: &[&str]) -> String {
        let output = Command::new("ip").args(["netns", "exec", &self.namespace]).args(words).output();
        let output = output.expect("ip can be started");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Packets that went elsewhere so far.
    fn counted(&self) -> u64 {
        let rules = self.inside(&["nft", "list", "table", "inet", "outside"]);
        let count = rules.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next());
        count.and_then(|count| count.parse().ok()).expect("nft shows the counter")
    }
}

/// Runs commands in the lab's client, each of which must end with the code given and send nothing elsewhere.
fn commands_stay_inside(world: &World, commands: &[(&[&str], i32)]) {
    let fence = Fence::around(world);
    let program = env!("CARGO_BIN_EXE_imctl");
    for (words, wanted) in commands {
        let before = ["lab", "exec", "--name", &world.lab, "client", "--", program];
        let (code, said) = world.imctl_ends(&[&before, *words].concat());
        assert_eq!(
            (code, fence.counted()),
            (*wanted, 0),
            "`imctl {}`: code, packets\n{said}",
            words.join(" ")
        );
    }
    // The counter counts: otherwise nothing was proved.
    fence.inside(&["bash", "-c", "echo x >/dev/udp/192.0.2.1/53 || true"]);
    assert!(fence.counted() > 0, "what leaves is counted");
}

const RELAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");

#[test]
fn no_command_asks_anybody_but_the_hosts() {
    if !may_run() {
        return;
    }
    let world = World::new("outside");
    let file = world.up(RELAY);
    let plan = world.path("a.plan");
    let (file, plan): (&str, &Path) = (text(&file), &plan);
    // This stack has no certificates.
    let commands: &[(&[&str], i32)] = &[
        (&["plan", "-i", file, "-o", text(plan)], 0),
        (&["install", "-i", file, "--plan", text(plan)], 0),
        (&["install", "-y", "-i", file], 0),
        (&["verify", "-i", file], 0),
        (&["ports", "-i", file], 0),
        (&["secret", "list", "-i", file], 0),
        (&["secret", "recipients", "list", "-i", file], 0),
        (&["cert", "status", "-i", file], 2),
        (&["lock", "show", "-i", file], 0),
        (&["trust", "list", "-i", file], 0),
        (&["explain", "IM1403"], 0),
        (&["explain", "hosts"], 0),
        (&["schema"], 0),
        (&["completions", "bash"], 0),
        (&["version"], 0),
        (&["lab", "list"], 0),
        (&["bundle", "keygen", "-i", file], 0),
        (&["destroy", "-i", file, "--confirm", "relay-test"], 0),
    ];
    commands_stay_inside(&world, commands);
}
