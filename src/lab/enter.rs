//! The ways into a host, as commands for `cli` to become: over SSH as an operator comes, or from this machine past
//! the network, which also works when the host is cut off.

use super::record::Store;
use super::{LabError, host, needs};
use std::process::Command;

/// The lab's machine that is no peer.
pub const CLIENT: &str = "client";
/// What a command finds in a host, and nothing of this machine's environment.
const ENVIRONMENT: [&str; 5] = [
    "-i",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LC_ALL=C.UTF-8",
    "TERM=xterm-256color",
];

/// The SSH command that logs in to a host.
pub fn login(store: &Store, name: Option<&str>, user: &str, host: &str) -> Result<Command, LabError> {
    let lab = store.find(name)?;
    let host = lab.host(host)?;
    let folder = store.folder(&lab.name);
    let mut command = Command::new("ssh");
    command
        .args(["-F", "none", "-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-i"])
        .arg(folder.join("key"));
    command.arg("-o").arg(format!("UserKnownHostsFile={}", folder.join("known_hosts").display()));
    command.args(["-o", "ConnectTimeout=10"]).arg(format!("{user}@{}", host.address));
    Ok(command)
}

/// The command that runs words in a host as root, past the network; in the client with this machine's own files.
pub fn enter(store: &Store, name: Option<&str>, host: &str, words: &[String]) -> Result<Command, LabError> {
    needs::check(true)?;
    let lab = store.find(name)?;
    if host == CLIENT {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &lab.client()]).args(words);
        return Ok(command);
    }
    let leader = host::leader(&lab, lab.host(host)?);
    let stopped =
        || LabError::Usage(format!("lab host `{host}` is not running: `imctl lab start {host}` starts it"));
    let leader = leader.ok_or_else(stopped)?.to_string();
    let mut command = Command::new("nsenter");
    command.args([
        "--target", &leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
    ]);
    // A host that shuts down stops all its processes for a moment; an nsenter that waits would stop itself with them and wait for
    // ever. A shell waits in its place, and is none of the host's processes; what it
    // runs is a program (never a builtin of its own), so that it is one.
    command
        .args(["--no-fork", "--", "env"])
        .args(ENVIRONMENT)
        .args(["sh", "-c", "env \"$@\"; exit $?", "sh"])
        .args(words);
    Ok(command)
}
