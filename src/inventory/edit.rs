//! Changes to the operator's file that keep its comments and layout: text is inserted or removed at places known from
//! the tree. The result is read again and must be exactly the inventory intended; otherwise nothing is written.

use super::load;
use super::mistake::Mistakes;
use super::model::{Host, Inventory, Tls};
use super::places::Places;
use super::tree::{self, Entry, Node, Value};
use crate::base::{HostName, Role, quote, unified};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why an inventory was not changed.
#[derive(Debug, Error)]
pub enum EditError {
    /// It has mistakes already.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// The layout of the file is such that a change could go wrong.
    #[error("`{file}` is written in a way that imctl does not change; {by_hand}")]
    ByHand {
        /// The file.
        file: String,
        /// What to write, and where.
        by_hand: String,
    },
    /// Somebody changed the file in the meantime.
    #[error("`{0}` was changed while imctl worked; run again")]
    Changed(String),
    /// The file cannot be written.
    #[error("cannot write `{file}`: {cause}")]
    Write {
        /// The file.
        file: String,
        /// The system's words.
        cause: std::io::Error,
    },
}

/// A host to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHost {
    /// Its name.
    pub name: HostName,
    /// Its address.
    pub address: String,
    /// Its roles.
    pub roles: Vec<Role>,
    /// SSH port where it differs from the whole file's.
    pub port: Option<u16>,
    /// What it cannot do.
    pub limits: Vec<String>,
}

/// A change that is ready to be looked at and written.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    path: PathBuf,
    before: String,
    after: String,
}

impl Edit {
    /// Adds hosts after the last one and removes others, with the lines that describe them; none when there is nothing to do.
    pub fn hosts(path: &Path, add: &[NewHost], remove: &[HostName]) -> Result<Option<Self>, EditError> {
        let before = std::fs::read_to_string(path).map_err(|cause| unwritable(path, cause))?;
        let mut after = before.clone();
        for new in add {
            after = Self::with_host(path, &after, new)?;
        }
        for name in remove {
            after = Self::without_host(path, &after, name)?;
        }
        Ok((before != after).then(|| Self { path: path.to_owned(), before, after }))
    }

    fn with_host(path: &Path, text: &str, new: &NewHost) -> Result<String, EditError> {
        let line = host_line(new);
        let by_hand = format!("add under `hosts`: {line}");
        let same = |host: &Host| {
            let told = (&host.name, &host.address, &host.roles, &host.limits);
            told == (&new.name, &new.address, &new.roles, &new.limits)
        };
        Self::changed(
            (path, text),
            by_hand,
            |text, tree| add_to_map(text, tree.child("hosts")?, &line),
            |inventory| inventory.hosts.last().is_some_and(same) && inventory.hosts.pop().is_some(),
        )
    }

    fn without_host(path: &Path, text: &str, name: &HostName) -> Result<String, EditError> {
        let by_hand = format!("remove `{name}` under `hosts`");
        let before = load::parse(path, text)?;
        let Some(at) = before.hosts.iter().position(|host| host.name == *name) else {
            return Err(EditError::ByHand {
                file: path.display().to_string(),
                by_hand: format!("there is no host `{name}`"),
            });
        };
        let host = before.hosts[at].clone();
        Self::changed(
            (path, text),
            by_hand,
            |text, tree| remove_line(text, tree.child("hosts")?, name.as_str()),
            move |inventory| {
                inventory.hosts.insert(at, host);
                true
            },
        )
    }

    /// Sets the stack's version; none when it says that already.
    pub fn set_version(path: &Path, version: &str) -> Result<Option<Self>, EditError> {
        let old = load::load_alone(path)?.version;
        if old.as_deref() == Some(version) {
            return Ok(None);
        }
        let line = format!("version: \"{version}\"");
        let by_hand = format!("write: {line}");
        let edit = Self::make(
            path,
            by_hand,
            |text, tree| set_value(text, tree, ("version", "stack"), &format!("\"{version}\"")),
            |inventory| std::mem::replace(&mut inventory.version, old).as_deref() == Some(version),
        );
        edit.map(Some)
    }

    /// Names the operator's own certificate, key and chain.
    pub fn own_tls(path: &Path, [certificate, key, chain]: &[String; 3]) -> Result<Self, EditError> {
        let old = load::load_alone(path)?.tls;
        let value = format!(
            "{{ certificate: {}, key: {}, chain: {} }}",
            path_word(certificate),
            path_word(key),
            path_word(chain)
        );
        let by_hand = format!("write: tls: {value}");
        Self::make(
            path,
            by_hand,
            |text, tree| set_value(text, tree, ("tls", "domain"), &value),
            |inventory| matches!(std::mem::replace(&mut inventory.tls, old), Tls::Own { .. }),
        )
    }

