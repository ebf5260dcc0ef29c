//! What every connection can do, whichever way it was made.

use super::series::{Deed, Series, one_by_one};
use crate::base::{Bytes, Secret};
use futures_util::future::BoxFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// One remote execution: a POSIX sh program that travels over standard input (never in argv), run as root.
#[derive(Debug, Clone)]
pub struct Exec {
    /// The program.
    pub script: String,
    /// What the program reads on its standard input after itself.
    pub input: Secret<Vec<u8>>,
    /// Run as root (through sudo where the login is not root); else as the login user.
    pub root: bool,
    /// After this the program is ended on the host and the call fails with `LinkError::Deadline`.
    pub within: Duration,
}

impl Exec {
    /// A program as root without input.
    pub fn new(script: impl Into<String>, within: Duration) -> Self {
        Self { script: script.into(), input: Secret::new(Vec::new()), root: true, within }
    }

    /// Gives the program something to read.
    #[must_use]
    pub fn input(mut self, input: Vec<u8>) -> Self {
        self.input = Secret::new(input);
        self
    }
}

/// What a remote execution left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Exit status; 128 + n when a signal ended it.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Both outputs as text, trimmed: what a person needs to see of a failure.
    pub fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&self.stderr));
        text.trim().to_owned()
    }
}

/// A remote port forward: connections to `port` on the host's loopback reach a listener of ours until it is dropped.
pub struct Forward {
    /// The port on the host.
    pub port: u16,
    /// Ends the forward when dropped.
    pub guard: Box<dyn Send + Sync>,
}

/// The lease that must hold on a host for a program of ours to begin there; while one runs, nobody else takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// File whose first line is the holder's token, a space, and the `/proc/uptime` second at which the lease ends.
    pub record: String,
    /// File that a running program holds locked (shared); who takes the lease over locks it alone first.
    pub gate: String,
    /// The token that must stand in the record.
    pub token: String,
}

/// Why a connection could not do what was asked. The message names no secret.
#[derive(Debug, Error)]
pub enum LinkError {
    /// No connection: the address, and the cause.
    #[error("cannot connect to {address}: {cause}")]
    Connect {
        /// Where to.
        address: String,
        /// What happened.
        cause: String,
    },
    /// The host refused the login.
    #[error("the login as `{user}` at {address} was refused; tried {tried}")]
    Login {
        /// The user.
        user: String,
        /// Where to.
        address: String,
        /// What was tried, in words.
        tried: String,
    },
    /// The host's key is another than the one recorded, or revoked.
    #[error("{address} shows another host key than the one recorded")]
    HostKey {
        /// Where to.
        address: String,
        /// Fingerprint on record.
        recorded: String,
        /// Fingerprint shown.
        shown: String,
        /// File and line of the record.
        place: String,
    },
    /// The host's key, or the authority behind its certificate, is marked as revoked.
    #[error("{address} shows a host key that {place} revokes")]
    Revoked {
        /// Where to.
        address: String,
        /// Fingerprint shown.
        shown: String,
        /// File and line of the mark.
        place: String,
    },
    /// The host shows a certificate that a recorded authority signed, but that does not hold.
    #[error("the host certificate of {address} is not valid: {cause}")]
    Certificate {
        /// Where to.
        address: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A key, password or `known_hosts` file on this side cannot be used.
    #[error("`{path}` cannot be used: {cause}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The host is not known yet and nobody accepted it.
    #[error("{address} is not known yet; it shows {shown}")]
    UnknownHost {
        /// Where to.
        address: String,
        /// Fingerprint shown.
        shown: String,
    },
    /// Root rights are wanted and not to be had.
    #[error("`sudo` refused on {address}: {cause}")]
    Sudo {
        /// Where.
        address: String,
        /// What sudo said.
        cause: String,
    },
    /// The login works, but no program can be run.
    #[error("no program can be run on {address}: {cause}")]
    Shell {
        /// Where.
        address: String,
        /// What the host said instead.
        cause: String,
    },
    /// A file could not be written.
    #[error("cannot write `{path}` on {address}: {cause}")]
    Upload {
        /// Where.
        address: String,
        /// The file.
        path: String,
        /// What the host said.
        cause: String,
    },
    /// A program wrote more than anybody can want to read, and was ended.
    #[error("a program on {address} wrote more than {limit}")]
    Flood {
        /// Where.
        address: String,
        /// The limit.
        limit: Bytes,
    },
    /// The connection broke.
    #[error("the connection to {address} was lost: {cause}")]
    Lost {
        /// Where to.
        address: String,
        /// What happened.
        cause: String,
    },
    /// It took too long and was ended.
    #[error("no answer from {address} within {within:?}")]
    Deadline {
        /// Where to.
        address: String,
        /// The limit.
        within: Duration,
    },
    /// The lease under which the program was to run is no longer ours: it did not begin.
    #[error("the lease on {address} is no longer ours: {cause}")]
    Fenced {
        /// Where.
        address: String,
        /// Whether it ended or was taken.
        cause: String,
    },
    /// The host does not allow what was asked, such as forwarding.
    #[error("{address} does not allow {what}")]
    NotAllowed {
        /// Where.
        address: String,
        /// What was asked.
        what: String,
    },
}

/// An open connection to one host. Calls may run at the same time; each is its own channel.
pub trait Session: Send + Sync {
    /// Runs a program to its end.
    fn exec(&self, exec: Exec) -> BoxFuture<'_, Result<Output, LinkError>>;

    /// Writes a file whole as root: temporary name in the same folder, mode, owner and group, fsync, rename,
    /// fsync of the folder. The content is never readable by others, not for a moment.
    fn upload<'a>(
        &'a self,
        path: &'a str,
        content: &'a [u8],
        mode: &'a str,
        owner: &'a str,
        group: &'a str,
    ) -> BoxFuture<'a, Result<(), LinkError>>;

    /// Does deeds one after the other, up to the first that fails; where it can, in one program.
    fn series<'a>(&'a self, deeds: &'a [Deed<'a>]) -> BoxFuture<'a, Result<Series, LinkError>> {
        Box::pin(one_by_one(self, deeds))
    }

    /// Opens `127.0.0.1:port` on the host (0 = any free port) and joins each connection there to `to` here.
    fn forward(&self, port: u16, to: SocketAddr) -> BoxFuture<'_, Result<Forward, LinkError>>;

    /// Opens a second, new connection to the same host, to prove that one can still come in.
    fn again(&self) -> BoxFuture<'_, Result<Box<dyn Session>, LinkError>>;

    /// The same connection, on which programs and uploads begin only while the lease holds.
    fn fenced(&self, fence: Fence) -> Arc<dyn Session>;

    /// Closes the connection; never fails.
    fn close(&self) -> BoxFuture<'_, ()>;
}
