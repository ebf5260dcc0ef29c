//! One shell serves program after program, and none sees what another left.

use super::manners::Manners;
use super::programs::gone;
use super::server::serve;
use super::{folder, hop, open, program, session};
use crate::transport::{Exec, LinkError, Session, Sudo, Target, connect};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

async fn say(session: &dyn Session, script: &str) -> String {
    session.exec(program(script)).await.unwrap().text()
}

#[tokio::test]
async fn a_shell_serves_program_after_program_and_each_begins_anew() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let first = say(&*session, "cd /tmp; umask 0; export X=1; trap '' PIPE; echo $PPID").await;
    for at in 0..20 {
        let output = session.exec(program("cat; echo two >&2; exit 3").input(vec![b'x'; at])).await.unwrap();
        assert_eq!((output.status, output.stdout, &*output.stderr), (3, vec![b'x'; at], &b"two\n"[..]));
    }
    assert_eq!(say(&*session, "echo $PPID; pwd; umask; echo $X").await, format!("{first}\n/\n0022"));
    let many = (0..12).map(|_| say(&*session, "sleep 0.1; echo $PPID"));
    let mut shells = futures_util::future::join_all(many).await;
    shells.sort();
    shells.dedup();
    assert!(shells.len() <= 8 && shells.contains(&first), "{shells:?}");
}

#[tokio::test]
async fn a_shell_is_thrown_away_after_anything_doubtful() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let late = Exec { within: Duration::from_millis(500), ..program("sleep 60") };
    let ignored = program("true").input(vec![0; 30_000_000]);
    for (doubtful, ends_well) in
        [(late, false), (program("yes"), false), (ignored, true), (program("kill -9 $PPID; sleep 60"), false)]
    {
        let before = say(&*session, "echo $PPID").await;
        assert_eq!(session.exec(doubtful).await.is_ok(), ends_well);
        assert_ne!(say(&*session, "echo $PPID").await, before);
    }
    let before = say(&*session, "echo $PPID").await;
    let dropped = tokio::time::timeout(Duration::from_millis(300), session.exec(program("sleep 60"))).await;
    assert!(dropped.is_err());
    assert_ne!(say(&*session, "echo $PPID").await, before);
}

#[tokio::test]
async fn a_shell_that_ended_while_it_waited_is_replaced() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    for pause in [0, 300] {
        let shell = say(&*session, "echo $PPID").await;
        let killed = std::process::Command::new("kill").args(["-9", &shell]).status().unwrap();
        assert!(killed.success());
        tokio::time::sleep(Duration::from_millis(pause)).await;
        assert_ne!(say(&*session, "echo $PPID").await, shell);
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_never_prints_into_the_next() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let started = Instant::now();
    assert_eq!(say(&*session, "(sleep 6; echo late; echo late >&2) & echo now").await, "now");
    assert!(started.elapsed() < Duration::from_millis(5500), "{:?}", started.elapsed());
    assert_eq!(say(&*session, "sleep 6.5; echo next").await, "next");
}

#[tokio::test]
async fn outputs_come_whole_and_closed_outputs_delay_nothing() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let both = "head -c 20000000 /dev/zero & head -c 20000000 /dev/zero >&2; wait";
    let output = session.exec(program(both)).await.unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (20_000_000, 20_000_000));
    let started = Instant::now();
    assert_eq!(session.exec(program("exec >&- 2>&-; sleep 0.2; exit 5")).await.unwrap().status, 5);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    let output = session.exec(program("kill -9 $$")).await.unwrap();
    assert_eq!(output.status, 137);
}

#[tokio::test]
async fn a_program_that_takes_no_input_still_ends_with_its_connection() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let mark = folder.path().join("pid");
    let deaf = program(&format!("echo $$ >{}; sleep 300", mark.display())).input(vec![0; 30_000_000]);
    let _ = tokio::time::timeout(Duration::from_secs(1), session.exec(deaf)).await;
    gone(&mark, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_supervisor_that_is_told_to_end_ends_its_program_first() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let mark = folder.path().join("pid");
    let script = format!("echo $$ >{}; trap '' TERM; kill $PPID; sleep 300", mark.display());
    let lost = session.exec(program(&script)).await.unwrap_err();
    assert!(matches!(&lost, LinkError::Lost { cause, .. } if cause.contains("was ended")), "{lost}");
    gone(&mark, Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_idle_shell_makes_room_where_one_session_is_all_there_is() {
    let (mut manners, folder) = (Manners::good(), folder());
    // A `sudo` that lets in whoever asks, and counts.
    let sudo = folder.path().join("sudo");
    let script = format!("#!/bin/sh\necho x >>{}/asked\nshift 2; exec \"$@\"\n", folder.path().display());
    std::fs::write(&sudo, script).unwrap();
    std::fs::set_permissions(&sudo, std::fs::Permissions::from_mode(0o755)).unwrap();
    manners.login_shell = format!("PATH={}:$PATH; ", folder.path().display());
    manners.sessions = 1;
    let server = serve(manners).await;
    let mut way = hop(&server, folder.path());
    way.user = "ops".to_owned();
    let target = Target { hops: vec![way], sudo: Sudo::Passwordless };
    let session = connect(&target, &open()).await.unwrap();
    let as_root = || Exec { root: true, ..program("echo $PPID") };
    let shell = session.exec(as_root()).await;
    if matches!(shell, Err(LinkError::Sudo { .. })) {
        return; // the test does not run as root
    }
    let shell = shell.unwrap().text();
    assert_eq!(session.exec(as_root()).await.unwrap().text(), shell, "`sudo` is asked once a shell");
    assert_eq!(std::fs::read_to_string(folder.path().join("asked")).unwrap().lines().count(), 1);
    let mixed = (0..6).map(|at| session.exec(Exec { root: at % 2 == 0, ..program("echo x") }));
    for output in futures_util::future::join_all(mixed).await {
        assert_eq!(output.unwrap().text(), "x");
    }
}
