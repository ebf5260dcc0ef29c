//! Reads the answer of a look.

use super::GREETING;
use crate::record::{Answer, Observed, PathKind, PathState, UnitState};
use std::collections::BTreeMap;
use thiserror::Error;

/// Why the answer of a look cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LookError {
    /// It is no answer to a look: how it begins.
    #[error("the host's answer does not begin as expected but with `{0}`")]
    NoGreeting(String),
    /// It ends too early.
    #[error("the host's answer is cut off after {0} bytes")]
    CutOff(usize),
    /// A part could not be looked at.
    #[error("looking at `{section}` failed with status {status}")]
    Failed {
        /// The part, such as `units`.
        section: String,
        /// Its status.
        status: String,
    },
    /// A part is not of the form it should have.
    #[error("the host's answer about `{0}` cannot be read")]
    Malformed(String),
}

/// Reads what the program of a look, or of `contents`, printed.
pub fn parse(stdout: &[u8]) -> Result<Observed, LookError> {
    let mut seen = Observed::default();
    for (name, body) in sections(stdout)? {
        section(&mut seen, &name, body).ok_or(LookError::Malformed(name))?;
    }
    Ok(seen)
}

/// Splits the answer into its sections, all of which must have ended well.
fn sections(stdout: &[u8]) -> Result<Vec<(String, &[u8])>, LookError> {
    let (frame, rest) = greeting(stdout)?;
    let cut_off = || LookError::CutOff(stdout.len());
    let marker = [b"\n", frame, b" "].concat();
    let mut parts = split(rest, &marker).into_iter().skip(1);
    let mut sections = Vec::new();
    loop {
        let part = parts.next().ok_or_else(cut_off)?;
        let (words, body) = line(part).ok_or_else(cut_off)?;
        if let Some(count) = words.strip_prefix("done ") {
            let whole = count == sections.len().to_string() && parts.next().is_none();
            return if whole { Ok(sections) } else { Err(cut_off()) };
        }
        let name = words.strip_prefix("begin ").ok_or_else(cut_off)?.to_owned();
        let end = parts.next().and_then(line).ok_or_else(cut_off)?;
        let status = end.0.strip_prefix("end ").ok_or_else(cut_off)?.to_owned();
        if status != "0" {
            return Err(LookError::Failed { section: shown(&name), status });
        }
        sections.push((name, body));
    }
}

/// Finds the greeting at the start of a line (a login shell may have said something before it).
fn greeting(stdout: &[u8]) -> Result<(&[u8], &[u8]), LookError> {
    let at = if stdout.starts_with(GREETING.as_bytes()) {
        Some(0)
    } else {
        find(stdout, format!("\n{GREETING}").as_bytes()).map(|at| at + 1)
    };
    let start = || String::from_utf8_lossy(&stdout[..stdout.len().min(80)]).trim().to_owned();
    let rest = &stdout[at.ok_or_else(|| LookError::NoGreeting(start()))? + GREETING.len()..];
    let end = rest.iter().position(|&byte| byte == b'\n').ok_or(LookError::CutOff(stdout.len()))?;
    if end < 32 {
        return Err(LookError::NoGreeting(start()));
    }
    Ok((&rest[..end], &rest[end..]))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn split<'a>(mut text: &'a [u8], marker: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = find(text, marker) {
        parts.push(&text[..at]);
        text = &text[at + marker.len()..];
    }
    parts.push(text);
    parts
}

/// The first line as text, and all after it; none when the line does not end.
fn line(part: &[u8]) -> Option<(&str, &[u8])> {
    let end = part.iter().position(|&byte| byte == b'\n')?;
    Some((std::str::from_utf8(&part[..end]).ok()?, &part[end + 1..]))
}

/// The name of a section as a person reads it: keys travel in hex.
fn shown(name: &str) -> String {
    name.split_once(' ').and_then(|(_, key)| unhex(key)).unwrap_or_else(|| name.to_owned())
}

fn unhex(key: &str) -> Option<String> {
    String::from_utf8(hex::decode(key).ok()?).ok()
}

fn section(seen: &mut Observed, name: &str, body: &[u8]) -> Option<()> {
    match name.split_once(' ').unwrap_or((name, "")) {
        ("paths", _) => paths(seen, body),
        ("packages", _) => packages(seen, &String::from_utf8_lossy(body)),
        ("units", _) => units(seen, &String::from_utf8_lossy(body)),
        ("users", _) => users(seen, &String::from_utf8_lossy(body)),
        ("groups", _) => {
            seen.groups = String::from_utf8_lossy(body)
                .lines()
                .map(|entry| (field(entry, 0), field(entry, 2)))
                .collect();
            Some(())
        }
        ("sysctls", _) => sysctls(seen, body),
        ("script", key) => script(seen, unhex(key)?, body),
        ("content", key) => {
            if let Some(text) = body.strip_prefix(b"text\n").and_then(|text| std::str::from_utf8(text).ok())
                && !text.contains('\0')
            {
                seen.contents.insert(unhex(key)?, text.to_owned());
            }
            Some(())
        }
        _ => None,
    }
}

fn field(entry: &str, at: usize) -> String {
    entry.split(':').nth(at).unwrap_or_default().to_owned()
}

