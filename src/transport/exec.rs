//! One remote execution: a shell that waits, or a new one, runs the program. A caller that stops waiting leaves a closed
//! channel and a host on which nothing of ours runs on.

use super::shell::{Job, Shell};
use super::ssh::Inner;
use super::target::Sudo;
use super::{Exec, Fence, LinkError, Output};
use std::sync::Arc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Runs a program, in a task of its own so that a caller who is busy delays no sign of life; when the returned future is
/// dropped, the program is ended.
pub(super) async fn run(inner: Arc<Inner>, exec: Exec, fence: Option<Fence>) -> Result<Output, LinkError> {
    let given_up = CancellationToken::new();
    let _guard = given_up.clone().drop_guard();
    let lost = inner.lost("the task that served it ended");
    let task = tokio::spawn(async move {
        let late = LinkError::Deadline { address: inner.address(), within: exec.within };
        tokio::select! {
            () = given_up.cancelled() => Err(late),
            result = run_with(&inner, &exec, exec.input.expose(), fence.as_ref()) => result,
        }
    });
    task.await.unwrap_or(Err(lost))
}

/// Runs a program with input that stays where it is; when the returned future is dropped, the program is ended.
pub(super) async fn run_with(
    inner: &Inner,
    exec: &Exec,
    input: &[u8],
    fence: Option<&Fence>,
) -> Result<Output, LinkError> {
    let late = |_| LinkError::Deadline { address: inner.address(), within: exec.within };
    let job = Job { exec, input, fence, password: None };
    timeout(exec.within, talk(inner, job)).await.map_err(late)?
}

/// Runs the program on a shell and keeps the shell; when this future is dropped, it is closed.
async fn talk(inner: &Inner, mut job: Job<'_>) -> Result<Output, LinkError> {
    let place = Arc::clone(&inner.channels).acquire_owned().await.map_err(|_| inner.lost("it is closed"))?;
    let mut place = Some(place);
    let sudo = job.exec.root.then(|| inner.sudo()).flatten();
    while let Some(mut shell) = inner.idle.take(sudo.is_some()).await {
        shell.place = place.take();
        if let Some(output) = shell.serve(inner, &job).await? {
            inner.idle.put(shell);
            return Ok(output);
        }
        // It ended before the program began, as after a stop of ours: nothing ran, so another may.
        place = shell.place.take();
    }
    if let Some(Sudo::PasswordFile(_) | Sudo::Ask) = sudo {
        job.password = Some(inner.sudo_password().await?);
    }
    inner.idle.keep(inner.channels.available_permits());
    let mut shell = Shell::open(inner, sudo).await?;
    shell.place = place;
    let output = shell.serve(inner, &job).await?;
    inner.idle.put(shell);
    output.ok_or_else(|| inner.lost("the shell ended before the program"))
}
