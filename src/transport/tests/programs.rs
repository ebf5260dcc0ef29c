//! Programs, files and forwards over a session.

use super::manners::Manners;
use super::server::serve;
use super::{folder, program, session};
use crate::base::Secret;
use crate::transport::{Exec, LinkError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn status_and_both_outputs_come_back_and_the_input_arrives() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let output =
        session.exec(program("tr a-z A-Z; echo two >&2; exit 7").input(b"one".to_vec())).await.unwrap();
    assert_eq!((output.status, output.stdout, output.stderr), (7, b"ONE".to_vec(), b"two\n".to_vec()));
    let big = vec![b'x'; 9_000_000];
    let output = session.exec(program("sha256sum").input(big.clone())).await.unwrap();
    let expected = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&big));
    assert!(output.text().starts_with(&expected), "{}", output.text());
}

#[tokio::test]
async fn the_program_stands_in_no_command_line() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let output = session
        .exec(program("a=xyzzy; for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$p 2>/dev/null; done"))
        .await;
    let text = output.unwrap().text();
    assert!(text.contains("imctl") && !text.contains("xyzzy"), "{text}");
}

#[tokio::test]
async fn a_program_past_its_deadline_is_ended_on_the_host() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let mark = folder.path().join("pid");
    let mut exec = program(&format!("echo $$ >{}; sleep 300 & sleep 301", mark.display()));
    exec.within = Duration::from_millis(700);
    let started = Instant::now();
    assert!(matches!(session.exec(exec).await, Err(LinkError::Deadline { .. })));
    assert!(started.elapsed() < Duration::from_secs(2));
    gone(&mark, Duration::from_secs(5)).await;
    assert_eq!(session.exec(program("echo still here")).await.unwrap().text(), "still here");
}

#[tokio::test]
async fn a_program_ends_when_its_caller_stops_waiting_or_the_connection_goes_silent() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let mark = folder.path().join("pid");
    let exec = program(&format!("echo $$ >{}; cat; sleep 300", mark.display()));
    let _ = tokio::time::timeout(Duration::from_millis(500), session.exec(exec)).await;
    gone(&mark, Duration::from_secs(5)).await;
}

/// Waits until the process whose id stands in the file is gone.
pub(super) async fn gone(mark: &std::path::Path, within: Duration) {
    let pid = std::fs::read_to_string(mark).unwrap();
    let until = Instant::now() + within;
    while std::path::Path::new(&format!("/proc/{}", pid.trim())).exists() {
        assert!(Instant::now() < until, "process {pid} still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn endless_output_is_ended_and_the_connection_lives() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    assert!(matches!(session.exec(program("yes")).await, Err(LinkError::Flood { .. })));
    assert_eq!(session.exec(program("echo on")).await.unwrap().text(), "on");
}

#[tokio::test]
async fn a_noisy_login_shell_and_few_sessions_do_no_harm() {
    let mut manners = Manners::good();
    manners.login_shell = "echo Welcome; echo Warning >&2; ".to_owned();
    manners.sessions = 1;
    let (folder, server) = (folder(), serve(manners).await);
    let session = session(&server, folder.path()).await;
    let all = (0..4).map(|at| session.exec(program(&format!("echo {at}; echo {at} >&2"))));
    for (at, output) in futures_util::future::join_all(all).await.into_iter().enumerate() {
        let output = output.unwrap();
        assert_eq!(
            (output.stdout, output.stderr),
            (format!("{at}\n").into_bytes(), format!("{at}\n").into_bytes())
        );
    }
}

#[tokio::test]
async fn an_account_that_runs_nothing_says_why() {
    let mut manners = Manners::good();
    manners.login_shell = "echo This account is not available.; exit 1; ".to_owned();
    let (folder, server) = (folder(), serve(manners).await);
    let session = session(&server, folder.path()).await;
    let refused = session.exec(program("true")).await.unwrap_err();
    assert!(
        matches!(&refused, LinkError::Shell { cause, .. } if cause.contains("not available")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_login_shell_that_never_ends_printing_is_told() {
    let mut manners = Manners::good();
    manners.login_shell = "yes; ".to_owned();
    let (folder, server) = (folder(), serve(manners).await);
    let session = session(&server, folder.path()).await;
    let refused = session.exec(program("true")).await.unwrap_err();
    assert!(matches!(&refused, LinkError::Shell { cause, .. } if cause.contains("without end")), "{refused}");
}

#[tokio::test]
async fn what_a_program_leaves_running_does_not_hold_the_answer() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let started = Instant::now();
    let output =
        session.exec(program("setsid sleep 6 </dev/null >/dev/null 2>&1 & echo done")).await.unwrap();
    assert_eq!(output.text(), "done");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn root_is_not_had_without_sudo() {
    let mut manners = Manners::good();
    manners.login_shell = "PATH=/var/empty/bin:$PATH; ".to_owned();
    let (folder, server) = (folder(), serve(manners).await);
    let mut hop = super::hop(&server, folder.path());
    hop.user = "ops".to_owned();
    let target = super::Target { hops: vec![hop], sudo: crate::transport::Sudo::Passwordless };
    let session = super::connect(&target, &super::open()).await.unwrap();
    let result = session.exec(Exec::new("id -u", Duration::from_secs(5))).await;
    match result {
        Ok(output) => assert_eq!(output.text(), "0"),
        Err(refused) => assert!(matches!(refused, LinkError::Sudo { .. }), "{refused}"),
    }
}

#[tokio::test]
async fn a_port_on_the_host_leads_to_a_listener_here_until_the_guard_goes() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forward = session.forward(0, listener.local_addr().unwrap()).await.unwrap();
    let mut far = tokio::net::TcpStream::connect(("127.0.0.1", forward.port)).await.unwrap();
    far.write_all(b"ping").await.unwrap();
    let (mut near, _) = listener.accept().await.unwrap();
    let mut buffer = [0; 4];
    near.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"ping");
    let port = forward.port;
    drop(forward);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn a_host_that_forbids_forwarding_says_so() {
    let mut manners = Manners::good();
    manners.forwarding = false;
    let (folder, server) = (folder(), serve(manners).await);
    let session = session(&server, folder.path()).await;
    let refused = session.forward(0, "127.0.0.1:1".parse().unwrap()).await.err().unwrap();
    assert!(matches!(refused, LinkError::NotAllowed { .. }), "{refused}");
}

#[tokio::test]
async fn a_connection_lost_during_a_program_is_told_as_such() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let exec = Exec { input: Secret::new(vec![]), ..program("sleep 30") };
    let (result, ()) = tokio::join!(session.exec(exec), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        session.close().await;
    });
    assert!(matches!(result, Err(LinkError::Lost { .. })), "{result:?}");
}