    /// Puts a whole earlier text in the place of the present one; none when it is the same.
    pub fn whole(path: &Path, after: String) -> Result<Option<Self>, EditError> {
        let before = std::fs::read_to_string(path).map_err(|cause| unwritable(path, cause))?;
        load::parse(path, &after)?;
        Ok((before != after).then(|| Self { path: path.to_owned(), before, after }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text as it will be.
    pub fn after(&self) -> &str {
        &self.after
    }

    /// Trusts one more key for bundles; none when it is trusted already.
    pub fn trust_key(path: &Path, key: &str) -> Result<Option<Self>, EditError> {
        if load::load_alone(path)?.bundle.trusted_keys.iter().any(|known| known == key) {
            return Ok(None);
        }
        let by_hand = format!("write: bundle: {{ trusted-keys: [{key}] }}");
        let edit = Self::make(
            path,
            by_hand,
            |text, tree| add_key(text, tree, key),
            |inventory| inventory.bundle.trusted_keys.pop().as_deref() == Some(key),
        );
        edit.map(Some)
    }

    /// Makes the change of the file.
    fn make(
        path: &Path,
        by_hand: String,
        change: impl FnOnce(&str, &Node) -> Option<String>,
        undo: impl FnOnce(&mut Inventory) -> bool,
    ) -> Result<Self, EditError> {
        let before = std::fs::read_to_string(path).map_err(|cause| unwritable(path, cause))?;
        let after = Self::changed((path, &before), by_hand, change, undo)?;
        Ok(Self { path: path.to_owned(), before, after })
    }

    /// Makes the change and proves it: `undo` takes it back out of the new inventory, which must then equal the old one.
    fn changed(
        (path, before): (&Path, &str),
        by_hand: String,
        change: impl FnOnce(&str, &Node) -> Option<String>,
        undo: impl FnOnce(&mut Inventory) -> bool,
    ) -> Result<String, EditError> {
        let mut old = load::parse(path, before)?;
        let refused = || EditError::ByHand { file: path.display().to_string(), by_hand };
        let Some(after) = tree::parse(before, &mut Vec::new()).and_then(|tree| change(before, &tree)) else {
            return Err(refused());
        };
        let Ok(mut new) = load::parse(path, &after) else { return Err(refused()) };
        let undone = undo(&mut new);
        new.places = Places::default();
        old.places = Places::default();
        if !undone || new != old {
            return Err(refused());
        }
        Ok(after)
    }

    /// The change as a unified diff.
    pub fn diff(&self) -> String {
        unified(&self.before, &self.after)
    }

    /// Writes the file in one step and keeps the old one beside it as `FILE.bak`. Returns the backup's path.
    pub fn write(&self) -> Result<PathBuf, EditError> {
        let failed = |cause| unwritable(&self.path, cause);
        let path = self.path.canonicalize().map_err(failed)?;
        if std::fs::read_to_string(&path).map_err(failed)? != self.before {
            return Err(EditError::Changed(self.path.display().to_string()));
        }
        let beside = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
        let (backup, fresh) = (beside(".bak"), beside(".new"));
        std::fs::copy(&path, &backup).map_err(failed)?;
        std::fs::copy(&path, &fresh).map_err(failed)?;
        let written = std::fs::File::create(&fresh).and_then(|mut file| {
            file.write_all(self.after.as_bytes())?;
            file.sync_all()
        });
        written.and_then(|()| std::fs::rename(&fresh, &path)).map_err(failed)?;
        Ok(backup)
    }
}

fn unwritable(path: &Path, cause: std::io::Error) -> EditError {
    EditError::Write { file: quote(&path.display().to_string()), cause }
}

/// A host as one line of an inventory.
fn host_line(new: &NewHost) -> String {
    let roles: Vec<String> = new.roles.iter().map(|role| word(role.as_str())).collect();
    let ssh = new.port.map(|port| format!(", ssh: {{ port: {port} }}")).unwrap_or_default();
    let limits: Vec<String> = new.limits.iter().map(|limit| word(limit)).collect();
    let limits = if limits.is_empty() { String::new() } else { format!(", limits: [{}]", limits.join(", ")) };
    format!(
        "{}: {{ address: {}, roles: [{}]{ssh}{limits} }}",
        word(new.name.as_str()),
        word(&new.address),
        roles.join(", ")
    )
}

/// A word as YAML: in quotes where it could be taken for something else.
fn word(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let special = matches!(text.to_ascii_lowercase().as_str(), "null" | "true" | "false");
    if plain && !special && !text.is_empty() { text.to_owned() } else { format!("\"{text}\"") }
}

/// A relative path as YAML.
fn path_word(path: &str) -> String {
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'));
    if plain { path.to_owned() } else { format!("{path:?}") }
}

/// Adds `key: value` after the last entry of a map, in the map's own style.
fn add_to_map(text: &str, map: &Node, line: &str) -> Option<String> {
    let last = map.entries().last()?;
    if is_flow(text, map) {
        return Some(insert(text, last.value.span.end.max(last.key_span.end), &format!(", {line}")));
    }
    let indent = indentation(text, &last.key_span)?;
    Some(insert_line(text, end_of_line(text, last), &format!("{indent}{line}")))
}

/// Sets the value of a key of the outer map; a key that is not there comes on a line of its own after another one.
fn set_value(text: &str, tree: &Node, (key, behind): (&str, &str), value: &str) -> Option<String> {
    if is_flow(text, tree) {
        return None;
    }
    let find = |key: &str| tree.entries().iter().find(|entry| entry.key == key);
    match find(key) {
        Some(entry) => {
            let span = &entry.value.span;
            Some(format!("{}{value}{}", &text[..span.start], &text[span.end..]))
        }
        None => Some(insert_line(text, end_of_line(text, find(behind)?), &format!("{key}: {value}"))),
    }
}

fn add_key(text: &str, tree: &Node, key: &str) -> Option<String> {
    let Some(bundle) = tree.child("bundle").filter(|bundle| !bundle.entries().is_empty()) else {
        if tree.child("bundle").is_some() || is_flow(text, tree) {
            return None;
        }
        return Some(insert_line(text, text.len(), &format!("bundle: {{ trusted-keys: [{key}] }}")));
    };
    let Some(keys) = bundle.child("trusted-keys") else {
        return add_to_map(text, bundle, &format!("trusted-keys: [{key}]"));
    };
    match (keys.items().last(), is_flow(text, keys)) {
        (None, true) => Some(insert(text, keys.span.start + 1, key)),
        (Some(last), true) => Some(insert(text, last.span.end, &format!(", {key}"))),
        (Some(last), false) => {
            let line_start = text[..last.span.start].rfind('\n').map_or(0, |newline| newline + 1);
            let lead = &text[line_start..last.span.start];
            let simple = lead.trim() == "-";
            simple.then(|| insert_line(text, line_end(text, last.span.end), &format!("{lead}{key}")))
        }
        (None, false) => None,
    }
}

fn remove_line(text: &str, map: &Node, key: &str) -> Option<String> {
    let entry = map.entries().iter().find(|entry| entry.key == key)?;
    if is_flow(text, map) {
        return None;
    }
    indentation(text, &entry.key_span)?;
    let start = text[..entry.key_span.start].rfind('\n').map_or(0, |newline| newline + 1);
    Some(format!("{}{}", &text[..start], &text[end_of_line(text, entry)..]))
}

fn is_flow(text: &str, node: &Node) -> bool {
    matches!(node.value, Value::Map(_) | Value::List(_)) && text[node.span.clone()].starts_with(['{', '['])
}

/// The spaces before a key that stands first on its line.
fn indentation<'a>(text: &'a str, key: &std::ops::Range<usize>) -> Option<&'a str> {
    let start = text[..key.start].rfind('\n').map_or(0, |newline| newline + 1);
    let lead = &text[start..key.start];
    lead.trim_matches(' ').is_empty().then_some(lead)
}

/// End of the line on which an entry ends, its comment and line break included.
fn end_of_line(text: &str, entry: &Entry) -> usize {
    line_end(text, entry.value.span.end.max(entry.key_span.end))
}

fn line_end(text: &str, from: usize) -> usize {
    if text[..from].ends_with('\n') {
        return from;
    }
    text[from..].find('\n').map_or(text.len(), |newline| from + newline + 1)
}

fn insert(text: &str, at: usize, addition: &str) -> String {
    format!("{}{addition}{}", &text[..at], &text[at..])
}

/// Inserts a whole line, with the line break that the file uses.
fn insert_line(text: &str, at: usize, line: &str) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let before = if at == 0 || text[..at].ends_with('\n') { "" } else { newline };
    insert(text, at, &format!("{before}{line}{newline}"))
}
