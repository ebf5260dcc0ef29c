//! SSH against a real sshd: every way to root, jump hosts, forwards, slow lines and cut ones.

use super::world::{World, may_run, until};
use imctl::transport::{Exec, LinkError, Nobody, Options, Session, Sudo, Target, Wish, connect};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `ops` has `sudo` with a password, `free` without one, `none` has none.
const USERS: &str = "set -e
for user in ops free none; do
    id $user >/dev/null 2>&1 || useradd -m -s /bin/bash $user
    mkdir -p /home/$user/.ssh
    cp /root/.ssh/authorized_keys /home/$user/.ssh/
    chown -R $user: /home/$user/.ssh
    chmod 700 /home/$user/.ssh
done
rm -f /etc/sudoers.d/*
echo ops:s3cret | chpasswd
echo 'ops ALL=(ALL:ALL) ALL' >/etc/sudoers.d/ops
echo 'free ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/free";

struct Hosts {
    world: World,
    inventory: imctl::inventory::Inventory,
}

impl Hosts {
    fn up(name: &str) -> Self {
        let world = World::new(name);
        let path = world.path("lab.yml");
        let out = path.to_str().expect("the path is text");
        world.imctl(&["lab", "up", "--name", &world.lab, "-n", "2", "--out", out]);
        let inventory = imctl::inventory::load(&path).expect("the lab's inventory is right");
        Self { world, inventory }
    }

    async fn way(&self, user: &str, host: usize, sudo: Sudo) -> Target {
        let host = &self.inventory.hosts[host];
        let wish = Wish {
            address: host.address.clone(),
            user: Some(user.to_owned()),
            key: host.ssh.key.clone(),
            known_hosts: host.ssh.known_hosts.clone(),
            sudo,
            ..Wish::default()
        };
        wish.target().await.expect("the wish can be followed")
    }

    async fn enter(&self, user: &str, sudo: Sudo) -> Box<dyn Session> {
        connect(&self.way(user, 0, sudo).await, &options()).await.expect("the host lets us in")
    }

    fn secret(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.world.path(name);
        std::fs::write(&path, text).expect("it can be written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        path
    }
}

fn options() -> Options {
    Options::new(Duration::from_secs(20), false, Arc::new(Nobody))
}

async fn say(session: &dyn Session, script: &str) -> String {
    session.exec(Exec::new(script, Duration::from_mins(1))).await.expect("it runs").text()
}

#[tokio::test(flavor = "multi_thread")]
async fn root_is_had_in_every_way_and_refusals_are_told() {
    if !may_run() {
        return;
    }
    let hosts = Hosts::up("sudo");
    assert_eq!(hosts.world.host("host1", USERS), (0, String::new()));
    let right = || Sudo::PasswordFile(hosts.secret("right", "s3cret\n"));
    let wrong = Sudo::PasswordFile(hosts.secret("wrong", "letmein\n"));
    let session = hosts.enter("ops", right()).await;
    assert_eq!(say(&*session, "id -u").await, "0");
    let shell = say(&*session, "echo $PPID").await;
    assert_eq!(say(&*session, "echo $PPID").await, shell, "`sudo` is asked once a shell");
    let count = Exec::new("wc -c", Duration::from_mins(1)).input(vec![0; 5_000_000]);
    assert_eq!(session.exec(count).await.expect("it runs").text(), "5000000");
    session.upload("/etc/imctl-test", b"x", "0600", "ops", "ops").await.expect("it is written");
    let unprivileged = Exec { root: false, ..Exec::new("id -un", Duration::from_secs(5)) };
    assert_eq!(session.exec(unprivileged).await.expect("it runs").text(), "ops");
    for (user, sudo, told) in [
        ("ops", wrong.clone(), "password"),
        ("ops", Sudo::Passwordless, "password"),
        ("ops", Sudo::No, "not root"),
        ("ops", Sudo::Ask, "nobody gave one"),
        ("none", Sudo::Passwordless, "password"),
    ] {
        let session = hosts.enter(user, sudo).await;
        let refused = session.exec(Exec::new("id -u", Duration::from_secs(20))).await.expect_err("no root");
        hosts.world.say(&refused.to_string());
        assert!(matches!(&refused, LinkError::Sudo { cause, .. } if cause.contains(told)), "{refused}");
    }
    // A password that `sudo` does not want reaches nothing.
    for sudo in [wrong, Sudo::Passwordless] {
        assert_eq!(say(&*hosts.enter("free", sudo).await, "id -u").await, "0");
    }
    let session = hosts.enter("free", Sudo::Passwordless).await;
    let late = session.exec(Exec::new("sleep 777", Duration::from_secs(1))).await;
    assert!(matches!(late, Err(LinkError::Deadline { .. })));
    until("the program is ended", Duration::from_secs(5), || {
        hosts.world.host("host1", "pgrep -fx 'sleep 777'").0 == 1
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn files_forwards_jump_hosts_and_many_at_once() {
    if !may_run() {
        return;
    }
    let hosts = Hosts::up("jump");
    let (first, last) = (hosts.way("root", 0, Sudo::No).await, hosts.way("root", 1, Sudo::No).await);
    let target = Target { hops: [first.hops, last.hops].concat(), sudo: Sudo::No };
    let session = connect(&target, &options()).await.expect("there is a way");
    assert_eq!(say(&*session, "hostname").await, "host2");
    let content = vec![1; 50 << 20];
    let started = Instant::now();
    session.upload("/root/big", &content, "0600", "root", "root").await.expect("it is written");
    hosts.world.say(&format!("50 MiB through a jump host in {:.1?}", started.elapsed()));
    let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&content));
    assert!(say(&*session, "sha256sum /root/big").await.starts_with(&sum));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let here = listener.local_addr().expect("it is bound");
    let forward = session.forward(0, here).await.expect("it is allowed");
    let serve = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut near, _) = listener.accept().await.expect("somebody comes");
        near.write_all(&vec![7; 20 << 20]).await.expect("it is read");
    });
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{}; wc -c <&3", forward.port);
    let script = format!("bash -c {}", imctl::base::quote(&script));
    assert_eq!(say(&*session, &script).await, (20 << 20).to_string());
    serve.await.expect("it is served");
    let shared = options();
    let started = Instant::now();
    let all = (0..20).map(|_| connect(&target, &shared));
    let sessions = futures_util::future::join_all(all).await;
    hosts.world.say(&format!("20 connections through one jump host in {:.1?}", started.elapsed()));
    assert!(sessions.iter().all(Result::is_ok));
    let started = Instant::now();
    for _ in 0..50 {
        assert_eq!(say(&*session, "echo x").await, "x");
    }
    hosts.world.say(&format!("50 programs one after the other in {:.0?}", started.elapsed()));
    let busy = (0..20).map(|_| say(&*session, "sleep 0.2; echo x"));
    assert!(futures_util::future::join_all(busy).await.iter().all(|text| text == "x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_line_is_not_taken_for_a_dead_one_and_a_cut_line_ends_what_ran() {
    if !may_run() {
        return;
    }
    let hosts = Hosts::up("line");
    let session = hosts.enter("root", Sudo::No).await;
    let network = hosts.inventory.hosts[0].address.split('.').nth(2).expect("an IPv4 address");
    let device = format!("imlab{network}");
    let slow =
        ["qdisc", "add", "dev", &device, "root", "tbf", "rate", "4mbit", "burst", "32k", "latency", "400ms"];
    let slowed = std::process::Command::new("tc").args(slow).status().is_ok_and(|status| status.success());
    if slowed {
        let content = vec![0xa5; 4 << 20];
        let upload = session.upload("/root/slow", &content, "0600", "root", "root");
        let (uploaded, said) = tokio::join!(upload, say(&*session, "sleep 12; echo alive"));
        uploaded.expect("it arrives");
        assert_eq!(said, "alive");
        let normal = ["qdisc", "del", "dev", &device, "root"];
        assert!(std::process::Command::new("tc").args(normal).status().expect("as before").success());
    } else {
        hosts.world.say("skipped: this kernel cannot slow a line down");
    }
    let running =
        tokio::spawn(async move { session.exec(Exec::new("sleep 888", Duration::from_mins(5))).await });
    let runs = || hosts.world.host("host1", "pgrep -fx 'sleep 888'").0 == 0;
    until("the program runs", Duration::from_secs(10), runs);
    hosts.world.imctl(&["lab", "cut", "--name", &hosts.world.lab, "host1"]);
    until("what ran on a host that is cut off is ended", Duration::from_secs(10), || !runs());
    let lost = running.await.expect("no panic").expect_err("the line is cut");
    assert!(matches!(lost, LinkError::Lost { .. }), "{lost}");
    hosts.world.imctl(&["lab", "heal", "--name", &hosts.world.lab, "host1"]);
    assert_eq!(say(&*hosts.enter("root", Sudo::No).await, "echo back").await, "back");
}

/// Seconds that `ssh` needs to write a file on the first host.
fn ssh_cat(hosts: &Hosts, path: &std::path::Path, script: &str) -> f64 {
    let host = &hosts.inventory.hosts[0];
    let started = Instant::now();
    let done = std::process::Command::new("ssh")
        .args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
        .arg("-o")
        .arg(format!(
            "UserKnownHostsFile={}",
            host.ssh.known_hosts.as_ref().expect("the lab has one").display()
        ))
        .arg("-i")
        .arg(host.ssh.key.as_ref().expect("the lab has one"))
        .arg(format!("root@{}", host.address))
        .arg(script)
        .stdin(std::fs::File::open(path).expect("it was written"))
        .status();
    assert!(done.expect("there is ssh").success());
    started.elapsed().as_secs_f64()
}

/// The cost of programs and uploads, beside `ssh`; with `--release`, on a quiet machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: IMCTL_E2E=1 cargo test --release --test e2e ssh::the_cost -- --ignored --nocapture"]
async fn the_cost_of_programs_and_uploads() {
    if !may_run() {
        return;
    }
    let hosts = Hosts::up("cost");
    let session = hosts.enter("root", Sudo::No).await;
    say(&*session, "true").await;
    let started = Instant::now();
    for _ in 0..100 {
        say(&*session, "true").await;
    }
    hosts.world.say(&format!("a program in an open shell: {:.2?}", started.elapsed() / 100));
    let started = Instant::now();
    for at in 0..50 {
        let path = format!("/root/small{at}");
        session.upload(&path, b"small", "0600", "root", "root").await.expect("it is written");
    }
    hosts.world.say(&format!("a small upload: {:.2?}", started.elapsed() / 50));
    let content: Vec<u8> =
        (0..200_000_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let path = hosts.world.path("content");
    std::fs::write(&path, &content).expect("it can be written");
    for _ in 0..4 {
        let started = Instant::now();
        session.upload("/root/big", &content, "0600", "root", "root").await.expect("it is written");
        let ours = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let count = Exec::new("cat >/root/big", Duration::from_mins(1)).input(content.clone());
        assert_eq!(session.exec(count).await.expect("it runs").status, 0);
        let cat = started.elapsed().as_secs_f64();
        let plain = ssh_cat(&hosts, &path, "cat >/root/big");
        let synced = ssh_cat(&hosts, &path, "cat >/root/big && sync /root/big && sync /root");
        hosts.world.say(&format!(
            "200 MB: upload {ours:.2} s, exec cat {cat:.2} s, ssh cat {plain:.2} s, ssh cat and sync {synced:.2} s"
        ));
    }
}
