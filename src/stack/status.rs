//! `status.yml` of a stack: the figures that only this product can be asked for, for `imctl status`.
//! It does not know how they are judged or shown.

use crate::base::Component;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `status.yml`. String leaves are templates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StatusFile {
    /// Figures in the order in which they are shown.
    pub figures: Vec<FigureSpec>,
}

/// One figure of every instance of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FigureSpec {
    /// Its name, the head of its column.
    pub name: String,
    /// What it tells, in one sentence.
    pub about: String,
    /// Component whose every instance is asked.
    #[schemars(with = "String")]
    pub on: Component,
    /// POSIX sh, run as root, five seconds at most; it changes nothing.
    pub run: String,
    /// How its standard output is read.
    pub read: Reading,
    /// Unit behind a number.
    #[serde(default)]
    pub unit: String,
    /// What is shown; sees `value`. None = the value itself.
    #[serde(default)]
    pub shown: Option<String>,
    /// Expression over `value`, true when it is worth a look.
    #[serde(default)]
    pub warn: Option<String>,
    /// Expression over `value`, true when something is broken.
    #[serde(default)]
    pub fail: Option<String>,
    /// What is told when `warn` or `fail` holds; sees `value`.
    #[serde(default)]
    pub says: String,
    /// What helps then.
    #[serde(default)]
    pub helps: String,
}

/// How the answer of a figure is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// A number.
    Number,
    /// Text without the line end.
    Text,
    /// The members of a cluster as this instance sees them, a line each: `host.fqdn`, `host.name` or `host.address`; judged over all
    /// instances, each must see all.
    Members,
}
