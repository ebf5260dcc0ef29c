//! Connections to hosts: SSH with checked host keys, and a fake for the engine's tests. Knows nothing of
//! plans or terminals.

mod bootstrap;
mod client;
mod config;
mod config_file;
mod dial;
mod ear;
mod exec;
mod fake;
mod forward;
mod frames;
mod hostkey;
mod idle;
mod keyring;
mod known_hosts;
mod known_hosts_file;
mod login;
mod mouth;
mod options;
mod resolve;
mod series;
mod session;
mod shell;
mod ssh;
mod target;
mod upload;
mod wish;

pub use config::ConfigError;
pub use dial::shown_key;
pub use fake::{Call, Fake};
pub use known_hosts::{Entry, KnownHosts, Marker, fingerprint};
pub use known_hosts_file::{forget, record};
pub use options::Options;
pub use resolve::addresses;
pub use russh::keys::PublicKey;
pub use series::{Deed, Series};
pub use session::{Exec, Fence, Forward, LinkError, Output, Session};
pub use ssh::connect;
pub use target::{Asker, Auth, Hop, Nobody, Sudo, Target, Wish};

#[cfg(test)]
mod tests;
