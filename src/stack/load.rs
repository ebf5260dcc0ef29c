//! Reading a stack: the folder's files, `stack.yml` parsed, its inner references checked.

use super::model::{ArtifactSource, ComponentSpec, Hook, StackFile, Version};
use crate::base::Component;
use crate::resource::Resource;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};
use thiserror::Error;

/// The stacks laid into the program: path under `templates/` and content.
static BUILT_IN: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// Why a stack cannot be used.
#[derive(Debug, Error)]
pub enum StackError {
    /// No stack of that name.
    #[error(
        "no stack is called `{name}`; there are {known}; a folder is given as a path, such as `./my-stack`"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A file of the stack cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// `stack.yml` is wrong; the text names line and column.
    #[error("stack `{stack}`: {file}: {text}")]
    Syntax {
        /// The stack.
        stack: String,
        /// The file.
        file: String,
        /// What is wrong, with the place.
        text: String,
    },
    /// Something refers to what is not there.
    #[error("stack `{stack}`: {}", .mistakes.join("; "))]
    References {
        /// The stack.
        stack: String,
        /// Every mistake.
        mistakes: Vec<String>,
    },
    /// The version is not one of the stack's.
    #[error("stack `{stack}` has no version `{wanted}`; it has {known}")]
    Version {
        /// The stack.
        stack: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
}

/// A stack, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// `stack.yml`.
    pub file: StackFile,
    /// Lower-case hex SHA-256 over all files: changes when anything of the stack changes.
    pub digest: String,
    files: BTreeMap<String, Vec<u8>>,
}

/// Reads the stack called `name`: one laid into the program, or a folder when `name` holds a `/`
/// (relative to `beside`).
pub fn load(name: &str, beside: &Path) -> Result<Stack, StackError> {
    let files = if name.contains('/') { from_folder(&beside.join(name))? } else { built_in(name)? };
    let mut digest = Sha256::new();
    for (path, content) in &files {
        digest.update((path.len() as u64).to_be_bytes());
        digest.update(path);
        digest.update((content.len() as u64).to_be_bytes());
        digest.update(content);
    }
    let mut file: StackFile = parse(name, "stack.yml", &files)?;
    for spec in file.artifacts.values_mut().filter(|it| it.source == ArtifactSource::Imctl) {
        env!("CARGO_PKG_VERSION").clone_into(&mut spec.version);
    }
    let stack = Stack { file, digest: hex::encode(digest.finalize()), files };
    let mistakes = stack.mistakes();
    if mistakes.is_empty() {
        Ok(stack)
    } else {
        Err(StackError::References { stack: name.to_owned(), mistakes })
    }
}

fn parse<T: serde::de::DeserializeOwned>(
    stack: &str,
    file: &str,
    files: &BTreeMap<String, Vec<u8>>,
) -> Result<T, StackError> {
    let syntax = |text: String| StackError::Syntax { stack: stack.to_owned(), file: file.to_owned(), text };
    let bytes = files.get(file).ok_or_else(|| syntax("the file is missing".to_owned()))?;
    let text = std::str::from_utf8(bytes).map_err(|cause| syntax(cause.to_string()))?;
    serde_yaml::from_str(text).map_err(|cause| syntax(cause.to_string()))
}

fn built_in(name: &str) -> Result<BTreeMap<String, Vec<u8>>, StackError> {
    let prefix = format!("{name}/");
    let files: BTreeMap<String, Vec<u8>> = BUILT_IN
        .iter()
        .filter_map(|(path, content)| Some((path.strip_prefix(&prefix)?.to_owned(), content.to_vec())))
        .collect();
    if files.is_empty() {
        let known = names().into_iter().collect::<Vec<_>>().join(", ");
        return Err(StackError::Unknown { name: name.to_owned(), known });
    }
    Ok(files)
}

/// Names of the stacks laid into the program.
pub fn names() -> BTreeSet<&'static str> {
    BUILT_IN.iter().filter_map(|(path, _)| path.split('/').next()).collect()
}

fn from_folder(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, StackError> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let read = |cause| StackError::Read { path: folder.clone(), cause };
        for entry in fs::read_dir(&folder).map_err(read)? {
            let path = entry.map_err(read)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = fs::read(&path).map_err(|cause| StackError::Read { path: path.clone(), cause })?;
            let name = path.strip_prefix(root).map_or_else(|_| path.clone(), Path::to_owned);
            files.insert(name.to_string_lossy().into_owned(), content);
        }
    }
    Ok(files)
}

