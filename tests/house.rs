//! Keeps the house in order: floors, circles, sizes, words. An exception is a line here with its reason.

#[path = "house/source.rs"]
mod source;

use source::{Source, files};
use std::collections::{BTreeMap, BTreeSet};

/// A room imports from lower floors only.
const FLOORS: [(&str, u8); 26] = [
    ("base", 1),
    ("xmpp", 2),
    ("record", 2),
    ("resource", 3),
    ("facts", 3),
    ("transport", 3),
    ("state", 3),
    ("stack", 4),
    ("inventory", 4),
    ("topology", 5),
    ("sizing", 5),
    ("desired", 6),
    ("plan", 7),
    ("checks", 7),
    ("backup", 8),
    ("exec", 8),
    ("probe", 8),
    ("load", 8),
    ("lab", 8),
    ("bundle", 8),
    ("report", 8),
    ("cli", 9),
    ("lib", 10),
    ("main", 10),
    ("build", 10),
    // The crate itself, as `main` names it.
    ("imctl", 9),
];

/// Imports against the floors: file, room, reason.
const IMPORTS: [(&str, &str, &str); 0] = [];

/// Files past 400 lines: file, reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// Functions past 50 lines: file, function, reason.
const LONG_FUNCTIONS: [(&str, &str, &str); 2] = [
    ("src/report/tests.rs", "sample_plan", "one plan written out, with a bit of everything in it"),
    ("src/inventory/scalar.rs", "check", "one match: each shape with its mistake"),
];

const MOST_LINES: usize = 400;
const MOST_FUNCTION_LINES: usize = 50;

/// Products live in stacks; these clients speak a product's protocol.
const PRODUCTS: [&str; 6] = ["ejabberd", "postgres", "garage", "haproxy", "nginx", "mnesia"];
const CLIENTS: [&str; 2] = ["src/xmpp", "src/load"];

fn sources() -> Vec<Source> {
    files(&["src"], &[".rs"]).iter().map(|(path, text)| Source::new(path, text)).collect()
}

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Fails with all the faults at once, one a line.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_room_has_a_floor() {
    let rooms: BTreeSet<String> =
        sources().iter().filter_map(|source| source.room().map(str::to_owned)).collect();
    none(&rooms.into_iter().filter(|room| floor(room).is_none()).collect::<Vec<_>>());
}

#[test]
fn a_room_imports_from_lower_floors_only() {
    let mut faults = Vec::new();
    for source in sources() {
        let room = source.room().expect("all of them stand below src").to_owned();
        for import in source.imports() {
            let excepted = IMPORTS.iter().any(|(path, room, _)| *path == source.path && *room == import);
            if import == room || excepted {
                continue;
            }
            let (Some(here), Some(there)) = (floor(&room), floor(&import)) else { continue };
            if there >= here {
                faults.push(format!(
                    "{}: `{room}` on floor {here} imports `{import}` on floor {there}",
                    source.path
                ));
            }
        }
    }
    none(&faults);
}

#[test]
fn rooms_do_not_import_each_other_in_a_circle() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources() {
        let room = source.room().expect("all of them stand below src").to_owned();
        let imports =
            source.imports().into_iter().filter(|import| *import != room && floor(import).is_some());
        graph.entry(room.clone()).or_default().extend(imports);
    }
    let circles: Vec<String> = graph.keys().filter_map(|room| circle(&graph, room)).collect();
    none(&circles);
}

