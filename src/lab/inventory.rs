//! From a template inventory to a ready one: its hosts get the lab's addresses, logins and limits, the rest stays.

use super::LabError;
use super::record::Lab;
use crate::base::HostName;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What a lab host cannot do: it shares the clock, the kernel, the processors and the disk of this machine.
const LIMITS: [&str; 5] = ["clock", "sysctl", "nofile", "apparmor", "size"];
/// The templates that come with imctl.
const OWN: [(&str, &str); 3] = [
    ("single", include_str!("../../inventories/single.yml")),
    ("three", include_str!("../../inventories/three.yml")),
    ("six", include_str!("../../inventories/six.yml")),
];

/// An inventory whose hosts a lab stands in for.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    name: String,
    /// Where its relative paths start; none for those that come with imctl.
    folder: Option<PathBuf>,
    root: Map<String, Value>,
}

/// Who logs in to the lab's hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// Root itself.
    Root,
    /// The account `ops`, with sudo.
    Ops,
}

/// How the inventory says that hosts are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Who logs in.
    pub login: Login,
    /// By their IPv6 addresses.
    pub ipv6: bool,
}

impl Template {
    /// Reads a template: one that comes with imctl by its name, or any inventory by its file.
    pub fn load(name: &str) -> Result<Self, LabError> {
        if let Some((_, text)) = OWN.iter().find(|(own, _)| *own == name) {
            return Self::parse(name, None, text);
        }
        let path = Path::new(name);
        let wrong = |why: String| LabError::Template { name: name.to_owned(), why };
        let text = std::fs::read_to_string(path)
            .map_err(|cause| wrong(format!("{cause}; single, three and six come with imctl")))?;
        let whole = std::path::absolute(path).map_err(|cause| wrong(cause.to_string()))?;
        Self::parse(name, whole.parent().map(Path::to_owned), &text)
    }

    /// Hosts without a service: `host1`, `host2` and so on, each with every role of the template `single`.
    pub fn plain(hosts: u8) -> Result<Self, LabError> {
        let mut template = Self::load("single")?;
        let one = template
            .hosts_mut()
            .and_then(|hosts| hosts.values().next().cloned())
            .unwrap_or_else(|| json!({}));
        let hosts: Map<String, Value> =
            (1..=hosts).map(|index| (format!("host{index}"), one.clone())).collect();
        template.root.insert("hosts".to_owned(), Value::Object(hosts));
        Ok(template)
    }

    fn parse(name: &str, folder: Option<PathBuf>, text: &str) -> Result<Self, LabError> {
        let wrong = |why: String| LabError::Template { name: name.to_owned(), why };
        let root: Map<String, Value> =
            serde_yaml::from_str(text).map_err(|cause| wrong(cause.to_string()))?;
        let template = Self { name: name.to_owned(), folder, root };
        template.host_names()?;
        Ok(template)
    }

    /// Its hosts, in the order of the file; none, or a bad name, is a mistake.
    pub fn host_names(&self) -> Result<Vec<HostName>, LabError> {
        let wrong = |why: String| LabError::Template { name: self.name.clone(), why };
        let hosts = self.root.get("hosts").and_then(Value::as_object).filter(|hosts| !hosts.is_empty());
        let hosts = hosts.ok_or_else(|| wrong("it has no hosts".to_owned()))?;
        if hosts.contains_key("client") {
            return Err(wrong(
                "`client` is the lab's own machine that is no peer; call the host otherwise".to_owned(),
            ));
        }
        hosts
            .keys()
            .map(|name| HostName::new(name.as_str()).map_err(|cause| wrong(cause.to_string())))
            .collect()
    }