impl Stack {
    /// The text of a file of the stack's folder.
    pub fn text(&self, file: &str) -> Option<&str> {
        self.files.get(file).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Reads a YAML file of the stack's folder into a type.
    pub fn data<T: serde::de::DeserializeOwned>(&self, file: &str) -> Result<T, StackError> {
        parse(&self.file.name, file, &self.files)
    }

    /// The version asked for, or the default one, with its name.
    pub fn version(&self, wanted: Option<&str>) -> Result<(&str, &Version), StackError> {
        let mut versions = self.file.versions.iter();
        let found = match wanted {
            Some(wanted) => versions.find(|(name, _)| *name == wanted),
            None => versions.find(|(_, version)| version.default),
        };
        found.map(|(name, version)| (name.as_str(), version)).ok_or_else(|| StackError::Version {
            stack: self.file.name.clone(),
            wanted: wanted.unwrap_or("default").to_owned(),
            known: self.file.versions.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// The component of that name.
    pub fn component(&self, name: &Component) -> Option<&ComponentSpec> {
        self.file.components.iter().find(|component| component.name == *name)
    }

    fn mistakes(&self) -> Vec<String> {
        let names: BTreeSet<&Component> = self.file.components.iter().map(|it| &it.name).collect();
        let mut found = Vec::new();
        if self.file.versions.values().filter(|version| version.default).count() != 1 {
            found.push("exactly one version must be `default: true`".to_owned());
        }
        for component in &self.file.components {
            let of = format!("component `{}`", component.name);
            if component.role.as_str() != "all" && !self.file.roles.contains_key(&component.role) {
                found.push(format!("{of} has the unknown role `{}`", component.role));
            }
            for need in component.needs.iter().filter(|need| !names.contains(need)) {
                found.push(format!("{of} needs the unknown component `{need}`"));
            }
            for (port, spec) in &component.ports {
                for peer in &spec.from {
                    let known = ["clients", "loopback"].contains(&peer.as_str())
                        || names.iter().any(|name| name.as_str() == peer);
                    if !known {
                        found.push(format!("{of}: port `{port}` is open to the unknown component `{peer}`"));
                    }
                }
            }
            self.resource_mistakes(component, &mut found);
        }
        for record in &self.file.dns {
            let component = self.component(&record.of);
            if component
                .is_none_or(|it| record.port.as_ref().is_some_and(|port| !it.ports.contains_key(port)))
            {
                found.push(format!("the DNS record `{}` leads to an unknown component or port", record.name));
            }
        }
        found.extend(self.passage_mistakes());
        found.extend(self.rotation_mistakes());
        for (name, shape) in &self.file.shapes {
            let mut roles = shape.groups.iter().flat_map(|group| &group.roles);
            if let Some(role) = roles.find(|role| !self.file.roles.contains_key(*role)) {
                found.push(format!("shape `{name}` has the unknown role `{role}`"));
            }
        }
        found
    }

    /// Hooks around a change of version, and copies kept before one, must say on which component's host they run.
    fn passage_mistakes(&self) -> Vec<String> {
        let passages = self.file.versions.iter().flat_map(|(to, version)| {
            version.from.iter().flat_map(move |(from, passage)| {
                let hooks = passage.expand.iter().chain(&passage.contract);
                hooks.map(move |hook| (format!("the way from {from} to {to}"), hook))
            })
        });
        let keep = self.file.keep.iter().map(|keep| ("`keep`".to_owned(), &keep.hook));
        let known = |hook: &Hook| hook.on.as_ref().is_some_and(|on| self.component(on).is_some());
        let nowhere = passages.chain(keep).filter(|(_, hook)| !known(hook));
        let mut found: Vec<String> =
            nowhere.map(|(of, hook)| format!("{of}: `{}` needs `on` with a component", hook.about)).collect();
        if let Some(backup) = self.file.backup.as_ref().filter(|it| self.component(&it.on).is_none()) {
            found.push(format!("`backup`: there is no component `{}`", backup.on));
        }
        for (to, version) in &self.file.versions {
            let strangers = version.from.keys().filter(|from| !self.file.versions.contains_key(*from));
            found.extend(strangers.map(|from| format!("version {to} comes from the unknown version {from}")));
        }
        found
    }

    fn resource_mistakes(&self, component: &ComponentSpec, found: &mut Vec<String>) {
        let of = format!("component `{}`", component.name);
        for resource in &component.resources {
            let template = match resource {
                Resource::File(file) => file.template.as_deref(),
                Resource::Firewall(firewall) => firewall.template.as_deref(),
                Resource::Command(command) => command.template.as_deref(),
                _ => None,
            };
            if let Some(template) = template.filter(|file| self.text(file).is_none()) {
                found.push(format!("{of}: template `{template}` is not in the stack's folder"));
            }
        }
    }
}
