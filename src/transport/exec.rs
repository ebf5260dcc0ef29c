//! One remote execution: a shell that waits, or a new one, runs the program. In a task of its own, so that a caller that
//! stops waiting still leaves a closed channel and a host on which nothing of ours runs on.

use super::shell::Shell;
use super::ssh::Inner;
use super::target::Sudo;
use super::{Exec, Fence, LinkError, Output};
use std::sync::Arc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Runs a program; when the returned future is dropped, the program is ended.
pub(super) async fn run(inner: Arc<Inner>, exec: Exec, fence: Option<Fence>) -> Result<Output, LinkError> {
    let given_up = CancellationToken::new();
    let _guard = given_up.clone().drop_guard();
    let lost = inner.lost("the task that served it ended");
    let task = tokio::spawn(async move {
        let within = exec.within;
        let late = LinkError::Deadline { address: inner.address(), within };
        tokio::select! {
            () = given_up.cancelled() => Err(late),
            result = timeout(within, talk(&inner, &exec, fence.as_ref())) => result.unwrap_or(Err(late)),
        }
    });
    task.await.unwrap_or(Err(lost))
}

/// Runs the program on a shell and keeps the shell; when this future is dropped, it is closed.
async fn talk(inner: &Inner, exec: &Exec, fence: Option<&Fence>) -> Result<Output, LinkError> {
    let place = Arc::clone(&inner.channels).acquire_owned().await.map_err(|_| inner.lost("it is closed"))?;
    let mut place = Some(place);
    let sudo = exec.root.then(|| inner.sudo()).flatten();
    while let Some(mut shell) = inner.idle.take(sudo.is_some()).await {
        shell.place = place.take();
        if let Some(output) = shell.serve(inner, exec, fence, None).await? {
            inner.idle.put(shell);
            return Ok(output);
        }
        // It ended before the program began, as after a stop of ours: nothing ran, so another may.
        place = shell.place.take();
    }
    let password = match sudo {
        Some(Sudo::PasswordFile(_) | Sudo::Ask) => Some(inner.sudo_password().await?),
        _ => None,
    };
    inner.idle.keep(inner.channels.available_permits());
    let mut shell = Shell::open(inner, sudo).await?;
    shell.place = place;
    let output = shell.serve(inner, exec, fence, password.as_ref()).await?;
    inner.idle.put(shell);
    output.ok_or_else(|| inner.lost("the shell ended before the program"))
}
