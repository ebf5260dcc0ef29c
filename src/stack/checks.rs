//! `checks.yml` of a stack: how clients reach the service, and what only this product can be asked.
//! It does not know how a check is judged.

use crate::base::Component;
use crate::record::Words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `checks.yml`. String leaves are templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ChecksFile {
    /// How clients reach the service; none = the outside proof does not apply.
    #[serde(default)]
    pub service: Option<Service>,
    /// Questions to the hosts.
    #[serde(default)]
    pub checks: Vec<CheckSpec>,
}

/// The protocol that clients speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Service {
    /// XMPP.
    Xmpp(XmppService),
}

/// A listening port of a component, on every host that carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Door {
    /// The component.
    #[schemars(with = "String")]
    pub component: Component,
    /// The port's name within it.
    pub port: String,
}

/// Where an XMPP service is and what it offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct XmppService {
    /// Domain of the accounts.
    pub domain: String,
    /// Where clients connect and upgrade to TLS.
    pub starttls: Door,
    /// Where clients connect with TLS from the first byte.
    #[serde(default)]
    pub direct_tls: Option<Door>,
    /// Where files are put and fetched.
    #[serde(default)]
    pub https: Option<Door>,
    /// Domain of group chats.
    pub conference: String,
    /// Domain of the upload service; none = files are not offered.
    #[serde(default)]
    pub upload: Option<String>,
    /// Component that holds the sessions; more than one of it makes a cluster.
    #[schemars(with = "String")]
    pub app: Component,
    /// Tells which node a session is on.
    #[serde(default)]
    pub whereabouts: Option<Whereabouts>,
    /// Tells how many sessions there are: prints one number.
    #[serde(default)]
    pub online: Option<Whereabouts>,
}

/// A question to the product: a script on one instance. `whereabouts` reads user names, a line each, and prints
/// `user TAB resource TAB node`; `online` prints a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Whereabouts {
    /// Component whose first instance is asked.
    #[schemars(with = "String")]
    pub on: Component,
    /// POSIX sh, run as root.
    pub run: String,
}

/// How a check's answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Parser {
    /// As text without surrounding white space.
    Text,
    /// As a list of lines, empty ones left out.
    Lines,
    /// As JSON.
    Json,
    /// As one number.
    Number,
    /// As CSV with a heading line: a list of objects.
    Csv,
    /// Only the exit status counts.
    Status,
}

/// How bad it is when a check does not pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The service is not as promised.
    #[default]
    Failure,
    /// Worth a look.
    Warning,
}

/// A question to every host of a component, with what the answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CheckSpec {
    /// Area and number, such as `CLUSTER-01`.
    pub id: String,
    /// What is judged.
    pub what: String,
    /// Component whose every host is asked.
    #[schemars(with = "String")]
    pub on: Component,
    /// POSIX sh run as root; it changes nothing.
    pub run: String,
    /// How its standard output is read.
    pub parse: Parser,
    /// Template expression, true when all is well; sees `value`, `status` and the instance's context.
    pub pass: String,
    /// What to show as seen; none = the value itself.
    #[serde(default)]
    pub seen: Option<String>,
    /// What is wanted.
    pub needed: String,
    /// Why it matters.
    pub because: String,
    /// What helps.
    pub fix: String,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// Time limit of the script.
    #[serde(default = "twenty_seconds")]
    pub within: String,
    /// Template expression; the check applies only when it is true.
    #[serde(default)]
    pub when: Option<String>,
    /// Why it does not apply, shown when `when` is false.
    #[serde(default)]
    pub not_applicable: Option<String>,
    /// The same texts in Chinese.
    #[serde(default)]
    pub zh: Option<Words>,
    /// Why it does not apply, in Chinese.
    #[serde(default)]
    pub zh_not_applicable: Option<String>,
}

fn twenty_seconds() -> String {
    "20s".to_owned()
}
