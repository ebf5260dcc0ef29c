//! The machines a service needs, and everything that led to them.

use super::style::{Style, Tone, wrapped};
use super::table::table;
use crate::sizing::{Given, Machines, Resource, TermValue, Worked};
use crate::stack::{Basis, SizingFile};
use serde_json::{Value, json};
use std::io::{self, Write};

/// What `size` has to show.
#[derive(Debug, Clone, PartialEq)]
pub struct SizeView {
    /// Stack name.
    pub stack: String,
    /// A failure of one host may not be felt.
    pub ha: bool,
    /// What was worked out.
    pub worked: Worked,
    /// The formulas and numbers it was worked out with.
    pub file: SizingFile,
}

impl SizeView {
    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "format": 1,
            "stack": self.stack,
            "ha": self.ha,
            "inputs": self.worked.inputs.iter().map(input_json).collect::<Vec<_>>(),
            "terms": self.worked.terms,
            "roles": self.worked.roles,
            "constants": self.file.constants,
            "notes": self.notes(),
        })
    }

    /// What an operator should know before he buys.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let disk = |it: &Machines| it.hosts * it.disk_gib;
        if let Some(most) = self.worked.roles.iter().max_by_key(|it| disk(it)).filter(|it| disk(it) > 500) {
            notes.push(format!(
                "Disk is the bill: {} for the role {}. A shorter retention saves most.",
                space(disk(most)),
                most.role
            ));
        }
        for machines in &self.worked.roles {
            if let Some(helps) = &machines.beyond {
                notes.push(format!("The role {} is more than one machine carries: {helps}.", machines.role));
            }
        }
        if self.ha {
            let alone = self.file.roles.iter().filter_map(|role| role.alone.clone());
            notes.extend(alone);
        }
        notes.push("Roles may share a host: then add what they need.".to_owned());
        notes
    }
}

/// Writes it: the machines first, then what they follow from.
pub fn size(out: &mut impl Write, view: &SizeView, style: Style) -> io::Result<()> {
    let title = if view.ha { "a failure of one host is not felt" } else { "no spare hosts" };
    writeln!(out, "{}", style.paint(Tone::Strong, &format!("Machines for {} ({title})", view.stack)))?;
    let rows = view.worked.roles.iter().map(machine_row);
    write_table(out, head(MACHINES).chain(rows), style)?;
    let hosts: u64 = view.worked.roles.iter().map(|it| it.hosts).sum();
    let cpu: u64 = view.worked.roles.iter().map(|it| it.hosts * it.cpu).sum();
    let memory: u64 = view.worked.roles.iter().map(|it| it.hosts * it.memory_mib).sum();
    let disk: u64 = view.worked.roles.iter().map(|it| it.hosts * it.disk_gib).sum();
    writeln!(
        out,
        "in all   {hosts} hosts, {cpu} vCPU, {} of memory, {} of disk\n",
        space(memory / 1024),
        space(disk)
    )?;
    for note in view.notes() {
        for (at, line) in wrapped(&note, style.width - 3).iter().enumerate() {
            let sign = if at == 0 { "!" } else { " " };
            writeln!(out, "{}  {line}", style.paint(Tone::Warn, sign))?;
        }
    }
    section(out, "What it follows from", style)?;
    write_table(out, head(INPUTS).chain(view.worked.inputs.iter().map(input_row)), style)?;
    section(out, "How it is worked out", style)?;
    write_table(out, head(TERMS).chain(view.worked.terms.iter().map(term_row)), style)?;
    section(out, "Numbers of the model", style)?;
    let constants = view.file.constants.iter().map(|(name, it)| {
        vec![
            name.clone(),
            format!("{} {}", amount(it.value), it.unit),
            basis(it.basis).to_owned(),
            it.source.clone(),
        ]
    });
    write_table(out, head(CONSTANTS).chain(constants), style)
}

const MACHINES: [&str; 7] = ["role", "hosts", "each", "disk", "writes/s", "network", "needs at the peak"];
const INPUTS: [&str; 3] = ["asked", "taken", "why"];
const TERMS: [&str; 4] = ["term", "value", "formula", "what it is"];
const CONSTANTS: [&str; 4] = ["number", "value", "basis", "source"];

fn head<const N: usize>(names: [&str; N]) -> impl Iterator<Item = Vec<String>> {
    std::iter::once(names.iter().map(|&name| name.to_owned()).collect())
}

fn section(out: &mut impl Write, title: &str, style: Style) -> io::Result<()> {
    writeln!(out, "\n{}", style.paint(Tone::Strong, title))
}

fn write_table(
    out: &mut impl Write,
    rows: impl Iterator<Item = Vec<String>>,
    style: Style,
) -> io::Result<()> {
    let rows: Vec<Vec<String>> = rows.collect();
    for (at, lines) in table(&rows, 1, style.width).iter().enumerate() {
        for line in lines {
            let tone = if at == 0 { style.paint(Tone::Quiet, line) } else { line.clone() };
            writeln!(out, "{tone}")?;
        }
    }
    Ok(())
}

fn machine_row(it: &Machines) -> Vec<String> {
    let spare = if it.spare > 0 { format!(" ({} spare)", it.spare) } else { String::new() };
    let decides = match it.decides {
        Resource::Cpu => "processors decide",
        Resource::Memory => "memory decides",
        Resource::Neither => "the smallest will do",
    };
    vec![
        it.role.to_string(),
        format!("{}{spare}", it.hosts),
        format!("{} vCPU, {} GiB", it.cpu, it.memory_mib / 1024),
        space(it.disk_gib),
        whole(it.iops),
        format!("{} Mbit/s", whole(it.network_mbit)),
        format!("{} cores, {} GiB; {decides}", amount(it.needs.cpu), amount(it.needs.memory_mib / 1024.0)),
    ]
}

fn input_json(it: &Given) -> Value {
    json!({ "name": it.name.replace('_', "-"), "value": it.value, "unit": it.unit, "because": it.because })
}

fn input_row(it: &Given) -> Vec<String> {
    let why = it.because.clone().unwrap_or_else(|| "given".to_owned());
    vec![it.name.replace('_', "-"), format!("{} {}", amount(it.value), it.unit), why]
}

fn term_row(it: &TermValue) -> Vec<String> {
    let value = format!("{} {}", amount(it.value), it.unit);
    vec![it.name.clone(), value, it.formula.clone(), it.because.clone()]
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Measured => "measured",
        Basis::Published => "published",
        Basis::Assumed => "assumed",
    }
}

fn space(gib: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "spaces are far below 2^52 GiB")]
    if gib < 10_240 { format!("{} GiB", whole(gib)) } else { format!("{} TiB", amount(gib as f64 / 1024.0)) }
}

fn whole(number: u64) -> String {
    super::style::grouped(usize::try_from(number).unwrap_or(usize::MAX))
}

/// A number with three digits that count.
fn amount(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "amounts are not negative")]
    if number >= 100.0 || number.fract() == 0.0 {
        return whole(number.round() as u64);
    }
    let digits = if number >= 10.0 {
        1
    } else if number >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{number:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_the_digits_that_count() {
        for (number, wanted) in
            [(0.0, "0"), (0.2, "0.2"), (0.0415, "0.042"), (1.6, "1.6"), (29.17, "29.2"), (53123.4, "53,123")]
        {
            assert_eq!(amount(number), wanted);
        }
        assert_eq!((space(9000), space(20_480)), ("9,000 GiB".to_owned(), "20 TiB".to_owned()));
    }
}
