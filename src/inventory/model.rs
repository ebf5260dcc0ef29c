//! The inventory as the rest of imctl sees it: checked, with every default filled in.

use super::places::Places;
use crate::base::{Component, HostName, Role};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A checked inventory.
#[derive(Debug, Clone, PartialEq)]
pub struct Inventory {
    /// The file it came from; `.imctl/` stands beside it.
    pub path: PathBuf,
    /// Deployment name.
    pub name: String,
    /// Domain of the service.
    pub domain: String,
    /// Folder name of the stack under `templates/`, or a path to a stack's folder.
    pub stack: String,
    /// Version wanted; none = the stack's default.
    pub version: Option<String>,
    /// Hosts in the order of the file.
    pub hosts: Vec<Host>,
    /// How big the service is to be.
    pub targets: Option<Targets>,
    /// Where certificates come from.
    pub tls: Tls,
    /// Settings of components for all hosts: component -> key -> value.
    pub settings: BTreeMap<Component, Map<String, Value>>,
    /// Free variables for templates.
    pub variables: Map<String, Value>,
    /// Which bundle is trusted and how it is built.
    pub bundle: Bundle,
    /// How the secrets of `.imctl/` are opened.
    pub secrets: Secrets,
    /// Security rules that fail and that somebody answers for.
    pub waivers: Vec<Waiver>,
    /// Where everything stands in the file, for mistakes found later.
    pub places: Places,
}

/// Somebody answers for it that a security rule fails, until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The rule.
    pub id: String,
    /// Only on this host; none = on all.
    pub host: Option<HostName>,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day.
    pub until: Date,
}

/// One host.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// Its name in the inventory.
    pub name: HostName,
    /// Address that imctl and the other hosts use: IPv4, IPv6 or a DNS name.
    pub address: String,
    /// What it does.
    pub roles: Vec<Role>,
    /// How to reach it.
    pub ssh: Ssh,
    /// What the host cannot do, such as `clock`, `sysctl`, `apparmor`.
    pub limits: Vec<String>,
    /// Settings of components on this host only.
    pub settings: BTreeMap<Component, Map<String, Value>>,
    /// Variables of this host only.
    pub variables: Map<String, Value>,
}

/// How to reach a host. What the inventory does not say comes from the operator's `~/.ssh/config`, then from defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ssh {
    /// Login user; none = the operator's SSH configuration, then the local user name.
    pub user: Option<String>,
    /// Port; none = the operator's SSH configuration, then 22.
    pub port: Option<u16>,
    /// Private key file; none = the operator's SSH configuration, the agent, then the usual names in `~/.ssh`.
    pub key: Option<PathBuf>,
    /// Whether the agent may be asked.
    pub agent: bool,
    /// File that holds the login password (0600).
    pub password_file: Option<PathBuf>,
    /// Whether the login password is asked for once.
    pub ask_password: bool,
    /// Jump host, `[user@]host[:port]`.
    pub jump: Option<String>,
    /// How root rights are had.
    pub sudo: Sudo,
    /// `known_hosts` files; empty = the operator's own.
    pub known_hosts: Option<PathBuf>,
    /// Whether `~/.ssh/config` counts.
    pub config: bool,
}

/// How root rights are had on a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Sudo {
    /// The login user is root.
    #[default]
    No,
    /// `sudo -n`, without a password.
    Passwordless,
    /// With the password in this file (0600).
    PasswordFile(PathBuf),
    /// With a password that is asked for once.
    Ask,
}

/// How big the service is to be; every amount is optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Targets {
    /// Accounts.
    pub users: Option<u64>,
    /// Online at the same time.
    pub online: Option<u64>,
    /// Messages a user and day.
    pub messages_per_user_day: Option<u64>,
    /// Mean message size in bytes.
    pub message_bytes: Option<u64>,
    /// Days of message history.
    pub retention_days: Option<u64>,
    /// Bytes of files a user and day.
    pub files_per_user_day: Option<u64>,
    /// Days files are kept.
    pub file_retention_days: Option<u64>,
}

/// Where certificates come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    /// A private CA made by imctl.
    #[default]
    Private,
    /// The operator's own certificate for the names clients see; links inside use the private CA all the same.
    Own {
        /// Certificate, PEM.
        certificate: PathBuf,
        /// Key, PEM.
        key: PathBuf,
        /// Chain up to the root, PEM.
        chain: PathBuf,
    },
}

/// Which bundle is trusted and how it is built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    /// Folder of the bundle; `--bundle` wins.
    pub path: Option<PathBuf>,
    /// Minisign public keys (the base64 line): the only trust anchor.
    pub trusted_keys: Vec<String>,
    /// Package mirror to build from; none = the building machine's own apt sources.
    pub mirror: Option<String>,
}

/// How the secrets of `.imctl/` are opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// SSH key file that unwraps the identity.
    pub ssh_key: Option<PathBuf>,
    /// File with the passphrase (0600).
    pub passphrase_file: Option<PathBuf>,
}

impl Inventory {
    /// The host of that name.
    pub fn host(&self, name: &HostName) -> Option<&Host> {
        self.hosts.iter().find(|host| host.name == *name)
    }
}
