//! From the tree to the model: defaults filled in, the file's settings and each host's own merged, paths resolved.
//! Values that do not fit are skipped: they are mistakes already.

use super::model::{Bundle, Host, Inventory, Secrets, Ssh, Sudo, Targets, Tls, Waiver};
use super::places::Places;
use super::scalar;
use super::tree::{Node, Value};
use crate::base::{Component, HostName, Role};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads what can be read of a tree.
pub(super) fn inventory(tree: &Node, path: &Path, places: Places) -> Inventory {
    let reader = Reader { folder: path.parent().unwrap_or(Path::new("")).to_owned() };
    let everywhere = tree.child("ssh");
    let stack = text(tree, "stack").unwrap_or_default();
    Inventory {
        path: path.to_owned(),
        name: text(tree, "name").unwrap_or_default(),
        domain: text(tree, "domain").unwrap_or_default().to_ascii_lowercase(),
        stack: if stack.starts_with("~/") { reader.path(&stack).display().to_string() } else { stack },
        version: text(tree, "version"),
        hosts: hosts(tree, &reader, everywhere),
        targets: tree.child("targets").filter(|node| !node.entries().is_empty()).map(targets),
        tls: reader.tls(tree.child("tls")),
        settings: settings(tree.child("settings")),
        variables: variables(tree.child("variables")),
        bundle: reader.bundle(tree.child("bundle")),
        secrets: reader.secrets(tree.child("secrets")),
        waivers: waivers(tree.child("waivers")),
        places,
    }
}

fn hosts(tree: &Node, reader: &Reader, everywhere: Option<&Node>) -> Vec<Host> {
    let Some(hosts) = tree.child("hosts") else { return Vec::new() };
    let host = |name: HostName, node: &Node| Host {
        name,
        address: text(node, "address").unwrap_or_default(),
        roles: words(node, "roles").into_iter().filter_map(|role| Role::new(role).ok()).collect(),
        ssh: reader.ssh(node.child("ssh"), everywhere),
        limits: words(node, "limits"),
        settings: settings(node.child("settings")),
        variables: variables(node.child("variables")),
    };
    let entries = hosts.entries().iter();
    entries.filter_map(|entry| Some(host(HostName::new(entry.key.as_str()).ok()?, &entry.value))).collect()
}

fn waivers(node: Option<&Node>) -> Vec<Waiver> {
    let waiver = |node: &Node| {
        Some(Waiver {
            id: text(node, "id")?.to_ascii_uppercase(),
            host: text(node, "host").and_then(|name| HostName::new(name).ok()),
            reason: text(node, "reason")?,
            owner: text(node, "owner")?,
            until: text(node, "until")?.parse().ok()?,
        })
    };
    node.map(Node::items).unwrap_or_default().iter().filter_map(waiver).collect()
}

fn targets(node: &Node) -> Targets {
    let amount = |key, parse: fn(&str) -> Option<u64>| node.child(key).and_then(Node::text).and_then(parse);
    Targets {
        users: amount("users", scalar::count),
        online: amount("online", scalar::count),
        messages_per_user_day: amount("messages-per-user-day", scalar::count),
        message_bytes: amount("message-bytes", scalar::bytes),
        retention_days: amount("retention", scalar::days),
        files_per_user_day: amount("files-per-user-day", scalar::bytes),
        file_retention_days: amount("file-retention", scalar::days),
    }
}

struct Reader {
    folder: PathBuf,
}

impl Reader {
    /// A path as the operator means it: `~` is the home folder, a relative path starts at the inventory's folder.
    fn path(&self, text: &str) -> PathBuf {
        let home = || std::env::var_os("HOME").map(PathBuf::from);
        match text.strip_prefix('~') {
            Some("") => home().unwrap_or_else(|| PathBuf::from("~")),
            Some(rest) if rest.starts_with('/') => {
                home().map_or_else(|| PathBuf::from(text), |home| home.join(rest.trim_start_matches('/')))
            }
            _ => self.folder.join(text),
        }
    }

