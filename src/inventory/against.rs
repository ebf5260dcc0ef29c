//! An inventory held against what its stack offers: versions, roles, components, settings. It knows the stack only as
//! plain data, so that rooms of the same floor need not know each other.

use super::mistake::{Mistake, Mistakes};
use super::model::Inventory;
use crate::base::{Component, Role, nearest};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a stack offers to inventories.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offer {
    /// Versions that can be chosen.
    pub versions: Vec<String>,
    /// Roles with the counts of hosts they may have.
    pub roles: Vec<RoleOffer>,
    /// Settings of each component with their defaults, whose JSON type is the type wanted (null = any).
    pub settings: BTreeMap<Component, BTreeMap<String, Value>>,
}

/// A role and how many hosts it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleOffer {
    /// The role.
    pub name: Role,
    /// At least so many hosts.
    pub min: usize,
    /// At most so many; none = any number.
    pub max: Option<usize>,
    /// Counts that do not work, with the reason.
    pub not: BTreeMap<usize, String>,
    /// Counts that work but deserve a warning, with the reason.
    pub warn: BTreeMap<usize, String>,
}

/// Holds an inventory against its stack. Returns warnings; errors are all mistakes, each in its place.
pub fn check_against(inventory: &Inventory, offer: &Offer) -> Result<Vec<String>, Mistakes> {
    let mut check = Check { inventory, offer, mistakes: Vec::new(), warnings: Vec::new() };
    check.version();
    for host in &inventory.hosts {
        for (at, role) in host.roles.iter().enumerate() {
            check.role(role, &format!("hosts/{}/roles/{at}", host.name));
        }
        check.settings(&host.settings, &format!("hosts/{}/settings", host.name));
    }
    check.settings(&inventory.settings, "settings");
    offer.roles.iter().for_each(|role| check.count(role));
    inventory.places.verdict(check.mistakes)?;
    Ok(check.warnings)
}

struct Check<'a> {
    inventory: &'a Inventory,
    offer: &'a Offer,
    mistakes: Vec<Mistake>,
    warnings: Vec<String>,
}

impl Check<'_> {
    fn version(&mut self) {
        let Some(version) = &self.inventory.version else { return };
        if !self.offer.versions.contains(version) {
            let known = self.offer.versions.iter().map(String::as_str);
            let mistake =
                Mistake::new("IM1229", format!("`{}` has no version `{version}`", self.inventory.stack))
                    .at(self.inventory.places.value("version"), "unknown version");
            self.mistakes.push(mistake.help(choice("versions", version, known)));
        }
    }

    fn role(&mut self, role: &Role, path: &str) {
        if self.offer.roles.iter().all(|offered| offered.name != *role) {
            let known = self.offer.roles.iter().map(|offered| offered.name.as_str());
            let help = choice("roles", role.as_str(), known);
            let mistake = Mistake::new("IM1216", format!("`{}` has no role `{role}`", self.inventory.stack));
            self.mistakes.push(mistake.at(self.inventory.places.value(path), "unknown role").help(help));
        }
    }

    fn count(&mut self, role: &RoleOffer) {
        let hosts = self.inventory.hosts.iter().filter(|host| host.roles.contains(&role.name)).count();
        let wrong = if let Some(reason) = role.not.get(&hosts) {
            Some(reason.clone())
        } else if hosts < role.min {
            Some(format!("at least {} needed", counted(role.min)))
        } else {
            role.max.filter(|&max| hosts > max).map(|max| format!("at most {} possible", counted(max)))
        };
        if let Some(reason) = wrong {
            let mistake =
                Mistake::new("IM1217", format!("{} with the role `{}`: {reason}", counted(hosts), role.name))
                    .at(self.inventory.places.key("hosts"), "among these")
                    .help(format!("give the role `{}` to more or fewer hosts", role.name));
            self.mistakes.push(mistake);
        } else if let Some(reason) = role.warn.get(&hosts) {
            self.warnings.push(format!("{} with the role `{}`: {reason}", counted(hosts), role.name));
        }
    }

    fn settings(&mut self, settings: &BTreeMap<Component, Map<String, Value>>, path: &str) {
        for (component, given) in settings {
            let path = format!("{path}/{component}");
            let Some(offered) = self.offer.settings.get(component) else {
                let known = self.offer.settings.keys().map(Component::as_str);
                let help = choice("components", component.as_str(), known);
                let mistake = Mistake::new(
                    "IM1218",
                    format!("`{}` has no component `{component}`", self.inventory.stack),
                );
                self.mistakes
                    .push(mistake.at(self.inventory.places.key(&path), "unknown component").help(help));
                continue;
            };
            for (key, value) in given {
                self.setting(component, offered, (key, value), &format!("{path}/{key}"));
            }
        }
    }

    fn setting(
        &mut self,
        component: &Component,
        offered: &BTreeMap<String, Value>,
        (key, value): (&str, &Value),
        path: &str,
    ) {
        let places = &self.inventory.places;
        match offered.get(key) {
            None => {
                let help = choice("settings", key, offered.keys().map(String::as_str));
                let mistake = Mistake::new("IM1219", format!("`{component}` has no setting `{key}`"));
                self.mistakes.push(mistake.at(places.key(path), "unknown setting").help(help));
            }
            Some(default) if !same_type(default, value) => {
                let wanted = type_name(default);
                let mut help = format!("the default is {default}");
                if default.is_string() && !value.is_array() && !value.is_object() {
                    help = format!("put it in quotes: \"{value}\"");
                }
                let mistake =
                    Mistake::new("IM1220", format!("`{key}` must be {wanted}, not {}", type_name(value)));
                self.mistakes.push(mistake.at(places.value(path), "another type").help(help));
            }
            Some(_) => {}
        }
    }
}

