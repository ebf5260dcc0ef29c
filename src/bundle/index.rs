//! The flat apt repository's own files as text: `Packages` from control fields, `Release` over it. Pure.

use super::deb::Deb;
use super::digest;
use std::fmt::Write as _;

/// `Packages` for these packages: (path from the repository's root, package), in the order given.
pub(super) fn packages(debs: &[(&str, &Deb)]) -> String {
    let mut text = String::new();
    for (path, deb) in debs {
        let _ =
            write!(text, "{}\nFilename: {path}\nSize: {}\nSHA256: {}\n\n", deb.control, deb.size, deb.sha256);
    }
    text
}

/// `Release` over index files: (name, content). `date` is in the notation of RFC 2822 with `UTC`.
pub(super) fn release(version: &str, date: &str, indexes: &[(&str, &[u8])]) -> String {
    let mut text = format!(
        "Origin: imctl\nLabel: imctl\nSuite: {version}\nCodename: {version}\nDate: {date}\nArchitectures: amd64\nSHA256:\n"
    );
    for (name, content) in indexes {
        let _ = writeln!(text, " {} {} {name}", digest::of_bytes(content), content.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_lists_what_apt_needs_to_fetch_and_check() {
        let deb =
            Deb { control: "Package: a\nVersion: 1".into(), copyright: None, sha256: "00ff".into(), size: 7 };
        let text = packages(&[("pool/a_1_all.deb", &deb)]);
        assert_eq!(text, "Package: a\nVersion: 1\nFilename: pool/a_1_all.deb\nSize: 7\nSHA256: 00ff\n\n");
        let release = release("1.0", "Thu, 01 Jan 2026 00:00:00 UTC", &[("Packages", text.as_bytes())]);
        assert!(
            release.contains("\nSHA256:\n ") && release.ends_with(&format!(" {} Packages\n", text.len()))
        );
    }
}
