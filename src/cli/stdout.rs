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

/// Writes one line to standard output.
pub(super) fn line(text: &str) {
    answer(&format!("{text}\n"));
}

/// Writes to standard output with a writer of `report`.
pub(super) fn write(text: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) {
    let mut buffer = Vec::new();
    text(&mut buffer).expect("writing to memory does not fail");
    answer(&String::from_utf8_lossy(&buffer));
}

/// Tells the story on standard error, one line.
#[expect(clippy::print_stderr, reason = "this room prints")]
pub(super) fn note(text: &str) {
    eprintln!("{text}");
}

/// Ends the program at once.
#[expect(clippy::exit, reason = "the operator asked twice for the end")]
pub(super) fn end_now(exit: crate::base::Exit) {
    std::process::exit(i32::from(exit.code()));
}
