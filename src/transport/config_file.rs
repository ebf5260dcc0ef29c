//! The small reader of `~/.ssh/config` for machines without an `ssh` program: `Host` and `Include`, no `Match`.

use super::config::{ConfigError, Said, home};
use super::known_hosts::glob;
use std::path::{Path, PathBuf};

/// Includes inside includes: OpenSSH stops at 16, too.
const DEPTH: usize = 16;
/// So many files at most: files that include each other twice would be read for ever.
const FILES: usize = 1000;

/// What the operator's and the system's files say about a host, the operator's first.
pub(super) fn said(host: &str) -> Result<Said, ConfigError> {
    let mut reader = Reader { host, said: Said::default(), files: 0 };
    for (file, base) in
        [(home("~/.ssh/config"), home("~/.ssh")), ("/etc/ssh/ssh_config".into(), "/etc/ssh".into())]
    {
        reader.file(&file, &base, DEPTH, true)?;
    }
    Ok(reader.said)
}

struct Reader<'a> {
    host: &'a str,
    said: Said,
    files: usize,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, base: &Path, depth: usize, counts: bool) -> Result<(), ConfigError> {
        self.files += 1;
        if self.files > FILES {
            let cause = "too many files are included".to_owned();
            return Err(ConfigError::Line { place: path.display().to_string(), cause });
        }
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(cause) => {
                return Err(ConfigError::Line {
                    place: path.display().to_string(),
                    cause: cause.to_string(),
                });
            }
        };
        let mut counts = counts;
        let outside = counts;
        for (at, line) in text.lines().enumerate() {
            let wrong = |cause: &str| {
                let place = format!("{}:{}", path.display(), at + 1);
                ConfigError::Line { place, cause: cause.to_owned() }
            };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (keyword, value) =
                line.split_once([' ', '\t', '=']).ok_or_else(|| wrong("a value is missing"))?;
            let value = value.trim_start_matches([' ', '\t', '=']).trim();
            match keyword.to_ascii_lowercase().as_str() {
                "match" => {
                    return Err(wrong(
                        "`Match` cannot be judged without an `ssh` program; install openssh-client",
                    ));
                }
                "host" => counts = outside && fits(value, self.host),
                "include" if depth == 0 => return Err(wrong("too many includes inside includes")),
                "include" => {
                    for file in included(value, base) {
                        self.file(&file, base, depth - 1, counts)?;
                    }
                }
                keyword if counts => self.said.take(keyword, value.trim_matches('"'), self.host)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a `Host` line speaks of the host.
fn fits(patterns: &str, host: &str) -> bool {
    let host = host.to_lowercase();
    let hit = |pattern: &str| glob(pattern.to_lowercase().as_bytes(), host.as_bytes());
    let (no, yes): (Vec<_>, Vec<_>) =
        patterns.split_whitespace().partition(|pattern| pattern.starts_with('!'));
    yes.iter().any(|pattern| hit(pattern)) && !no.iter().any(|pattern| hit(&pattern[1..]))
}

/// The files of an `Include` line: paths, relative to the configuration's folder, with patterns in the file name.
fn included(value: &str, base: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for word in value.split_whitespace() {
        let path = base.join(home(word));
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
        else {
            continue;
        };
        if !name.contains(['*', '?']) {
            files.push(path);
            continue;
        }
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let fits = |entry: &std::fs::DirEntry| glob(name.as_bytes(), entry.file_name().as_encoded_bytes());
        let mut found: Vec<PathBuf> = entries.filter(fits).map(|entry| entry.path()).collect();
        found.sort();
        files.extend(found);
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, host: &str) -> Result<Said, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        std::fs::create_dir(folder.path().join("conf.d")).unwrap();
        std::fs::write(folder.path().join("conf.d/10-db.conf"), "Host db?\n  User included\n").unwrap();
        std::fs::write(&file, text).unwrap();
        let mut reader = Reader { host, said: Said::default(), files: 0 };
        reader.file(&file, folder.path(), DEPTH, true).map(|()| reader.said)
    }

    #[test]
    fn the_first_value_counts_and_negated_hosts_do_not() {
        let text = "Host app* !app9\n Port 2222\n User=ops\nHost *\n  User other\n  Port 22\n";
        let said = read(text, "app1").unwrap();
        assert_eq!((said.user.as_deref(), said.port), (Some("ops"), Some(2222)));
        let said = read(text, "app9").unwrap();
        assert_eq!((said.user.as_deref(), said.port), (Some("other"), Some(22)));
    }

    #[test]
    fn files_that_include_each_other_end() {
        let refused = read("Include config config config\n", "db1").unwrap_err().to_string();
        assert!(refused.contains("too many"), "{refused}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "((Host|Port|User|Match|include|IdentityFile|ProxyJump)[ =]?[-a-z0-9*?!~@:%\"# ]{0,12}\n?){0,8}|\\PC{0,60}") {
            drop(read(&text, "db1"));
        }
    }

    #[test]
    fn includes_count_and_match_is_refused() {
        let said = read("Include conf.d/*.conf\nHost *\n User last\n", "db1").unwrap();
        assert_eq!(said.user.as_deref(), Some("included"));
        let refused = read("Host *\n Port 1\nMatch host db1\n User x\n", "db1").unwrap_err().to_string();
        assert!(refused.contains("config:3") && refused.contains("openssh-client"), "{refused}");
    }
}
