//! What an error number means: `imctl explain IMnnnn` and `docs/errors.md`.

use super::errors_asked::ASKED;
use super::errors_met::MET;
use super::errors_zh;
use crate::base::{Exit, Language};
#[cfg(test)]
use std::fmt::Write as _;

/// An error as `imctl explain` shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorReference {
    /// Its number.
    pub(super) number: &'static str,
    /// How the command ends.
    pub(super) exit: Exit,
    /// A few words.
    pub(super) title: &'static str,
    /// What it means and what helps.
    pub(super) about: &'static str,
}

/// An error that ends the command as a mistake of its user.
pub(super) const fn usage(number: &'static str, title: &'static str, about: &'static str) -> ErrorReference {
    ErrorReference { number, exit: Exit::Usage, title, about }
}

/// All errors, by number.
pub(super) fn all() -> impl Iterator<Item = &'static ErrorReference> {
    ASKED.iter().chain(MET)
}

impl ErrorReference {
    /// Title and meaning in a language.
    pub(super) fn words(&self, language: Language) -> (&'static str, &'static str) {
        match language {
            Language::En => (self.title, self.about),
            Language::Zh => errors_zh::find(self.number).unwrap_or((self.title, self.about)),
        }
    }
}

/// The error of a number, in any case and with or without `IM`.
pub(super) fn find(number: &str) -> Option<&'static ErrorReference> {
    let number = number.to_ascii_uppercase();
    let digits = number.strip_prefix("IM").unwrap_or(&number);
    all().find(|error| &error.number[2..] == digits)
}

/// `docs/errors.md`: exit codes and errors.
#[cfg(test)]
pub(super) fn markdown() -> String {
    let mut text = String::from(
        "# Exit codes and errors\n\nMade from the program by its tests; `imctl explain IM1207` says the same.\n\n\
         ## Exit codes\n\n| code | meaning |\n|---|---|\n",
    );
    for exit in Exit::ALL {
        let _ = writeln!(text, "| {} | {} |", exit.code(), exit.meaning());
    }
    text.push_str("\n## Errors\n\n| number | exit | what | meaning and help |\n|---|---|---|---|\n");
    for error in all() {
        let about = error.about.replace('|', "\\|");
        let _ = writeln!(text, "| {} | {} | {} | {about} |", error.number, error.exit.code(), error.title);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Numbers written anywhere in the sources, such as `IM1207`.
    fn numbers_in(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                numbers_in(&path, found);
            } else if !path.to_string_lossy().contains("cli/errors_") {
                let text = std::fs::read_to_string(&path).expect("it is text");
                let numbers = text.match_indices("\"IM").filter_map(|(at, _)| text.get(at + 1..at + 8));
                let whole = numbers.filter(|number| number.ends_with('"'));
                found.extend(whole.map(|number| number[..6].to_owned()));
            }
        }
    }

    #[test]
    fn every_number_of_the_sources_is_explained_once() {
        let mut used = BTreeSet::new();
        numbers_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
        let known: BTreeSet<String> = all().map(|error| error.number.to_owned()).collect();
        let missing: Vec<_> = used.difference(&known).collect();
        assert!(missing.is_empty(), "not in this table: {missing:?}");
        assert_eq!(known.len(), all().count(), "a number stands here twice");
        assert!(all().is_sorted_by_key(|error| error.number));
    }
}
