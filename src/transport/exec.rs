//! One remote execution over one channel: speak, listen until the end, close. Runs in a task of its own, so that a
//! caller that stops waiting still leaves a closed channel and a host on which nothing of ours runs on.

use super::bootstrap::{BEAT, BEAT_EVERY, END, HERE, PROMPT, begun, command_line, frame, opening};
use super::ssh::Inner;
use super::target::Sudo;
use super::{Exec, Fence, LinkError, Output};
use crate::base::{Bytes, Secret};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// More output than this ends the program.
const LIMIT: usize = 64 << 20;

/// What a login shell may print before the program begins.
const NOISE: usize = 1 << 20;

/// Pieces of input; a piece must arrive within the supervisor's patience even on a slow line.
const PIECE: usize = 128 << 10;

/// A login shell that needs longer than this before each program is worth a word.
const HEAVY_SHELL: Duration = Duration::from_millis(200);

/// Runs a program; when the returned future is dropped, the program is ended.
pub(super) async fn run(inner: Arc<Inner>, exec: Exec, fence: Option<Fence>) -> Result<Output, LinkError> {
    // The supervisor keeps the fence.
    let _ = fence;
    let given_up = CancellationToken::new();
    let _guard = given_up.clone().drop_guard();
    let lost = inner.lost("the task that served it ended");
    let task = tokio::spawn(async move {
        let within = exec.within;
        let late = LinkError::Deadline { address: inner.address(), within };
        tokio::select! {
            () = given_up.cancelled() => Err(late),
            result = timeout(within, talk(&inner, exec)) => result.unwrap_or(Err(late)),
        }
    });
    task.await.unwrap_or(Err(lost))
}

/// Opens a channel, runs the program on it and closes it, also when this future is dropped.
async fn talk(inner: &Arc<Inner>, exec: Exec) -> Result<Output, LinkError> {
    let place = Arc::clone(&inner.channels).acquire_owned().await.map_err(|_| inner.lost("it is closed"))?;
    let sudo = exec.root.then(|| inner.sudo()).flatten();
    let password = match sudo {
        Some(Sudo::PasswordFile(_) | Sudo::Ask) => Some(inner.sudo_password().await?),
        _ => None,
    };
    let channel = inner.channel().await?;
    let started = Instant::now();
    channel.exec(true, command_line(sudo)).await.map_err(|cause| inner.lost(&cause.to_string()))?;
    let (read, write) = channel.split();
    let mut open = Closing { halves: Some((read, write)), place: Some(place) };
    let (read, write) = open.halves.as_mut().expect("set one line above");
    let ready = Notify::new();
    let mut ear =
        Ear { inner, root: exec.root, sudo: sudo.is_some(), ready: &ready, heard: Heard::default(), started };
    let mouth = speak(write, &exec, password.as_ref(), &ready);
    tokio::select! {
        result = ear.listen(read) => result,
        () = mouth => Err(inner.lost("it takes no input any more")),
    }
}

/// Sends the program, its input and then signs of life for ever; when the channel takes no more, it is the
/// listener who knows why.
async fn speak(
    write: &ChannelWriteHalf<Msg>,
    exec: &Exec,
    password: Option<&Secret<String>>,
    ready: &Notify,
) {
    if send(write, exec, password, ready).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn send(
    write: &ChannelWriteHalf<Msg>,
    exec: &Exec,
    password: Option<&Secret<String>>,
    ready: &Notify,
) -> Result<(), russh::Error> {
    if let Some(password) = password {
        write.data_bytes(format!("{}\n", password.expose()).into_bytes()).await?;
        // Whatever followed now would be taken for more passwords if this one is wrong.
        let _ = timeout(exec.within, ready.notified()).await;
    }
    write.data_bytes(opening(&exec.script, exec.within, exec.root)).await?;
    for piece in exec.input.expose().chunks(PIECE) {
        let mut framed = Vec::with_capacity(piece.len() + 4);
        framed.extend_from_slice(&frame(piece.len()));
        framed.extend_from_slice(piece);
        write.data_bytes(framed).await?;
    }
    write.data_bytes(END.to_vec()).await?;
    loop {
        sleep(BEAT_EVERY).await;
        write.data_bytes(BEAT.to_vec()).await?;
    }
}

#[derive(Default)]
struct Heard {
    output: Output,
    begun: bool,
    status: Option<i32>,
}

/// Hears a program out.
struct Ear<'a> {
    inner: &'a Arc<Inner>,
    root: bool,
    sudo: bool,
    ready: &'a Notify,
    heard: Heard,
    started: Instant,
}

