//! Where each key and value of an inventory stands in its file, for mistakes found after loading.

use super::mistake::{Mistake, Mistakes};
use super::tree::{Node, Value};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Places by path: keys and list positions joined by `/`, such as `hosts/app1/roles/0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    file: PathBuf,
    text: Arc<str>,
    keys: BTreeMap<String, Range<usize>>,
    values: BTreeMap<String, Range<usize>>,
}

impl Default for Places {
    fn default() -> Self {
        Self { file: PathBuf::new(), text: Arc::from(""), keys: BTreeMap::new(), values: BTreeMap::new() }
    }
}

impl Places {
    /// Notes the place of every part of a tree.
    pub(super) fn of(file: &Path, text: Arc<str>, tree: &Node) -> Self {
        let mut places = Self { file: file.to_owned(), text, ..Self::default() };
        places.note(tree, "");
        places
    }

    fn note(&mut self, node: &Node, path: &str) {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    let path = below(&entry.key);
                    self.note(&entry.value, &path);
                    self.keys.insert(path, entry.key_span.clone());
                }
            }
            Value::List(items) => {
                items.iter().enumerate().for_each(|(at, item)| self.note(item, &below(&at.to_string())));
            }
            _ => {}
        }
        if !matches!(node.value, Value::Nothing) {
            self.values.insert(path.to_owned(), node.span.clone());
        }
    }

    /// Place of the key at a path; that of the nearest key above it when it is not in the file.
    pub fn key(&self, path: &str) -> Range<usize> {
        climb(path, |path| self.keys.get(path))
    }

    /// Place of the value at a path when it is short, otherwise that of its key.
    pub fn value(&self, path: &str) -> Range<usize> {
        match self.values.get(path) {
            Some(span) if !span.is_empty() && span.len() <= 60 => span.clone(),
            _ => self.key(path),
        }
    }

    /// True when the file has something at that path; a key without a value is nothing.
    pub fn has(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    /// Gathers mistakes found later into one report about this file; fine when there are none.
    pub fn verdict(&self, list: Vec<Mistake>) -> Result<(), Mistakes> {
        if list.is_empty() {
            return Ok(());
        }
        Err(Mistakes::new(self.file.clone(), Arc::clone(&self.text), list))
    }
}

/// What is found at a path or the nearest one above it; the file's start when nothing is.
fn climb<'a>(mut path: &str, find: impl Fn(&str) -> Option<&'a Range<usize>>) -> Range<usize> {
    loop {
        if let Some(span) = find(path) {
            return span.clone();
        }
        match path.rsplit_once('/') {
            Some((above, _)) => path = above,
            None => return 0..0,
        }
    }
}
