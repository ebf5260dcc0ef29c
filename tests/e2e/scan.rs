//! A scan of all TCP ports from the lab's client, which is no peer: the test program runs itself again in there.

use super::world::World;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// Names the addresses to scan for the program inside.
const TARGET: &str = "IMCTL_E2E_SCAN";
const AT_ONCE: usize = 3000;

/// The ports of an address that answer the client.
pub(crate) fn open_ports(world: &World, address: &str) -> Vec<u16> {
    let own = std::env::current_exe().expect("this program has a path");
    let output = Command::new(env!("CARGO_BIN_EXE_imctl"))
        .args(["lab", "exec", "--name", &world.lab, "client", "--", "env", &format!("{TARGET}={address}")])
        .arg(own)
        .args(["--exact", "scan::inside", "--nocapture", "--test-threads=1"])
        .output()
        .expect("imctl can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        text.lines().find_map(|line| line.split_once("open:")).map(|(_, ports)| ports.trim().to_owned());
    let line = line.unwrap_or_else(|| panic!("the scan of {address} says nothing: {text}"));
    line.split(' ').filter(|port| !port.is_empty()).map(|port| port.parse().expect("a port")).collect()
}

#[test]
fn inside() {
    let Ok(address) = std::env::var(TARGET) else { return };
    let address = address.parse().expect("an address");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let open = runtime.block_on(scan(address));
    println!("\nopen: {}", open.iter().map(u16::to_string).collect::<Vec<_>>().join(" "));
}

async fn scan(address: std::net::IpAddr) -> Vec<u16> {
    use futures_util::StreamExt as _;
    let knock = |port: u16| async move {
        let connect = tokio::net::TcpStream::connect(SocketAddr::new(address, port));
        matches!(tokio::time::timeout(Duration::from_secs(1), connect).await, Ok(Ok(_))).then_some(port)
    };
    let found = futures_util::stream::iter(1..=u16::MAX).map(knock).buffer_unordered(AT_ONCE);
    let mut open: Vec<u16> = found.filter_map(|port| async move { port }).collect().await;
    open.sort_unstable();
    open
}