impl Ear<'_> {
    async fn listen(&mut self, read: &mut ChannelReadHalf) -> Result<Output, LinkError> {
        loop {
            // A process that the program left behind may hold the streams: after the status nothing is owed.
            let patience = if self.heard.status.is_some() { Duration::from_secs(2) } else { Duration::MAX };
            let Ok(message) = timeout(patience, read.wait()).await else { break };
            match message {
                Some(ChannelMsg::Data { data }) => self.hear(&data, false)?,
                Some(ChannelMsg::ExtendedData { data, .. }) => self.hear(&data, true)?,
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    self.heard.status = Some(i32::try_from(exit_status).unwrap_or(i32::MAX));
                }
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    self.heard.status = Some(128 + number(&signal_name));
                }
                Some(ChannelMsg::Failure) => {
                    let what = "running programs over SSH".to_owned();
                    return Err(LinkError::NotAllowed { address: self.inner.address(), what });
                }
                Some(ChannelMsg::Eof) if self.heard.status.is_some() => break,
                Some(ChannelMsg::Close) | None => break,
                Some(_) => {}
            }
        }
        self.verdict()
    }

    fn hear(&mut self, data: &[u8], error: bool) -> Result<(), LinkError> {
        let output = &mut self.heard.output;
        if error { &mut output.stderr } else { &mut output.stdout }.extend_from_slice(data);
        if output.stdout.len() + output.stderr.len() > LIMIT {
            return Err(LinkError::Flood { address: self.inner.address(), limit: Bytes(LIMIT as u64) });
        }
        if !self.heard.begun && output.stdout.len() + output.stderr.len() > NOISE {
            let cause = "its login shell prints without end".to_owned();
            return Err(LinkError::Shell { address: self.inner.address(), cause });
        }
        if !self.heard.begun && !error && output.stdout.windows(HERE.len()).any(|window| window == HERE) {
            self.ready.notify_one();
        }
        if !self.heard.begun
            && !error
            && let Some((from, _)) = begun(&output.stdout)
        {
            self.heard.begun = true;
            output.stdout.drain(..from);
            self.inner.shell_needed(self.started.elapsed(), HEAVY_SHELL);
        }
        if !self.heard.begun && self.sudo && asked_twice(&output.stderr) {
            return Err(self.refused("it does not accept the password"));
        }
        Ok(())
    }

    fn verdict(&mut self) -> Result<Output, LinkError> {
        let mut output = std::mem::take(&mut self.heard.output);
        if let Some((from, uid)) = begun(&output.stderr) {
            output.stderr.drain(..from);
            if self.root && uid != 0 {
                let user = self.inner.user();
                return Err(
                    self.refused(&format!("`{user}` is not root, and no `sudo` is configured for the host"))
                );
            }
        }
        match self.heard.status {
            Some(status) if self.heard.begun => {
                output.status = status;
                Ok(output)
            }
            None => Err(self.inner.lost("the connection ended before the program")),
            Some(status) => {
                let said = output.text().replace(PROMPT, "").replace("\0imctl here\n", "");
                let said = said.lines().last().map(str::trim).filter(|line| !line.is_empty());
                let cause = said.map_or_else(|| format!("it answers with status {status}"), str::to_owned);
                if self.sudo && cause.contains("sudo") {
                    return Err(self.refused(&cause));
                }
                Err(LinkError::Shell { address: self.inner.address(), cause })
            }
        }
    }

    fn refused(&self, cause: &str) -> LinkError {
        LinkError::Sudo { address: self.inner.address(), cause: cause.to_owned() }
    }
}

fn asked_twice(stderr: &[u8]) -> bool {
    stderr.windows(PROMPT.len()).filter(|window| *window == PROMPT.as_bytes()).count() > 1
}

fn number(signal: &russh::Sig) -> i32 {
    use russh::Sig;
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        _ => 0,
    }
}

/// Closes the channel however its use ended, and reads it empty: one that is not drained blocks the connection.
struct Closing {
    halves: Option<(ChannelReadHalf, ChannelWriteHalf<Msg>)>,
    place: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Some((mut read, write)) = self.halves.take() else { return };
        let place = self.place.take();
        tokio::spawn(async move {
            let close = async {
                // An error means that the channel is closed already.
                let _ = write.eof().await;
                let _ = write.close().await;
                while read.wait().await.is_some() {}
            };
            let _ = timeout(Duration::from_secs(10), close).await;
            drop(place);
        });
    }
}

/// Opens a session channel; a server with few sessions a connection (`MaxSessions 1`) is asked again while others
/// of ours are in use.
pub(super) async fn session_channel(inner: &Inner) -> Result<Channel<Msg>, LinkError> {
    let mut pause = Duration::from_millis(20);
    loop {
        match inner.line.handle.channel_open_session().await {
            Ok(channel) => return Ok(channel),
            Err(russh::Error::ChannelOpenFailure(_)) if inner.others() => sleep(pause).await,
            Err(russh::Error::ChannelOpenFailure(why)) => {
                let what = format!("a session ({why:?})");
                return Err(LinkError::NotAllowed { address: inner.address(), what });
            }
            Err(cause) => return Err(inner.lost(&cause.to_string())),
        }
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}