fn paths(seen: &mut Observed, body: &[u8]) -> Option<()> {
    let mut fields = body.split(|&byte| byte == 0).map(|field| String::from_utf8_lossy(field).into_owned());
    while let Some(word) = fields.next() {
        match word.as_str() {
            "path" => {
                let (path, state) = path(&mut fields)?;
                seen.paths.insert(path, state);
            }
            "link" => {
                let (path, target) = (fields.next()?, fields.next()?);
                seen.paths.get_mut(&path)?.target = Some(target);
            }
            "sums" => return sums(seen, fields),
            "" => {}
            _ => return None,
        }
    }
    Some(())
}

fn path(fields: &mut impl Iterator<Item = String>) -> Option<(String, PathState)> {
    let bits = u32::from_str_radix(&fields.next()?, 16).ok()?;
    let mut name_or_number = || {
        let (name, number) = (fields.next()?, fields.next()?);
        Some(if name == "UNKNOWN" { number } else { name })
    };
    let (owner, group) = (name_or_number()?, name_or_number()?);
    let size = fields.next()?.parse().ok()?;
    let kind = match bits & 0o170_000 {
        0o100_000 => PathKind::File,
        0o040_000 => PathKind::Directory,
        0o120_000 => PathKind::Link,
        _ => PathKind::Other,
    };
    let mode = format!("{:04o}", bits & 0o7777);
    Some((fields.next()?, PathState { kind, mode, owner, group, size, sha256: None, target: None }))
}

fn sums(seen: &mut Observed, fields: impl Iterator<Item = String>) -> Option<()> {
    for entry in fields.filter(|entry| !entry.is_empty()) {
        let (sum, path) = entry.split_once("  ")?;
        seen.paths.get_mut(path)?.sha256 = Some(sum.to_owned());
    }
    Some(())
}

/// Status letters as dpkg gives them: wanted, state, error. `n` is not there, `c` only its configuration.
fn packages(seen: &mut Observed, body: &str) -> Option<()> {
    for entry in body.lines().filter(|entry| !entry.is_empty()) {
        let mut fields = entry.split('\t');
        let (status, name, version) = (fields.next()?, fields.next()?, fields.next()?);
        let mut letters = status.chars().skip(1);
        match (letters.next()?, letters.next().unwrap_or(' ')) {
            ('n' | 'c', _) => {}
            ('i', ' ') => {
                seen.packages.insert(name.to_owned(), version.to_owned());
            }
            _ => {
                seen.broken_packages.insert(name.to_owned(), status.trim().to_owned());
            }
        }
    }
    Some(())
}

/// The names asked for, an empty line, then a block of properties for each, in the same order.
fn units(seen: &mut Observed, body: &str) -> Option<()> {
    let (names, blocks) = body.split_once("\n\n")?;
    let mut blocks = blocks.trim().split("\n\n");
    for name in names.lines() {
        let mut state = UnitState::default();
        for (key, value) in blocks.next()?.lines().filter_map(|entry| entry.split_once('=')) {
            match key {
                "LoadState" => value.clone_into(&mut state.load),
                "ActiveState" => value.clone_into(&mut state.active),
                "SubState" => value.clone_into(&mut state.sub),
                "UnitFileState" => value.clone_into(&mut state.file),
                "ActiveEnterTimestampMonotonic" => state.since = value.parse().unwrap_or(0),
                "NeedDaemonReload" => state.needs_reload = value == "yes",
                _ => return None,
            }
        }
        if state.load.is_empty() {
            return None;
        }
        seen.units.insert(name.to_owned(), state);
    }
    blocks.next().is_none().then_some(())
}

fn users(seen: &mut Observed, body: &str) -> Option<()> {
    let (entries, groups) =
        body.split_once("\n\n").or_else(|| body.strip_prefix('\n').map(|rest| ("", rest)))?;
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for entry in entries.lines() {
        known.entry(entry.split(':').next().unwrap_or_default()).or_insert(entry);
    }
    for entry in groups.lines().filter(|entry| !entry.is_empty()) {
        let (name, groups) = entry.split_once(':')?;
        let passwd = *known.get(name)?;
        let groups = groups.replace(' ', ",");
        seen.users.insert(name.to_owned(), format!("{}:{}:{groups}", field(passwd, 5), field(passwd, 6)));
    }
    Some(())
}

/// Names and paths in turn, an empty field, then `path NUL value` lines of those that can be read.
fn sysctls(seen: &mut Observed, body: &[u8]) -> Option<()> {
    let text = String::from_utf8_lossy(body);
    let (names, lines) = text.split_once("\0\0")?;
    let values: BTreeMap<&str, &str> = lines.lines().filter_map(|line| line.split_once('\0')).collect();
    let mut names = names.split('\0');
    while let (Some(name), Some(path)) = (names.next(), names.next()) {
        if let Some(value) = values.get(path) {
            seen.sysctls.insert(name.to_owned(), crate::resource::sysctl::plain(value));
        }
    }
    Some(())
}

/// The output with the status as its last line. Of a long output the end is kept.
fn script(seen: &mut Observed, key: String, body: &[u8]) -> Option<()> {
    let text = String::from_utf8_lossy(body);
    let (out, status) = text.rsplit_once('\n')?;
    let status = status.parse().ok()?;
    seen.scripts.insert(key, Answer { status, out: out.to_owned() });
    Some(())
}
