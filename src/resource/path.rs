//! What kinds that own a path have in common: defaults of mode and owner, and how a path differs from what
//! is wanted of it.

use crate::base::quote;
use crate::record::{PathKind, PathState};
use sha2::{Digest, Sha256};

pub(super) fn root() -> String {
    "root".to_owned()
}

pub(super) fn mode_0644() -> String {
    "0644".to_owned()
}

pub(super) fn mode_0755() -> String {
    "0755".to_owned()
}

/// Lower-case hex of the SHA-256 of some bytes, as `PathState` has it.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Folders whose layout is the host's own; a link among them is no trap.
const SYSTEM: [&str; 16] = [
    "/bin",
    "/etc",
    "/etc/systemd",
    "/etc/systemd/system",
    "/lib",
    "/opt",
    "/srv",
    "/usr",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/run",
];

/// A piece of script that ends with an error where a folder above a path is a link: what is taken away is what imctl put
/// there, and not what somebody made its place lead to.
pub(super) fn no_link_above(path: &str) -> String {
    let mut script = String::new();
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/').filter(|(above, _)| !above.is_empty()) {
        folder = above;
        if SYSTEM.contains(&folder) {
            break;
        }
        let (folder, path) = (quote(folder), quote(path));
        script.extend([format!(
            "if [ -L {folder} ]; then\n  echo {folder} is a link to \"$(readlink -- {folder})\": imctl follows no link \\\n    \
             out of its folders, so {path} stays. Look who made it, remove the link, run again >&2\n  exit 1\nfi\n"
        )]);
    }
    script
}

/// What a path is, in words.
pub(super) fn kind_name(kind: PathKind) -> &'static str {
    match kind {
        PathKind::File => "a file",
        PathKind::Directory => "a directory",
        PathKind::Link => "a link",
        PathKind::Other => "a special file",
    }
}

/// Mode and owner that are wanted of a path.
pub(super) struct Access<'a> {
    pub(super) mode: &'a str,
    pub(super) owner: &'a str,
    pub(super) group: &'a str,
}

impl Access<'_> {
    /// Says how mode and owner differ, such as `mode 0644 -> 0640`; empty when they are right.
    pub(super) fn differences(&self, seen: &PathState) -> Vec<String> {
        let mut differences = Vec::new();
        if octal(&seen.mode) != octal(self.mode) {
            differences.push(format!("mode {} -> {}", seen.mode, self.mode));
        }
        if seen.owner != self.owner || seen.group != self.group {
            differences.push(format!("owner {}:{} -> {}:{}", seen.owner, seen.group, self.owner, self.group));
        }
        differences
    }

    /// Mode and owner in words, said only where they are not what everybody expects.
    pub(super) fn words(&self, usual_mode: &str) -> Vec<String> {
        let mut words = Vec::new();
        if octal(self.mode) != octal(usual_mode) {
            words.push(format!("mode {}", self.mode));
        }
        if self.owner != "root" || self.group != "root" {
            words.push(format!("owner {}:{}", self.owner, self.group));
        }
        words
    }
}

/// Compares `640` and `0640` as equal; a mode that is no octal number equals nothing that was seen.
fn octal(mode: &str) -> Option<u32> {
    u32::from_str_radix(mode, 8).ok()
}
