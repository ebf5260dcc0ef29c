//! The operator's inventory: schema, loading, validation with every mistake at once, host selection.
//! It does not know the hosts' real state.

mod model;

pub use model::{Bundle, Host, Inventory, Secrets, Ssh, Sudo, Targets, Tls};
