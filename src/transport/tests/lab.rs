//! The transport against a real sshd: by hand, on lab hosts (`imctl lab up --name ssh -n 2`, then on `host1` the
//! users `ops` with `sudo` by the password `s3cret`, `free` with `sudo` without one, and `none` without `sudo`).

use crate::transport::{Exec, LinkError, Nobody, Options, Session, Sudo, Target, Wish, connect};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LAB: &str = "/var/lib/imctl-lab/ssh";

fn address(host: &str) -> String {
    let inventory = std::fs::read_to_string(format!("{LAB}/inventory.yml")).unwrap();
    let line = inventory.lines().find(|line| line.trim_start().starts_with(&format!("{host}:"))).unwrap();
    line.split("address: ").nth(1).unwrap().split(',').next().unwrap().to_owned()
}

async fn way(user: &str, host: &str, sudo: Sudo) -> Target {
    let wish = Wish {
        address: address(host),
        user: Some(user.to_owned()),
        key: Some(format!("{LAB}/key").into()),
        known_hosts: Some(format!("{LAB}/known_hosts").into()),
        sudo,
        ..Wish::default()
    };
    wish.target().await.unwrap()
}

fn options() -> Options {
    Options::new(Duration::from_secs(10), false, Arc::new(Nobody))
}

async fn enter(user: &str, sudo: Sudo) -> Box<dyn Session> {
    connect(&way(user, "host1", sudo).await, &options()).await.unwrap()
}

async fn say(session: &dyn Session, script: &str) -> String {
    session.exec(Exec::new(script, Duration::from_secs(60))).await.unwrap().text()
}

#[tokio::test]
#[ignore = "needs a lab, see above"]
async fn what_a_connection_a_program_and_an_upload_cost() {
    let mut connects = vec![];
    for _ in 0..10 {
        let started = Instant::now();
        enter("root", Sudo::No).await.close().await;
        connects.push(started.elapsed());
    }
    let session = enter("root", Sudo::No).await;
    let mut programs = vec![];
    for _ in 0..50 {
        let started = Instant::now();
        say(&*session, "true").await;
        programs.push(started.elapsed());
    }
    connects.sort();
    programs.sort();
    eprintln!("connect {:?}, program {:?} (medians)", connects[5], programs[25]);
    let content = vec![0xa5; 50 << 20];
    for _ in 0..3 {
        let started = Instant::now();
        session.upload("/root/big", &content, "0600", "root", "root").await.unwrap();
        eprintln!("50 MiB in {:?}", started.elapsed());
    }
    let expected = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&content));
    assert!(say(&*session, "sha256sum /root/big; rm /root/big").await.starts_with(&expected));
    let started = Instant::now();
    assert_eq!(
        session
            .exec(Exec::new("head -c 50000000 /dev/zero", Duration::from_secs(60)))
            .await
            .unwrap()
            .stdout
            .len(),
        50_000_000
    );
    eprintln!("50 MB back in {:?}", started.elapsed());
}

#[tokio::test]
#[ignore = "needs a lab, see above"]
async fn root_is_had_by_sudo_and_refusals_are_told() {
    let folder = super::folder();
    let right = folder.path().join("password");
    std::fs::write(&right, "s3cret\n").unwrap();
    let session = enter("ops", Sudo::PasswordFile(right.clone())).await;
    let started = Instant::now();
    assert_eq!(say(&*session, "id -u").await, "0");
    eprintln!("program through sudo with a password {:?}", started.elapsed());
    let wc = Exec::new("wc -c", Duration::from_secs(60)).input(vec![0; 5_000_000]);
    assert_eq!(session.exec(wc).await.unwrap().text(), "5000000");
    session.upload("/etc/imctl-test", b"x", "0600", "ops", "ops").await.unwrap();
    let unprivileged = Exec { root: false, ..Exec::new("id -un", Duration::from_secs(5)) };
    assert_eq!(session.exec(unprivileged).await.unwrap().text(), "ops");
    std::fs::write(&right, "wrong\n").unwrap();
    let cases = [
        (enter("ops", Sudo::PasswordFile(right)).await, "password"),
        (enter("ops", Sudo::Passwordless).await, "password"),
        (enter("ops", Sudo::No).await, "not root"),
        (enter("ops", Sudo::Ask).await, "nobody gave one"),
        (enter("none", Sudo::Passwordless).await, "password"),
    ];
    for (session, told) in cases {
        let started = Instant::now();
        let refused = session.exec(Exec::new("id -u", Duration::from_secs(20))).await.unwrap_err();
        eprintln!("{refused} ({:?})", started.elapsed());
        assert!(matches!(&refused, LinkError::Sudo { cause, .. } if cause.contains(told)), "{refused}");
    }
    std::fs::write(folder.path().join("password"), "not wanted\n").unwrap();
    let session = enter("free", Sudo::PasswordFile(folder.path().join("password"))).await;
    assert_eq!(say(&*session, "id -u").await, "0");
    let session = enter("free", Sudo::Passwordless).await;
    assert_eq!(say(&*session, "id -u; rm -f /etc/imctl-test").await, "0");
    let started = Instant::now();
    let mut exec = Exec::new("sleep 77", Duration::from_secs(1));
    assert!(matches!(session.exec(exec.clone()).await, Err(LinkError::Deadline { .. })));
    exec.script = "sleep 1; pgrep -x sleep -a || echo none left".to_owned();
    exec.within = Duration::from_secs(9);
    eprintln!("{} after {:?}", session.exec(exec).await.unwrap().text(), started.elapsed());
}

