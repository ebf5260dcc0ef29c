//! How a stack says where its backups are made.

use crate::base::Component;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The host that makes backup sets and what stands there for it. `imctl backup` starts the unit and reads the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BackupSpec {
    /// The component whose host keeps the sets.
    #[schemars(with = "String")]
    pub on: Component,
    /// Unit that makes a set; KIND stands for full, diff or incr.
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
}
