//! imctl as a child that can be stopped in the middle.

use super::world::{World, both, text};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Begins imctl.
pub(crate) fn begin(words: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_imctl"))
        .args(words)
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("imctl can be started")
}

/// Waits for its end: exit code and all it printed.
pub(crate) fn end(child: Child) -> (i32, String) {
    let output = child.wait_with_output().expect("it ends");
    (output.status.code().unwrap_or(-1), both(&output))
}

/// Sends it a signal.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(sent.expect("kill can be started").success());
}

/// Begins an install of the relay and returns as soon as its first step has begun.
pub(crate) fn in_a_step(world: &World, file: &Path) -> Child {
    let runs = world.path(".imctl/relay-test/runs");
    let count = || std::fs::read_dir(&runs).map_or(0, Iterator::count);
    let before = count();
    let child = begin(&["install", "-y", "--reason", "a test", "-i", text(file)]);
    let begun = || {
        let mut folders: Vec<_> =
            std::fs::read_dir(&runs).into_iter().flatten().flatten().map(|it| it.path()).collect();
        folders.sort();
        let log = folders.last().map(|folder| folder.join("events.jsonl"));
        count() > before
            && log.and_then(|log| std::fs::read_to_string(log).ok()).is_some_and(|log| log.contains("step"))
    };
    for _ in 0..4000 {
        if begun() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(begun(), "no step has begun");
    child
}
