//! A yes or no from the operator: only when both ends are a terminal; otherwise the answer is no.

use crate::report::Live;
use std::io::{self, IsTerminal as _, Write as _};

/// Asks a question that `yes` alone answers with yes; the live display steps aside meanwhile.
#[expect(clippy::print_stderr, reason = "this room prints")]
pub(super) fn yes(question: &str, live: &Live) -> bool {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return false;
    }
    live.pause(|| {
        eprint!("{question} [yes/no] ");
        // A prompt that cannot be shown is answered all the same.
        let _ = io::stderr().flush();
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
    })
}
