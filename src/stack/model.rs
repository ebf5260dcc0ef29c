//! A stack as its folder says it: `stack.yml` parsed into types, string leaves still templates.
//!
//! Templates see keys with `_` where YAML has `-`.

use super::backup::BackupSpec;
use super::passage::{Keep, Passage, SchemaSpec};
use super::rotation::Rotation;
use crate::base::{Component, Role};
use crate::resource::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// `stack.yml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StackFile {
    /// Name, equal to the folder's.
    pub name: String,
    /// One sentence for people.
    pub title: String,
    /// Versions that can be chosen.
    pub versions: BTreeMap<String, Version>,
    /// Platforms it runs on, such as `debian-12-amd64`.
    pub platforms: Vec<String>,
    /// Roles a host can have: role -> what it means.
    #[schemars(with = "BTreeMap<String, RoleSpec>")]
    pub roles: BTreeMap<Role, RoleSpec>,
    /// Secrets made once for a deployment: name -> shape.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSpec>,
    /// How secrets are changed while they are in use: name -> what that takes. One that is not here cannot be.
    #[serde(default)]
    pub rotations: BTreeMap<String, Rotation>,
    /// Certificates made by the private CA: name -> who it is for.
    #[serde(default)]
    pub certificates: BTreeMap<String, CertificateSpec>,
    /// Components in the order of the file.
    pub components: Vec<ComponentSpec>,
    /// Files of this folder (relative) with product checks, user provisioning and the client sheet.
    #[serde(default)]
    pub checks: Option<String>,
    /// What only this product can be asked about its security, for `imctl scan`.
    #[serde(default)]
    pub scan: Option<String>,
    /// How accounts are made and kept, for `imctl user`.
    #[serde(default)]
    pub users: Option<String>,
    /// Which machines a service of a given size needs.
    #[serde(default)]
    pub sizing: Option<String>,
    /// Figures that only this product can be asked for, for `imctl status`.
    #[serde(default)]
    pub status: Option<String>,
    /// Ways to lay the roles on hosts, for a first inventory: name -> shape.
    #[serde(default)]
    pub shapes: BTreeMap<String, HostsShape>,
    /// DNS records that clients need to find the service.
    #[serde(default)]
    pub dns: Vec<DnsSpec>,
    /// Numbers that preflight checks compare with, where the stack wants others: id of the check -> number.
    #[serde(default)]
    pub preflight: BTreeMap<String, f64>,
    /// What the bundle must hold beyond packages: name -> how it is built or given.
    #[serde(default)]
    pub artifacts: BTreeMap<String, ArtifactSpec>,
    /// Where the product's tables are written down, so that two versions can be compared before one takes the other's place.
    #[serde(default)]
    pub schema: Option<SchemaSpec>,
    /// How a copy of the data is kept before a step that cannot be undone.
    #[serde(default)]
    pub keep: Option<Keep>,
    /// Where backup sets are made, for `imctl backup`.
    #[serde(default)]
    pub backup: Option<BackupSpec>,
}

/// A way to lay the roles on hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HostsShape {
    /// One sentence for people: what fails with which host.
    pub about: String,
    /// Whether a failure of one host is meant not to be felt; then each group has as many hosts as its roles need.
    #[serde(default)]
    pub ha: bool,
    /// Groups of hosts that do the same.
    pub groups: Vec<HostsGroup>,
}

/// Hosts that do the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HostsGroup {
    /// What their names begin with, such as `app`.
    pub name: String,
    /// Their roles.
    #[schemars(with = "Vec<String>")]
    pub roles: Vec<Role>,
}

/// A DNS record, or one for each host: addresses of a component's hosts, or where a service is found. String leaves are
/// templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DnsSpec {
    /// Its name, without the dot at the end.
    pub name: String,
    /// The component whose hosts it leads to.
    #[schemars(with = "String")]
    pub of: Component,
    /// Name of the port where the service is; then it is an SRV record.
    #[serde(default)]
    pub port: Option<String>,
    /// What an SRV record leads to.
    #[serde(default)]
    pub target: Option<String>,
    /// What it is for.
    pub about: String,
}

/// A version of a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Version {
    /// Chosen when the inventory names none.
    #[serde(default)]
    pub default: bool,
    /// Values templates see as `versions.NAME`.
    pub values: BTreeMap<String, String>,
    /// Package suites beside the base ones: suite -> package name globs taken from it, and only these.
    #[serde(default)]
    pub suites: BTreeMap<String, Vec<String>>,
    /// Packages the bundle must hold for this version, with their dependencies.
    pub packages: Vec<String>,
    /// Versions that a service may come from, and what that takes. The way back is the same one.
    #[serde(default)]
    pub from: BTreeMap<String, Passage>,
}

/// What a role is for and how many hosts may have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoleSpec {
    /// One sentence for people.
    pub about: String,
    /// At least so many hosts.
    #[serde(default)]
    pub min: usize,
    /// At most so many hosts; none = any number.
    #[serde(default)]
    pub max: Option<usize>,
    /// Counts that are not allowed, with the reason.
    #[serde(default)]
    pub not: BTreeMap<usize, String>,
    /// Counts that work but deserve a warning, with the reason.
    #[serde(default)]
    pub warn: BTreeMap<usize, String>,
    /// Counts that cannot be gone below once they were reached, with the reason.
    #[serde(default)]
    pub once: BTreeMap<usize, String>,
    /// Roles that may not be on the same host, with the reason.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub apart: BTreeMap<Role, String>,
    /// Its hosts keep data of users: one leaves only by a typed confirmation.
    #[serde(default)]
    pub data: bool,
}

