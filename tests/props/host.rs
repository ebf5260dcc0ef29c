//! One host of the pretended world: files, packages, units, marks. Knows what programs of imctl do to them and nothing
//! of why they run.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) folder: bool,
    pub(crate) mode: String,
    pub(crate) owner: String,
    pub(crate) sha256: String,
}

/// A unit of systemd.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that systemd tells of a unit")]
pub(crate) struct Unit {
    pub(crate) active: bool,
    pub(crate) failed: bool,
    pub(crate) enabled: bool,
    pub(crate) masked: bool,
    /// It runs and does not answer.
    pub(crate) sick: bool,
    /// What it read when it began: path and digest of every file of the host.
    pub(crate) read: BTreeMap<String, String>,
}

/// A host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Host {
    pub(crate) nodes: BTreeMap<String, Node>,
    pub(crate) packages: BTreeMap<String, String>,
    pub(crate) units: BTreeMap<String, Unit>,
    pub(crate) joined: BTreeSet<String>,
    /// Component and host of instances whose load was moved away here.
    pub(crate) drained: BTreeSet<(String, String)>,
    pub(crate) done: BTreeSet<String>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) owed: BTreeMap<String, String>,
    /// What begins next will not answer.
    pub(crate) sickens: bool,
}

/// What a line of a program did to a unit that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It stopped, or began anew.
    Disturbed(String),
    /// Something else of the host changed.
    Other,
}

const MARKS: &str = "/var/lib/imctl/.commands/";

pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Host {
    /// Whether systemd knows the unit: by a file of its own, or by the package that brings it.
    pub(crate) fn is_loaded(&self, unit: &str) -> bool {
        let package = format!("{}-server", unit.trim_end_matches(".service"));
        self.nodes.contains_key(&format!("/etc/systemd/system/{unit}"))
            || self.packages.contains_key(&package)
    }

    /// Whether the unit runs and answers.
    pub(crate) fn is_well(&self, unit: &str) -> bool {
        self.units.get(unit).is_some_and(|it| it.active && !it.sick)
    }

    pub(crate) fn put(&mut self, path: &str, content: &[u8], (mode, owner): (&str, &str)) {
        let node = Node { folder: false, mode: mode.into(), owner: owner.into(), sha256: digest(content) };
        self.nodes.insert(path.to_owned(), node);
    }

    fn files(&self) -> BTreeMap<String, String> {
        self.nodes.iter().map(|(path, node)| (path.clone(), node.sha256.clone())).collect()
    }

    /// Does what a program says, line by line; the status it ends with, and what it did.
    pub(crate) fn obey(&mut self, script: &str) -> (i32, Vec<Deed>) {
        let named = script.lines().find_map(|line| line.strip_prefix("unit="));
        let script = named.map_or_else(|| script.to_owned(), |unit| script.replace("\"$unit\"", unit));
        let mut deeds = Vec::new();
        for line in script.lines() {
            let words = shlex::split(line.trim()).unwrap_or_default();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let (status, deed) = self.line(&words);
            deeds.extend(deed);
            if status != 0 {
                return (status, deeds);
            }
        }
        (0, deeds)
    }

    fn line(&mut self, words: &[&str]) -> (i32, Option<Deed>) {
        match words {
            ["systemctl", "-q", verb, unit, ..] | ["systemctl", verb, unit, ..] if !verb.starts_with('-') => {
                return self.systemctl(verb, unit);
            }
            ["install", "-d", "-m", mode, "-o", owner, "-g", group, "--", path] => {
                let owner = format!("{owner}:{group}");
                let node = Node { folder: true, mode: (*mode).into(), owner, sha256: String::new() };
                self.nodes.insert((*path).to_owned(), node);
            }
            ["rm", "-f", "--", path] => match path.split_once("/owed/") {
                Some((_, unit)) => drop(self.owed.remove(unit)),
                None => drop(self.nodes.remove(*path)),
            },
            ["[", "-L", _, "]", "||", "rmdir", _, "--", path] => self.remove_folder(path),
            ["set", "--", names @ ..] => names.iter().for_each(|name| self.purge(name)),
            ["imcmd", name] => drop(self.done.insert((*name).to_owned())),
            ["imundo", name] => drop(self.done.remove(*name)),
            ["impkg", names, masks] => self.install(names, masks),
            ["umask", "077", "&&", "mkdir", _, _, "&&", "echo", text, _, "&&", "mv", _, _, mark] => {
                self.put(mark, format!("{text}\n").as_bytes(), ("0600", "root:root"));
                assert!(mark.starts_with(MARKS), "{mark}");
            }
            _ => return (0, None),
        }
        (0, Some(Deed::Other))
    }

    fn remove_folder(&mut self, path: &str) {
        let below = format!("{path}/");
        if !self.nodes.keys().any(|known| known.starts_with(&below)) {
            self.nodes.remove(path);
        }
    }

    fn purge(&mut self, name: &str) {
        self.packages.remove(name);
        if let Some(component) = name.strip_suffix("-server") {
            self.units.remove(&format!("{component}.service"));
        }
    }

    fn install(&mut self, names: &str, masks: &str) {
        for name in names.split(',') {
            let (name, version) = name.split_once('=').unwrap_or((name, "1"));
            self.packages.insert(name.to_owned(), version.to_owned());
        }
        for unit in masks.split(',').filter(|unit| !unit.is_empty()) {
            self.units.entry(unit.to_owned()).or_default().masked = true;
        }
    }

    fn systemctl(&mut self, verb: &str, unit: &str) -> (i32, Option<Deed>) {
        if !self.is_loaded(unit) {
            return (i32::from(matches!(verb, "start" | "restart" | "reload" | "enable")) * 5, None);
        }
        let (read, sick) = (self.files(), self.sickens);
        let it = self.units.entry(unit.to_owned()).or_default();
        let ran = it.active;
        match verb {
            "start" | "restart" if it.masked => return (1, None),
            "start" | "restart" => {
                if !(ran && verb == "start") {
                    *it = Unit { active: true, failed: false, sick, read, ..it.clone() };
                    self.sickens = false;
                }
            }
            "reload" => it.read = read,
            "stop" => it.active = false,
            "enable" => it.enabled = true,
            "disable" => it.enabled = false,
            "mask" => it.masked = true,
            "unmask" => it.masked = false,
            "reset-failed" => it.failed = false,
            other => return (i32::from(other != "is-active"), None),
        }
        let disturbed = ran && matches!(verb, "restart" | "stop");
        (0, Some(if disturbed { Deed::Disturbed(unit.to_owned()) } else { Deed::Other }))
    }

    /// Keeps the files of a note of imctl about itself.
    pub(crate) fn note(&mut self, script: &str, mut input: &[u8]) {
        for line in script.lines() {
            let words = shlex::split(line).unwrap_or_default();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["put", name, count] => {
                    let (content, rest) = input.split_at(count.parse().expect("a number of bytes"));
                    input = rest;
                    if *name == "manifest.json" {
                        self.manifest = content.to_vec();
                    }
                }
                ["echo", "$boot", verb, mark] => {
                    let unit = mark.trim_start_matches(">owed/");
                    self.owed.insert(unit.to_owned(), (*verb).to_owned());
                }
                ["rm", "-rf", path] if path.ends_with("/owed") => self.owed.clear(),
                _ => {}
            }
        }
        assert!(input.is_empty(), "every byte of a note belongs to a file");
    }
}
