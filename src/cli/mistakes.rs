//! Mistakes of an inventory as text: header, snippet, hint, for each; and how many there were.

use super::failure_view::titled;
use crate::base::{Language, Phrase};
use crate::inventory::{Mistake, MistakeDiagnostic, Mistakes};
use crate::report::Style;
use miette::{GraphicalReportHandler, GraphicalTheme};
use serde_json::{Value, json};
use std::fmt::Display;

/// How mistakes are to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// The language around them.
    pub(super) language: Language,
    /// Colours and width.
    pub(super) style: Style,
}

/// All mistakes as a terminal shows them, the count last.
pub(super) fn human(mistakes: &Mistakes, look: Look) -> String {
    let drawn: Vec<String> = mistakes.diagnostics().map(|diagnostic| draw(diagnostic, look)).collect();
    let phrase = if mistakes.list.len() == 1 { Phrase::OneMistake } else { Phrase::Mistakes };
    let words: [(&str, &dyn Display); 2] =
        [("file", &mistakes.path.display()), ("count", &mistakes.list.len())];
    format!("{}\n{}\n", drawn.join("\n"), look.language.say(phrase, &words))
}

fn draw(mut diagnostic: MistakeDiagnostic, look: Look) -> String {
    let number = diagnostic.mistake.number;
    diagnostic.mistake.message = titled(number, &diagnostic.mistake.message, look.language);
    let mut theme =
        if look.style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    theme.characters.error = look.language.say(Phrase::Error, &[("number", &number)]);
    let mut text = String::new();
    let drawn = GraphicalReportHandler::new_themed(theme)
        .with_width(look.style.width)
        .with_context_lines(1)
        .without_cause_chain()
        .render_report(&mut text, &diagnostic);
    if drawn.is_err() {
        // A snippet that cannot be drawn must not hide the mistake.
        return format!("Error {number}: {}\n", diagnostic.mistake.message);
    }
    let help = format!("{}: ", look.language.say(Phrase::Help, &[]));
    let lines = text.trim_start().lines();
    lines
        .map(|line| line.trim_end().replacen("help: ", &help, usize::from(line.starts_with("  "))) + "\n")
        .collect()
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

    const LOOK: Look = Look { language: Language::En, style: Style { colour: false, width: 100 } };

    #[test]
    fn mistakes_are_drawn_with_their_place_and_hint_and_counted() {
        let text = "name: acme-im\ndomain: im.acme.example\nstack: im-server\nhosts:\n  \
                    数据库1: { adress: 10.20.0.21, roles: [database] }\n  app1: { address: 10.20.0.11, roles: app }\n\
                    name: again\n";
        let mistakes = crate::inventory::parse(Path::new("acme.yml"), text).expect_err("three mistakes");
        insta::assert_snapshot!(human(&mistakes, LOOK), @"
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
        insta::assert_snapshot!(human(&mistakes, LOOK), @"
        Error IM1201: cannot read `/nonexistent/acme.yml`: no such file or directory
          help: name the inventory: -i FILE. Examples: inventories/single.yml, three.yml, six.yml

        1 mistake in /nonexistent/acme.yml; nothing was contacted.
        ");
    }

    #[test]
    fn in_chinese_the_title_of_the_number_goes_before_the_message() {
        let mistakes = crate::inventory::parse(Path::new("a.yml"), "- x\n").expect_err("a list");
        let look = Look { language: Language::Zh, ..LOOK };
        insta::assert_snapshot!(human(&mistakes, look), @"
        错误 IM1209: 值的种类不对（the file must be keys, not a list）
           ╭─[a.yml:1:1]
         1 │ - x
           · ─┬─
           ·  ╰── a list
           ╰────

        a.yml 中有 1 处错误；没有连接任何主机。
        ");
    }
}