/// The way from a room back to itself.
fn circle(graph: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<String> {
    let mut open = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop() {
        for next in graph.get(way.last()?).into_iter().flatten() {
            let longer: Vec<String> = way.iter().chain([next]).cloned().collect();
            if next == start {
                return Some(longer.join(" -> "));
            }
            if seen.insert(next.clone()) {
                open.push(longer);
            }
        }
    }
    None
}

#[test]
fn files_and_functions_keep_their_size() {
    let mut faults = Vec::new();
    for (path, text) in files(&["src", "tests"], &[".rs"]) {
        let source = Source::new(&path, &text);
        let lines = text.lines().count();
        if lines > MOST_LINES && !LONG_FILES.iter().any(|(long, _)| *long == path) {
            faults.push(format!("{path}: {lines} lines, at most {MOST_LINES}"));
        }
        for (name, line, lines) in source.functions() {
            let excepted =
                LONG_FUNCTIONS.iter().any(|(long, function, _)| *long == path && *function == name);
            if lines > MOST_FUNCTION_LINES && !excepted {
                faults.push(format!(
                    "{path}:{line}: `{name}` has {lines} lines, at most {MOST_FUNCTION_LINES}"
                ));
            }
        }
    }
    none(&faults);
}

#[test]
fn no_product_is_named_outside_the_clients_of_its_protocol() {
    let mut faults = Vec::new();
    for source in sources() {
        if CLIENTS.iter().any(|client| source.path.starts_with(client)) {
            continue;
        }
        faults.extend(lines_with(&source.path, &source.text.to_lowercase(), &PRODUCTS));
    }
    none(&faults);
}

#[test]
fn only_report_and_cli_print() {
    let mut faults = Vec::new();
    for source in sources() {
        // The build script speaks to cargo on its standard output; a test may say what it measures.
        if !source.is_test() && !matches!(source.room(), Some("report" | "cli" | "build")) {
            faults.extend(lines_with(&source.path, &source.code, &["print!(", "println!(", "dbg!("]));
        }
    }
    none(&faults);
}

#[test]
fn nothing_is_left_for_later_and_no_lint_is_silenced_without_a_reason() {
    let mut faults = Vec::new();
    for (path, text) in files(&["src", "tests"], &[".rs"]) {
        let source = Source::new(&path, &text);
        faults.extend(lines_with(
            &path,
            &source.code,
            &[concat!("to", "do!("), concat!("unimpl", "emented!("), "#[allow(", "#![allow("],
        ));
        // Put together here, so that this file too is searched.
        faults.extend(lines_with(&path, &text, &[concat!("TO", "DO"), concat!("FIX", "ME")]));
        if !text.starts_with("//!") {
            faults.push(format!("{path}: does not begin by saying what it is for (`//!`)"));
        }
    }
    none(&faults);
}

#[test]
fn every_file_has_a_name_of_its_own() {
    let vague = ["util", "helper", "common", "manager", "handler", "misc"];
    let is_vague = |path: &&String| {
        let mut words = path.split(['/', '.', '_']);
        words.any(|word| vague.contains(&word.trim_end_matches('s')))
    };
    let paths: Vec<String> = files(&["src", "tests"], &[".rs"]).into_iter().map(|(path, _)| path).collect();
    none(&paths.iter().filter(is_vague).cloned().collect::<Vec<_>>());
}

#[test]
fn no_package_mirror_and_no_path_of_a_machine_stands_in_the_repository() {
    let words = [
        "debian.org/debian",
        concat!("deb.", "debian.org"),
        concat!("security.", "debian.org"),
        concat!("snapshot.", "debian.org"),
        "aliyun",
    ];
    let places = ["src", "tests", "templates", "inventories", "docs", "Makefile", ".ci", "README.md", "demo"];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let places: Vec<&str> = places.into_iter().filter(|place| root.join(place).exists()).collect();
    let mut faults = Vec::new();
    for (path, text) in files(&places, &[""]) {
        if !path.starts_with("tests/house") {
            faults.extend(lines_with(&path, &text, &words));
            faults.extend(lines_with(
                &path,
                &text,
                &[concat!("/wo", "rk/"), "/root/.cargo", "/root/.rustup"],
            ));
        }
    }
    none(&faults);
}

/// `file:line: word` for each line that holds one of the words.
fn lines_with(path: &str, text: &str, words: &[&str]) -> Vec<String> {
    let hit = |line: &str| words.iter().find(|word| line.contains(**word)).copied();
    let lines = text.lines().enumerate();
    lines.filter_map(|(at, line)| Some(format!("{path}:{}: `{}`", at + 1, hit(line)?))).collect()
}

#[test]
fn imports_are_found_in_every_way_of_writing_them() {
    let text = "use crate::{base::Cmd, plan::{Plan, Step}, report};\n// crate::cli\nfn a() { \"crate::lab\"; crate::exec::run() }\n\
        use super::super::facts;\n#[cfg(test)]\nmod tests { use crate::load; }\nuse crate::state;";
    let found: Vec<String> = Source::new("src/stack/read.rs", text).imports().into_iter().collect();
    assert_eq!(found, ["base", "exec", "facts", "plan", "report", "state"]);
}

#[test]
fn functions_are_measured_whatever_their_strings_hold() {
    let text = "fn a(x: char) -> bool {\n    x == '{' || \"}}\".len() > 1 || r#\"\n}\"#.is_empty()\n}\ntrait T { fn b(); }\n";
    assert_eq!(Source::new("src/a.rs", text).functions(), [("a".to_owned(), 1, 4)]);
}
