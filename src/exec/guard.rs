//! Changes that can cut our own connection: the host restores the old state by a timer of its own unless imctl comes
//! back over a new connection.

use crate::base::quote;
use crate::resource::RESTORE_UNIT as UNIT;
use crate::transport::{Exec, Session};
use std::time::Duration;

/// Where the restoring script waits: gone after a reboot, readable by root alone.
const FOLDER: &str = "/run/imctl";

/// Applies a change under a timer. `Err` tells what happened and that the old state is back.
pub(super) async fn guarded(
    link: &dyn Session,
    apply: &str,
    restore: &str,
    within: Duration,
) -> Result<(), String> {
    let armed = link.exec(Exec::new(arm(apply, within), within).input(restore.as_bytes().to_vec())).await;
    match armed {
        Ok(output) if output.status == 0 => {}
        Ok(output) => {
            let _ = link.exec(Exec::new(format!("{}; sh {FOLDER}/restore.sh", disarm()), within)).await;
            return Err(output.text());
        }
        Err(cause) => return Err(format!("{cause}; the host restores the old state in {within:?}")),
    }
    let confirmed = async {
        let fresh = link.again().await.map_err(|cause| cause.to_string())?;
        let output = fresh.exec(Exec::new(disarm(), within)).await.map_err(|cause| cause.to_string())?;
        fresh.close().await;
        if output.status == 0 { Ok(()) } else { Err(output.text()) }
    };
    match tokio::time::timeout(within, confirmed).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(cause)) => {
            Err(format!("no new connection came through ({cause}); the host restores the old state"))
        }
        Err(_) => {
            Err(format!("no new connection came through within {within:?}; the host restores the old state"))
        }
    }
}

/// Stores the restoring script, starts its timer, makes the change.
fn arm(apply: &str, within: Duration) -> String {
    let seconds = within.as_secs().max(5);
    format!(
        "set -e\numask 077\nmkdir -p {FOLDER}\ncat >{FOLDER}/restore.sh\n\
         systemctl stop {UNIT}.timer {UNIT}.service 2>/dev/null || true\n\
         systemctl reset-failed {UNIT}.timer {UNIT}.service 2>/dev/null || true\n\
         systemd-run --quiet --collect --unit={UNIT} --on-active={seconds}s --timer-property=AccuracySec=1s \
         sh {FOLDER}/restore.sh\n\
         sh -c {} </dev/null\n",
        quote(apply)
    )
}

fn disarm() -> String {
    format!("systemctl stop {UNIT}.timer && rm -f {FOLDER}/restore.sh.done")
}
