//! The words of the page in both languages, one table. A page asks for a word by its name, and a name that is not there is
//! an error, not an empty place.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};
use std::collections::BTreeMap;

/// The table: name, then English and Chinese.
#[derive(Debug, Clone)]
pub(super) struct Words {
    all: BTreeMap<String, [String; 2]>,
    column: usize,
}

impl Words {
    /// The words of a language, `en` or `zh`.
    pub(super) fn of(language: &str) -> Self {
        let all = serde_yaml::from_str(include_str!("words.yml")).expect("a test reads it");
        Self { all, column: usize::from(language == "zh") }
    }

    /// A word; none when there is no such name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(|both| both[self.column].as_str())
    }

    /// A word that stands in the table; a test asks for each by drawing every section.
    pub(super) fn word(&self, name: &str) -> String {
        self.get(name).unwrap_or(name).to_owned()
    }

    /// The same for templates, with names in braces filled in.
    pub(super) fn say(&self, name: &str, filled: &Kwargs) -> Result<String, Error> {
        let missing = || Error::new(ErrorKind::UndefinedError, format!("there is no word `{name}`"));
        let mut text = self.get(name).ok_or_else(missing)?.to_owned();
        for key in filled.args() {
            let value: Value = filled.get(key)?;
            let hole = format!("{{{key}}}");
            if !text.contains(&hole) {
                let wrong = format!("`{name}` has no place for `{key}`, or two with one value in it");
                return Err(Error::new(ErrorKind::TooManyArguments, wrong));
            }
            text = text.replace(&hole, &value.to_string());
        }
        Ok(text)
    }

    /// The same for names that come from data: the name itself when the table has none.
    pub(super) fn known(&self, prefix: &str, name: &str) -> String {
        self.get(&format!("{prefix}{name}")).unwrap_or(name).to_owned()
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &BTreeMap<String, [String; 2]> {
        &self.all
    }
}