/// The shape of a generated secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSpec {
    /// Letters and digits, so many.
    Alphanumeric(usize),
    /// Lower-case hex of so many random bytes.
    Hex(usize),
    /// An ed25519 key pair for every host of a component; templates see `secrets.NAME[host].public` and `.private` in hex.
    Ed25519(#[schemars(with = "String")] Component),
}

/// A certificate by the private CA. String leaves are templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CertificateSpec {
    /// One for each host of this component.
    #[schemars(with = "String")]
    pub component: Component,
    /// Subject common name.
    pub common_name: String,
    /// DNS names and IP addresses.
    pub names: Vec<String>,
    /// True when clients see it: the inventory's own certificate stands in its place.
    #[serde(default)]
    pub public: bool,
}

/// An artifact of the bundle that is no package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArtifactSpec {
    /// Version, for people and the cache.
    pub version: String,
    /// Licence (SPDX).
    pub license: String,
    /// How it is had.
    pub source: ArtifactSource,
    /// Only where the inventory has hosts of this role.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub role: Option<Role>,
}

/// Where an artifact comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ArtifactSource {
    /// Built by cargo from the crate registry.
    Crate {
        /// Crate name.
        name: String,
        /// Features, without the default ones.
        features: Vec<String>,
        /// Program within the crate.
        bin: String,
    },
    /// A file of the stack's folder.
    File(String),
    /// imctl itself, for hosts that run it; its version is that of the program that builds the bundle.
    Imctl,
}

/// A component: what stands on each host of a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ComponentSpec {
    /// Its name.
    #[schemars(with = "String")]
    pub name: Component,
    /// Role whose hosts carry it; `all` = every host.
    #[schemars(with = "String")]
    pub role: Role,
    /// Components that must stand before it.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub needs: Vec<Component>,
    /// Listening ports by name; drives firewall, port matrix, mesh check and exposure scan.
    #[serde(default)]
    pub ports: BTreeMap<String, PortSpec>,
    /// Settings with default and meaning; the inventory may set exactly these.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingSpec>,
    /// What stands on the host, in order.
    #[serde(default)]
    pub resources: Vec<Resource>,
    /// What to do around changes.
    #[serde(default)]
    pub hooks: Hooks,
    /// How a change rolls over the hosts.
    #[serde(default)]
    pub rollout: Rollout,
    /// Units of the component, for status and restarts.
    #[serde(default)]
    pub units: Vec<String>,
    /// A change of version cannot be undone without a backup.
    #[serde(default)]
    pub irreversible: bool,
}

/// A listening port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PortSpec {
    /// Number.
    pub port: u16,
    /// `tcp` or `udp`.
    #[serde(default)]
    pub protocol: Protocol,
    /// Who may reach it: component names, `clients` (anybody), `loopback` (nobody from outside).
    pub from: Vec<String>,
    /// What it is for.
    pub about: String,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// A setting of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SettingSpec {
    /// Default; its JSON type is the type the inventory must give (null = anything).
    pub default: Value,
    /// What it does, with its unit.
    pub about: String,
}

/// What to do around changes of an instance. All are optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hooks {
    /// Before a running instance is disturbed: move its load away.
    #[serde(default)]
    pub drain: Option<Hook>,
    /// After it is healthy again: bring the load back.
    #[serde(default)]
    pub undrain: Option<Hook>,
    /// Before its first start, on every instance but the first: become a member.
    #[serde(default)]
    pub join: Option<Hook>,
    /// After its services run: prove that it is well. Also the gate before the next host is touched.
    #[serde(default)]
    pub health: Option<Hook>,
    /// When it leaves for good, on the service that stands.
    #[serde(default)]
    pub leave: Option<Hook>,
    /// When its host is dead and leaves for good: the others, named by `on`, wait for it no more.
    #[serde(default)]
    pub forget: Option<Hook>,
}

/// A hook: a script with its place and its limits. String leaves are templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hook {
    /// One line for the plan, in the present tense.
    pub about: String,
    /// POSIX sh, run as root; 0 = well. Inline text, or `@file.sh.j2` of the stack's folder.
    pub script: String,
    /// Component whose every host runs it, with `target` naming the instance concerned; none = the instance's own host.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub on: Option<Component>,
    /// A script whose status 0 means that there is nothing to do.
    #[serde(default)]
    pub unless: Option<String>,
    /// The script is tried again, each second, for at most this long.
    #[serde(default = "a_minute")]
    pub within: String,
    /// Template expression; the hook exists only when it is true.
    #[serde(default)]
    pub when: Option<String>,
}

fn a_minute() -> String {
    "60s".to_owned()
}

/// How a change rolls over the hosts of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rollout {
    /// Hosts that may be disturbed at the same time; 0 = all together.
    #[serde(default)]
    pub max_unavailable: usize,
}

impl Default for Rollout {
    fn default() -> Self {
        Self { max_unavailable: 1 }
    }
}
