//! What is said to a supervisor: the way in, a program, its input as the program takes it, and signs of life.

use super::bootstrap::{BEAT, BEAT_EVERY, END, frame, header, opening};
use super::shell::Job;
use russh::ChannelWriteHalf;
use russh::client::Msg;
use std::convert::Infallible;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Pieces of input; a piece must arrive within the supervisor's patience even on a slow line.
const PIECE: usize = 128 << 10;

/// Input that a program may leave untaken: the host keeps no more of it, so that it always hears signs of life.
const AHEAD: usize = 4 << 20;

/// What the listener tells the speaker.
pub(super) struct Hints {
    /// Past `sudo`: nothing sent now is taken for a password.
    pub(super) here: watch::Sender<bool>,
    /// Input that the program has taken.
    pub(super) taken: watch::Sender<usize>,
}

/// Speaks to one supervisor for one program.
pub(super) struct Mouth<'a> {
    write: &'a ChannelWriteHalf<Msg>,
    /// Nobody spoke to the supervisor before.
    fresh: bool,
    here: watch::Receiver<bool>,
    taken: watch::Receiver<usize>,
    hints: Option<Hints>,
    sent: usize,
    pending: Vec<u8>,
    told: bool,
}

impl<'a> Mouth<'a> {
    pub(super) fn new(write: &'a ChannelWriteHalf<Msg>, fresh: bool) -> Self {
        let (here_sender, here) = watch::channel(false);
        let (taken_sender, taken) = watch::channel(0);
        let hints = Some(Hints { here: here_sender, taken: taken_sender });
        Self { write, fresh, here, taken, hints, sent: 0, pending: Vec::new(), told: false }
    }

    /// The other end of what the listener tells.
    pub(super) fn hints(&mut self) -> Hints {
        self.hints.take().expect("there is one listener")
    }

    /// Whether the program has got all of its input.
    pub(super) fn told(&self) -> bool {
        self.told
    }

    /// Sends the program, its input and then signs of life for ever; when the channel takes no more, it is the
    /// listener who knows why.
    pub(super) async fn speak(&mut self, job: &Job<'_>) -> Infallible {
        // An error is a channel that closed.
        let _ = self.say(job).await;
        std::future::pending().await
    }

    async fn say(&mut self, job: &Job<'_>) -> Result<(), russh::Error> {
        if let Some(password) = &job.password {
            self.write.data_bytes(format!("{}\n", password.expose()).into_bytes()).await?;
            // Whatever followed now would be taken for more passwords if this one is wrong.
            let _ = self.here.wait_for(|here| *here).await;
        }
        if self.fresh {
            self.pending = opening();
        }
        self.pending.extend_from_slice(&header(job.exec, job.fence));
        for piece in job.exec.script.as_bytes().chunks(PIECE).chain(job.input.chunks(PIECE)) {
            self.await_room(piece.len()).await?;
            self.pending.reserve(piece.len() + 8);
            self.pending.extend_from_slice(&frame(piece.len()));
            self.pending.extend_from_slice(piece);
            if self.pending.len() >= PIECE {
                self.flush().await?;
            }
        }
        self.pending.extend_from_slice(&END);
        self.flush().await?;
        self.told = true;
        loop {
            sleep(BEAT_EVERY).await;
            self.write.data_bytes(BEAT.to_vec()).await?;
        }
    }

    /// Waits, with signs of life, until the program has taken enough of what was sent.
    async fn await_room(&mut self, size: usize) -> Result<(), russh::Error> {
        self.sent += size;
        let most = self.sent.saturating_sub(AHEAD);
        if *self.taken.borrow() >= most {
            return Ok(());
        }
        self.flush().await?;
        while timeout(BEAT_EVERY, self.taken.wait_for(|taken| *taken >= most)).await.is_err() {
            self.write.data_bytes(BEAT.to_vec()).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), russh::Error> {
        match std::mem::take(&mut self.pending) {
            pending if pending.is_empty() => Ok(()),
            pending => self.write.data_bytes(pending).await,
        }
    }
}
