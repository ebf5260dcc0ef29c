//! What `imctl explain` knows from stacks: settings of components and checks of the product; and the checks that are
//! code. The stack is the inventory's when one is named, otherwise every stack laid into the program.

use super::scan::{Rules, rules};
use super::{Failure, Global};
use crate::base::{Language, Phrase};
use crate::checks::{Chinese, RULES, preflight_rules};
use crate::inventory;
use crate::record::Words;
use crate::stack::{self, CheckSpec, ChecksFile, ComponentSpec, SettingSpec, Stack};
use serde_json::{Value, json};
use std::path::Path;

/// The stacks to look into.
pub(super) fn stacks(global: &Global) -> Result<Vec<Stack>, Failure> {
    let Some(path) = &global.inventory else {
        let built_in = stack::names().into_iter().map(|name| stack::load(name, Path::new(".")));
        // A stack laid into the program is read by its tests; a broken one says nothing here.
        return Ok(built_in.filter_map(Result::ok).collect());
    };
    let inventory = inventory::load_alone(path)?;
    let beside = path.parent().unwrap_or(Path::new("."));
    stack::load(&inventory.stack, beside)
        .map(|stack| vec![stack])
        .map_err(|error| Failure::Usage(error.to_string()))
}

/// A check or a setting; none when no stack knows it.
pub(super) fn answer(what: &str, stacks: &[Stack], language: Language) -> Option<(String, Value)> {
    check(what, stacks, language).or_else(|| rule(what, stacks, language)).or_else(|| settings(what, stacks))
}

fn check(id: &str, stacks: &[Stack], language: Language) -> Option<(String, Value)> {
    let id = id.to_ascii_uppercase();
    let proof = RULES.iter().find(|it| it.id == id).map(|it| [it.what, it.needed, it.because, it.fix]);
    let preflight =
        || preflight_rules().find(|it| it.id == id).map(|it| [it.what, it.needed, it.because, it.fix]);
    if let Some(words) = proof.or_else(preflight) {
        let chinese = Chinese::default();
        let told = chinese.words(&id).filter(|_| language == Language::Zh);
        return Some(check_text(&id, &told.map_or(words, in_order), language));
    }
    let of = |stack: &Stack| -> Option<CheckSpec> {
        let file: ChecksFile = stack.data(stack.file.checks.as_deref()?).ok()?;
        file.checks.into_iter().find(|check| check.id == id)
    };
    let found = stacks.iter().find_map(of)?;
    let words = [&*found.what, &*found.needed, &*found.because, &*found.fix];
    let told = found.zh.as_ref().filter(|_| language == Language::Zh);
    Some(check_text(&found.id, &told.map_or(words, in_order), language))
}

/// A rule of the security scan.
fn rule(id: &str, stacks: &[Stack], language: Language) -> Option<(String, Value)> {
    // A stack whose rules cannot be read says so where it is used.
    let rules = Rules::of(stacks).ok()?;
    let rule = rules.get(&id.to_ascii_uppercase())?;
    let words = if language == Language::Zh { &rule.zh } else { &rule.en };
    let (mut text, mut value) = check_text(&rule.id, &in_order(words), language);
    let danger = rules::danger(rule.danger);
    let more = [("CIS", &rule.cis), ("MLPS", &rule.mlps)];
    let more: Vec<String> = more
        .iter()
        .filter(|(_, sections)| !sections.is_empty())
        .map(|(name, sections)| format!("{name} {sections}"))
        .collect();
    let standards = more.join(" · ");
    text = format!("{text}\n  {danger}, {}  {standards}\n", rule.area);
    value["danger"] = json!(danger);
    value["area"] = json!(rule.area);
    value["cis"] = json!(rule.cis);
    value["mlps"] = json!(rule.mlps);
    Some((text, value))
}

fn in_order(words: &Words) -> [&str; 4] {
    [&words.what, &words.needed, &words.because, &words.fix]
}

