//! `imctl history verify`: whether the lines follow from each other, and whether the hosts' copies agree. It changes
//! nothing, here or there.

use crate::base::{Exit, HostName, Sink};
use crate::cli::reach::Unreached;
use crate::cli::road::Road;
use crate::cli::{Failure, Global, OutputFormat, connect, stdout};
use crate::exec::{self, Copies};
use crate::plan::manifest_path;
use crate::report::{self, Proof, ProofRow, ProofView, Style, counted};
use crate::state::{Chain, Copied, Entry, HISTORY};

/// Judges the history, here and on every host that answers.
pub(super) async fn run(global: &Global) -> Result<Exit, Failure> {
    let road = Road::whatever_happened(global)?;
    let chain = road.state.chain()?;
    let judge = Judge { name: &road.inventory().name, chain: &chain, folder: &road.state.path(HISTORY) };
    let mut rows = judge.here();
    let (fleet, silent) = connect::some(&road, global, &road.hosts, &Sink::none()).await?;
    let copies = exec::copies(&road.inventory().name, &fleet, HISTORY).await;
    fleet.close().await;
    let mut compared = 0;
    for (host, copy) in copies {
        match copy {
            Ok(copy) => {
                compared += 1;
                rows.extend(judge.there(&host, &copy));
            }
            Err(cause) => rows.push(unreached(&Unreached { host, cause })),
        }
    }
    rows.extend(silent.iter().map(unreached));
    let view = ProofView { name: road.inventory().name.clone(), lines: chain.lines.len(), compared, rows };
    match global.shape() {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::proof(out, &view, style));
        }
    }
    Ok(view.exit())
}

fn unreached(it: &Unreached) -> ProofRow {
    row(Proof::Unsure, it.host.as_str(), format!("not compared: {}", it.cause))
}

fn row(proof: Proof, place: &str, says: String) -> ProofRow {
    ProofRow { proof, place: place.to_owned(), says, help: String::new() }
}

/// What copies are held against.
struct Judge<'a> {
    name: &'a str,
    chain: &'a Chain,
    folder: &'a std::path::Path,
}

impl Judge<'_> {
    /// The lines here, each against the one before it.
    fn here(&self) -> Vec<ProofRow> {
        let lines = self.chain.lines.len();
        let faults = self.chain.faults();
        let mut rows: Vec<ProofRow> =
            faults.iter().map(|fault| row(Proof::Broken, "here", fault.says.clone())).collect();
        if rows.is_empty() {
            rows.push(row(
                Proof::Whole,
                "here",
                format!("{} follow from each other", counted(lines, "line")),
            ));
        }
        if self.chain.head.is_none() && lines > 0 {
            let says = "`history.head` is missing: whether the last line is the last can only the hosts tell";
            rows.push(row(Proof::Unsure, "here", says.to_owned()));
        }
        rows
    }

    /// A host's copy against the lines here.
    fn there(&self, host: &HostName, copies: &Copies) -> Vec<ProofRow> {
        let copy = Chain::of(&copies.text);
        let mut rows = vec![self.copy(host, &copy)];
        rows.extend(copies.aside.iter().map(|name| {
            let says =
                format!("a copy that was no beginning of the history of its time stands aside as {name}");
            row(Proof::Broken, host.as_str(), says)
        }));
        if let Some(bad) = rows.iter_mut().find(|row| row.proof == Proof::Broken) {
            bad.help = self.help(host, &copy);
        }
        rows
    }

    fn copy(&self, host: &HostName, copy: &Chain) -> ProofRow {
        let host = host.as_str();
        if copy.lines.is_empty() {
            return row(Proof::Unsure, host, "holds no copy yet; its next run brings it".to_owned());
        }
        match self.chain.copied(copy) {
            Copied::Behind(0) => row(Proof::Whole, host, "its copy is the same".to_owned()),
            Copied::Behind(count) => {
                let behind = counted(count, "line");
                row(Proof::Whole, host, format!("its copy is a beginning of it, {behind} behind"))
            }
            Copied::Ahead(more) => {
                let told: Vec<String> = more.iter().map(|line| told(line)).collect();
                let are = if more.len() == 1 { "is" } else { "are" };
                let says = format!(
                    "holds {} that {are} missing here: {}",
                    counted(more.len(), "line"),
                    told.join("; ")
                );
                row(Proof::Broken, host, says)
            }
            Copied::Differs { at, here, there } => {
                let says = format!(
                    "line {at} differs: here {}, there {}. {}",
                    told(&here),
                    told(&there),
                    self.who_is_right(copy)
                );
                row(Proof::Broken, host, says)
            }
        }
    }

    /// Which of two chains that differ is broken in itself.
    fn who_is_right(&self, copy: &Chain) -> &'static str {
        match (self.chain.faults().is_empty(), copy.faults().is_empty()) {
            (true, false) => "The copy is broken in itself, the lines here are not",
            (false, true) => "The copy is whole in itself, the lines here are not",
            (true, true) => "Both are whole in themselves: one was written anew from there on",
            (false, false) => "Both are broken in themselves",
        }
    }

    /// What helps: a whole copy is a way back, a broken one is to be looked at.
    fn help(&self, host: &HostName, copy: &Chain) -> String {
        let there = manifest_path(self.name).replace("manifest.json", HISTORY);
        if copy.faults().is_empty() && !copy.lines.is_empty() && !self.chain.faults().is_empty() {
            return format!(
                "take its copy once you know why:  ssh {host} sudo cat {there} > {}",
                self.folder.display()
            );
        }
        format!("compare both yourself:  ssh {host} sudo cat {there}")
    }
}

