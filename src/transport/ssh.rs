//! A session over SSH.

use super::client::Client;
use super::dial::{Line, dial};
use super::exec::{run, run_with};
use super::forward::Guard;
use super::idle::Idle;
use super::options::Options;
use super::shell::Counted;
use super::target::{Sudo, Target};
use super::upload::upload;
use super::{Deed, Exec, Fence, Forward, LinkError, Output, Series, Session, series};
use crate::base::Secret;
use futures_util::future::BoxFuture;
use russh::Disconnect;
use russh::client::Handle;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Programs at a time on one connection: sshd's `MaxSessions` is 10.
const CHANNELS: usize = 8;

/// Connects and logs in: host key checked, jump hosts passed, everything within the options' limit a hop.
pub async fn connect(target: &Target, options: &Options) -> Result<Box<dyn Session>, LinkError> {
    let line = dial(target, options).await?;
    let inner = Arc::new(Inner {
        target: target.clone(),
        options: options.clone(),
        line,
        channels: Arc::new(Semaphore::new(CHANNELS)),
        idle: Idle::default(),
        sessions: Counted::default(),
        warned: AtomicBool::new(false),
    });
    Ok(Box::new(Ssh { inner, fence: None }))
}

/// A session over SSH.
struct Ssh {
    inner: Arc<Inner>,
    fence: Option<Fence>,
}

/// What the calls of one session share.
pub(super) struct Inner {
    target: Target,
    options: Options,
    pub(super) line: Line,
    pub(super) channels: Arc<Semaphore>,
    /// Shells that wait for work.
    pub(super) idle: Idle,
    /// One more of it for each channel that is open or being closed.
    pub(super) sessions: Counted,
    warned: AtomicBool,
}

impl Inner {
    pub(super) fn address(&self) -> String {
        self.target.last().label()
    }

    pub(super) fn user(&self) -> &str {
        &self.target.last().user
    }

    /// How root is had; `None` when the login is root.
    pub(super) fn sudo(&self) -> Option<&Sudo> {
        (self.user() != "root" && self.target.sudo != Sudo::No).then_some(&self.target.sudo)
    }

    pub(super) async fn sudo_password(&self) -> Result<Secret<String>, LinkError> {
        let file = match &self.target.sudo {
            Sudo::PasswordFile(path) => Some(path.as_path()),
            _ => None,
        };
        let what = format!("`sudo` password of `{}`", self.user());
        let missing = || LinkError::Sudo {
            address: self.address(),
            cause: "it wants a password and nobody gave one".to_owned(),
        };
        self.options.password(file, &what).await?.ok_or_else(missing)
    }

    /// The connection is gone: with the reason it gave, if it gave one.
    pub(super) fn lost(&self, otherwise: &str) -> LinkError {
        let gone = self.line.gone.lock().unwrap_or_else(PoisonError::into_inner).clone();
        LinkError::Lost { address: self.address(), cause: gone.unwrap_or_else(|| otherwise.to_owned()) }
    }

    /// Whether the connection is known to be gone.
    pub(super) fn gone(&self) -> bool {
        self.line.handle.is_closed()
            || self.line.gone.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// How long the host may take for a shell: as long as for connection and login.
    pub(super) fn patience(&self) -> Duration {
        self.options.within
    }

    /// Says once a connection that the login shell is slow.
    pub(super) fn shell_needed(&self, time: Duration, limit: Duration) {
        if time > limit && !self.warned.swap(true, Ordering::Relaxed) {
            let (user, address) = (self.user(), self.address());
            tracing::warn!(
                "the login shell of `{user}` on {address} needs {time:.0?} to begin: look at its .bashrc"
            );
        }
    }
}

impl Session for Ssh {
    fn exec(&self, exec: Exec) -> BoxFuture<'_, Result<Output, LinkError>> {
        Box::pin(run(Arc::clone(&self.inner), exec, self.fence.clone()))
    }

    fn upload<'a>(
        &'a self,
        path: &'a str,
        content: &'a [u8],
        mode: &'a str,
        owner: &'a str,
        group: &'a str,
    ) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            let exec = upload(path, content.len(), mode, &format!("{owner}:{group}"));
            let output = run_with(&self.inner, &exec, content, self.fence.as_ref()).await?;
            match output.status {
                0 => Ok(()),
                _ => Err(LinkError::Upload {
                    address: self.inner.address(),
                    path: path.to_owned(),
                    cause: output.text(),
                }),
            }
        })
    }

    fn series<'a>(&'a self, deeds: &'a [Deed<'a>]) -> BoxFuture<'a, Result<Series, LinkError>> {
        Box::pin(async move { Ok(series::answer(&self.exec(series::program(deeds)).await?)) })
    }

    fn forward(&self, port: u16, to: SocketAddr) -> BoxFuture<'_, Result<Forward, LinkError>> {
        Box::pin(async move {
            let Line { handle, forwards, .. } = &self.inner.line;
            let asked = handle.tcpip_forward("127.0.0.1", u32::from(port));
            let limit = self.inner.options.within;
            let answer = tokio::time::timeout(limit, asked).await;
            let late = |_| LinkError::Deadline { address: self.inner.address(), within: limit };
            let open = match answer.map_err(late)? {
                Ok(given) if port == 0 => {
                    u16::try_from(given).map_err(|_| self.inner.lost("it names no port"))?
                }
                Ok(_) => port,
                Err(russh::Error::RequestDenied) => {
                    let what = format!("forwarding its port {port} over SSH");
                    return Err(LinkError::NotAllowed { address: self.inner.address(), what });
                }
                Err(cause) => return Err(self.inner.lost(&cause.to_string())),
            };
            forwards.open(u32::from(open), to);
            let (handle, forwards) = (Arc::clone(handle), forwards.clone());
            let end = move || end_forward(handle, &forwards, open);
            Ok(Forward { port: open, guard: Box::new(Guard(Some(end))) })
        })
    }

    fn again(&self) -> BoxFuture<'_, Result<Box<dyn Session>, LinkError>> {
        Box::pin(connect(&self.inner.target, &self.inner.options))
    }

    fn fenced(&self, fence: Fence) -> Arc<dyn Session> {
        Arc::new(Self { inner: Arc::clone(&self.inner), fence: Some(fence) })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let handles =
                std::iter::once(&self.inner.line.handle).chain(self.inner.line.carriers.iter().rev());
            for handle in handles {
                // A connection that cannot be told goodbye is gone already.
                let goodbye = handle.disconnect(Disconnect::ByApplication, "", "en");
                let _ = tokio::time::timeout(Duration::from_secs(2), goodbye).await;
            }
        })
    }
}

fn end_forward(handle: Arc<Handle<Client>>, forwards: &super::forward::Forwards, port: u16) {
    forwards.close(u32::from(port));
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            let cancelled = handle.cancel_tcpip_forward("127.0.0.1", u32::from(port)).await;
            if let Err(cause) = cancelled {
                tracing::debug!("a forward ended with its connection: {cause}");
            }
        });
    }
}
