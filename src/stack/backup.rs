//! How a stack says where its backups are made.

use super::model::Hook;
use crate::base::Component;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The host that makes backup sets and what stands there for it. `imctl backup` starts the unit and reads the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BackupSpec {
    /// The component whose host keeps the sets.
    #[schemars(with = "String")]
    pub on: Component,
    /// Unit that makes a set; KIND stands for full, diff, incr or auto.
    pub unit: String,
    /// File with the unit's progress.
    pub progress: String,
    /// imctl on that host.
    pub program: String,
    /// The user that it runs as.
    pub user: String,
    /// Its job: what is read from where.
    pub job: String,
    /// The secret that sets are signed with, a key pair of that component.
    pub signed_with: String,
    /// How a set is brought back, in this order.
    #[serde(default)]
    pub restore: Vec<RestoreStep>,
}

/// A step of a restore.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RestoreStep {
    /// The part that it brings back, on the first host of its component. Without one it runs on all of them.
    #[serde(default)]
    pub part: Option<String>,
    /// Without `part`: only where this part is brought back.
    #[serde(default)]
    pub beside: Option<String>,
    /// The part's files are unpacked into the folder `$repo` first; otherwise the script reads them, one after the other.
    #[serde(default)]
    pub unpack: bool,
    /// Secrets that it needs, one a file in the folder `$secrets`.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What is done where: `$set`, `$label`, `$target` are known to the script.
    pub hook: Hook,
}
