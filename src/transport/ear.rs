//! What comes back from a supervisor, heard to the end of one program.

use super::bootstrap::{HERE, PROMPT, begun};
use super::frames::{Frames, Said};
use super::mouth::Hints;
use super::ssh::Inner;
use super::{LinkError, Output};
use crate::base::Bytes;
use russh::{ChannelMsg, ChannelReadHalf};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// More output than this ends the program.
const LIMIT: usize = 64 << 20;

/// What a login shell may print.
const NOISE: usize = 1 << 20;

/// A login shell that needs longer than this is worth a word.
const HEAVY_SHELL: Duration = Duration::from_millis(200);

/// What is known of a shell from what came out of it.
pub(super) struct Voice {
    /// Who its programs run as, once it said so.
    pub(super) uid: Option<u32>,
    frames: Frames,
    /// What stood on its outputs that is not ours: of the login shell, of `sudo`, of perl.
    noise: Vec<u8>,
    errors: Vec<u8>,
    started: Instant,
}

impl Voice {
    pub(super) fn new() -> Self {
        let (noise, errors) = (Vec::new(), Vec::new());
        Self { uid: None, frames: Frames::default(), noise, errors, started: Instant::now() }
    }

    /// Whether no answer is open.
    pub(super) fn at_rest(&self) -> bool {
        self.frames.at_rest()
    }

    /// Keeps what stands on standard error, which programs do not write to; `false` when it is too much.
    pub(super) fn murmur(&mut self, data: &[u8]) -> bool {
        self.errors.extend_from_slice(data);
        self.noise.len() + self.errors.len() <= NOISE
    }

    /// The last line that somebody else than a program of ours printed.
    fn last_words(&self) -> Option<String> {
        let all = [&self.noise[..], &self.errors].concat();
        let text = String::from_utf8_lossy(&all).replace(PROMPT, "").replace("\0imctl here\n", "");
        text.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
    }
}

#[derive(Default)]
struct Heard {
    output: Output,
    begun: bool,
    ended: bool,
    fenced: Option<String>,
    /// How the supervisor itself ended.
    exit: Option<u32>,
}

/// Hears one program out.
pub(super) struct Ear<'a> {
    inner: &'a Inner,
    root: bool,
    sudo: bool,
    /// The shell served a program before.
    used: bool,
    voice: &'a mut Voice,
    hints: Hints,
    heard: Heard,
}

impl<'a> Ear<'a> {
    pub(super) fn new(inner: &'a Inner, root: bool, sudo: bool, voice: &'a mut Voice, hints: Hints) -> Self {
        let used = voice.uid.is_some();
        Self { inner, root, sudo, used, voice, hints, heard: Heard::default() }
    }

    /// Listens until the program ended; `None` = the shell ended before the program began.
    pub(super) async fn listen(&mut self, read: &mut ChannelReadHalf) -> Result<Option<Output>, LinkError> {
        self.right_user()?;
        while let Some(message) = self.next(read).await? {
            match message {
                ChannelMsg::Data { data } if self.voice.uid.is_none() => self.enter(&data)?,
                ChannelMsg::Data { data } => self.frames(&data)?,
                ChannelMsg::ExtendedData { data, .. } => self.murmur(&data)?,
                ChannelMsg::ExitStatus { exit_status } => self.heard.exit = Some(exit_status),
                ChannelMsg::ExitSignal { .. } => self.heard.exit = Some(255),
                ChannelMsg::Failure => {
                    let what = "running programs over SSH".to_owned();
                    return Err(LinkError::NotAllowed { address: self.inner.address(), what });
                }
                ChannelMsg::Close => break,
                _ => {}
            }
            if let Some(cause) = self.heard.fenced.take() {
                return Err(LinkError::Fenced { address: self.inner.address(), cause });
            }
            if self.heard.ended {
                return Ok(Some(std::mem::take(&mut self.heard.output)));
            }
        }
        self.verdict()
    }

    /// The next message; a supervisor must begin in time, and after its end nothing is owed.
    async fn next(&self, read: &mut ChannelReadHalf) -> Result<Option<ChannelMsg>, LinkError> {
        if self.heard.exit.is_some() {
            return Ok(timeout(Duration::from_secs(2), read.wait()).await.ok().flatten());
        }
        if self.voice.uid.is_some() {
            return Ok(read.wait().await);
        }
        let within = self.inner.patience();
        let late = |_| LinkError::Deadline { address: self.inner.address(), within };
        timeout_at(self.voice.started + within, read.wait()).await.map_err(late)
    }

