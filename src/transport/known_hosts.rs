//! What `known_hosts` files say: patterns, hashed names, revoked keys and certificate authorities; each file is
//! read once. A line that cannot be understood is skipped with a warning and never trusted.

use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What a line says about the key in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// This is the host's key.
    Host,
    /// This key must not be used.
    Revoked,
    /// This key signs certificates of hosts.
    Authority,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it says.
    pub marker: Marker,
    /// The key.
    pub key: PublicKey,
    /// File and line, as `file:line`.
    pub place: String,
    /// Line number from 1.
    pub line: usize,
    names: Names,
}

#[derive(Debug, Clone)]
enum Names {
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
    Patterns(Vec<(bool, String)>),
}

/// One file, parsed.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    /// Lines that were understood.
    pub entries: Vec<Entry>,
    /// Lines that were not, as `file:line: why`.
    pub warnings: Vec<String>,
}

/// What is known about a key that a host shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the recorded key.
    Known,
    /// Nothing is recorded for this host.
    Unknown,
    /// Another key is recorded: its fingerprint, and file and line.
    Changed(String, String),
    /// It is revoked: file and line.
    Revoked(String),
}

impl KnownHosts {
    /// Reads the text of a `known_hosts` file.
    pub fn parse(file: &Path, text: &str) -> Self {
        let mut known = Self::default();
        for (at, line) in text.lines().enumerate() {
            let place = format!("{}:{}", file.display(), at + 1);
            match entry(line.trim(), place.clone(), at + 1) {
                Ok(Some(entry)) => known.entries.push(entry),
                Ok(None) => {}
                Err(why) => known.warnings.push(format!("{place}: {why}")),
            }
        }
        known
    }

    /// The lines about a name, as `Hop::known_as` gives it.
    pub fn about<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.names.match_name(name))
    }
}

impl Entry {
    /// Whether the line records keys of named hosts, without patterns: what may be removed when a host is forgotten.
    pub(super) fn is_of_one_host(&self) -> bool {
        let plain = |(sense, pattern): &(bool, String)| *sense && !pattern.contains(['*', '?']);
        self.marker == Marker::Host
            && match &self.names {
                Names::Hashed { .. } => true,
                Names::Patterns(patterns) => patterns.iter().all(plain),
            }
    }
}

/// Judges a key that a host shows against all lines about the host.
pub(super) fn judge(lines: &[&Entry], shown: &PublicKey) -> Verdict {
    let marked = |marker: Marker| lines.iter().filter(move |entry| entry.marker == marker);
    let same = |entry: &&&Entry| entry.key.key_data() == shown.key_data();
    if let Some(revoked) = marked(Marker::Revoked).find(same) {
        return Verdict::Revoked(revoked.place.clone());
    }
    if marked(Marker::Host).any(|entry| same(&entry)) {
        return Verdict::Known;
    }
    match marked(Marker::Host).next() {
        None => Verdict::Unknown,
        Some(other) => Verdict::Changed(fingerprint(&other.key), other.place.clone()),
    }
}

/// The SHA-256 fingerprint as OpenSSH prints it.
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

fn entry(line: &str, place: String, number: usize) -> Result<Option<Entry>, String> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let mut names = words.next().unwrap_or_default();
    let mut marker = Marker::Host;
    if names.starts_with('@') {
        marker = match names {
            "@revoked" => Marker::Revoked,
            "@cert-authority" => Marker::Authority,
            other => return Err(format!("`{other}` is not a marker")),
        };
        names = words.next().ok_or("names are missing")?;
    }
    let names = Names::parse(names)?;
    let (kind, data) = (words.next().ok_or("the key is missing")?, words.next().ok_or("the key is missing")?);
    let key =
        PublicKey::from_openssh(&format!("{kind} {data}")).map_err(|cause| format!("the key: {cause}"))?;
    Ok(Some(Entry { marker, key, place, line: number, names }))
}

impl Names {
    fn parse(names: &str) -> Result<Self, String> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        if let Some(hashed) = names.strip_prefix("|1|") {
            let (salt, hash) = hashed.split_once('|').ok_or("the hashed name is cut short")?;
            let decode = |text| STANDARD.decode(text).map_err(|_| "the hashed name is not base64");
            return Ok(Self::Hashed { salt: decode(salt)?, hash: decode(hash)? });
        }
        if names.starts_with('|') {
            return Err("this kind of hashed name is not known".to_owned());
        }
        let pattern = |name: &str| match name.strip_prefix('!') {
            Some(rest) => (false, rest.to_lowercase()),
            None => (true, name.to_lowercase()),
        };
        Ok(Self::Patterns(names.split(',').filter(|name| !name.is_empty()).map(pattern).collect()))
    }

    fn match_name(&self, name: &str) -> bool {
        match self {
            Self::Hashed { salt, hash } => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                ring::hmac::verify(&key, name.as_bytes(), hash).is_ok()
            }
            Self::Patterns(patterns) => {
                let matches = |wanted: bool| {
                    patterns
                        .iter()
                        .any(|(sense, pattern)| *sense == wanted && glob(pattern.as_bytes(), name.as_bytes()))
                };
                matches(true) && !matches(false)
            }
        }
    }
}

