//! The pretended host's answer to a look: what imctl's program would print there.

use super::host::{Host, Node};
use std::fmt::Write as _;

const FRAME: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// The answer to a program of `resource::program` or `resource::contents`.
pub(crate) fn answer(host: &Host, program: &str) -> Vec<u8> {
    let mut out = format!("imctl-look 1 {FRAME}\n");
    let mut sections = 0;
    let mut lines = program.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("begin '").and_then(|rest| rest.strip_suffix('\'')) else {
            continue;
        };
        let words = shlex::split(lines.clone().next().unwrap_or_default()).unwrap_or_default();
        let body = section(host, name, words.get(1..).unwrap_or_default());
        write!(out, "\n{FRAME} begin {name}\n{body}\n{FRAME} end 0\n").expect("a String takes all text");
        sections += 1;
    }
    write!(out, "\n{FRAME} done {sections}\n").expect("a String takes all text");
    out.into_bytes()
}

fn section(host: &Host, name: &str, words: &[String]) -> String {
    let mut body = String::new();
    match name.split_once(' ').unwrap_or((name, "")) {
        ("paths", _) => paths(host, words, &mut body),
        ("packages", _) => {
            for (name, version) in &host.packages {
                writeln!(body, "ii \t{name}\t{version}").expect("a String takes all text");
            }
        }
        ("units", _) => units(host, words, &mut body),
        ("script", key) => {
            let key =
                String::from_utf8(hex::decode(key).expect("keys travel in hex")).expect("keys are text");
            let (out, status) = script(host, &key);
            write!(body, "{out}\n{status}").expect("a String takes all text");
        }
        // A text that is not given is shown as changed without a diff.
        ("content", _) => {}
        (other, _) => panic!("a look at `{other}` is not pretended"),
    }
    body
}

fn paths(host: &Host, words: &[String], body: &mut String) {
    let there: Vec<(&String, &Node)> =
        words.iter().filter_map(|path| Some((path, host.nodes.get(path)?))).collect();
    for (path, node) in &there {
        let bits = u32::from_str_radix(&node.mode, 8).expect("a mode")
            | if node.folder { 0o040_000 } else { 0o100_000 };
        let (owner, group) = node.owner.split_once(':').expect("owner and group");
        write!(body, "path\0{bits:x}\0{owner}\x000\0{group}\x000\x001\0{path}\0")
            .expect("a String takes all text");
    }
    body.push_str("sums\0");
    for (path, node) in there.iter().filter(|(_, node)| !node.folder) {
        write!(body, "{}  {path}\0", node.sha256).expect("a String takes all text");
    }
}

fn units(host: &Host, words: &[String], body: &mut String) {
    writeln!(body, "{}\n", words.join("\n")).expect("a String takes all text");
    let blocks = words.iter().map(|name| {
        let unit = host.units.get(name).cloned().unwrap_or_default();
        let loaded = host.is_loaded(name);
        let load = match (loaded || unit.masked, unit.masked) {
            (false, _) => "not-found",
            (true, true) => "masked",
            (true, false) => "loaded",
        };
        let file = match (load, unit.enabled) {
            ("not-found", _) => "",
            ("masked", _) => "masked",
            (_, true) => "enabled",
            (_, false) => "disabled",
        };
        let active = if unit.active {
            "active"
        } else if unit.failed {
            "failed"
        } else {
            "inactive"
        };
        format!(
            "LoadState={load}\nActiveState={active}\nSubState=any\nUnitFileState={file}\n\
             ActiveEnterTimestampMonotonic=7\nNeedDaemonReload=no\n"
        )
    });
    body.push_str(&blocks.collect::<Vec<_>>().join("\n"));
}

fn script(host: &Host, key: &str) -> (String, i32) {
    let word = |known: bool| (String::new(), i32::from(!known));
    match key.split_once(' ').unwrap_or((key, "")) {
        ("manifest", _) => (String::from_utf8_lossy(&host.manifest).into_owned(), 0),
        ("standing", _) => {
            let lines: Vec<String> =
                host.owed.iter().map(|(unit, verb)| format!("owed {verb} {unit}")).collect();
            (lines.join("\n"), 0)
        }
        ("joined", component) => word(host.joined.contains(component)),
        ("command", name) => word(host.done.contains(name)),
        (other, _) => panic!("a probe for `{other}` is not pretended"),
    }
}
