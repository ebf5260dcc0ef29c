//! An error as an operator reads it: what, where, why, what now; the chain of causes once.

use super::style::{Style, Tone, padded, wide, wrapped};
use std::error::Error;
use std::io::{self, Write};

/// An error, ready to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorView {
    /// Number that `imctl explain` knows, such as `IM3105`.
    pub number: String,
    /// What happened, causes included.
    pub message: String,
    /// Labelled lines below, such as `recorded`, `now`, `why`.
    pub facts: Vec<(String, String)>,
    /// What helps, as commands or sentences.
    pub help: Vec<String>,
}

impl ErrorView {
    /// Reads an error and its causes; a cause that the message before it already tells is left out.
    pub fn new(number: &str, error: &dyn Error, help: Vec<String>) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            source = cause.source();
        }
        Self { number: number.to_owned(), message, facts: vec![], help }
    }
}

/// Writes an error.
pub fn error(out: &mut impl Write, view: &ErrorView, style: Style) -> io::Result<()> {
    let label = format!("Error {}: ", view.number);
    let mut paragraphs = view.message.lines();
    let first = paragraphs.next().unwrap_or_default();
    for (at, line) in wrapped(first, style.width.saturating_sub(wide(&label)).max(40)).iter().enumerate() {
        match at {
            0 => writeln!(out, "{}{line}", style.paint(Tone::Bad, &label))?,
            _ => writeln!(out, "  {line}")?,
        }
    }
    // What a program said stays as it said it.
    for line in paragraphs {
        writeln!(out, "  {line}")?;
    }
    let helps = view.help.iter().enumerate();
    let helps = helps.map(|(at, line)| (if at == 0 { "help" } else { "" }.to_owned(), line.clone()));
    let facts: Vec<(String, String)> = view.facts.iter().cloned().chain(helps).collect();
    write_facts(out, &facts, style)
}

/// Labelled lines, the labels in one column. Commands are never broken over lines.
pub(super) fn write_facts(out: &mut impl Write, facts: &[(String, String)], style: Style) -> io::Result<()> {
    let column = facts.iter().map(|(label, _)| wide(label)).max().unwrap_or(0) + 2;
    for (label, text) in facts {
        let room = style.width.saturating_sub(column + 2);
        let lines = if text.contains("  ") { vec![text.clone()] } else { wrapped(text, room.max(40)) };
        for (at, line) in lines.iter().enumerate() {
            let label = padded(if at == 0 { label } else { "" }, column);
            writeln!(out, "  {}{line}", style.paint(Tone::Quiet, &label))?;
        }
    }
    Ok(())
}
