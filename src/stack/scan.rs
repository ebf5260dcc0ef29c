//! `scan.yml` of a stack: what only this product can be asked about its security.

use super::checks::CheckSpec;
use crate::record::{Danger, Words};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `scan.yml`. String leaves of a check are templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScanFile {
    /// Rules in the order in which they are shown.
    pub rules: Vec<ScanSpec>,
}

/// A rule: a check with how bad it is when it fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScanSpec {
    /// The area it counts in, such as `database`.
    pub area: String,
    /// How bad it is when it fails; its `severity` is not asked.
    pub danger: Danger,
    /// Sections of a CIS benchmark.
    pub cis: String,
    /// Clauses of MLPS level 3 (GB/T 22239-2019).
    pub mlps: String,
    /// What is asked, and what the answer must be.
    pub check: CheckSpec,
    /// Its texts in Chinese.
    pub zh: Words,
}
