//! The figures of a stack: their scripts for each instance, and what an answer means.

use super::look::{Look, figure_key};
use crate::base::Component;
use crate::checks::{ClusterView, Language, is_split, membership};
use crate::cli::Failure;
use crate::cli::road::Road;
use crate::cli::verify::Words;
use crate::desired::Scope;
use crate::record::Answer;
use crate::report::Problem;
use crate::stack::{FigureSpec, Reading, StatusFile};
use crate::topology::{Instance, Place};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All figures with their scripts by instance.
pub(super) struct Figures {
    pub(super) specs: Vec<FigureSpec>,
    scripts: BTreeMap<Instance, Vec<(String, String)>>,
}

impl Figures {
    /// Names and scripts of an instance's figures.
    pub(super) fn of(&self, instance: &Instance) -> impl Iterator<Item = (&String, &String)> {
        self.scripts.get(instance).into_iter().flatten().map(|(name, script)| (name, script))
    }
}

/// Reads the stack's figures and renders their scripts.
pub(super) fn figures(road: &Road) -> Result<Figures, Failure> {
    let stack = &road.topology.stack;
    let specs = match &stack.file.status {
        Some(file) => stack.data::<StatusFile>(file)?.figures,
        None => Vec::new(),
    };
    let mut scripts: BTreeMap<Instance, Vec<(String, String)>> = BTreeMap::new();
    for spec in &specs {
        for instance in road.topology.present(&spec.on).filter(|it| road.hosts.contains(&it.host)) {
            let scope = Scope::of(&road.topology, instance);
            let script = scope.text(&place(spec), &spec.run, &Value::Null)?;
            scripts.entry(instance.clone()).or_default().push((spec.name.clone(), script));
        }
    }
    Ok(Figures { specs, scripts })
}

fn place(spec: &FigureSpec) -> String {
    format!("figure `{}`", spec.name)
}

/// What an instance said of a figure: what is shown, and the value.
pub(super) fn figure(
    road: &Road,
    seen: &Look,
    (instance, spec, well): (&Instance, &FigureSpec, bool),
    problems: &mut Vec<Problem>,
) -> (String, Value) {
    let nothing = ("-".to_owned(), Value::Null);
    let Some(answer) = seen.answer(&instance.host, &figure_key(instance, &spec.name)) else { return nothing };
    let told = if answer.status == 0 { value(spec.read, answer.out.trim()) } else { None };
    let Some(value) = told else {
        // Where the instance itself is sick that is told already.
        if well {
            let last = answer.out.lines().map(str::trim).rfind(|line| !line.is_empty());
            let says = format!("`{}` cannot be read: {}", spec.name, last.unwrap_or("no answer"));
            let place = instance.host.to_string();
            problems.push(Problem { broken: false, place, says, help: String::new() });
        }
        return nothing;
    };
    let scope = Scope::of(&road.topology, instance);
    let words = Words { scope: &scope, place: place(spec) };
    let known = json!({ "value": value });
    for (condition, broken) in [(&spec.fail, true), (&spec.warn, false)] {
        let Some(condition) = condition else { continue };
        let says = match words.holds(condition, &known) {
            Ok(false) => continue,
            Ok(true) => words.text(&spec.says, &known),
            Err(why) => Ok(format!("`{}` cannot be judged: {why}", spec.name)),
        };
        let says = says.unwrap_or_else(|why| why);
        let help = words.text(&spec.helps, &known).unwrap_or_default();
        problems.push(Problem { broken, place: instance.host.to_string(), says, help });
        break;
    }
    (shown(spec, &words, &value, road), value)
}

fn value(read: Reading, text: &str) -> Option<Value> {
    match read {
        _ if text.is_empty() => None,
        Reading::Number => text.parse::<f64>().ok().map(number),
        Reading::Text => Some(json!(text)),
        Reading::Members => {
            let mut members: Vec<&str> = text.split_whitespace().collect();
            members.sort_unstable();
            Some(json!(members))
        }
    }
}

/// A number without a needless fraction.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

fn shown(spec: &FigureSpec, words: &Words<'_>, value: &Value, road: &Road) -> String {
    if let Some(shown) = &spec.shown {
        return words.text(shown, &json!({ "value": value })).unwrap_or_else(|why| why);
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(members) => {
            let all = road.topology.present(&spec.on).count();
            return format!("{} of {all}", members.len());
        }
        other => other.to_string(),
    };
    if spec.unit.is_empty() { text } else { format!("{text} {}", spec.unit) }
}

/// Judges who sees whom, over all instances of each component that tells it; the components that are split.
pub(super) fn clusters(road: &Road, seen: &Look, problems: &mut Vec<Problem>) -> Vec<Component> {
    let mut split = Vec::new();
    for spec in seen.figures.specs.iter().filter(|spec| spec.read == Reading::Members) {
        let view = |instance: &Instance| {
            let answer = seen.answer(&instance.host, &figure_key(instance, &spec.name));
            let answer = answer.filter(|answer| answer.status == 0 && !answer.out.trim().is_empty());
            let members =
                |answer: &Answer| answer.out.split_whitespace().map(|word| member(road, word)).collect();
            ClusterView {
                host: instance.host.to_string(),
                member: road.topology.place(&instance.host).fqdn.clone(),
                sees: answer.map(members),
            }
        };
        let views: Vec<ClusterView> = road.topology.present(&spec.on).map(view).collect();
        if is_split(&views) {
            split.push(spec.on.clone());
        }
        for says in membership(&views) {
            problems.push(Problem {
                broken: true,
                place: spec.on.to_string(),
                says,
                help: spec.helps.clone(),
            });
        }
    }
    split
}

/// A member's name inside the deployment, however the product names hosts: by that, by the inventory's, or by address.
fn member(road: &Road, word: &str) -> String {
    let named = |place: &&Place| place.fqdn == word || place.name.as_str() == word || place.address == word;
    road.topology.hosts.iter().find(named).map_or(word, |place| &place.fqdn).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_stack_says() {
        assert_eq!(value(Reading::Number, "743"), Some(json!(743)));
        assert_eq!(value(Reading::Number, "0.5"), Some(json!(0.5)));
        assert_eq!(value(Reading::Number, "none"), None);
        assert_eq!(value(Reading::Text, "no replica"), Some(json!("no replica")));
        assert_eq!(value(Reading::Members, "b.x\na.x\n"), Some(json!(["a.x", "b.x"])));
    }
}