#[tokio::test]
#[ignore = "needs a lab, see above"]
async fn a_jump_host_a_forward_and_twenty_at_once() {
    let (first, last) = (way("root", "host1", Sudo::No).await, way("root", "host2", Sudo::No).await);
    let target = Target { hops: [first.hops, last.hops].concat(), sudo: Sudo::No };
    let started = Instant::now();
    let session = connect(&target, &options()).await.unwrap();
    eprintln!("connected through a jump host in {:?}", started.elapsed());
    assert_eq!(say(&*session, "hostname").await, "host2");
    let started = Instant::now();
    session.upload("/root/big", &vec![1; 50 << 20], "0600", "root", "root").await.unwrap();
    eprintln!("50 MiB through a jump host in {:?}", started.elapsed());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forward = session.forward(0, listener.local_addr().unwrap()).await.unwrap();
    let serve = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (mut near, _) = listener.accept().await.unwrap();
        near.write_all(&vec![7; 50 << 20]).await.unwrap();
    });
    let script = format!(
        "exec perl -MIO::Socket -e '$s=IO::Socket::INET->new(\"127.0.0.1:{}\");$n+=length while sysread $s,$_,65536;print $n'",
        forward.port
    );
    let started = Instant::now();
    assert_eq!(say(&*session, &script).await, (50 << 20).to_string());
    eprintln!("50 MiB through a forward in {:?}", started.elapsed());
    serve.await.unwrap();
    let shared = options();
    let started = Instant::now();
    let all = (0..20).map(|_| async { connect(&target, &shared).await.unwrap().again().await.unwrap() });
    let sessions = futures_util::future::join_all(all).await;
    eprintln!("20 x 2 connections through one jump host in {:?}", started.elapsed());
    let busy = futures_util::future::join_all((0..20).map(|_| say(&*sessions[0], "sleep 0.2; echo x")));
    assert!(busy.await.iter().all(|text| text == "x"));
}

#[tokio::test]
#[ignore = "needs a lab; best on a line of 1 Mbit/s: tc qdisc add dev VETH root tbf rate 1mbit burst 32k latency 400ms"]
async fn a_slow_line_is_not_taken_for_a_dead_one() {
    let session = enter("root", Sudo::No).await;
    let content = vec![0xa5; 3 << 20];
    let started = Instant::now();
    let upload = session.upload("/root/slow", &content, "0600", "root", "root");
    let (uploaded, said) = tokio::join!(upload, say(&*session, "sleep 12; echo alive"));
    uploaded.unwrap();
    eprintln!("{said} after an upload of 3 MiB in {:?}", started.elapsed());
    assert_eq!(said, "alive");
    say(&*session, "rm /root/slow").await;
}

#[tokio::test]
#[ignore = "needs a lab, and cuts it: imctl lab cut --name ssh host1, while it says so"]
async fn a_cut_connection_ends_what_ran() {
    let session = enter("root", Sudo::No).await;
    let started = Instant::now();
    let lost = session.exec(Exec::new("sleep 300", Duration::from_secs(120))).await.unwrap_err();
    eprintln!("{lost} after {:?}", started.elapsed());
    assert!(matches!(lost, LinkError::Lost { .. }) && started.elapsed() < Duration::from_secs(60));
    assert!(Path::new(LAB).exists());
}