    fn file(&self, node: Option<&Node>, key: &str) -> Option<PathBuf> {
        node.and_then(|node| text(node, key)).map(|text| self.path(&text))
    }

    /// A host's own SSH keys win over those of the whole file, one by one.
    fn ssh(&self, own: Option<&Node>, everywhere: Option<&Node>) -> Ssh {
        let pick = |key: &str| own.filter(|node| node.child(key).is_some()).or(everywhere);
        let word = |key: &str| pick(key).and_then(|node| text(node, key));
        let truth = |key: &str, default| word(key).and_then(|text| scalar::boolean(&text)).unwrap_or(default);
        Ssh {
            user: word("user"),
            port: word("port").and_then(|text| scalar::port(&text)),
            key: self.file(pick("key"), "key"),
            agent: truth("agent", true),
            password_file: self.file(pick("password-file"), "password-file"),
            ask_password: truth("ask-password", false),
            jump: word("jump"),
            sudo: self.sudo(pick("sudo").and_then(|node| node.child("sudo"))),
            known_hosts: self.file(pick("known-hosts"), "known-hosts"),
            config: truth("config", true),
        }
    }

    fn sudo(&self, node: Option<&Node>) -> Sudo {
        match node.and_then(Node::text) {
            Some("true") => Sudo::Passwordless,
            Some("ask") => Sudo::Ask,
            Some(_) => Sudo::No,
            None => self.file(node, "password-file").map_or(Sudo::No, Sudo::PasswordFile),
        }
    }

    fn tls(&self, node: Option<&Node>) -> Tls {
        let file = |key| self.file(node, key);
        match (file("certificate"), file("key"), file("chain")) {
            (Some(certificate), Some(key), Some(chain)) => Tls::Own { certificate, key, chain },
            _ => Tls::Private,
        }
    }

    fn bundle(&self, node: Option<&Node>) -> Bundle {
        Bundle {
            path: self.file(node, "path"),
            trusted_keys: node.map(|node| words(node, "trusted-keys")).unwrap_or_default(),
            mirror: node.and_then(|node| text(node, "mirror")),
        }
    }

    fn secrets(&self, node: Option<&Node>) -> Secrets {
        Secrets { ssh_key: self.file(node, "ssh-key"), passphrase_file: self.file(node, "passphrase-file") }
    }
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.child(key).and_then(Node::text).map(str::to_owned)
}

fn words(node: &Node, key: &str) -> Vec<String> {
    let items = node.child(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

fn settings(node: Option<&Node>) -> BTreeMap<Component, Map<String, Json>> {
    let entries = node.map(Node::entries).unwrap_or_default().iter();
    entries
        .filter_map(|entry| Some((Component::new(entry.key.as_str()).ok()?, variables(Some(&entry.value)))))
        .collect()
}

fn variables(node: Option<&Node>) -> Map<String, Json> {
    let entries = node.map(Node::entries).unwrap_or_default().iter();
    entries.map(|entry| (entry.key.clone(), json(&entry.value))).collect()
}

/// A free value as JSON: plain words are numbers, truth values or text (YAML 1.2), quoted ones are text.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::Nothing => Json::Null,
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect(),
        Value::Scalar { text, plain: true } => plain(text),
        Value::Scalar { text, plain: false } => Json::String(text.clone()),
    }
}

fn plain(text: &str) -> Json {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let decimal = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    // A leading zero is kept as text: it is a file mode or a telephone number far more often than a count.
    let padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if decimal && !padded {
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        if let Ok(number) = unsigned.parse::<i64>() {
            return number.into();
        }
        if let Ok(number) = unsigned.parse::<f64>() {
            return number.into();
        }
    }
    match text {
        "true" | "True" | "TRUE" => Json::Bool(true),
        "false" | "False" | "FALSE" => Json::Bool(false),
        _ => Json::String(text.to_owned()),
    }
}
