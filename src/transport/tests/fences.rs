//! Programs that begin only while a lease holds.

use super::manners::Manners;
use super::server::{Server, serve};
use super::{folder, program, session};
use crate::transport::{Fence, LinkError, Session};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Leased {
    folder: tempfile::TempDir,
    _server: Server,
    session: Box<dyn Session>,
}

impl Leased {
    async fn new() -> Self {
        let (folder, server) = (folder(), serve(Manners::good()).await);
        let session = session(&server, folder.path()).await;
        Self { folder, _server: server, session }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A lease for so many seconds from now.
    fn record(&self, token: &str, seconds: f64) {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let now: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let text = format!("{token} {:.2}\nmore that is not read\n", now + seconds);
        std::fs::write(self.path("it's a record"), text).unwrap();
    }

    fn fenced(&self) -> Arc<dyn Session> {
        let name = |name| self.path(name).to_str().unwrap().to_owned();
        let (record, gate) = (name("it's a record"), name("gate"));
        self.session.fenced(Fence { record, gate, token: "mine".to_owned() })
    }

    async fn refused(&self) -> String {
        let mark = self.path("ran");
        let result = self.fenced().exec(program(&format!("touch {}", mark.display()))).await;
        assert!(!mark.exists());
        let Err(LinkError::Fenced { cause, .. }) = result else { panic!("{result:?}") };
        cause
    }
}

/// Whether nobody holds the gate.
fn free(gate: &Path) -> bool {
    Command::new("flock").args(["-n", "-x"]).arg(gate).arg("true").status().unwrap().success()
}

#[tokio::test]
async fn a_program_runs_while_its_lease_holds_and_not_otherwise() {
    let leased = Leased::new().await;
    leased.record("mine", 60.0);
    let fenced = leased.fenced();
    for _ in 0..3 {
        let output = fenced.exec(program("cat").input(b"in".to_vec())).await.unwrap();
        assert_eq!((output.status, output.text()), (0, "in".to_owned()));
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(leased.path("gate")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    leased.record("another", 60.0);
    assert_eq!(leased.refused().await, "somebody else holds it");
    leased.record("mine", -0.5);
    assert_eq!(leased.refused().await, "it ended");
    std::fs::write(leased.path("it's a record"), "").unwrap();
    assert_eq!(leased.refused().await, "it was released");
    std::fs::remove_file(leased.path("it's a record")).unwrap();
    assert_eq!(leased.refused().await, "it was released");
    let path = leased.path("file");
    let refused = fenced.upload(path.to_str().unwrap(), b"x", "0600", "root", "root").await.unwrap_err();
    assert!(matches!(refused, LinkError::Fenced { .. }) && !path.exists(), "{refused}");
    assert_eq!(leased.session.exec(program("echo free")).await.unwrap().text(), "free");
}

#[tokio::test]
async fn a_running_program_holds_the_gate_and_what_it_starts_does_not() {
    let leased = Leased::new().await;
    leased.record("mine", 60.0);
    let (gate, fenced) = (leased.path("gate"), leased.fenced());
    let run = tokio::spawn(async move {
        fenced.exec(program("setsid sleep 3 >/dev/null 2>&1 & ls -l /proc/self/fd; sleep 1")).await
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!free(&gate));
    let output = run.await.unwrap().unwrap().text();
    assert!(!output.contains("gate"), "{output}");
    assert!(free(&gate), "the answer comes after the lock is gone");
}

#[tokio::test]
async fn a_program_that_is_given_up_releases_the_gate_when_it_has_ended() {
    let leased = Leased::new().await;
    leased.record("mine", 60.0);
    let (gate, fenced, mark) = (leased.path("gate"), leased.fenced(), leased.path("alive"));
    let stubborn = format!("trap '' TERM; while sleep 0.1; do echo >>{}; done", mark.display());
    assert!(tokio::time::timeout(Duration::from_millis(500), fenced.exec(program(&stubborn))).await.is_err());
    let started = Instant::now();
    while !free(&gate) {
        assert!(started.elapsed() < Duration::from_secs(8));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let size = std::fs::metadata(&mark).unwrap().len();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(std::fs::metadata(&mark).unwrap().len(), size, "it ran on after its gate was free");
}

#[tokio::test]
async fn who_takes_the_lease_is_waited_for_and_then_believed() {
    let leased = Leased::new().await;
    leased.record("mine", 60.0);
    for (seconds, begins) in ["1", "9"].into_iter().zip([true, false]) {
        let mut taker = Command::new("flock");
        let mut taker = taker.arg("-x").arg(leased.path("gate")).args(["sleep", seconds]).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let result = leased.fenced().exec(program("cat").input(vec![0; 6_000_000])).await;
        assert_eq!(result.is_ok(), begins, "{:?}", result.map(|output| output.status));
        taker.kill().unwrap();
        taker.wait().unwrap();
    }
}
