//! How the script of a stack stands within a script of ours.

use crate::base::quote;
use std::fmt::Display;

/// Adds a line.
pub(super) fn line(script: &mut String, text: impl Display) {
    script.push_str(&text.to_string());
    script.push('\n');
}

/// Runs a script in a subshell and ends with its status when that is not 0. The subshell is no part of a
/// condition, because there the shell would ignore the script's own `set -e`.
pub(super) fn step(script: &str) -> String {
    format!("(\n{script}\n)\ns=$?\n[ $s -eq 0 ] || exit $s\n")
}

/// Like `step`, but silent: a failure says only `why`.
pub(super) fn silent_step(script: &str, why: &str) -> String {
    format!("(\n{script}\n) >/dev/null 2>&1\ns=$?\n{}", or_fail(why))
}

/// Ends with the status in `s`, and `why`, when that is not 0.
pub(super) fn or_fail(why: &str) -> String {
    format!("[ $s -eq 0 ] || {{ echo {} >&2; exit $s; }}\n", quote(why))
}

/// A script that only fails.
pub(super) fn refusal(why: &str) -> String {
    format!("echo {} >&2\nexit 1\n", quote(why))
}
