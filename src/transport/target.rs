//! Where a connection goes and how: wishes as the inventory writes them, and targets with everything decided.

use crate::base::Secret;
use std::path::{Path, PathBuf};

/// What is wished for a host; the operator's SSH configuration fills in what is not said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// IPv4 or IPv6 address, DNS name, or a `Host` of the operator's SSH configuration.
    pub address: String,
    /// Login user; none = the operator's SSH configuration, then the local user name.
    pub user: Option<String>,
    /// Port; none = the operator's SSH configuration, then 22.
    pub port: Option<u16>,
    /// Private key file, the only key tried; none = the operator's SSH configuration, the agent, the usual names.
    pub key: Option<PathBuf>,
    /// Whether the agent may be asked.
    pub agent: bool,
    /// File that holds the login password (0600).
    pub password_file: Option<PathBuf>,
    /// Jump hosts, `[user@]host[:port]` with commas between, in the order of travel; `none` = none.
    pub jump: Option<String>,
    /// How root rights are had.
    pub sudo: Sudo,
    /// `known_hosts` file; none = the operator's own.
    pub known_hosts: Option<PathBuf>,
    /// Whether `~/.ssh/config` counts.
    pub config: bool,
}

/// A host to connect to, with everything decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The ways in, jump hosts first; the last is the host itself. Never empty.
    pub hops: Vec<Hop>,
    /// How root rights are had on the host itself.
    pub sudo: Sudo,
}

impl Target {
    /// The host itself.
    pub fn last(&self) -> &Hop {
        self.hops.last().expect("a target is made with at least one hop")
    }
}

/// One SSH server on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Address or DNS name.
    pub address: String,
    /// Port.
    pub port: u16,
    /// Login user.
    pub user: String,
    /// What to log in with.
    pub auth: Auth,
    /// `known_hosts` files in order; a new key is recorded in the first.
    pub known_hosts: Vec<PathBuf>,
    /// `HostKeyAlias`: the name looked for in `known_hosts` instead of the address.
    pub alias: Option<String>,
    /// `StrictHostKeyChecking yes`: never ask about an unknown host.
    pub strict: bool,
}

impl Hop {
    /// `address:port` for messages, IPv6 addresses in brackets.
    pub fn label(&self) -> String {
        if self.address.contains(':') {
            format!("[{}]:{}", self.address, self.port)
        } else {
            format!("{}:{}", self.address, self.port)
        }
    }

    /// The name under which `known_hosts` files know this hop.
    pub fn known_as(&self) -> String {
        match (&self.alias, self.port) {
            (Some(alias), _) => alias.to_lowercase(),
            (None, 22) => self.address.to_lowercase(),
            (None, port) => format!("[{}]:{port}", self.address.to_lowercase()),
        }
    }
}

/// What to log in with, in the order: key files that are not encrypted or are in the agent, other keys of the
/// agent, encrypted key files, password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Auth {
    /// Private key files.
    pub keys: Vec<PathBuf>,
    /// The keys were named by the operator: one that is missing or unreadable is an error.
    pub named: bool,
    /// Socket of the agent.
    pub agent: Option<PathBuf>,
    /// Only identities of the agent that belong to `keys`.
    pub only: bool,
    /// File with the password (0600).
    pub password_file: Option<PathBuf>,
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

/// Whoever answers questions that come up while connecting. May block; one question at a time.
pub trait Asker: Send + Sync {
    /// Whether the key of a host that is not known yet is to be trusted and recorded.
    fn trust(&self, host: &str, kind: &str, fingerprint: &str) -> bool;
    /// The passphrase of a key file.
    fn passphrase(&self, key: &Path) -> Option<Secret<String>>;
    /// A password, such as "password of `ops` at 10.0.0.1:22".
    fn password(&self, what: &str) -> Option<Secret<String>>;
}

/// Nobody is there: every question is answered with no.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Asker for Nobody {
    fn trust(&self, _host: &str, _kind: &str, _fingerprint: &str) -> bool {
        false
    }
    fn passphrase(&self, _key: &Path) -> Option<Secret<String>> {
        None
    }
    fn password(&self, _what: &str) -> Option<Secret<String>> {
        None
    }
}
