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
    let lines = text.trim_start().lines();
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn mistakes_are_drawn_with_their_place_and_hint_and_counted() {
        let text = "name: acme-im\ndomain: im.acme.example\nstack: im-server\nhosts:\n  \
                    数据库1: { adress: 10.20.0.21, roles: [database] }\n  app1: { address: 10.20.0.11, roles: app }\n\
                    name: again\n";
        let mistakes = crate::inventory::parse(Path::new("acme.yml"), text).expect_err("three mistakes");
        insta::assert_snapshot!(human(&mistakes, false, 100), @"
        Error IM1207: there is no key `adress` here
           ╭─[acme.yml:5:11]
         4 │ hosts:
         5 │   数据库1: { adress: 10.20.0.21, roles: [database] }
           ·              ───┬──
           ·                 ╰── unknown key
         6 │   app1: { address: 10.20.0.11, roles: app }
           ╰────
          help: did you mean `address`?

        Error IM1209: `roles` must be a list, each a name, not a single value
           ╭─[acme.yml:6:39]
         5 │   数据库1: { adress: 10.20.0.21, roles: [database] }
         6 │   app1: { address: 10.20.0.11, roles: app }
           ·                                       ─┬─
           ·                                        ╰── a single value
         7 │ name: again
           ╰────
          help: write it in brackets: `roles: [app]`

        Error IM1208: `name` stands here twice
           ╭─[acme.yml:1:1]
         1 │ name: acme-im
           · ──┬─
           ·   ╰── first here
         2 │ domain: im.acme.example
           ╰────
           ╭─[acme.yml:7:1]
         6 │   app1: { address: 10.20.0.11, roles: app }
         7 │ name: again
           · ──┬─
           ·   ╰── again
           ╰────
          help: keep one of the two; which one counts would be a guess

        3 mistakes in acme.yml; nothing was contacted.
        ");
        let machine = json(&mistakes);
        assert_eq!(machine[0]["error"], "IM1207");
        assert_eq!((&machine[0]["line"], &machine[0]["column"]), (&json!(5), &json!(11)));
    }

    #[test]
    fn a_file_that_is_not_there_has_no_snippet() {
        let mistakes = crate::inventory::load(Path::new("/nonexistent/acme.yml")).expect_err("not there");
        insta::assert_snapshot!(human(&mistakes, false, 100), @"
        Error IM1201: cannot read `/nonexistent/acme.yml`: no such file or directory
          help: name the inventory: -i FILE. Examples: inventories/single.yml, three.yml, six.yml

        1 mistake in /nonexistent/acme.yml; nothing was contacted.
        ");
    }
}
