//! Sockets that listen, as `/proc/net` writes them.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Transport protocol of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Listener {
    /// TCP or UDP.
    pub transport: Transport,
    /// Port.
    pub port: u16,
    /// Address; unspecified (`0.0.0.0`, `::`) = all.
    pub address: IpAddr,
    /// Name of the process that holds it; none when it is not to be seen.
    pub process: Option<String>,
}

/// Reads `0100007F:1F90`: words of 32 bits in the host's (little-endian) order, and the port.
pub(super) fn endpoint(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = hex::decode(address).ok()?;
    bytes.chunks_mut(4).for_each(<[u8]>::reverse);
    let address = match bytes.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into(),
        16 => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into(),
        _ => return None,
    };
    Some((address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_in_the_hosts_byte_order() {
        let read = |text| endpoint(text).map(|(address, port)| format!("{address} {port}"));
        assert_eq!(read("0100007F:1F90").as_deref(), Some("127.0.0.1 8080"));
        assert_eq!(read("00000000000000000000000001000000:0016").as_deref(), Some("::1 22"));
        assert_eq!(read("B80D01200000000000000000010000FE:0016").as_deref(), Some("2001:db8::fe00:1 22"));
        assert_eq!(read("0100007F"), None);
    }
}
