//! Names to addresses, without libc: its look-up can crash a static program on hosts with extra name services.

use hickory_resolver::TokioResolver;
use std::net::IpAddr;
use tokio::sync::OnceCell;

/// Resolves names as `/etc/resolv.conf` and `/etc/hosts` say, read once.
#[derive(Default)]
pub(super) struct Names {
    resolver: OnceCell<TokioResolver>,
}

impl Names {
    /// The addresses of a name, or of an address written out (IPv6 with or without brackets).
    pub(super) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return Ok(vec![address]);
        }
        let made = self.resolver.get_or_try_init(|| async { Ok(TokioResolver::builder_tokio()?.build()) });
        let resolver = made.await.map_err(|cause: hickory_resolver::ResolveError| cause.to_string())?;
        let found = resolver.lookup_ip(name).await.map_err(|cause| format!("the name `{name}`: {cause}"))?;
        Ok(found.iter().collect())
    }
}

/// The addresses of a name, or of an address written out, for a client that connects on its own.
pub async fn addresses(name: &str) -> Result<Vec<IpAddr>, String> {
    Names::default().addresses(name).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_need_no_name_server_and_the_hosts_file_counts() {
        let names = Names::default();
        for (name, address) in [("10.0.0.1", "10.0.0.1"), ("fd00::7", "fd00::7"), ("[fd00::7]", "fd00::7")] {
            assert_eq!(names.addresses(name).await, Ok(vec![address.parse().unwrap()]));
        }
        let local = names.addresses("localhost").await.unwrap();
        assert!(local.iter().all(IpAddr::is_loopback), "{local:?}");
    }
}
