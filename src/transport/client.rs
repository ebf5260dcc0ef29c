//! Our side of the SSH protocol: what russh asks us while a connection lives.

use super::LinkError;
use super::forward::Forwards;
use super::hostkey::HostKeys;
use super::target::Hop;
use russh::client::{DisconnectReason, Handler, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, Names, client};
use std::sync::{Arc, Mutex, PoisonError};

/// Why a connection ended, once it did.
pub(super) type Gone = Arc<Mutex<Option<String>>>;

/// Answers russh.
pub(super) struct Client {
    pub(super) keys: HostKeys,
    pub(super) forwards: Forwards,
    pub(super) gone: Gone,
}

/// What ends a connection from inside.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The protocol, or the line under it.
    #[error(transparent)]
    Ssh(#[from] russh::Error),
    /// Our own decision.
    #[error(transparent)]
    Ours(LinkError),
}

impl Handler for Client {
    type Error = Broken;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Broken> {
        self.keys.check(shown).await.map_err(Broken::Ours).map(|()| true)
    }

    async fn kex_done(
        &mut self,
        _secret: Option<&[u8]>,
        _names: &Names,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        self.keys.renewed();
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        _address: &str,
        port: u32,
        _from: &str,
        _from_port: u32,
        reply: client::ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Broken> {
        match self.forwards.destination(port) {
            Some(to) => {
                reply.accept().await;
                super::forward::join(channel, to);
            }
            None => reply.reject(russh::ChannelOpenFailure::AdministrativelyProhibited).await,
        }
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Broken>) -> Result<(), Broken> {
        let (why, result) = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                (format!("the host said `{}`", info.message.trim()), Ok(()))
            }
            DisconnectReason::Error(error) => (error.to_string(), Err(error)),
        };
        *self.gone.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        result
    }
}

/// An error of an open connection as the operator sees it.
pub(super) fn broken(hop: &Hop, cause: &russh::Error) -> LinkError {
    LinkError::Lost { address: hop.label(), cause: cause.to_string() }
}
