//! The answer goes to standard output; a reader that left early (`| head`) is no failure.

use std::io::{ErrorKind, Write as _};

/// Writes text to standard output.
#[expect(clippy::print_stderr, reason = "this room prints")]
pub(super) fn answer(text: &str) {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => eprintln!("cannot write the answer: {cause}"),
        _ => {}
    }
}
