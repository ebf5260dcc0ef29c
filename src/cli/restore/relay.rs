//! Bytes of a set from the backup host to another one, through this machine: neither may reach the other, and each end proves
//! by a word of its own that it is the one that was asked.

use crate::base::Secret;
use rand::Rng as _;
use tokio::io::{AsyncReadExt as _, copy};
use tokio::net::{TcpListener, TcpStream};

/// A listener on this machine's loopback, and the words of its two ends.
pub(super) struct Relay {
    pub(super) listener: TcpListener,
    pub(super) sender: Secret<String>,
    pub(super) receiver: Secret<String>,
}

impl Relay {
    /// Opens the listener.
    pub(super) async fn open() -> std::io::Result<Self> {
        let word = || Secret::new(format!("{:032x}", rand::rng().random::<u128>()));
        Ok(Self { listener: TcpListener::bind(("127.0.0.1", 0)).await?, sender: word(), receiver: word() })
    }

    /// Waits for both ends, and hands on what the one sends; the bytes.
    pub(super) async fn run(&self) -> std::io::Result<u64> {
        let (mut from, mut to) = (None, None);
        while from.is_none() || to.is_none() {
            let (mut stream, _) = self.listener.accept().await?;
            match said(&mut stream, self.sender.expose().len()).await {
                Some(word) if word == *self.sender.expose() => from = Some(stream),
                Some(word) if word == *self.receiver.expose() => to = Some(stream),
                // A stranger on that host's loopback gets nothing.
                _ => {}
            }
        }
        let (Some(mut from), Some(mut to)) = (from, to) else { return Ok(0) };
        copy(&mut from, &mut to).await
    }
}

/// The first line, of a length that is known.
async fn said(stream: &mut TcpStream, length: usize) -> Option<String> {
    let mut line = vec![0; length + 1];
    let read = stream.read_exact(&mut line);
    tokio::time::timeout(std::time::Duration::from_secs(10), read).await.ok()?.ok()?;
    String::from_utf8(line).ok().map(|line| line.trim_end().to_owned())
}