/// A line as people name it.
fn told(line: &str) -> String {
    match serde_json::from_str::<Entry>(line) {
        Err(_) => "a line that cannot be read".to_owned(),
        Ok(it) => {
            let time = it.time.strftime("%F %H:%M UTC");
            format!("number {} of {time} by {}: {}, {}", it.number, it.who, it.what, it.outcome)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;
    use jiff::Timestamp;

    fn text(outcomes: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
        for outcome in outcomes {
            state.remember("install", outcome, Timestamp::UNIX_EPOCH).unwrap();
        }
        state.chain().unwrap().lines.join("\n") + "\n"
    }

    fn found(here: &str, there: &str) -> (Proof, String) {
        let chain = Chain::of(here.as_bytes());
        let judge = Judge { name: "acme", chain: &chain, folder: std::path::Path::new("h") };
        let copies = Copies { text: there.into(), aside: Vec::new() };
        let row = judge.there(&HostName::new("app1").unwrap(), &copies).remove(0);
        (row.proof, row.says)
    }

    #[test]
    fn a_copy_is_held_against_the_lines_here() {
        let (two, three) = (text(&["a", "b"]), text(&["a", "b", "c"]));
        assert_eq!(found(&three, &three), (Proof::Whole, "its copy is the same".to_owned()));
        assert_eq!(found(&three, &two).1, "its copy is a beginning of it, 1 line behind");
        assert_eq!(found(&three, "").0, Proof::Unsure);
        let (proof, says) = found(&two, &three);
        assert_eq!(proof, Proof::Broken);
        assert!(says.starts_with("holds 1 line that is missing here: number 3 of 1970-01-01"), "{says}");
    }

    #[test]
    fn the_side_that_was_changed_is_told() {
        let whole = text(&["a", "b", "c"]);
        let changed = whole.replace("\"outcome\":\"b\"", "\"outcome\":\"x\"");
        let anew = text(&["a", "x", "c"]);
        for (here, there, end) in [
            (&whole, &changed, "The copy is broken in itself, the lines here are not"),
            (&changed, &whole, "The copy is whole in itself, the lines here are not"),
            (&whole, &anew, "Both are whole in themselves: one was written anew from there on"),
        ] {
            let (proof, says) = found(here, there);
            assert!(
                proof == Proof::Broken && says.starts_with("line 2 differs") && says.ends_with(end),
                "{says}"
            );
        }
    }
}
