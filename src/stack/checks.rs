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
    /// What only a load test wants to know.
    #[serde(default)]
    pub load: LoadSpec,
}

/// What only a load test wants to know of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LoadSpec {
    /// How one node is stopped and started in order; none = the loss of a node cannot be tried.
    #[serde(default)]
    pub outage: Option<Outage>,
    /// Sessions that instances have room for.
    #[serde(default)]
    pub room: Vec<Room>,
    /// What the product has used so far, for a calibration of the formulas.
    #[serde(default)]
    pub spent: Option<Spent>,
    /// Numbers to look at while a load lasts.
    #[serde(default)]
    pub samples: Vec<SampleSpec>,
}

/// How one node goes and comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Outage {
    /// Component whose first instance it is.
    #[schemars(with = "String")]
    pub on: Component,
    /// POSIX sh, run as root: stops the node in order.
    pub stop: String,
    /// POSIX sh, run as root: starts it and waits until it serves; harmless when it runs.
    pub start: String,
}

/// Sessions that each instance of a component has room for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Room {
    /// The component.
    #[schemars(with = "String")]
    pub on: Component,
    /// Renders to a number.
    pub sessions: String,
    /// What sets the limit, and what raises it.
    pub because: String,
}

/// What the product has used so far on a host, and the constants of `sizing.yml` that follow from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Spent {
    /// Component whose every host is asked.
    #[schemars(with = "String")]
    pub on: Component,
    /// POSIX sh, run as root: prints milliseconds of processor since it started.
    pub cpu_ms: String,
    /// POSIX sh, run as root: prints KiB of memory in use.
    pub memory_kib: String,
    /// Which constants.
    pub constants: Constants,
}

/// Constants of `sizing.yml` by what they are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Constants {
    /// Milliseconds of processor a login.
    pub login_cpu: String,
    /// Milliseconds of processor a delivery.
    pub delivery_cpu: String,
    /// KiB a session.
    pub session_memory: String,
}

/// A number to look at every few seconds while a load lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SampleSpec {
    /// What it is, in a few words.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Component whose every host is asked.
    #[schemars(with = "String")]
    pub on: Component,
    /// POSIX sh, run as root, that prints one number within a second or two and changes nothing.
    pub run: String,
    /// Renders to the number beyond which it is much; none = it is only told.
    #[serde(default)]
    pub high: Option<String>,
    /// What helps then.
    #[serde(default)]
    pub helps: String,
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
