//! Judging the service from outside: as its users use it, and as somebody who means no good would.

pub mod abuse;
mod ports;
pub mod proof;
pub mod walk;
mod web;

pub use crate::xmpp::{
    ArchivePage, Client, Door, Element, Exchange, Fetched, Files, Framer, Incoming, Login, Node, Proof, Room,
    Slot, Stream, Wrong, tls,
};
pub use ports::{open_ports, ports_at_once};
