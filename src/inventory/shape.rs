//! What the value of a key may look like, and the check of a tree against it: all mistakes, not the first.

use super::mistake::Mistake;
use super::scalar;
use super::tree::{Entry, Node, Value};
use crate::base::{HostName, nearest};
use std::ops::Range;

/// The shape of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Anything.
    Any,
    /// Text that is not empty.
    Text,
    /// A name: letters of any script, digits, `-`, `_`, `.`.
    Name,
    /// A DNS name with at least one dot.
    Domain,
    /// IPv4, IPv6 or a DNS name.
    Address,
    /// 1 to 65535.
    Port,
    /// A whole number.
    Count,
    /// An amount of data.
    Bytes,
    /// A duration, counted in days.
    Days,
    /// A day.
    Date,
    /// `true` or `false`.
    Bool,
    /// A path.
    File,
    /// `http://` or `https://`.
    Url,
    /// A minisign public key.
    TrustedKey,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of one shape.
    List(&'static Shape),
    /// Names that the operator chooses, each with a value of one shape.
    Named(&'static Shape),
    /// Exactly these keys.
    Keys(&'static [Key]),
    /// The first for a word, the second for a map.
    Either(&'static Shape, &'static Shape),
}

/// A key of the inventory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// As written.
    pub(super) name: &'static str,
    /// What its value looks like.
    pub(super) shape: Shape,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What counts when it is not there.
    pub(super) default: &'static str,
    /// A value that works.
    pub(super) example: &'static str,
    /// What it means.
    pub(super) about: &'static str,
}

impl Key {
    /// A key that must be there.
    pub(super) const fn must(
        name: &'static str,
        shape: Shape,
        example: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, shape, required: true, default: "", example, about }
    }

    /// A key that may be left out.
    pub(super) const fn may(
        name: &'static str,
        shape: Shape,
        default: &'static str,
        example: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, shape, required: false, default, example, about }
    }
}

/// Checks a tree against a shape. `owner` is the key it belongs to, the place shown when the value has none of its own.
pub(super) fn check(node: &Node, shape: Shape, owner: &Entry, mistakes: &mut Vec<Mistake>) {
    match (shape, &node.value) {
        // A section without a word in it still lacks what must be there.
        (Shape::Keys(keys), Value::Nothing) => missing(node, keys, owner, mistakes),
        (Shape::Any, _) | (_, Value::Nothing) => {}
        (Shape::Either(word, _), Value::Scalar { .. }) => check(node, *word, owner, mistakes),
        (Shape::Either(_, map), Value::Map(_)) => check(node, *map, owner, mistakes),
        (Shape::List(item), Value::List(items)) => {
            for node in items {
                if matches!(node.value, Value::Nothing) {
                    let message = format!("`{}` has an empty item", owner.key);
                    mistakes.push(Mistake::new("IM1209", message).at(place(node, owner), "nothing"));
                }
                check(node, *item, owner, mistakes);
            }
        }
        (Shape::Named(shape), Value::Map(entries)) => {
            for entry in entries {
                if let Err(error) = HostName::new(entry.key.as_str()) {
                    mistakes.push(
                        Mistake::new("IM1211", error.to_string()).at(entry.key_span.clone(), "not a name"),
                    );
                }
                check(&entry.value, *shape, entry, mistakes);
            }
        }
        (Shape::Keys(keys), Value::Map(entries)) => {
            for entry in entries {
                match keys.iter().find(|key| key.name == entry.key) {
                    Some(key) => check(&entry.value, key.shape, entry, mistakes),
                    None => mistakes.push(unknown_key(entry, keys)),
                }
            }
            missing(node, keys, owner, mistakes);
        }
        (Shape::List(_) | Shape::Named(_) | Shape::Keys(_) | Shape::Either(..), _)
        | (_, Value::List(_) | Value::Map(_)) => {
            mistakes.push(wrong_shape(node, shape, owner));
        }
        (shape, Value::Scalar { text, plain }) => {
            if let Err(mistake) = scalar::check(shape, text, *plain) {
                let label = mistake.label.as_ref().map_or_else(String::new, |label| label.text.clone());
                mistakes.push(mistake.at(place(node, owner), label));
            }
        }
    }
}

