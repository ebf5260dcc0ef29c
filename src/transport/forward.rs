//! Remote port forwards: connections to a port on the host's loopback reach a listener of ours.

use russh::Channel;
use russh::client::Msg;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;

/// Where the ports opened on one host lead to.
#[derive(Clone, Default)]
pub(super) struct Forwards(Arc<Mutex<HashMap<u32, SocketAddr>>>);

impl Forwards {
    pub(super) fn destination(&self, port: u32) -> Option<SocketAddr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&port).copied()
    }

    pub(super) fn open(&self, port: u32, to: SocketAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(port, to);
    }

    pub(super) fn close(&self, port: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
    }
}

/// Copies between a channel and a fresh connection to `to` until both ends are done; in the background, since the
/// connection's own task calls this.
pub(super) fn join(channel: Channel<Msg>, to: SocketAddr) {
    tokio::spawn(async move {
        let mut far = channel.into_stream();
        match TcpStream::connect(to).await {
            Ok(mut near) => {
                if let Err(cause) =
                    tokio::io::copy_bidirectional_with_sizes(&mut far, &mut near, 1 << 16, 1 << 16).await
                {
                    tracing::debug!("a forwarded connection ended: {cause}");
                }
            }
            Err(cause) => tracing::warn!("nothing listens at {to} for a forwarded connection: {cause}"),
        }
    });
}

/// Ends a forward when dropped, here at once and on the host as soon as it hears of it.
pub(super) struct Guard<F: FnOnce() + Send + Sync>(pub(super) Option<F>);

impl<F: FnOnce() + Send + Sync> Drop for Guard<F> {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}
