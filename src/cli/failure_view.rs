//! A failure as the operator sees it, in the language asked for, and as programs read it.

use super::errors;
use super::failure::Failure;
use super::mistakes::{self, Look};
use crate::base::{Language, Phrase};
use crate::report::{ErrorView, Style, error};
use serde_json::{Value, json};

/// A failure for programs.
pub(super) fn machine(failure: &Failure) -> Value {
    let view = ErrorView::new(failure.number(), failure, failure.help());
    let mut value = json!({
        "format": 1, "error": failure.number(), "exit": failure.exit().code(),
        "message": view.message, "help": view.help,
    });
    if let Failure::Inventory(found) = failure {
        value["mistakes"] = mistakes::json(found);
    }
    if let Failure::Unfit { findings, .. } = failure {
        value["check"] = (**findings).clone();
    }
    value
}

/// A failure for people.
pub(super) fn human(failure: &Failure, language: Language, style: Style) -> String {
    if let Failure::Inventory(found) = failure {
        return mistakes::human(found, Look { language, style });
    }
    let mut view = ErrorView::new(failure.number(), failure, failure.help());
    if language != Language::En {
        view.message = titled(failure.number(), &view.message, language);
        let meaning = errors::find(failure.number()).map(|error| error.words(language).1.to_owned());
        let helps = std::mem::take(&mut view.help).into_iter().map(|help| (Phrase::Help, help));
        let lines = helps.chain(meaning.map(|meaning| (Phrase::Meaning, meaning)));
        view.facts.extend(lines.map(|(label, text)| (language.say(label, &[]), text)));
    }
    let mut text = Vec::new();
    error(&mut text, &view, style).expect("memory can be written to");
    let number: [(&str, &dyn std::fmt::Display); 1] = [("number", &failure.number())];
    let label = |language: Language| language.say(Phrase::Error, &number);
    String::from_utf8_lossy(&text).replacen(&label(Language::En), &label(language), 1)
}

/// The message with the title of its number before it, for languages that messages are not written in.
pub(super) fn titled(number: &str, message: &str, language: Language) -> String {
    match (language, errors::find(number)) {
        (Language::En, _) | (_, None) => message.to_owned(),
        (_, Some(error)) => format!("{}（{message}）", error.words(language).0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown_host() -> Failure {
        let asked = "app3".to_owned();
        Failure::Select(crate::inventory::SelectError::NoHost {
            asked,
            help: "hosts are app1, db1".to_owned(),
        })
    }

    #[test]
    fn a_failure_reads_in_both_languages() {
        insta::assert_snapshot!(human(&unknown_host(), Language::En, Style::plain(100)), @"
        Error IM1203: host `app3` is not defined
          help  hosts are app1, db1
        ");
        insta::assert_snapshot!(human(&unknown_host(), Language::Zh, Style::plain(100)), @"
        错误 IM1203: 没有这台主机或这个角色（host `app3` is not defined）
          建议  hosts are app1, db1
          说明  `--on` 所给的主机名、`@角色` 或通配符与清单中任何主机都不相符。
        ");
    }

    #[test]
    fn programs_read_number_exit_code_and_help() {
        let value = machine(&unknown_host());
        assert_eq!((&value["error"], &value["exit"]), (&json!("IM1203"), &json!(2)));
        assert_eq!(value["help"], json!(["hosts are app1, db1"]));
    }
}
