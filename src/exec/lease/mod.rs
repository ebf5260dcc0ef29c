//! The lease: one operator changes hosts at a time. It is taken on all of a run's hosts or on none, renewed while the
//! run lasts, and looked at before each step; the hosts themselves refuse programs of a holder that lost it.

mod keep;
mod script;
mod take;

pub use keep::Lease;
pub use take::{Claim, NotTaken, take};

use super::Fleet;
use crate::base::HostName;
use crate::transport::{Exec, LinkError};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long one of the lease's own programs may take; a taker waits for a program that still runs.
const WITHIN: Duration = Duration::from_secs(45);

/// Takes the lease of a deployment from whoever holds it, on every host of a fleet.
pub async fn release(deployment: &str, fleet: &Fleet) -> BTreeMap<HostName, Result<(), LinkError>> {
    let one = |(host, link): (&HostName, &std::sync::Arc<dyn crate::transport::Session>)| {
        let (host, link) = (host.clone(), link.clone());
        async move {
            let output = link.exec(Exec::new(script::release(deployment), WITHIN)).await;
            (host, output.map(drop))
        }
    };
    join_all(fleet.iter().map(one)).await.into_iter().collect()
}
