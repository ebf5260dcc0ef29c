//! imctl plans, installs, proves and keeps alive a private instant-messaging service on your own servers.
//!
//! The rooms stand on floors; a room imports from lower floors only (`tests/house.rs` keeps it so).

pub mod backup;
pub mod base;
pub mod bundle;
pub mod checks;
pub mod cli;
pub mod desired;
pub mod exec;
pub mod facts;
pub mod inventory;
pub mod lab;
pub mod load;
pub mod plan;
pub mod probe;
pub mod record;
pub mod report;
pub mod resource;
pub mod sizing;
pub mod stack;
pub mod state;
pub mod topology;
pub mod transport;
pub mod xmpp;
