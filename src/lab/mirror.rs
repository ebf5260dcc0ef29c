//! Finds the package mirror that this machine itself uses, in both formats of apt's sources. Pure.

/// The distribution that lab hosts run.
pub(super) const SUITE: &str = "bookworm";

/// The address of the first source that serves the suite itself with component `main`.
pub(super) fn find(sources: &[String]) -> Option<String> {
    sources.iter().find_map(|text| deb822(text).or_else(|| one_line(text)))
}

/// Reads `Types: deb` paragraphs.
fn deb822(text: &str) -> Option<String> {
    text.split("\n\n").find_map(|paragraph| {
        let field = |name: &str| {
            let lines = paragraph.lines().filter(|line| !line.starts_with('#'));
            lines.filter_map(|line| line.split_once(':')).find(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        let has = |name: &str, word: &str| {
            field(name).is_some_and(|(_, value)| value.split_whitespace().any(|w| w == word))
        };
        if !(has("Types", "deb") && has("Suites", SUITE) && has("Components", "main")) || has("Enabled", "no")
        {
            return None;
        }
        field("URIs").and_then(|(_, value)| value.split_whitespace().next()).and_then(plain)
    })
}

/// Reads `deb [options] URI suite component...` lines.
fn one_line(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let rest = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']')?.1,
            None => rest,
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let (uri, suite) = (words.first()?, words.get(1)?);
        (*suite == SUITE && words[2..].contains(&"main")).then(|| plain(uri)).flatten()
    })
}

/// Only addresses that `debootstrap` understands.
fn plain(uri: &str) -> Option<String> {
    let known = ["http://", "https://", "file:"].iter().any(|scheme| uri.starts_with(scheme));
    known.then(|| uri.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_itself_is_found_in_both_formats_and_others_are_not() {
        let deb822 = "Types: deb\nURIs: http://one.example/debian-security/\nSuites: bookworm-security\nComponents: main\n\n\
                      Types: deb\n# a note: here\nURIs: http://two.example/debian/\nSuites: bookworm bookworm-updates\nComponents: main contrib\n";
        let lines = "# deb http://no.example/ bookworm main\ndeb [arch=amd64 signed-by=/k] https://three.example/debian bookworm main\n";
        let others =
            "deb https://four.example/apt some-bookworm main\ndeb-src http://x.example bookworm main\n";
        assert_eq!(find(&[others.into(), deb822.into()]).as_deref(), Some("http://two.example/debian"));
        assert_eq!(find(&[others.into(), lines.into()]).as_deref(), Some("https://three.example/debian"));
        assert_eq!(find(&[others.into()]), None);
    }
}