fn missing(node: &Node, keys: &[Key], owner: &Entry, mistakes: &mut Vec<Mistake>) {
    let misspelt: Vec<&str> = node.entries().iter().filter_map(|entry| meant(&entry.key, keys)).collect();
    for key in keys.iter().filter(|key| key.required && !misspelt.contains(&key.name)) {
        let entry = node.entries().iter().find(|entry| entry.key == key.name);
        if entry.is_some_and(|entry| !matches!(entry.value.value, Value::Nothing)) {
            continue;
        }
        let message = match owner.key.as_str() {
            "" => format!("`{}` is missing", key.name),
            owner => format!("`{owner}` has no `{}`", key.name),
        };
        let place = entry.map_or_else(|| owner.key_span.clone(), |entry| entry.key_span.clone());
        let help = format!("add `{}: {}`. {}", key.name, key.example, key.about);
        mistakes.push(Mistake::new("IM1210", message).at(place, "missing here").help(help));
    }
}

/// The key that an unknown one was most likely meant to be.
fn meant(word: &str, keys: &[Key]) -> Option<&'static str> {
    if keys.iter().any(|key| key.name == word) {
        return None;
    }
    nearest(word, keys.iter().map(|key| key.name))
}

fn unknown_key(entry: &Entry, keys: &[Key]) -> Mistake {
    let help = meant(&entry.key, keys).map_or_else(
        || {
            let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
            format!("the keys here are {}", names.join(", "))
        },
        |name| format!("did you mean `{name}`?"),
    );
    Mistake::new("IM1207", format!("there is no key `{}` here", entry.key))
        .at(entry.key_span.clone(), "unknown key")
        .help(help)
}

fn wrong_shape(node: &Node, shape: Shape, owner: &Entry) -> Mistake {
    let found = match &node.value {
        Value::Nothing => "nothing",
        Value::Scalar { .. } => "a single value",
        Value::List(_) => "a list",
        Value::Map(_) => "keys with values",
    };
    let subject = if owner.key.is_empty() { "the file".to_owned() } else { format!("`{}`", owner.key) };
    let wanted = shape.describe();
    // Which keys there are would drown what is wrong.
    let wanted = wanted.split(" (").next().unwrap_or(&wanted);
    let mut mistake = Mistake::new("IM1209", format!("{subject} must be {wanted}, not {found}"))
        .at(place(node, owner), found);
    if let (Shape::List(_), Value::Scalar { text, .. }) = (shape, &node.value) {
        mistake = mistake.help(format!("write it in brackets: `{}: [{text}]`", owner.key));
    }
    mistake
}

/// The value's own place when it is a word or stands on one line, otherwise that of its key.
fn place(node: &Node, owner: &Entry) -> Range<usize> {
    let short = matches!(node.value, Value::Scalar { .. }) || node.span.len() <= 60;
    if short && !node.span.is_empty() { node.span.clone() } else { owner.key_span.clone() }
}

impl Shape {
    /// The shape in a few words, after "must be".
    pub(super) fn describe(self) -> String {
        match self {
            Self::Any => "anything".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Name => "a name".to_owned(),
            Self::Domain => "a domain such as `im.acme.example`".to_owned(),
            Self::Address => "an IPv4 or IPv6 address or a DNS name".to_owned(),
            Self::Port => "a port, 1 to 65535".to_owned(),
            Self::Count => "a whole number".to_owned(),
            Self::Bytes => "an amount of data such as `2MB` or `1.5GiB`".to_owned(),
            Self::Days => "a duration such as `365d`".to_owned(),
            Self::Date => "a day such as `2027-03-31`".to_owned(),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::File => "a path".to_owned(),
            Self::Url => "a URL".to_owned(),
            Self::TrustedKey => "a minisign public key".to_owned(),
            Self::Word(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                quoted.join(" or ")
            }
            Self::List(item) => format!("a list, each {}", item.describe()),
            Self::Named(Shape::Any) => "names with values".to_owned(),
            Self::Named(Shape::Named(_)) => "component, key and value".to_owned(),
            Self::Named(_) => "names, each with keys".to_owned(),
            Self::Keys(keys) => {
                let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
                format!("keys ({})", names.join(", "))
            }
            Self::Either(word, map) => format!("{}, or {}", word.describe(), map.describe()),
        }
    }
}
