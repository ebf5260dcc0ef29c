//! What one look at a host saw. A thing that was looked for and is not there is absent from its map.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Other,
}

/// A path as it stands on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathState {
    /// What it is; a link is not followed.
    pub kind: PathKind,
    /// Permission bits as four octal digits, such as `0640`.
    pub mode: String,
    /// Owner's name (its number when it has none).
    pub owner: String,
    /// Group's name (its number when it has none).
    pub group: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex of the content's SHA-256; regular files only.
    pub sha256: Option<String>,
    /// Where a link points to.
    pub target: Option<String>,
}

/// A systemd unit as it stands on a host. A unit that systemd does not know has `load` = `not-found`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UnitState {
    /// `LoadState`: `loaded`, `masked`, `not-found`.
    pub load: String,
    /// `ActiveState`: `active`, `inactive`, `failed`, `activating`.
    pub active: String,
    /// `SubState`: `running`, `dead`, `waiting`.
    pub sub: String,
    /// `UnitFileState`: `enabled`, `disabled`, `static`, `masked`; empty when there is no unit file.
    pub file: String,
    /// `ActiveEnterTimestampMonotonic` in microseconds; 0 when never active.
    pub since: u64,
    /// `NeedDaemonReload`.
    pub needs_reload: bool,
}

/// The answer of a probe script.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Exit status.
    pub status: i32,
    /// Standard output and error together, at most 1 MiB of its end.
    pub out: String,
}

/// Everything one look at one host saw.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Observed {
    /// Paths that exist, of those looked for.
    pub paths: BTreeMap<String, PathState>,
    /// All installed packages: name -> version. Packages not fully installed are left out.
    pub packages: BTreeMap<String, String>,
    /// Packages in a broken state: name -> dpkg's status letters, such as `iF`.
    pub broken_packages: BTreeMap<String, String>,
    /// Units looked for.
    pub units: BTreeMap<String, UnitState>,
    /// Users that exist, of those looked for: name -> `home:shell:group,group`.
    pub users: BTreeMap<String, String>,
    /// Groups that exist, of those looked for: name -> number.
    pub groups: BTreeMap<String, String>,
    /// Kernel settings looked for that can be read: name -> value with single spaces.
    pub sysctls: BTreeMap<String, String>,
    /// Answers of probe scripts by key.
    pub scripts: BTreeMap<String, Answer>,
    /// Contents of files fetched for a diff: path -> text. Never a secret file.
    pub contents: BTreeMap<String, String>,
}