    fn hosts_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.root.get_mut("hosts").and_then(Value::as_object_mut)
    }

    /// The inventory of a lab as text. `folder` is the lab's, with its key and the keys of its hosts.
    pub(super) fn inventory(mut self, lab: &Lab, folder: &Path, reach: Reach) -> String {
        let key = folder.join("key").display().to_string();
        let mut ssh = json!({
            "user": "root", "key": key, "known-hosts": folder.join("known_hosts").display().to_string(),
            "agent": false, "config": false,
        });
        if reach.login == Login::Ops {
            ssh["user"] = json!("ops");
            ssh["sudo"] = json!(true);
        }
        self.root.insert("ssh".to_owned(), ssh);
        self.root.entry("secrets").or_insert_with(|| json!({ "ssh-key": key }));
        self.place_stack();
        for host in &lab.hosts {
            let wanted = self.hosts_mut().and_then(|hosts| hosts.get_mut(host.name.as_str()));
            let Some(Value::Object(entry)) = wanted else { continue };
            entry.shift_remove("ssh");
            let address = if reach.ipv6 { host.address6.to_string() } else { host.address.to_string() };
            entry.insert("address".to_owned(), json!(address));
            entry.insert("limits".to_owned(), json!(LIMITS));
        }
        let head = format!(
            "# Hosts of the lab `{0}` on this machine. Remove them with:  imctl lab down --name {0}\n",
            lab.name
        );
        head + &text(&self.root)
    }

    /// A stack named by a path is named by its whole path, as the inventory will stand elsewhere.
    fn place_stack(&mut self) {
        let (Some(folder), Some(Value::String(stack))) = (&self.folder, self.root.get_mut("stack")) else {
            return;
        };
        if stack.contains('/') {
            let whole = folder.join(&*stack);
            *stack = whole.canonicalize().unwrap_or(whole).display().to_string();
        }
    }
}

/// YAML with a line for each key of the file and for each host.
fn text(root: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (key, value) in root {
        match value {
            Value::Object(entries) if key == "hosts" && !entries.is_empty() => {
                out.push_str("hosts:\n");
                for (name, host) in entries {
                    let _ = writeln!(out, "  {}: {}", word(name), flow(host));
                }
            }
            _ => {
                let _ = writeln!(out, "{}: {}", word(key), flow(value));
            }
        }
    }
    out
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let parts: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", word(key), flow(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) => word(text),
        other => other.to_string(),
    }
}

/// Text as it is where that cannot be read as anything else, in JSON's quotes otherwise.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '/');
    let taken = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    if is_amount(text) || text.parse::<std::net::Ipv4Addr>().is_ok() {
        return text.to_owned();
    }
    if starts && text.chars().all(plain) && !taken.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    Value::from(text).to_string()
}

/// Digits and a unit, such as `365d`; `1e5` and `0x1f` are numbers.
fn is_amount(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let numeric = unit.starts_with(['e', 'E', 'x', 'o', 'b']);
    unit.len() < text.len() && !unit.is_empty() && !numeric && unit.chars().all(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(template: &Template) -> Lab {
        let mut lab = Lab::new("one", (3, "10.213.3.0/24".parse().expect("a network")), PathBuf::new());
        for name in template.host_names().expect("it has hosts") {
            lab.add(&name).expect("room");
        }
        lab
    }

    #[test]
    fn every_template_of_ours_becomes_an_inventory_of_the_labs_hosts() {
        for (name, _) in OWN {
            let template = Template::load(name).expect("it comes with imctl");
            let lab = lab(&template);
            let text = template.inventory(&lab, Path::new("/lab"), Reach { login: Login::Ops, ipv6: false });
            let inventory =
                crate::inventory::parse(Path::new("/x/lab.yml"), &text).expect("it is an inventory");
            assert_eq!(inventory.hosts.len(), lab.hosts.len());
            assert!(inventory.hosts.iter().all(|host| host.address.starts_with("10.213.3.")), "{text}");
            assert!(inventory.hosts.iter().all(|host| host.limits == LIMITS), "{text}");
            assert_eq!(inventory.hosts[0].ssh.known_hosts.as_deref(), Some(Path::new("/lab/known_hosts")));
        }
    }

    #[test]
    fn odd_names_and_values_survive_the_way_through_text() {
        let yaml = "name: \"on\"\nstack: x\nvariables: { a: \"1\", b: [true, \"no: #\", 365d, \"1e5\", \"0x1\"], '钥匙': ~ }\nhosts: { 数据库1: { roles: [a] } }\n";
        let template = Template::parse("t", None, yaml).expect("it is a template");
        let again: Map<String, Value> = serde_yaml::from_str(&text(&template.root)).expect("it is YAML");
        assert_eq!(again, template.root);
    }

    #[test]
    fn plain_hosts_are_numbered_and_a_host_called_client_is_refused() {
        let names = Template::plain(2).expect("the template is ours").host_names().expect("hosts");
        assert_eq!(names.iter().map(HostName::as_str).collect::<Vec<_>>(), ["host1", "host2"]);
        assert!(Template::parse("t", None, "hosts: { client: {} }").is_err());
    }
}