fn check_text(id: &str, [what, needed, because, fix]: &[&str; 4], language: Language) -> (String, Value) {
    let labels = language.say(Phrase::CheckParts, &[]);
    let parts = labels.split('|').zip([needed, because, fix]);
    let lines = parts.map(|(label, text)| format!("  {label:7}  {text}\n"));
    let text = format!("{id}: {what}\n\n{}", lines.collect::<String>());
    (
        text,
        json!({ "format": 1, "check": id, "what": what, "needed": needed, "because": because, "fix": fix }),
    )
}

/// The settings under `settings`, of a component, or the one named, for the whole file or a host alike.
fn settings(what: &str, stacks: &[Stack]) -> Option<(String, Value)> {
    let words: Vec<&str> = what.split(['.', '/']).collect();
    let asked = match words.as_slice() {
        ["settings", rest @ ..] | ["hosts", _, "settings", rest @ ..] if !rest.is_empty() => rest,
        _ => return None,
    };
    let fits = |component: &ComponentSpec, key: &str| {
        component.name.as_str() == asked[0] && asked.get(1).is_none_or(|asked| *asked == key)
    };
    let mut found = Vec::new();
    for component in stacks.iter().flat_map(|stack| &stack.file.components) {
        let own = component.settings.iter().filter(|(key, _)| fits(component, key));
        found.extend(own.map(|(key, spec)| (format!("settings.{}.{key}", component.name), spec)));
    }
    if found.is_empty() || asked.len() > 2 {
        return None;
    }
    let text: Vec<String> = found.iter().map(|(path, spec)| setting_text(path, spec)).collect();
    let list: Vec<Value> = found
        .iter()
        .map(|(path, spec)| json!({ "key": path, "about": spec.about, "default": spec.default }))
        .collect();
    Some((text.join("\n"), json!({ "format": 1, "keys": list })))
}

fn setting_text(path: &str, spec: &SettingSpec) -> String {
    format!("{path}\n  {}\n\n  default  {}\n", spec.about, spec.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> Vec<Stack> {
        stack::names()
            .into_iter()
            .map(|name| stack::load(name, Path::new(".")).expect("it is right"))
            .collect()
    }

    #[test]
    fn checks_are_explained_whether_code_or_data() {
        let stacks = built_in();
        assert!(
            answer("tls-02", &stacks, Language::En).is_some_and(|(text, _)| text.starts_with("TLS-02: "))
        );
        let data: ChecksFile = stacks
            .iter()
            .find_map(|stack| stack.data(stack.file.checks.as_deref()?).ok())
            .expect("a stack has checks");
        let id = &data.checks[0].id;
        assert!(answer(id, &stacks, Language::En).is_some_and(|(_, value)| value["check"] == id.as_str()));
        assert_eq!(answer("NONE-99", &stacks, Language::En), None);
        let told = answer("tls-02", &stacks, Language::Zh).expect("it has Chinese").0;
        assert!(told.starts_with("TLS-02: 证书的剩余时间\n") && told.contains("  要求"), "{told}");
    }

    #[test]
    fn rules_of_the_scan_are_explained_whether_code_or_data() {
        let stacks = built_in();
        for id in ["crypt-02", "DB-01"] {
            let (text, value) = answer(id, &stacks, Language::En).expect("a rule");
            assert!(text.starts_with(&id.to_ascii_uppercase()) && value["danger"].is_string(), "{text}");
        }
        assert!(answer("DB-01", &stacks, Language::Zh).is_some_and(|(text, _)| text.contains("pg_hba")));
    }

    #[test]
    fn settings_are_explained_alone_and_together() {
        let stacks = built_in();
        let together = answer("settings.database", &stacks, Language::En).expect("it has settings").1;
        let many = together["keys"].as_array().map_or(0, Vec::len);
        let first = together["keys"][0]["key"].as_str().expect("a key").to_owned();
        assert!(many > 1);
        let alone = answer(&first.replace("settings.", "hosts.db1.settings."), &stacks, Language::En)
            .expect("found")
            .1;
        assert_eq!(alone["keys"].as_array().map(Vec::len), Some(1));
        assert_eq!(answer("settings.database.nothing", &stacks, Language::En), None);
    }
}
