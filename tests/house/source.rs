//! Reads Rust source as the house rules need it: code without comments, strings and test modules; the rooms
//! it imports; its functions with their length.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A source file.
pub(crate) struct Source {
    /// Path from the root of the repository, with `/`.
    pub(crate) path: String,
    /// The text as it stands.
    pub(crate) text: String,
    /// The same lines with comments and the insides of strings blanked.
    pub(crate) code: String,
}

impl Source {
    /// Takes a text under a path.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blanked(text) }
    }

    /// The first folder under `src`, or the file there without its ending.
    pub(crate) fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let room = inside.split('/').next()?;
        Some(room.strip_suffix(".rs").unwrap_or(room))
    }

    /// How deep the module is below the crate: `src/a/mod.rs` is 1, `src/a/b.rs` 2.
    fn depth(&self) -> usize {
        let folders = self.path.matches('/').count();
        if self.path.ends_with("/mod.rs") { folders - 1 } else { folders }
    }

    /// Whether the whole file is compiled for tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/")
    }

    /// Rooms that the code names by `crate::`, by enough `super::`, or within `use crate::{..}`.
    pub(crate) fn imports(&self) -> BTreeSet<String> {
        if self.is_test() {
            return BTreeSet::new();
        }
        let code = without_test_modules(&self.code);
        let up = "super::".repeat(self.depth());
        let mut rooms = BTreeSet::new();
        for root in ["crate::", up.as_str()].into_iter().filter(|root| !root.is_empty()) {
            for (at, _) in code.match_indices(root) {
                let alone = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                if alone {
                    rooms.extend(heads(&code[at + root.len()..]));
                }
            }
        }
        rooms
    }

    /// Every function with a body: its name, first line and number of lines.
    pub(crate) fn functions(&self) -> Vec<(String, usize, usize)> {
        let mut functions = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let alone = !self.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let name = word(&self.code[at + 3..]);
            let rest = &self.code[at..];
            let Some(open) = rest.find(['{', ';']).filter(|_| alone && !name.is_empty()) else { continue };
            if rest[open..].starts_with('{') {
                let first = self.code[..at].matches('\n').count() + 1;
                let lines = rest[..open + block(&rest[open..])].matches('\n').count() + 1;
                functions.push((name.to_owned(), first, lines));
            }
        }
        functions
    }
}

/// All files below some folders of the repository whose name ends so, in order.
pub(crate) fn files(folders: &[&str], endings: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("the folder can be read");
            open.extend(entries.map(|entry| entry.expect("the folder can be read").path()));
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            // What is no text has no words to look for.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let inside = path.strip_prefix(root).expect("the search began there");
            found.push((inside.to_string_lossy().replace('\\', "/"), text));
        }
    }
    found.sort();
    found
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

/// First words after a root: one, or those of a group `{a::b, c}`.
fn heads(rest: &str) -> Vec<String> {
    if !rest.starts_with('{') {
        return vec![word(rest).to_owned()];
    }
    let (mut depth, mut heads, mut start) = (0, Vec::new(), true);
    for (at, c) in rest[..block(rest)].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => start = true,
            c if c.is_whitespace() => {}
            _ if depth == 1 && start => {
                heads.push(word(&rest[at..]).to_owned());
                start = false;
            }
            _ => {}
        }
    }
    heads
}

/// Length of the block that begins here with `{`.
fn block(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn without_test_modules(code: &str) -> String {
    let mut rest = code;
    let mut kept = String::new();
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let item = &rest[at..];
        let open = item.find(['{', ';']).unwrap_or(item.len() - 1);
        let length = if item[open..].starts_with('{') { block(&item[open..]) } else { 1 };
        rest = &item[open + length..];
    }
    kept + rest
}

/// Blanks comments and what stands between quotes; every line keeps its number.
fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, keep) = token(&chars, at);
        for &c in &chars[at..end] {
            code.push(if keep || c == '\n' { c } else { ' ' });
        }
        at = end;
    }
    code
}

/// Where the token that begins here ends, and whether it is code.
fn token(chars: &[char], at: usize) -> (usize, bool) {
    let starts = |text: &str| text.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let until = |from: usize, end: &str| {
        let end: Vec<char> = end.chars().collect();
        (from..chars.len()).find(|&i| chars[i..].starts_with(&end)).map_or(chars.len(), |i| i + end.len())
    };
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    if starts("//") {
        return ((at..chars.len()).find(|&i| chars[i] == '\n').unwrap_or(chars.len()), false);
    }
    if starts("/*") {
        return (until(at + 2, "*/"), false);
    }
    let raw = if starts("br") { 2 } else { usize::from(starts("r")) };
    if raw > 0 && !in_word {
        let hashes = chars[at + raw..].iter().take_while(|&&c| c == '#').count();
        if chars.get(at + raw + hashes) == Some(&'"') {
            return (until(at + raw + hashes + 1, &format!("\"{}", "#".repeat(hashes))), false);
        }
    }
    match chars[at] {
        '"' => (quoted(chars, at + 1, '"'), false),
        '\'' if chars.get(at + 1) == Some(&'\\') => (quoted(chars, at + 1, '\''), false),
        '\'' if chars.get(at + 2) == Some(&'\'') => (at + 3, false),
        _ => (at + 1, true),
    }
}

fn quoted(chars: &[char], mut at: usize, end: char) -> usize {
    while at < chars.len() && chars[at] != end {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}
