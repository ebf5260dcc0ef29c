//! What a broken connection means for a command: number, exit code and what helps.

use crate::base::{Exit, HostName};
use crate::transport::LinkError;

/// The exit code: before anything was changed a host out of reach is one cause, whatever broke.
pub(super) fn exit(error: &LinkError) -> Exit {
    match error {
        LinkError::Upload { .. } | LinkError::Flood { .. } => Exit::HostFailed,
        LinkError::File { .. } => Exit::Usage,
        LinkError::Fenced { .. } => Exit::Locked,
        _ => Exit::Unreachable,
    }
}

/// The number that `imctl explain` knows it by.
pub(super) fn number(error: &LinkError) -> &'static str {
    match error {
        LinkError::Connect { .. } => "IM3101",
        LinkError::Login { .. } => "IM3102",
        LinkError::Deadline { .. } => "IM3103",
        LinkError::Lost { .. } => "IM3104",
        LinkError::HostKey { .. } => "IM3105",
        LinkError::Revoked { .. } => "IM3106",
        LinkError::Certificate { .. } => "IM3107",
        LinkError::UnknownHost { .. } => "IM3108",
        LinkError::File { .. } => "IM3109",
        LinkError::Sudo { .. } => "IM3110",
        LinkError::Shell { .. } => "IM3111",
        LinkError::Upload { .. } => "IM3112",
        LinkError::Flood { .. } => "IM3113",
        LinkError::NotAllowed { .. } => "IM3114",
        LinkError::Fenced { .. } => "IM3116",
    }
}

/// What helps, as sentences and commands.
pub(super) fn help(host: &HostName, error: &LinkError) -> Vec<String> {
    let lines: &[String] = match error {
        LinkError::Connect { .. } => &["is it switched on, and are address and port right?".to_owned()],
        LinkError::Login { user, .. } => &[format!(
            "does `{user}` have your key in its authorized_keys? The inventory's `ssh` says which user and key"
        )],
        LinkError::Deadline { .. } => &["a longer limit: --timeout 60s".to_owned()],
        LinkError::Lost { .. } => &["run the same command again: it does only what is left".to_owned()],
        LinkError::HostKey { recorded, shown, place, .. } => &[
            format!("recorded  {recorded} ({place})"),
            format!("now       {shown}"),
            "the machine was rebuilt, or somebody stands in between; imctl did not log in".to_owned(),
            format!("ask who rebuilt it; then: imctl trust forget {host}"),
        ],
        LinkError::Revoked { shown, .. } => &[
            format!("shown     {shown}"),
            "the key is known to be in wrong hands: give the host a new one, then remove the old mark"
                .to_owned(),
        ],
        LinkError::Certificate { .. } => &["have the host's certificate renewed by its authority".to_owned()],
        LinkError::UnknownHost { .. } => &[
            format!("look at it and accept it: imctl trust accept {host}"),
            "or accept all new hosts of this run: --accept-new-host-keys".to_owned(),
        ],
        LinkError::Sudo { .. } => {
            &["the inventory's `ssh.sudo` says how root is had: true, or a password file, or `ask`"
                .to_owned()]
        }
        LinkError::Shell { .. } => &[format!(
            "try it by hand: ssh HOST true; imctl needs a login shell and perl on `{host}`, which Debian always has"
        )],
        LinkError::Fenced { .. } => &["who holds it now: imctl lock show -i FILE".to_owned()],
        LinkError::Upload { .. } => &["is the disk full or read-only? df -h; df -i".to_owned()],
        LinkError::File { .. } | LinkError::Flood { .. } | LinkError::NotAllowed { .. } => &[],
    };
    lines.to_vec()
}
