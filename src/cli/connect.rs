//! Connecting to all hosts of a command at once.

use super::reach::Unreached;
use super::road::Road;
use super::ways::{options, ways};
use super::{Failure, Global};
use crate::base::{Event, HostName, Sink};
use crate::exec::Fleet;
use crate::inventory::Inventory;
use crate::transport::{Target, connect};
use futures_util::stream::{self, StreamExt as _};
use std::sync::Arc;

/// Connects to the command's hosts; every host that cannot be reached is named.
pub(super) async fn fleet(road: &Road, global: &Global, sink: &Sink) -> Result<Fleet, Failure> {
    let (fleet, unreached) = some(road, global, &road.hosts, sink).await?;
    if unreached.is_empty() {
        return Ok(fleet);
    }
    fleet.close().await;
    Err(Failure::Unreached(unreached))
}

/// Connects to those of the hosts that can be reached, and tells about the others.
pub(super) async fn some(
    road: &Road,
    global: &Global,
    hosts: &[HostName],
    sink: &Sink,
) -> Result<(Fleet, Vec<Unreached>), Failure> {
    to(road.everyone(), global, hosts, sink).await
}

/// The same with an inventory alone.
pub(super) async fn to(
    inventory: &Inventory,
    global: &Global,
    hosts: &[HostName],
    sink: &Sink,
) -> Result<(Fleet, Vec<Unreached>), Failure> {
    let options = options(global)?;
    let ways = ways(inventory, hosts).await?;
    let one = |(host, target): (HostName, Target)| {
        let (options, sink) = (options.clone(), sink.clone());
        async move {
            let link = connect(&target, &options).await;
            if link.is_ok() {
                sink.send(Event::Connected { host: host.clone() });
            }
            (host, link)
        }
    };
    let links: Vec<_> =
        stream::iter(ways.into_iter().map(one)).buffer_unordered(global.parallel.max(1)).collect().await;
    let mut fleet = Fleet::default();
    let mut unreached = Vec::new();
    for (host, link) in links {
        match link {
            Ok(link) => fleet.insert(host, Arc::from(link)),
            Err(cause) => unreached.push(Unreached { host, cause }),
        }
    }
    unreached.sort_by(|one, other| one.host.cmp(&other.host));
    Ok((fleet, unreached))
}
