//! A remote shell: one channel with a supervisor at its end that runs one program after the other. It is closed when it
//! is dropped; then nothing of ours runs on at its end.

use super::bootstrap::{BEAT, BEAT_EVERY, command_line};
use super::ear::{Ear, Voice};
use super::mouth::Mouth;
use super::ssh::Inner;
use super::target::Sudo;
use super::{Exec, Fence, LinkError, Output};
use crate::base::Secret;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};

/// What stands for an open channel: as long as it exists, the server may count a session.
pub(super) type Counted = Arc<()>;

/// One program for a shell, with what belongs to it.
pub(super) struct Job<'a> {
    /// The program; its own input does not count here.
    pub(super) exec: &'a Exec,
    /// What the program reads, which may be large and is copied piece by piece.
    pub(super) input: &'a [u8],
    /// The lease that must hold.
    pub(super) fence: Option<&'a Fence>,
    /// What `sudo` wants to know before a new shell opens.
    pub(super) password: Option<Secret<String>>,
}

/// One open channel with a supervisor at its end.
pub(super) struct Shell {
    halves: Option<(ChannelReadHalf, ChannelWriteHalf<Msg>)>,
    counted: Option<Counted>,
    /// The right to run a program; a shell that waits has none.
    pub(super) place: Option<OwnedSemaphorePermit>,
    /// Whether it came through `sudo`.
    pub(super) sudo: bool,
    voice: Voice,
    /// The last program ended as programs do, and all that was meant for it was sent.
    pub(super) clean: bool,
}

impl Shell {
    /// Opens a channel and starts a supervisor on it; that it runs is known when the first program begins.
    pub(super) async fn open(inner: &Inner, sudo: Option<&Sudo>) -> Result<Self, LinkError> {
        let (channel, counted) = session_channel(inner).await?;
        let (read, write) = channel.split();
        let shell = Self {
            halves: Some((read, write)),
            counted: Some(counted),
            place: None,
            sudo: sudo.is_some(),
            voice: Voice::new(),
            clean: false,
        };
        let (_, write) = shell.halves.as_ref().expect("set above");
        write.exec(true, command_line(sudo)).await.map_err(|cause| inner.lost(&cause.to_string()))?;
        Ok(shell)
    }

    /// Runs a program to its end. `None` = the shell had ended before the program began; nothing ran.
    pub(super) async fn serve(&mut self, inner: &Inner, job: &Job<'_>) -> Result<Option<Output>, LinkError> {
        let (read, write) = self.halves.as_mut().expect("only a drop takes them");
        self.clean = false;
        let mut mouth = Mouth::new(write, self.voice.uid.is_none());
        let mut ear = Ear::new(inner, job.exec.root, self.sudo, &mut self.voice, mouth.hints());
        let result = tokio::select! {
            result = ear.listen(read) => result,
            never = mouth.speak(job) => match never {},
        };
        self.clean = matches!(result, Ok(Some(_))) && mouth.told() && self.voice.at_rest();
        result
    }

    /// Returns when something comes that a shell at rest does not say: it is of no use any more. Reads on until then,
    /// because one channel that nobody reads blocks the connection.
    pub(super) async fn stirred(&mut self) {
        let (read, _) = self.halves.as_mut().expect("only a drop takes them");
        loop {
            match read.wait().await {
                Some(ChannelMsg::ExtendedData { data, .. }) if self.voice.murmur(&data) => {}
                Some(ChannelMsg::WindowAdjusted { .. } | ChannelMsg::Success) => {}
                _ => return,
            }
        }
    }

    /// A sign of life; `false` = it cannot be given.
    pub(super) async fn beat(&self) -> bool {
        let (_, write) = self.halves.as_ref().expect("only a drop takes them");
        timeout(BEAT_EVERY, write.data_bytes(BEAT.to_vec())).await.is_ok_and(|sent| sent.is_ok())
    }
}

/// Closes the channel however its use ended, and reads it empty.
impl Drop for Shell {
    fn drop(&mut self) {
        let Some((mut read, write)) = self.halves.take() else { return };
        let held = (self.place.take(), self.counted.take());
        // Without a runtime there is no connection either.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let close = async {
                // An error means that the channel is closed already.
                let _ = write.eof().await;
                let _ = write.close().await;
                while read.wait().await.is_some() {}
            };
            let _ = timeout(Duration::from_secs(10), close).await;
            drop(held);
        });
    }
}

/// Opens a session channel. A server with few sessions a connection (`MaxSessions 1`) is asked again while others of ours
/// are open; those that wait for work make room.
async fn session_channel(inner: &Inner) -> Result<(Channel<Msg>, Counted), LinkError> {
    let mut pause = Duration::from_millis(20);
    loop {
        let counted = Arc::clone(&inner.sessions);
        let limit = inner.patience();
        let late = |_| LinkError::Deadline { address: inner.address(), within: limit };
        match timeout(limit, inner.line.handle.channel_open_session()).await.map_err(late)? {
            Ok(channel) => return Ok((channel, counted)),
            Err(russh::Error::ChannelOpenFailure(why)) => {
                drop(counted);
                if !inner.idle.close_one() && Arc::strong_count(&inner.sessions) == 1 {
                    let what = format!("a session ({why:?})");
                    return Err(LinkError::NotAllowed { address: inner.address(), what });
                }
            }
            Err(cause) => return Err(inner.lost(&cause.to_string())),
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}
