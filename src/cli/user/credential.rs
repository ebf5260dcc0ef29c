//! From passwords to rows: salts, SCRAM-SHA-256 keys, and the text that the database reads. Pure but for chance.

use super::csv::Wanted;
use crate::base::Secret;
use crate::base::scram::ScramKeys;
use crate::stack::{Column, ScramSpec};
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::Rng;
use std::fmt::Write as _;
use std::thread;

/// An account with its password, ready to become a row.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Credential {
    /// Account name.
    pub(in crate::cli) name: String,
    /// Password.
    pub(in crate::cli) password: Secret<String>,
    /// Whether imctl made the password.
    pub(in crate::cli) made: bool,
    /// Name shown to people.
    pub(in crate::cli) display_name: String,
    /// Salt and keys that were derived before; none = its own salt.
    pub(in crate::cli) ready: Option<Secret<(Vec<u8>, ScramKeys)>>,
}

impl Credential {
    /// Takes what the list says, and makes a password where it names none.
    pub(in crate::cli) fn of(wanted: Wanted) -> Self {
        let made = wanted.password.is_none();
        let password = wanted.password.unwrap_or_else(|| Secret::new(super::name::fresh_password()));
        Self { name: wanted.name, password, made, display_name: wanted.display_name, ready: None }
    }
}

/// Rows in COPY text format, one an account, with keys derived on all of `workers` threads.
pub(in crate::cli) fn rows(
    credentials: &[Credential],
    columns: &[Column],
    domain: &str,
    scram: &ScramSpec,
    workers: usize,
) -> Vec<u8> {
    let share = credentials.len().div_ceil(workers.max(1)).max(1);
    let parts: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = credentials
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    part.iter().map(|one| row(one, columns, domain, scram)).collect::<String>()
                })
            })
            .collect();
        running.into_iter().map(|worker| worker.join().expect("deriving keys does not panic")).collect()
    });
    parts.concat().into_bytes()
}

/// Rows of names alone, for scripts that need no keys.
pub(in crate::cli) fn name_rows(names: &[String], columns: &[Column], domain: &str) -> Vec<u8> {
    let value = |name: &String, column: &Column| match column {
        Column::Name => copy_text(name),
        Column::Domain => copy_text(domain),
        _ => "\\N".to_owned(),
    };
    let line = |name| columns.iter().map(|column| value(name, column)).collect::<Vec<_>>().join("\t") + "\n";
    names.iter().map(line).collect::<String>().into_bytes()
}

/// A salt of chance, and the keys that follow from it.
pub(in crate::cli) fn derived(password: &Secret<String>, scram: &ScramSpec) -> (Vec<u8>, ScramKeys) {
    let mut salt = vec![0u8; scram.salt_bytes];
    rand::rng().fill(&mut salt[..]);
    let keys = ScramKeys::derive(password.expose().as_bytes(), &salt, scram.iterations);
    (salt, keys)
}

fn row(credential: &Credential, columns: &[Column], domain: &str, scram: &ScramSpec) -> String {
    let (salt, keys) = match &credential.ready {
        Some(ready) => ready.expose().clone(),
        None => derived(&credential.password, scram),
    };
    let mut line = String::with_capacity(256);
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            line.push('\t');
        }
        match column {
            Column::Name => line.push_str(&copy_text(&credential.name)),
            Column::Domain => line.push_str(&copy_text(domain)),
            Column::StoredKey => {
                let _ = write!(line, "{}{}", scram.stored_key_prefix, STANDARD.encode(keys.stored));
            }
            Column::ServerKey => line.push_str(&STANDARD.encode(keys.server)),
            Column::Salt => line.push_str(&STANDARD.encode(&salt)),
            Column::Iterations => {
                let _ = write!(line, "{}", scram.iterations);
            }
            Column::DisplayName => line.push_str(&copy_text(&credential.display_name)),
        }
    }
    line.push('\n');
    line
}

/// Escapes a value for COPY's text format.
fn copy_text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out
}

/// Reads one value of COPY's text format back.
pub(in crate::cli) fn from_copy_text(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('N') | None => {}
                Some(other) => out.push(other),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scram() -> ScramSpec {
        ScramSpec { iterations: 4096, salt_bytes: 16, stored_key_prefix: "sha256:".to_owned() }
    }

    #[test]
    fn a_row_holds_what_its_columns_say_and_no_password() {
        let credential = Credential {
            name: "王芳".to_owned(),
            password: Secret::new("correct horse".to_owned()),
            made: false,
            display_name: "a\tb\\".to_owned(),
            ready: None,
        };
        let columns = [
            Column::Name,
            Column::Domain,
            Column::StoredKey,
            Column::Salt,
            Column::Iterations,
            Column::DisplayName,
        ];
        let bytes = rows(&[credential], &columns, "im.example", &scram(), 2);
        let text = String::from_utf8(bytes).unwrap();
        let fields: Vec<&str> = text.trim_end_matches('\n').split('\t').collect();
        let [name, domain, stored, salt, rounds, shown] = fields[..] else { panic!("{text}") };
        assert_eq!((name, domain, rounds, shown), ("王芳", "im.example", "4096", "a\\tb\\\\"));
        let keys = ScramKeys::derive(b"correct horse", &STANDARD.decode(salt).unwrap(), 4096);
        assert_eq!(stored, format!("sha256:{}", STANDARD.encode(keys.stored)));
        assert!(!text.contains("horse"));
        assert_eq!(from_copy_text(shown), "a\tb\\");
    }

    #[test]
    fn many_accounts_keep_their_order_over_threads() {
        let scram = ScramSpec { iterations: 1, ..scram() };
        let wanted =
            |at: usize| Wanted { name: format!("u{at}"), password: None, display_name: String::new() };
        let all: Vec<Credential> = (0..100).map(wanted).map(Credential::of).collect();
        let text = String::from_utf8(rows(&all, &[Column::Name, Column::Salt], "d", &scram, 7)).unwrap();
        let names: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(names, (0..100).map(|at| format!("u{at}")).collect::<Vec<_>>());
        assert_eq!(rows(&[], &[Column::Name], "d", &scram, 3), b"");
    }
}
