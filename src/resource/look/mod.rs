//! One look at a host: all probes as one POSIX sh program, and its answer read back.
//!
//! A frame begins with a word that the host draws at random after the probes were written, so no output of a
//! probe can forge one; an answer without its last frame is an error and never half a truth.

mod answer;
mod program;

pub use answer::{LookError, parse};
pub use program::{contents, program};

/// First word of an answer; the random word follows it on the same line.
const GREETING: &str = "imctl-look 1 ";

#[cfg(test)]
mod tests;
