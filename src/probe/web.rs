//! Requests over HTTPS exactly as they are written: no path is tidied, nothing is followed. One connection a request.

use super::walk::onlooking;
use crate::xmpp::tls;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No more of an answer is read.
const MOST: usize = 1 << 16;

/// A site: an address and the name it is called by.
#[derive(Clone)]
pub(super) struct Site {
    address: SocketAddr,
    name: String,
    config: Arc<ClientConfig>,
    within: Duration,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// Headers with names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub(super) body: String,
}

impl Reply {
    /// The values of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is a success.
    pub(super) fn good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Site {
    /// A site. It is asked whatever certificate it shows: whether that is to be trusted is a question of its own.
    pub(super) fn new(
        address: SocketAddr,
        name: &str,
        roots: &[&str],
        within: Duration,
    ) -> Result<Self, String> {
        let roots = tls::roots(roots).map_err(|wrong| wrong.to_string())?;
        let (config, _) = onlooking(&Arc::new(roots))?;
        Ok(Self { address, name: name.to_owned(), config: Arc::new(config), within })
    }

    /// Asks; `head` is method and path, and further header lines may follow it.
    pub(super) async fn ask(&self, head: &str, lines: &[&str], body: &[u8]) -> Result<Reply, String> {
        match timeout(self.within, self.asked(head, lines, body)).await {
            Ok(done) => done,
            Err(_) => Err(format!("no answer within {} s", self.within.as_secs())),
        }
    }

    async fn asked(&self, head: &str, lines: &[&str], body: &[u8]) -> Result<Reply, String> {
        let name = ServerName::try_from(self.name.clone()).map_err(|cause| cause.to_string())?;
        let tcp = TcpStream::connect(self.address).await.map_err(|cause| cause.to_string())?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.config));
        let mut stream = connector.connect(name, tcp).await.map_err(|cause| cause.to_string())?;
        let mut text = format!("{head} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.name);
        for line in lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !body.is_empty() {
            text = format!("{text}content-length: {}\r\n", body.len());
        }
        text.push_str("\r\n");
        // A server that refuses early closes before all is sent; its answer counts.
        let _ = stream.write_all(&[text.as_bytes(), body].concat()).await;
        let _ = stream.flush().await;
        let mut bytes = Vec::new();
        let mut piece = [0u8; 4096];
        while bytes.len() < MOST {
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(count) => bytes.extend(&piece[..count]),
            }
        }
        read(&bytes)
    }
}

fn read(bytes: &[u8]) -> Result<Reply, String> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| "the answer is no HTTP".to_owned())?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    Ok(Reply { status, headers: lines.filter_map(header).collect(), body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whatever_the_case_of_its_headers() {
        let reply = read(b"HTTP/1.1 405 Not Allowed\r\nServer: x/1.2\r\n\r\nno").unwrap();
        assert_eq!((reply.status, reply.header("server"), reply.good()), (405, Some("x/1.2"), false));
        assert!(read(b"<stream>").is_err());
    }
}
