//! The protocol that clients speak, as a client: bytes to stanzas, TLS, login, one session and what people do with it. It knows
//! addresses, names and passwords, and nothing of plans, stacks or hosts; who proves and who loads the service both stand on it.
//!
//! `xml` and `framer` turn bytes into stanzas, `stream` moves them over TCP and TLS, `sasl` logs in, `client` is one
//! session; `acts` is what people do with it, `managed` counts its stanzas, `files` moves files over HTTPS, `tls` judges certificates.

mod acts;
mod client;
mod files;
mod framer;
mod judged;
mod managed;
mod sasl;
mod stream;
pub mod tls;
mod xml;

pub use acts::{ArchivePage, Room, Slot};
pub use client::{Client, Login};
pub use files::{Fetched, Files};
pub use framer::{Framer, Incoming};
pub use sasl::{Exchange, Proof};
pub use stream::{Door, Stream, condition};
pub use xml::{Element, Node};

use std::time::Duration;
use thiserror::Error;

/// What went wrong between a client and the service. No message holds a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Wrong {
    /// The network: no connection, or it broke.
    #[error("{0}")]
    Network(String),
    /// TLS: certificate, name, protocol.
    #[error("TLS: {0}")]
    Tls(String),
    /// What came is no XML of a stream.
    #[error("the server sent what is no XMPP: {0}")]
    Xml(String),
    /// More of something than is reasonable.
    #[error("the server sent more {0} than {1}")]
    TooMuch(&'static str, usize),
    /// The server ended the stream, with its reason.
    #[error("the server ended the stream: {0}")]
    Ended(String),
    /// The login was refused, with the server's word for why.
    #[error("login refused: {0}")]
    Refused(String),
    /// The server could not prove that it knows the password.
    #[error("the server did not prove itself: {0}")]
    Impostor(String),
    /// A request was answered by an error.
    #[error("`{what}` was answered by an error: {condition}")]
    Condition {
        /// What was asked.
        what: String,
        /// The server's condition and text.
        condition: String,
    },
    /// The answer lacks what it must hold.
    #[error("{0}")]
    Answer(String),
    /// Nothing came in time.
    #[error("no {what} within {}", humantime::format_duration(*within))]
    Late {
        /// What was awaited.
        what: String,
        /// The limit.
        within: Duration,
    },
}