/// Whether `text` fits `pattern`, where `*` is any run and `?` any one character.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut here, mut star) = (0, 0, None);
    while here < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(&c) if c == b'?' || c == text[here] => {
                at += 1;
                here += 1;
            }
            _ => match star {
                None => return false,
                Some((star_at, from)) => {
                    star = Some((star_at, from + 1));
                    at = star_at + 1;
                    here = from + 1;
                }
            },
        }
    }
    pattern[at..].iter().all(|&c| c == b'*')
}

/// The key algorithms to offer a host, those of its recorded keys alone when there are any, so that it shows a key
/// that can be compared. SHA-1 signatures are never offered.
pub(super) fn algorithms<'a>(recorded: impl Iterator<Item = &'a Entry>) -> Option<Vec<Algorithm>> {
    let mut wanted = Vec::new();
    for entry in recorded.filter(|entry| entry.marker == Marker::Host) {
        let kinds = match entry.key.algorithm() {
            Algorithm::Rsa { .. } => vec![HashAlg::Sha512, HashAlg::Sha256]
                .into_iter()
                .map(|hash| Algorithm::Rsa { hash: Some(hash) })
                .collect(),
            other => vec![other],
        };
        wanted.extend(kinds.into_iter().filter(|kind| !wanted.contains(kind)).collect::<Vec<_>>());
    }
    (!wanted.is_empty()).then_some(wanted)
}

/// Parsed files, each read once a command.
#[derive(Default)]
pub(super) struct Store(Mutex<HashMap<PathBuf, Arc<KnownHosts>>>);

impl Store {
    /// A file as parsed; a file that is not there knows nobody.
    pub(super) fn file(&self, path: &Path) -> std::io::Result<Arc<KnownHosts>> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = files.get(path) {
            return Ok(Arc::clone(known));
        }
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(cause) => return Err(cause),
        };
        let known = Arc::new(KnownHosts::parse(path, &text));
        for warning in &known.warnings {
            tracing::warn!("{warning}; the line is not used");
        }
        files.insert(path.to_owned(), Arc::clone(&known));
        Ok(known)
    }

    /// Forgets what was read of a file, because it was written.
    pub(super) fn forget(&self, path: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by `ssh-keygen -H`.
    const HASHED: &str = include_str!("../../tests/fixtures/known_hosts/hashed");

    fn key(text: &str) -> &str {
        let line = text.lines().find(|line| line.starts_with('|')).unwrap();
        line.split_once(' ').unwrap().1
    }

    fn about(text: &str, name: &str) -> usize {
        KnownHosts::parse(Path::new("known_hosts"), text).about(name).count()
    }

    #[test]
    fn names_that_ssh_keygen_hashed_are_found() {
        for (name, lines) in [("db1.example", 1), ("[10.0.0.7]:2222", 1), ("10.0.0.7", 0), ("db2.example", 0)]
        {
            assert_eq!(about(HASHED, name), lines, "{name}");
        }
    }

    #[test]
    fn patterns_match_as_openssh_matches_them() {
        let key = key(HASHED);
        for (pattern, name, fits) in [
            ("*.example", "db1.example", true),
            ("*.example,!db1.example", "db1.example", false),
            ("!db1.example", "db2.example", false),
            ("DB?.Example", "db1.example", true),
            ("db1.example", "[db1.example]:2222", false),
            ("[db1.example]:2222", "[db1.example]:2222", true),
            ("10.0.*,fd00::1", "fd00::1", true),
            ("**1*e", "db1.example", true),
            ("", "db1.example", false),
        ] {
            assert_eq!(
                about(&format!("{pattern} {key}\n"), name),
                usize::from(fits && !pattern.is_empty()),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_told_and_not_trusted() {
        let key = key(HASHED);
        let text = format!(
            "a {key}\n\n# note\nb ssh-ed25519\nc ssh-ed25519 AAAAnonsense\n@trusted d {key}\n|2|x|y {key}\n|1|x {key}\ne {key} a comment\n"
        );
        let known = KnownHosts::parse(Path::new("known_hosts"), &text);
        assert_eq!((known.entries.len(), known.warnings.len()), (2, 5), "{:?}", known.warnings);
        assert!(known.warnings[0].starts_with("known_hosts:4: "), "{}", known.warnings[0]);
        assert_eq!(known.about("c").count() + known.about("d").count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_fall(text in "[@|a-z0-9=+/ *!\\[\\]:,\n\t-]{0,300}") {
            let _ = about(&text, "db1.example");
        }
    }
}
