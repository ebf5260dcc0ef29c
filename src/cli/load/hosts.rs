//! What the hosts are busy with while the load lasts, over the connections that stand.

use crate::base::HostName;
use crate::exec::Fleet;
use crate::facts;
use crate::record::HostLoad;
use crate::transport::{Exec, Session};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Seconds of one look: a test that ends early loses no more.
const PIECE: u64 = 5;

/// What every host is busy with until `stop`.
pub(super) async fn busy(
    fleet: &Fleet,
    seconds: u64,
    stop: CancellationToken,
) -> BTreeMap<HostName, HostLoad> {
    let one = |(host, link): (&HostName, &Arc<dyn Session>)| {
        let (host, link, stop) = (host.clone(), link.clone(), stop.clone());
        async move {
            let mut said = String::new();
            let mut left = seconds;
            while left > 0 && !stop.is_cancelled() {
                let piece = left.min(PIECE);
                let exec = Exec::new(facts::sample_script(piece), Duration::from_secs(piece + 20));
                let Ok(output) = link.exec(exec).await else { break };
                said.push_str(&String::from_utf8_lossy(&output.stdout));
                left -= piece;
            }
            let busy = facts::parse_samples(&said)?;
            let round = |number: f64| (number * 10.0).round() / 10.0;
            Some((
                host,
                HostLoad {
                    cpu: (round(busy.cpu_mean), round(busy.cpu_most)),
                    memory: round(busy.memory_most),
                    disk: round(busy.disk_most),
                    network_mbit: round(busy.network_most),
                },
            ))
        }
    };
    join_all(fleet.iter().map(one)).await.into_iter().flatten().collect()
}
