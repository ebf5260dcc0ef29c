//! The table of keys for readers: as a flat reference for `imctl explain` and the docs, and as a JSON schema for editors.

use super::shape::{Key, Shape};
use super::{keys, keys_zh};
use crate::base::Language;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// One key as `imctl explain` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReference {
    /// Full path, such as `hosts.NAME.ssh.port`; capitals stand for names of the operator's choice.
    pub path: String,
    /// What its value looks like.
    pub shape: String,
    /// Whether it must be there.
    pub required: bool,
    /// What counts when it is not there; empty for a required key.
    pub default: String,
    /// A value that works.
    pub example: &'static str,
    /// What it means.
    pub about: &'static str,
}

impl KeyReference {
    /// What it means, in a language.
    pub fn about_in(&self, language: Language) -> &'static str {
        match language {
            Language::En => self.about,
            Language::Zh => keys_zh::about(&self.path).unwrap_or(self.about),
        }
    }
}

/// Every key of the inventory in the order of its table.
pub fn reference() -> Vec<KeyReference> {
    let mut list = Vec::new();
    gather(keys::FILE, "", &mut list);
    list
}

fn gather(shape: Shape, path: &str, list: &mut Vec<KeyReference>) {
    match shape {
        Shape::Keys(keys) => {
            for key in keys {
                let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
                list.push(KeyReference {
                    path: path.clone(),
                    shape: key.shape.describe(),
                    required: key.required,
                    default: if path.starts_with("hosts.NAME.ssh.") && !key.required {
                        format!("`ssh.{}` of the whole file", key.name)
                    } else {
                        key.default.to_owned()
                    },
                    example: key.example,
                    about: key.about,
                });
                gather(key.shape, &path, list);
            }
        }
        Shape::Named(Shape::Keys(keys)) => gather(Shape::Keys(keys), &format!("{path}.NAME"), list),
        Shape::List(Shape::Keys(keys)) => gather(Shape::Keys(keys), path, list),
        Shape::Either(_, map) => gather(*map, path, list),
        _ => {}
    }
}

/// The JSON schema of the inventory (draft 2020-12), from the same table that loading checks against.
pub fn json_schema() -> Value {
    let mut schema = shape_schema(keys::FILE);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("imctl inventory");
    schema
}

fn shape_schema(shape: Shape) -> Value {
    // A plain number or truth value is as good as the same in quotes wherever text is asked for.
    let word = |pattern: &str| json!({ "type": ["string", "number"], "pattern": pattern });
    match shape {
        Shape::Any => json!({}),
        Shape::Text | Shape::File => json!({ "type": ["string", "number"], "minLength": 1 }),
        Shape::Name => word("^[\\p{L}\\p{N}][\\p{L}\\p{N}._-]{0,62}$"),
        Shape::Domain => word("^[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$"),
        Shape::Address => word("^[0-9A-Za-z.:-]+$"),
        Shape::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        Shape::Count => json!({ "type": "integer", "minimum": 0 }),
        Shape::Bytes => word("^[0-9.]+ *([kKmMgGtT]?i?[bB]|[kKmMgGtT])?$"),
        Shape::Days => word("^[0-9].*[a-z]$"),
        Shape::Date => word("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Url => word("^https?://"),
        Shape::TrustedKey => word("^RW[A-Za-z0-9+/=]{54}$"),
        Shape::Word(words) => json!({ "enum": words.iter().map(|word| typed(word)).collect::<Vec<_>>() }),
        Shape::List(item) => json!({ "type": "array", "items": shape_schema(*item) }),
        Shape::Named(item) => json!({ "type": "object", "additionalProperties": shape_schema(*item) }),
        Shape::Keys(keys) => keys_schema(keys),
        Shape::Either(word, map) => json!({ "anyOf": [shape_schema(*word), shape_schema(*map)] }),
    }
}

fn typed(word: &str) -> Value {
    word.parse::<bool>().map_or_else(|_| json!(word), Value::Bool)
}

fn keys_schema(keys: &[Key]) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut schema = shape_schema(key.shape);
        schema["description"] = json!(described(key));
        properties.insert(key.name.to_owned(), schema);
    }
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn described(key: &Key) -> String {
    if key.required {
        return format!("{} Example: {}", key.about, key.example);
    }
    format!("{} Default: {}. Example: {}", key.about, key.default, key.example)
}

/// The reference as the table of `docs/inventory.md`.
pub fn reference_markdown() -> String {
    let mut text = String::from("| key | value | default | example | meaning |\n|---|---|---|---|---|\n");
    for key in reference() {
        let default = if key.required { "**required**" } else { &key.default };
        let cells = [
            &format!("`{}`", key.path),
            &short(&key.shape),
            default,
            &format!("`{}`", key.example),
            key.about,
        ];
        let row: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// The list of keys below a key has rows of its own.
fn short(shape: &str) -> String {
    shape.split(" (").next().unwrap_or(shape).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_meaning_and_an_example_of_its_own_shape() {
        let list = reference();
        assert!(list.len() > 40, "{}", list.len());
        for key in &list {
            assert!(key.about.ends_with('.'), "{}", key.path);
            assert!(key.required || !key.default.is_empty(), "{}", key.path);
            let mut mistakes = Vec::new();
            let text = format!("key: {}", key.example);
            let tree = super::super::tree::parse(&text, &mut mistakes).expect("an example is YAML");
            assert!(mistakes.is_empty(), "{}: {mistakes:?}", key.path);
            assert_eq!(tree.entries().len(), 1, "{}", key.path);
        }
    }

    #[test]
    fn the_schema_knows_every_key_and_no_other() {
        let schema = json_schema();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(
            schema["properties"]["hosts"]["additionalProperties"]["required"],
            json!(["address", "roles"])
        );
        assert_eq!(
            schema["properties"]["ssh"]["properties"]["sudo"]["anyOf"][0]["enum"],
            json!([true, false, "ask"])
        );
    }
}
