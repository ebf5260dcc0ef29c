//! Judging the service from outside, as its users use it: the proof, and files moved over HTTPS.

mod files;
pub mod proof;

pub use crate::xmpp::{
    ArchivePage, Client, Door, Element, Exchange, Framer, Incoming, Login, Node, Proof, Room, Slot, Stream,
    Wrong, tls,
};
pub use files::{Fetched, Files};
