//! Text diffs as an operator reads them.

use similar::TextDiff;

/// Returns a unified diff (three lines of context, no file header) of two texts; empty when they are equal.
pub fn unified(old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    TextDiff::from_lines(old, new).unified_diff().context_radius(3).missing_newline_hint(false).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_diff_and_changed_lines_are_marked() {
        assert_eq!(unified("a\n", "a\n"), "");
        let diff = unified("a\nb\n", "a\nc\n");
        assert!(diff.contains("-b\n") && diff.contains("+c\n"), "{diff}");
    }
}
