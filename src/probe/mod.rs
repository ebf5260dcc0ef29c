//! Judging the service from outside, as its users use it: the proof.

pub mod proof;

pub use crate::xmpp::{
    ArchivePage, Client, Door, Element, Exchange, Fetched, Files, Framer, Incoming, Login, Node, Proof, Room,
    Slot, Stream, Wrong, tls,
};
