//! Where this machine itself takes Debian from: its own apt sources, both notations, read as text.
//! Other repositories are passed over. Pure; it opens no file.

/// The places packages of one release come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirrors {
    /// Base URI of the release, its updates and its backports.
    pub(super) main: String,
    /// Base URI of the security suite.
    pub(super) security: String,
}

/// One source of packages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Entry {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    signed_by: Option<String>,
}

impl Mirrors {
    /// Finds Debian's places among the machine's source files, given as (file name, text).
    pub(super) fn of_machine(files: &[(String, String)], release: &str) -> Option<Self> {
        let entries: Vec<Entry> = files
            .iter()
            .flat_map(|(name, text)| if name.ends_with(".sources") { deb822(text) } else { one_line(text) })
            .filter(Entry::is_debian)
            .collect();
        let place = |suites: &[String]| {
            let mut fitting: Vec<&String> =
                entries.iter().filter(|entry| entry.has(suites)).flat_map(|entry| &entry.uris).collect();
            fitting.sort_by_key(|uri| !uri.contains("debian"));
            fitting.first().map(|uri| uri.trim_end_matches('/').to_owned())
        };
        let main = place(&[release.to_owned()])?;
        let security = place(&[format!("{release}-security"), format!("{release}/updates")]);
        Some(Self { security: security.unwrap_or_else(|| format!("{main}-security")), main })
    }

    /// The places below a mirror that the inventory names.
    pub(super) fn below(mirror: &str) -> Self {
        let main = mirror.trim_end_matches('/').to_owned();
        Self { security: format!("{main}-security"), main }
    }

    /// The `sources.list` for these suites beside the release itself.
    pub(super) fn list(&self, release: &str, extra: &[&String], keyring: &str) -> String {
        let mut lines = Vec::new();
        let mut line = |uri: &str, suite: &str| {
            lines.push(format!("deb [arch=amd64 signed-by={keyring}] {uri} {suite} main\n"));
        };
        line(&self.main, release);
        line(&self.main, &format!("{release}-updates"));
        line(&self.security, &format!("{release}-security"));
        for suite in extra {
            line(&self.main, suite);
        }
        lines.concat()
    }
}

impl Entry {
    fn has(&self, suites: &[String]) -> bool {
        self.suites.iter().any(|suite| suites.contains(suite))
    }

    /// Debian's own: the archive's keyring, or apt's default one, and the component `main`. Somebody else's
    /// repository names a key of its own; should one not, apt refuses it later, since only Debian's keyring counts.
    fn is_debian(&self) -> bool {
        let keyring = self.signed_by.as_ref().is_none_or(|key| key.contains("debian-archive"));
        keyring && self.components.iter().any(|component| component == "main")
    }
}

/// Entries of a `.sources` file.
fn deb822(text: &str) -> Vec<Entry> {
    let text: String = text.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    text.split("\n\n").filter_map(stanza).collect()
}

fn stanza(text: &str) -> Option<Entry> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if line.starts_with([' ', '\t']) {
            let (_, value) = fields.last_mut()?;
            value.push(' ');
            value.push_str(line.trim());
        } else {
            let (name, value) = line.split_once(':')?;
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let words = |name: &str| -> Vec<String> {
        field(name).unwrap_or_default().split_whitespace().map(ToOwned::to_owned).collect()
    };
    if field("enabled").is_some_and(|value| matches!(value.as_str(), "no" | "false" | "0")) {
        return None;
    }
    words("types").contains(&"deb".to_owned()).then(|| Entry {
        uris: words("uris"),
        suites: words("suites"),
        components: words("components"),
        signed_by: field("signed-by"),
    })
}

/// Entries of a `sources.list`.
fn one_line(text: &str) -> Vec<Entry> {
    text.lines().filter_map(line_entry).collect()
}

fn line_entry(line: &str) -> Option<Entry> {
    let line = line.split('#').next()?.trim();
    let rest = line.strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t', '['])?.trim_start();
    let (options, rest) = match line["deb".len()..].trim_start().strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let signed_by =
        options.split_whitespace().find_map(|word| word.strip_prefix("signed-by=")).map(ToOwned::to_owned);
    let mut words = rest.split_whitespace().map(ToOwned::to_owned);
    let uri = words.next().filter(|uri| !uri.starts_with("cdrom:"))?;
    let suite = words.next()?;
    Some(Entry { uris: vec![uri], suites: vec![suite], components: words.collect(), signed_by })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<Mirrors> {
        let files: Vec<_> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Mirrors::of_machine(&files, "bookworm")
    }

    #[test]
    fn both_notations_are_read_and_other_repositories_are_passed_over() {
        let sources = "# a comment\nTypes: deb deb-src\nURIs: https://packages.example/debian/\nSuites: bookworm\n bookworm-updates\n\
            Components: main contrib\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
            Types: deb\nURIs: https://packages.example/sec\nSuites: bookworm-security\nComponents: main\n";
        let other = "deb [arch=amd64 signed-by=/etc/apt/keyrings/v.gpg] https://vendor.example/debian bookworm main\n";
        let expected = Mirrors {
            main: "https://packages.example/debian".into(),
            security: "https://packages.example/sec".into(),
        };
        assert_eq!(found(&[("a.list", other), ("debian.sources", sources)]), Some(expected));
        assert_eq!(found(&[("a.list", other)]), None);
        let list = "#deb http://old.example/debian bookworm main\ndeb\thttp://m.example/debian bookworm main # ours\n\
            deb [ signed-by=/usr/share/keyrings/debian-archive-keyring.gpg ] http://s.example/x bookworm-security main\n";
        let expected =
            Mirrors { main: "http://m.example/debian".into(), security: "http://s.example/x".into() };
        assert_eq!(found(&[("sources.list", list)]), Some(expected));
    }

    #[test]
    fn a_disabled_entry_and_another_release_do_not_count() {
        let off =
            "Types: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\nEnabled: no\n";
        let next = "deb http://m.example/debian trixie main\n";
        assert_eq!(found(&[("a.sources", off), ("b.list", next)]), None);
    }

    #[test]
    fn a_named_mirror_has_its_security_suite_beside_it() {
        let mirrors = Mirrors::below("http://packages.example/debian/");
        let extra = "bookworm-backports".to_owned();
        let list = mirrors.list("bookworm", &[&extra], "/k.gpg");
        assert_eq!(
            list,
            "deb [arch=amd64 signed-by=/k.gpg] http://packages.example/debian bookworm main\n\
             deb [arch=amd64 signed-by=/k.gpg] http://packages.example/debian bookworm-updates main\n\
             deb [arch=amd64 signed-by=/k.gpg] http://packages.example/debian-security bookworm-security main\n\
             deb [arch=amd64 signed-by=/k.gpg] http://packages.example/debian bookworm-backports main\n"
        );
    }
}
