//! Which TCP ports of a host take a connection from here: all 65,535 of them, with nothing sent over any.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A silent port is given up after so long, and after so many round trips where those are longer.
const SILENT: Duration = Duration::from_millis(600);
const ROUND_TRIPS: u32 = 6;
/// Open files that are left for everything else.
const SPARE: u64 = 400;

/// What a scan may use at the same time for each of so many hosts, by the open files that a process may have.
pub fn ports_at_once(hosts: usize) -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = limit.current.or(limit.maximum).unwrap_or(1024).saturating_sub(SPARE).max(100);
    let each = most / u64::try_from(hosts.max(1)).unwrap_or(1);
    usize::try_from(each.clamp(50, 6000)).unwrap_or(50)
}

/// The ports that take a connection; `known` is one that is sure to be open and tells how far away the host is.
pub async fn open_ports(address: IpAddr, known: u16, at_once: usize) -> Result<BTreeSet<u16>, String> {
    let begun = Instant::now();
    match timeout(Duration::from_secs(5), TcpStream::connect(SocketAddr::new(address, known))).await {
        Ok(Ok(_)) => {}
        _ => return Err(format!("not even port {known} (SSH) takes a connection from here")),
    }
    let patience = SILENT.max(begun.elapsed() * ROUND_TRIPS);
    let room = Arc::new(Semaphore::new(at_once));
    let mut tasks: JoinSet<Option<u16>> = JoinSet::new();
    let mut open = BTreeSet::new();
    for port in 1..=u16::MAX {
        let room = Arc::clone(&room).acquire_owned().await.map_err(|cause| cause.to_string())?;
        tasks.spawn(async move {
            let connected = timeout(patience, TcpStream::connect(SocketAddr::new(address, port))).await;
            drop(room);
            matches!(connected, Ok(Ok(_))).then_some(port)
        });
        while let Some(done) = tasks.try_join_next() {
            open.extend(done.ok().flatten());
        }
    }
    while let Some(done) = tasks.join_next().await {
        open.extend(done.ok().flatten());
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_listens_is_found_among_all_ports() {
        let listeners: Vec<_> = (0..3).map(|_| std::net::TcpListener::bind("127.0.0.9:0").unwrap()).collect();
        let ports: BTreeSet<u16> = listeners.iter().map(|it| it.local_addr().unwrap().port()).collect();
        let known = *ports.first().unwrap();
        let open = open_ports("127.0.0.9".parse().unwrap(), known, 500).await.unwrap();
        assert!(open.is_superset(&ports), "{open:?} lacks some of {ports:?}");
        assert!(open_ports("127.0.0.9".parse().unwrap(), 1, 500).await.is_err());
    }
}