    /// What comes before the supervisor says that it is there.
    fn enter(&mut self, data: &[u8]) -> Result<(), LinkError> {
        self.voice.noise.extend_from_slice(data);
        if self.voice.noise.windows(HERE.len()).any(|window| window == HERE) {
            self.hints.here.send_replace(true);
        }
        let Some((from, uid)) = begun(&self.voice.noise) else { return self.quiet_enough() };
        self.voice.uid = Some(uid);
        self.right_user()?;
        self.inner.shell_needed(self.voice.started.elapsed(), HEAVY_SHELL);
        let ours = self.voice.noise.split_off(from);
        self.frames(&ours)
    }

    fn frames(&mut self, data: &[u8]) -> Result<(), LinkError> {
        let (heard, taken) = (&mut self.heard, &self.hints.taken);
        let result = self.voice.frames.hear(data, |said| match said {
            Said::Output(part) => heard.output.stdout.extend_from_slice(part),
            Said::Error(part) => heard.output.stderr.extend_from_slice(part),
            Said::Begun => heard.begun = true,
            Said::Taken(size) => taken.send_modify(|taken| *taken = taken.saturating_add(size)),
            Said::Ended(status) => (heard.ended, heard.output.status) = (true, status),
            Said::Fenced(cause) => heard.fenced = Some(cause),
        });
        if result.is_err() {
            return Err(self.no_shell("its login shell prints into what programs answer"));
        }
        if heard.output.stdout.len() + heard.output.stderr.len() > LIMIT {
            return Err(LinkError::Flood { address: self.inner.address(), limit: Bytes(LIMIT as u64) });
        }
        Ok(())
    }

    fn murmur(&mut self, data: &[u8]) -> Result<(), LinkError> {
        self.voice.murmur(data);
        if self.voice.uid.is_none() && self.sudo && asked_twice(&self.voice.errors) {
            return Err(self.refused("it does not accept the password"));
        }
        self.quiet_enough()
    }

    fn quiet_enough(&self) -> Result<(), LinkError> {
        let noise = self.voice.noise.len() + self.voice.errors.len();
        if noise > NOISE { Err(self.no_shell("its login shell prints without end")) } else { Ok(()) }
    }

    fn right_user(&self) -> Result<(), LinkError> {
        match self.voice.uid {
            Some(uid) if self.root && uid != 0 => {
                let user = self.inner.user();
                Err(self.refused(&format!("`{user}` is not root, and no `sudo` is configured for the host")))
            }
            _ => Ok(()),
        }
    }

    /// What it means that the channel closed before the program ended.
    fn verdict(&self) -> Result<Option<Output>, LinkError> {
        let Heard { begun, exit, .. } = self.heard;
        if self.inner.gone() {
            return Err(self.inner.lost("it is closed"));
        }
        if self.used && !begun {
            return Ok(None);
        }
        let said = self.voice.last_words();
        match exit {
            Some(_) if self.voice.uid.is_some() => {
                let said = said.map(|said| format!(" ({said})")).unwrap_or_default();
                Err(self.inner.lost(&format!("what runs imctl's programs there was ended{said}")))
            }
            None => Err(self.inner.lost("the connection ended before the program")),
            Some(status) => {
                let cause = said.unwrap_or_else(|| format!("it answers with status {status}"));
                let by_sudo = self.sudo && cause.contains("sudo");
                Err(if by_sudo { self.refused(&cause) } else { self.no_shell(&cause) })
            }
        }
    }

    fn refused(&self, cause: &str) -> LinkError {
        LinkError::Sudo { address: self.inner.address(), cause: cause.to_owned() }
    }

    fn no_shell(&self, cause: &str) -> LinkError {
        LinkError::Shell { address: self.inner.address(), cause: cause.to_owned() }
    }
}

fn asked_twice(errors: &[u8]) -> bool {
    errors.windows(PROMPT.len()).filter(|window| *window == PROMPT.as_bytes()).count() > 1
}
