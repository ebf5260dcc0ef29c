//! `imctl explain`: what an inventory key, an error number or a check means. It tells what other tables say.

use super::errors::{self, ErrorReference};
use super::{Failure, Global, OutputFormat, explain_stack, stdout};
use crate::base::{Exit, Language, Phrase, nearest};
use crate::inventory::{KeyReference, reference};
use crate::stack::Stack;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Arguments of `imctl explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  imctl explain hosts.NAME.ssh\n  imctl explain retention\n  imctl explain IM1207\n  imctl explain TLS-02\n  imctl explain settings.database"
)]
pub(super) struct Args {
    /// An inventory key, an error number or a check; nothing lists all keys
    #[arg(value_name = "KEY|IMnnnn|CHECK")]
    what: Option<String>,
}

/// Prints what is known about it.
pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let stacks = explain_stack::stacks(global)?;
    let (human, machine) = answer(args.what.as_deref(), &stacks, Language::of(&global.lang))?;
    match global.shape() {
        OutputFormat::Human => stdout::answer(&human),
        OutputFormat::Json => stdout::answer(&format!("{machine}\n")),
    }
    Ok(Exit::Done)
}

/// The answer for people and for programs.
fn answer(what: Option<&str>, stacks: &[Stack], language: Language) -> Result<(String, Value), Failure> {
    let Some(what) = what else { return Ok(all_keys(language)) };
    if let Some(error) = errors::find(what) {
        return Ok(error_text(error, language));
    }
    if let Some(found) = explain_stack::answer(what, stacks, language) {
        return Ok(found);
    }
    let keys = reference();
    let found = fitting(&keys, what);
    if found.is_empty() {
        return Err(Failure::Usage(unknown(&keys, what)));
    }
    let human: Vec<String> = found.iter().map(|key| key_text(key, language)).collect();
    let machine: Vec<Value> = found.iter().map(|key| key_json(key)).collect();
    Ok((human.join("\n"), json!({ "format": 1, "keys": machine })))
}

fn all_keys(language: Language) -> (String, Value) {
    let keys = reference();
    let width = keys.iter().map(|key| key.path.len()).max().unwrap_or(0);
    let mut text = String::new();
    for key in &keys {
        let mark = if key.required { "*" } else { " " };
        let _ = writeln!(text, "{:width$} {mark} {}", key.path, key.about_in(language));
    }
    let _ = writeln!(text, "\n{}", language.say(Phrase::MoreAboutKeys, &[]));
    (text, json!({ "format": 1, "keys": keys.iter().map(key_json).collect::<Vec<_>>() }))
}

/// The keys meant: the whole path (names of the operator's choice fit capitals), or else its end.
fn fitting<'a>(keys: &'a [KeyReference], what: &str) -> Vec<&'a KeyReference> {
    let words: Vec<&str> = what.split(['.', '/']).collect();
    let same = |path: &[&str]| {
        path.len() == words.len()
            && path.iter().zip(&words).all(|(part, word)| part.eq_ignore_ascii_case(word) || *part == "NAME")
    };
    let path = |key: &'a KeyReference| key.path.split('.').collect::<Vec<_>>();
    let whole: Vec<&KeyReference> = keys.iter().filter(|key| same(&path(key))).collect();
    if !whole.is_empty() {
        return whole;
    }
    let ends = |key: &&KeyReference| {
        let path: Vec<&str> = key.path.split('.').collect();
        path.len() > words.len() && same(&path[path.len() - words.len()..])
    };
    keys.iter().filter(ends).collect()
}

fn unknown(keys: &[KeyReference], what: &str) -> String {
    let ends = keys.iter().filter_map(|key| key.path.rsplit('.').next());
    let known = keys.iter().map(|key| key.path.as_str()).chain(ends);
    let near = nearest(what, known.chain(errors::all().map(|error| error.number)));
    let hint = near.map_or_else(
        || "`imctl explain` lists all keys".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    format!("nothing is called `{what}`; {hint}")
}

fn key_text(key: &KeyReference, language: Language) -> String {
    let default = if key.required { language.say(Phrase::Required, &[]) } else { key.default.clone() };
    let last = key.path.rsplit('.').next().unwrap_or(&key.path);
    let example = format!("{last}: {}", key.example);
    let lines = [(Phrase::Value, &key.shape), (Phrase::Default, &default), (Phrase::Example, &example)];
    let mut text = format!("{}\n  {}\n\n", key.path, key.about_in(language));
    for (label, value) in lines {
        let _ = writeln!(text, "  {:8} {value}", language.say(label, &[]));
    }
    text
}

fn key_json(key: &KeyReference) -> Value {
    json!({
        "key": key.path, "about": key.about, "value": key.shape, "required": key.required,
        "default": key.default, "example": key.example,
    })
}

fn error_text(error: &ErrorReference, language: Language) -> (String, Value) {
    let (title, about) = error.words(language);
    let (code, label) = (error.exit.code(), language.say(Phrase::ExitCode, &[]));
    let text = format!(
        "{}: {title}\n  {about}\n\n  {label}  {code}: {}\n",
        error.number,
        error.exit.meaning_in(language)
    );
    let value = json!({ "format": 1, "error": error.number, "title": title, "about": about, "exit": code });
    (text, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(what: &str) -> Result<String, String> {
        answer(Some(what), &[], Language::En).map(|(human, _)| human).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_key_is_found_by_its_path_its_end_or_a_hosts_own_name() {
        assert!(text("hosts.app1.address").is_ok_and(|text| text.starts_with("hosts.NAME.address\n")));
        let both = text("port").expect("two keys end so");
        assert!(both.contains("ssh.port\n") && both.contains("hosts.NAME.ssh.port\n"), "{both}");
        assert_eq!(
            text("retension"),
            Err("nothing is called `retension`; did you mean `retention`?".to_owned())
        );
    }

    #[test]
    fn an_error_is_found_by_its_number() {
        assert!(text("im1207").is_ok_and(|text| text.starts_with("IM1207: unknown key\n")));
        assert!(text("1207").is_ok());
        assert!(text("9999").is_err());
    }

    /// Compares a document with what the program says; `IMCTL_UPDATE_DOCS=1` writes it.
    fn current(file: &str, wanted: &str) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
        if std::env::var_os("IMCTL_UPDATE_DOCS").is_some() {
            std::fs::write(&path, wanted).expect("docs can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "docs/{file} is not current: run the tests with IMCTL_UPDATE_DOCS=1");
    }

    #[test]
    fn the_documents_made_from_the_program_are_current() {
        current("errors.md", &errors::markdown());
        current("checks.md", &super::super::check::markdown());
        let built_in = crate::stack::names()
            .into_iter()
            .map(|name| crate::stack::load(name, std::path::Path::new(".")).expect("it is right"));
        let rules = super::super::scan::Rules::of(&built_in.collect::<Vec<_>>()).expect("they can be read");
        current("scan.md", &rules.markdown());
        current("inventory.schema.json", &super::super::schema::text());
        let page = include_str!("../../docs/inventory.md");
        let (before, _) = page.split_once("<!-- keys -->\n").expect("the page has a place for the keys");
        current(
            "inventory.md",
            &format!("{before}<!-- keys -->\n{}", crate::inventory::reference_markdown()),
        );
    }
}
