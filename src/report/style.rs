//! How text may look where it goes: colours, width, and words for amounts.

use console::{Alignment, Term};
use std::time::Duration;

/// What the place that text goes to can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

/// What a piece of text means; a terminal shows it by colour, everything else by nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Well, or new.
    Good,
    /// Changed, or worth a look.
    Warn,
    /// Failed, or gone.
    Bad,
    /// Something that acts.
    Act,
    /// Of less weight.
    Quiet,
    /// A heading.
    Strong,
}

/// Columns assumed where there is no terminal.
const PIPE: usize = 110;

impl Style {
    /// For standard output.
    pub fn stdout(no_color: bool) -> Self {
        Self::of(&Term::stdout(), !no_color && console::colors_enabled())
    }

    /// For standard error.
    pub fn stderr(no_color: bool) -> Self {
        Self::of(&Term::stderr(), !no_color && console::colors_enabled_stderr())
    }

    fn of(term: &Term, colour: bool) -> Self {
        let width = term.size_checked().map_or(PIPE, |(_, columns)| usize::from(columns).clamp(40, 140));
        let silent = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: colour && term.is_term() && !silent, width }
    }

    /// No colours, so many columns.
    pub fn plain(width: usize) -> Self {
        Self { colour: false, width }
    }

    /// The text in its tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let styled = console::style(text).force_styling(true);
        let styled = match tone {
            Tone::Good => styled.green(),
            Tone::Warn => styled.yellow(),
            Tone::Bad => styled.red(),
            Tone::Act => styled.cyan(),
            Tone::Quiet => styled.dim(),
            Tone::Strong => styled.bold(),
        };
        styled.to_string()
    }
}

/// Columns that a text takes; wide characters take two.
pub(super) fn wide(text: &str) -> usize {
    console::measure_text_width(text)
}

/// The text followed by spaces up to so many columns; never cut.
pub fn padded(text: &str, columns: usize) -> String {
    console::pad_str(text, columns, Alignment::Left, None).into_owned()
}

/// The text in at most so many columns, with `…` where it was cut.
pub(super) fn cut(text: &str, columns: usize) -> String {
    console::truncate_str(text, columns, "…").into_owned()
}

/// The text broken into lines of at most so many columns, at spaces where there are any.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            word.clone_into(line);
        } else if wide(line) + 1 + wide(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.into_iter().flat_map(|line| broken(&line, columns)).collect()
}

/// A line without spaces, such as Chinese text or a long path, in pieces that fit.
fn broken(line: &str, columns: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for letter in line.chars() {
        let piece = pieces.last_mut().expect("there is always a piece");
        if wide(piece) + wide(letter.encode_utf8(&mut [0; 4])) > columns {
            pieces.push(letter.to_string());
        } else {
            piece.push(letter);
        }
    }
    pieces
}

/// A count with its noun: `1 host`, `2 hosts`, `1,482 users`.
pub fn counted(count: usize, noun: &str) -> String {
    let digits = grouped(count);
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("{digits} {noun}"),
        (_, Some(stem)) if !noun.ends_with("ey") && !noun.ends_with("ay") => format!("{digits} {stem}ies"),
        _ if noun.ends_with("ch") || noun.ends_with('s') => format!("{digits} {noun}es"),
        _ => format!("{digits} {noun}s"),
    }
}

/// Digits in groups of three.
pub(super) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration as people say it: `0.6 s`, `41 s`, `2 m 41 s`, `1 h 5 m`.
pub fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_as_people_say_them() {
        assert_eq!(counted(1, "host"), "1 host");
        assert_eq!(counted(1482, "user"), "1,482 users");
        assert_eq!(counted(0, "batch"), "0 batches");
        assert_eq!(counted(2, "entry"), "2 entries");
        assert_eq!(counted(2, "day"), "2 days");
        assert_eq!(spoken(Duration::from_millis(640)), "0.6 s");
        assert_eq!(spoken(Duration::from_secs(161)), "2 m 41 s");
        assert_eq!(spoken(Duration::from_mins(65)), "1 h 5 m");
    }

    #[test]
    fn wide_characters_count_as_two_columns() {
        assert_eq!(padded("数据库1", 10), "数据库1   ");
        assert_eq!(cut("数据库主机", 6), "数据…");
        assert_eq!(wrapped("数据库主机 one two", 8), ["数据库主", "机", "one two"]);
    }
}
