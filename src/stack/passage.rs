//! What a stack says about coming from one of its versions to another.

use super::Stack;
use super::model::Hook;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What it takes to come from one version to another while both run. Each hook runs on the first host of its component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Passage {
    /// Before the first host has the new version: from then on both versions work.
    #[serde(default)]
    pub expand: Option<Hook>,
    /// After the last host has it: from then on the version before works no more.
    #[serde(default)]
    pub contract: Option<Hook>,
    /// Columns (`table.column`) that one version has and the other has not, and that both can live with after `expand`.
    #[serde(default)]
    pub covers: Vec<String>,
}

/// A file of a package that holds the product's tables as SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SchemaSpec {
    /// The package.
    pub package: String,
    /// The file within it, without the first slash.
    pub file: String,
}

/// How a copy of the data is kept on a host. String leaves are templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Keep {
    /// Makes the copy; runs on the first host of its component.
    pub hook: Hook,
    /// Where the copy stands on that host.
    pub path: String,
}

/// How one version's place is taken by another's.
#[derive(Debug, Clone, PartialEq)]
pub struct Way<'a> {
    /// What it takes.
    pub passage: &'a Passage,
    /// It is the way back to the older one.
    pub back: bool,
}

impl Stack {
    /// The way from one version to another; none when the stack knows no such way.
    pub fn way(&self, from: &str, to: &str) -> Option<Way<'_>> {
        let known = |older: &str, newer: &str| self.file.versions.get(newer)?.from.get(older);
        let forth = known(from, to).map(|passage| Way { passage, back: false });
        forth.or_else(|| known(to, from).map(|passage| Way { passage, back: true }))
    }
}
