//! Remote shells that wait for their next program. Each waits in a task of its own, which reads its channel, gives signs
//! of life, and closes it when anything is doubtful or nobody wants it for a minute.

use super::bootstrap::BEAT_EVERY;
use super::shell::Shell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Signs of life before a shell that nobody wants is closed.
const BEATS: u32 = 30;

/// The shells of one connection that wait.
#[derive(Default)]
pub(super) struct Idle(Mutex<Vec<Waiting>>);

struct Waiting {
    sudo: bool,
    /// Asks for the shell; dropped, it closes it.
    call: oneshot::Sender<()>,
    task: JoinHandle<Option<Shell>>,
}

impl Idle {
    /// Takes the shell that served last.
    pub(super) async fn take(&self, sudo: bool) -> Option<Shell> {
        loop {
            let waiting = {
                let mut all = self.all();
                let at = all.iter().rposition(|waiting| waiting.sudo == sudo)?;
                all.remove(at)
            };
            // Either fails for a shell that was closed meanwhile.
            if waiting.call.send(()).is_ok()
                && let Ok(Some(shell)) = waiting.task.await
            {
                return Some(shell);
            }
        }
    }

    /// Keeps a shell for the next program, if the last one left it clean.
    pub(super) fn put(&self, mut shell: Shell) {
        if !shell.clean {
            return;
        }
        shell.place = None;
        let (call, called) = oneshot::channel();
        let sudo = shell.sudo;
        let task = tokio::spawn(wait(shell, called));
        self.all().push(Waiting { sudo, call, task });
    }

    /// Closes the shell that has waited longest; `false` = there is none.
    pub(super) fn close_one(&self) -> bool {
        let mut all = self.all();
        !all.is_empty() && {
            drop(all.remove(0));
            true
        }
    }

    /// Closes those that are more than `most`.
    pub(super) fn keep(&self, most: usize) {
        let mut all = self.all();
        let extra = all.len().saturating_sub(most);
        all.drain(..extra);
    }

    /// Those that still wait.
    fn all(&self) -> MutexGuard<'_, Vec<Waiting>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|waiting| !waiting.task.is_finished());
        all
    }
}

async fn wait(mut shell: Shell, mut called: oneshot::Receiver<()>) -> Option<Shell> {
    for _ in 0..BEATS {
        tokio::select! {
            biased;
            () = shell.stirred() => return None,
            call = &mut called => return call.ok().map(|()| shell),
            () = sleep(BEAT_EVERY) => {}
        }
        if !shell.beat().await {
            return None;
        }
    }
    None
}