fn choice<'a>(what: &str, asked: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let list: Vec<&str> = known.clone().collect();
    let near = nearest(asked, known).map(|near| format!(". Did you mean `{near}`?"));
    if list.is_empty() {
        return format!("there are no {what}");
    }
    format!("{what} are {}{}", list.join(", "), near.unwrap_or_default())
}

fn counted(hosts: usize) -> String {
    match hosts {
        0 => "no host".to_owned(),
        1 => "1 host".to_owned(),
        more => format!("{more} hosts"),
    }
}

/// Whether a value has the type of the default; a whole default wants a whole number.
fn same_type(default: &Value, value: &Value) -> bool {
    match (default, value) {
        (Value::Number(default), Value::Number(value)) => default.is_f64() || !value.is_f64(),
        (Value::Null, _)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::String(_), Value::String(_))
        | (Value::Array(_), Value::Array(_))
        | (Value::Object(_), Value::Object(_)) => true,
        _ => false,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "a whole number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "keys with values",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    fn offer() -> Offer {
        let role = |name: &str, min, max| RoleOffer {
            name: Role::new(name).expect("a name"),
            min,
            max,
            not: BTreeMap::from([(2, "two cannot agree".to_owned())]),
            warn: BTreeMap::from([(3, "three are just enough".to_owned())]),
        };
        let settings = BTreeMap::from([
            ("max-connections".to_owned(), json!(200)),
            ("share".to_owned(), json!(0.25)),
            ("locale".to_owned(), json!("C.UTF-8")),
            ("extra".to_owned(), Value::Null),
        ]);
        Offer {
            versions: vec!["2".to_owned(), "1".to_owned()],
            roles: vec![role("database", 1, Some(1)), role("files", 0, None)],
            settings: BTreeMap::from([(Component::new("database").expect("a name"), settings)]),
        }
    }

    fn held(rest: &str) -> Result<Vec<String>, String> {
        let text = format!("name: a\ndomain: a.example\nstack: s\n{rest}");
        let inventory = super::super::parse(Path::new("a.yml"), &text).expect("it is right in itself");
        check_against(&inventory, &offer()).map_err(|mistakes| {
            let line = |mistake: &Mistake| {
                let start = mistake.label.as_ref().map_or(0, |label| label.span.start);
                let (line, column) = mistakes.line_and_column(start);
                format!("{} {line}:{column} {}; {}\n", mistake.number, mistake.message, mistake.help)
            };
            mistakes.list.iter().map(line).collect()
        })
    }

    #[test]
    fn counts_that_are_just_enough_are_warned_of() {
        let files = "hosts:\n  a: { address: 10.0.0.1, roles: [database, files] }\n  \
                     b: { address: 10.0.0.2, roles: [files] }\n  c: { address: 10.0.0.3, roles: [files] }\n";
        assert_eq!(held(files), Ok(vec!["3 hosts with the role `files`: three are just enough".to_owned()]));
    }

    #[test]
    fn everything_that_the_stack_does_not_offer_is_told_in_its_place() {
        let text = "version: 3\nhosts:\n  a: { address: 10.0.0.1, roles: [databse, files], settings: { files: { x: 1 } } }\n  \
                    b: { address: 10.0.0.2, roles: [files] }\n\
                    settings:\n  database: { max-connections: lots, locale: 5, share: 1, extra: [], max-connection: 3 }\n";
        insta::assert_snapshot!(held(text).expect_err("many mistakes"), @r#"
    IM1229 4:10 `s` has no version `3`; versions are 2, 1
    IM1217 5:1 no host with the role `database`: at least 1 host needed; give the role `database` to more or fewer hosts
    IM1217 5:1 2 hosts with the role `files`: two cannot agree; give the role `files` to more or fewer hosts
    IM1216 6:35 `s` has no role `databse`; roles are database, files. Did you mean `database`?
    IM1218 6:64 `s` has no component `files`; components are database
    IM1220 9:32 `max-connections` must be a whole number, not text; the default is 200
    IM1220 9:46 `locale` must be text, not a whole number; put it in quotes: "5"
    IM1219 9:70 `database` has no setting `max-connection`; settings are extra, locale, max-connections, share. Did you mean `max-connections`?
    "#);
    }
}
