//! The bundle as the executor's source of packages and artifacts.

use super::Failure;
use crate::base::{HostName, Sink};
use crate::bundle::{Supply, Verified};
use crate::exec::Depot;
use crate::transport::Session;
use futures_util::future::BoxFuture;

const NONE: &str = "comes out of a bundle and none is at hand: build one with `imctl bundle build -i FILE --trust`, or name it with --bundle DIR";

/// A verified bundle being served, or none.
pub(super) struct Shop(Option<Supply>);

impl Shop {
    /// Opens it.
    pub(super) async fn open(bundle: Option<&Verified>, version: &str, sink: &Sink) -> Result<Self, Failure> {
        Ok(Self(match bundle {
            Some(verified) => Some(Supply::open(verified.clone(), version, sink).await?),
            None => None,
        }))
    }
}

impl Depot for Shop {
    fn packages<'a>(
        &'a self,
        host: &'a HostName,
        link: &'a dyn Session,
        names: &'a [String],
        mask: &'a [String],
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            match &self.0 {
                Some(supply) => supply.install(host, link, names, mask).await,
                None => Err(format!("`{}` {NONE}", names.join(" "))),
            }
        })
    }

    fn artifact(&self, name: &str) -> Result<Vec<u8>, String> {
        match &self.0 {
            Some(supply) => supply.verified().artifact(name).map_err(|cause| cause.to_string()),
            None => Err(format!("`{name}` {NONE}")),
        }
    }
}
