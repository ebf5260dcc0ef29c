//! What is typed on the host and what is sent to it: the remote command line is constant; program and input travel
//! over standard input in frames.
//!
//! A small perl supervisor (`supervisor.pl`; perl is in every Debian) runs one program after the other. Plain `sh`
//! cannot do it: a program must end when the connection is lost, also silently, in the middle of its input or after
//! it, and a cut input must never look like a whole one. So the input comes in frames with its end marked, and between
//! them a sign of life every two seconds; after eight seconds of silence, at the end of standard input or past its
//! deadline the supervisor ends the program's process group.

use super::target::Sudo;
use super::{Exec, Fence};
use std::time::Duration;

const SUPERVISOR: &str = include_str!("supervisor.pl");

/// Reads lines until ours, which survives a password that `sudo` did not want, then the supervisor's own text.
const LOADER: &str = concat!(
    r#"perl -e 'sub t{my($n,$b)=(@_,"");while(length$b<$n){sysread(STDIN,$b,$n-length$b,length$b)or exit 255}$b}"#,
    r#"alarm 20;$|=1;print"\0imctl here\n";do{$l="";do{$l.=$c=t(1)}until$c eq"\n"}until$l=~/^imctl (\d+)$/;eval t($1);die$@'"#
);

/// What `sudo` prints on standard error when it wants a password.
pub(super) const PROMPT: &str = "imctl-wants-a-password:";

/// What the loader prints as soon as it runs: past `sudo`, and nothing sent now is taken for a password.
pub(super) const HERE: &[u8] = b"\0imctl here\n";

/// What the supervisor prints before anything else, followed by the user id and a newline.
const READY: &[u8] = b"\0imctl ready ";

/// The end of the input.
pub(super) const END: [u8; 4] = [0xff; 4];

/// A sign of life.
pub(super) const BEAT: [u8; 4] = [0; 4];

/// Seconds between signs of life.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(2);

/// The remote command line.
pub(super) fn command_line(sudo: Option<&Sudo>) -> String {
    match sudo {
        None | Some(Sudo::No) => format!("exec {LOADER}"),
        Some(Sudo::Passwordless) => format!("exec sudo -n -- {LOADER}"),
        Some(Sudo::PasswordFile(_) | Sudo::Ask) => format!("exec sudo -k -S -p {PROMPT} -- {LOADER}"),
    }
}

/// What goes first on a new channel: our line and the supervisor.
pub(super) fn opening() -> Vec<u8> {
    format!("imctl {}\n{SUPERVISOR}", SUPERVISOR.len()).into_bytes()
}

/// The first frame of a program: what is to run and under which lease. The program itself begins its input.
pub(super) fn header(exec: &Exec, fence: Option<&Fence>) -> Vec<u8> {
    // The deadline is kept on this side; the host's own is for when this side is stuck.
    let seconds = u32::try_from(exec.within.as_secs() + 5).unwrap_or(u32::MAX);
    let mut header = b"imctl".to_vec();
    header.extend_from_slice(&frame(exec.script.len()));
    header.extend_from_slice(&seconds.to_be_bytes());
    header.push(u8::from(exec.root));
    let names = fence.map_or(["", "", ""], |fence| [&*fence.record, &*fence.gate, &*fence.token]);
    for name in names {
        header.extend_from_slice(&frame(name.len()));
        header.extend_from_slice(name.as_bytes());
    }
    [&frame(header.len())[..], &header].concat()
}

/// The length before a piece of input.
pub(super) fn frame(length: usize) -> [u8; 4] {
    u32::try_from(length).expect("pieces are far below 4 GiB").to_be_bytes()
}

/// Where the supervisor's own words begin after what a login shell printed, and the user id it runs as; `None` while it
/// has not begun.
pub(super) fn begun(output: &[u8]) -> Option<(usize, u32)> {
    let at = output.windows(READY.len()).position(|window| window == READY)? + READY.len();
    let end = at + output[at..].iter().position(|&byte| byte == b'\n')?;
    let uid = std::str::from_utf8(&output[at..end]).ok()?.parse().ok()?;
    Some((end + 1, uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_of_a_login_shell_is_not_output() {
        let output = b"Welcome!\nlast login \0imctl\n\0imctl ready 1000\nanswer\n";
        let (from, uid) = begun(output).unwrap();
        assert_eq!((&output[from..], uid), (&b"answer\n"[..], 1000));
        assert_eq!(begun(b"Welcome!\n\0imctl ready 10"), None);
    }

    #[test]
    fn nothing_of_the_program_stands_in_the_command_line() {
        for sudo in [None, Some(Sudo::Passwordless), Some(Sudo::Ask)] {
            let line = command_line(sudo.as_ref());
            assert!(line.len() < 400 && !line.contains('!') && line.matches('\'').count() == 2, "{line}");
        }
    }
}
