//! Mistakes of an inventory as text: header, snippet, hint, for each; and how many there were.

use crate::inventory::{Mistake, MistakeDiagnostic, Mistakes};
use miette::{GraphicalReportHandler, GraphicalTheme};
use serde_json::{Value, json};

/// All mistakes as a terminal shows them, the count last.
pub(super) fn human(mistakes: &Mistakes, colour: bool, width: usize) -> String {
    let drawn: Vec<String> =
        mistakes.diagnostics().map(|diagnostic| draw(&diagnostic, colour, width)).collect();
    format!("{}\n{mistakes}.\n", drawn.join("\n"))
}

fn draw(diagnostic: &MistakeDiagnostic, colour: bool, width: usize) -> String {
    let mut theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    theme.characters.error = format!("Error {}:", diagnostic.mistake.number);
    let mut text = String::new();
    let drawn = GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_context_lines(1)
        .without_cause_chain()
        .render_report(&mut text, diagnostic);
    if drawn.is_err() {
        // A snippet that cannot be drawn must not hide the mistake.
        return format!("Error {}: {}\n", diagnostic.mistake.number, diagnostic.mistake.message);
    }
    let lines = text.lines().skip_while(|line| line.trim().is_empty());
    lines.map(|line| line.strip_prefix("  ").unwrap_or(line).trim_end().to_owned() + "\n").collect()
}

/// All mistakes for programs.
pub(super) fn json(mistakes: &Mistakes) -> Value {
    let one = |mistake: &Mistake| {
        let place = mistake.label.as_ref().map(|label| mistakes.line_and_column(label.span.start));
        json!({
            "error": mistake.number,
            "message": mistake.message,
            "file": mistakes.path.display().to_string(),
            "line": place.map(|(line, _)| line),
            "column": place.map(|(_, column)| column),
            "help": mistake.help,
        })
    };
    mistakes.list.iter().map(one).collect()
}
