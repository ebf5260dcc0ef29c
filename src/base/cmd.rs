//! A remote command as words; the one place where words become a line of POSIX shell.

use std::fmt;

/// A command as separate words; printing it yields one safely quoted line of POSIX shell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cmd {
    words: Vec<String>,
}

impl Cmd {
    /// Starts a command with its program.
    pub fn new(program: impl Into<String>) -> Self {
        Self { words: vec![program.into()] }
    }

    /// Adds one word.
    #[must_use]
    pub fn arg(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Adds several words.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<String> = self.words.iter().map(|word| quote(word)).collect();
        out.write_str(&quoted.join(" "))
    }
}

/// Quotes one word for POSIX shell: unchanged when it is plain, in single quotes otherwise.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_a_quote_or_a_space_stays_one_word() {
        let cmd = Cmd::new("printf").arg("%s").arg("it's; rm -rf /").arg("");
        assert_eq!(cmd.to_string(), r"printf %s 'it'\''s; rm -rf /' ''");
        assert_eq!(shlex::split(&cmd.to_string()).map(|words| words.len()), Some(4));
    }
}
