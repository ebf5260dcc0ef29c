//! What the proof of the history found: a row a place, what is wrong named by its line, and what helps.

use super::style::{Style, Tone, counted, wrapped};
use super::table::table;
use crate::base::Exit;
use serde_json::{Value, json};
use std::io::{self, Write};

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// As it was written.
    Whole,
    /// Could not be told, or is worth a look.
    Unsure,
    /// Changed, missing or cut.
    Broken,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofRow {
    /// How good it is.
    pub proof: Proof,
    /// Where: `here` or a host.
    pub place: String,
    /// What, in one sentence.
    pub says: String,
    /// What helps; empty where nothing has to be done.
    pub help: String,
}

/// The whole proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofView {
    /// The deployment.
    pub name: String,
    /// Lines of the history here.
    pub lines: usize,
    /// Hosts whose copy was compared.
    pub compared: usize,
    /// What was found.
    pub rows: Vec<ProofRow>,
}

impl ProofView {
    fn broken(&self) -> usize {
        self.rows.iter().filter(|row| row.proof == Proof::Broken).count()
    }

    /// The exit code: anything broken, else nobody to compare with.
    pub fn exit(&self) -> Exit {
        match (self.broken(), self.compared) {
            (1.., _) => Exit::CheckFailed,
            (0, 0) => Exit::Unreachable,
            (0, _) => Exit::Done,
        }
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let row = |row: &ProofRow| {
            let verdict = match row.proof {
                Proof::Whole => "whole",
                Proof::Unsure => "unsure",
                Proof::Broken => "broken",
            };
            json!({ "verdict": verdict, "place": row.place, "says": row.says, "help": row.help })
        };
        json!({
            "format": 1,
            "command": "history verify",
            "name": self.name,
            "lines": self.lines,
            "compared": self.compared,
            "broken": self.broken(),
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

/// Writes the proof.
pub fn proof(out: &mut impl Write, view: &ProofView, style: Style) -> io::Result<()> {
    let sign = |proof: Proof| match proof {
        Proof::Whole => ("✓", Tone::Good),
        Proof::Unsure => ("!", Tone::Warn),
        Proof::Broken => ("✗", Tone::Bad),
    };
    let cells = |row: &ProofRow| vec![sign(row.proof).0.to_owned(), row.place.clone(), row.says.clone()];
    let rows: Vec<Vec<String>> = view.rows.iter().map(cells).collect();
    let indent = super::table::begins(&rows, 2);
    for (lines, row) in table(&rows, 2, style.width).iter().zip(&view.rows) {
        let (sign, tone) = sign(row.proof);
        for line in lines {
            match line.strip_prefix(sign) {
                Some(rest) => writeln!(out, "{}{rest}", style.paint(tone, sign))?,
                None => writeln!(out, "{line}")?,
            }
        }
        for line in wrapped(&row.help, style.width.saturating_sub(indent)).iter().filter(|it| !it.is_empty())
        {
            writeln!(out, "{}{}", " ".repeat(indent), style.paint(Tone::Quiet, line))?;
        }
    }
    let lines = counted(view.lines, "line");
    let hosts = counted(view.compared, "host");
    let end = match (view.broken(), view.compared) {
        (0, 0) => format!("{}: {lines} follow from each other, and no host could be asked.", view.name),
        (0, _) => format!("{}: {lines} follow from each other and agree with {hosts}.", view.name),
        (broken, _) => {
            format!(
                "{}: {} in the history of {lines}, compared with {hosts}.",
                view.name,
                counted(broken, "fault")
            )
        }
    };
    let tone = if view.broken() == 0 { Tone::Good } else { Tone::Bad };
    writeln!(out, "{}", style.paint(tone, &end))
}
