//! Files over HTTPS as a client moves them: put to a slot, fetch back, compare. Names lead to the addresses given,
//! whatever DNS says; only the given roots are trusted; no redirect, no proxy.

use super::{Slot, Wrong, tls};
use reqwest::{Client, Url, redirect};
use rustls::ClientConfig;
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::time::Duration;

/// More than this is not fetched.
const MAX_FETCH: usize = 64 << 20;

/// A client for files.
pub struct Files {
    client: Client,
}

/// A file as it came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// Bytes.
    pub size: usize,
    /// Lower-case hex of the SHA-256.
    pub sha256: String,
}

impl Files {
    /// A client that trusts these roots (PEM) and reaches each of these names at its address.
    pub fn new(roots: &[&str], names: &[(String, SocketAddr)], within: Duration) -> Result<Self, Wrong> {
        let config = ClientConfig::clone(tls::trusting(roots)?.as_ref());
        let mut builder = Client::builder()
            .tls_backend_preconfigured(config)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(within)
            .timeout(within);
        for (name, address) in names {
            builder = builder.resolve(name, *address);
        }
        Ok(Self { client: builder.build().map_err(|cause| Wrong::Tls(chain(&cause)))? })
    }

    /// Puts a file to its slot.
    pub async fn put(&self, slot: &Slot, content: Vec<u8>) -> Result<u16, Wrong> {
        let mut request =
            self.client.put(https(&slot.put)?).header("content-type", "application/octet-stream");
        for (name, value) in &slot.headers {
            request = request.header(name, value);
        }
        let answer = request.body(content).send().await.map_err(|cause| Wrong::Network(chain(&cause)))?;
        Ok(answer.status().as_u16())
    }

    /// Fetches an address.
    pub async fn get(&self, address: &str) -> Result<Fetched, Wrong> {
        let broken = |cause: reqwest::Error| Wrong::Network(chain(&cause));
        let mut answer = self.client.get(https(address)?).send().await.map_err(broken)?;
        let mut hash = Sha256::new();
        let mut size = 0;
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            size += chunk.len();
            if size > MAX_FETCH {
                return Err(Wrong::TooMuch("bytes of a file", MAX_FETCH));
            }
            hash.update(&chunk);
        }
        Ok(Fetched { status: answer.status().as_u16(), size, sha256: hex::encode(hash.finalize()) })
    }
}

fn https(address: &str) -> Result<Url, Wrong> {
    let url =
        Url::parse(address).map_err(|_| Wrong::Answer("the slot's address cannot be read".to_owned()))?;
    if url.scheme() == "https" {
        Ok(url)
    } else {
        Err(Wrong::Answer(format!("the slot is `{}`, not https", url.scheme())))
    }
}

/// reqwest names the outermost cause only, and a slot's address is a key to it: the causes without the address.
fn chain(error: &reqwest::Error) -> String {
    let mut cause = std::error::Error::source(error);
    let mut words = Vec::new();
    while let Some(inner) = cause {
        words.push(inner.to_string());
        cause = inner.source();
    }
    if words.is_empty() { "the request failed".to_owned() } else { words.join(": ") }
}
