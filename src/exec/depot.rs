//! Where packages and artifacts come from, as the executor needs it; the bundle stands behind it.

use crate::base::HostName;
use crate::transport::Session;
use futures_util::future::BoxFuture;

/// A source of packages and artifacts.
pub trait Depot: Send + Sync {
    /// Installs packages on a host in one run, units masked before they come. `Err` is what the operator must know.
    fn packages<'a>(
        &'a self,
        host: &'a HostName,
        link: &'a dyn Session,
        names: &'a [String],
        mask: &'a [String],
    ) -> BoxFuture<'a, Result<(), String>>;

    /// The content of an artifact.
    fn artifact(&self, name: &str) -> Result<Vec<u8>, String>;
}
