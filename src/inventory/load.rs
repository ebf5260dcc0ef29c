//! From a file to an inventory, or to all of its mistakes.

use super::keys;
use super::mistake::{Mistake, Mistakes};
use super::model::Inventory;
use super::places::Places;
use super::tree::{self, Entry};
use super::{read, rules, shape};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// An inventory is a page of text; a file larger than this is another file.
const MAX_BYTES: u64 = 1 << 20;

/// Loads an inventory and looks at the files it names. Errors: all mistakes, in the order of the file.
pub fn load(path: &Path) -> Result<Inventory, Mistakes> {
    let inventory = load_alone(path)?;
    let mut mistakes = Vec::new();
    rules::check_files(&inventory, &mut mistakes);
    inventory.places.verdict(mistakes)?;
    Ok(inventory)
}

/// Loads an inventory without looking at the keys and certificates it names, for commands that contact nobody.
pub fn load_alone(path: &Path) -> Result<Inventory, Mistakes> {
    let text =
        text_of(path).map_err(|mistake| Mistakes::new(path.to_owned(), Arc::from(""), vec![mistake]))?;
    parse(path, &text)
}

/// Reads an inventory from text; `path` is what mistakes call it and where relative paths start.
pub fn parse(path: &Path, text: &str) -> Result<Inventory, Mistakes> {
    let shared: Arc<str> = Arc::from(text);
    let mut mistakes = Vec::new();
    let Some(root) = tree::parse(text, &mut mistakes) else {
        return Err(Mistakes::new(path.to_owned(), shared, mistakes));
    };
    let start = first_word(text);
    let root = Entry { key: String::new(), key_span: start, value: root };
    shape::check(&root.value, keys::FILE, &root, &mut mistakes);
    let places = Places::of(path, Arc::clone(&shared), &root.value);
    let inventory = read::inventory(&root.value, path, places);
    rules::check(&inventory, &root.value, &mut mistakes);
    if mistakes.is_empty() { Ok(inventory) } else { Err(Mistakes::new(path.to_owned(), shared, mistakes)) }
}

/// Where the content starts: past comments and blank lines.
fn first_word(text: &str) -> std::ops::Range<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches('\u{feff}').trim();
        if !content.is_empty() && !content.starts_with('#') {
            let from = start + line.len() - line.trim_start_matches('\u{feff}').trim_start().len();
            let word = content.split([':', ' ']).next().map_or(0, str::len);
            return from..from + word;
        }
        start += line.len();
    }
    0..0
}

fn text_of(path: &Path) -> Result<String, Mistake> {
    let unreadable = |cause: &std::io::Error| {
        let mistake =
            Mistake::new("IM1201", format!("cannot read `{}`: {}", path.display(), rules::in_words(cause)));
        match cause.kind() {
            std::io::ErrorKind::NotFound => mistake
                .help("name the inventory: -i FILE. Examples: inventories/single.yml, three.yml, six.yml"),
            std::io::ErrorKind::IsADirectory => mistake.help("name the file in that folder"),
            _ => mistake,
        }
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|cause| unreadable(&cause))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|cause| unreadable(&cause))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Mistake::new("IM1206", format!("`{}` is larger than 1 MiB", path.display()))
            .help("is this the inventory?"));
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(&error))
}

fn not_utf8(error: &std::string::FromUtf8Error) -> Mistake {
    let good = error.utf8_error().valid_up_to();
    let before = &error.as_bytes()[..good];
    let line = before.split(|&byte| byte == b'\n').count();
    let help = if error.as_bytes().starts_with(&[0xff, 0xfe]) || error.as_bytes().starts_with(&[0xfe, 0xff]) {
        "the file is UTF-16: save it as UTF-8"
    } else {
        "save the file as UTF-8 (from GBK: iconv -f GBK -t UTF-8)"
    };
    Mistake::new("IM1202", format!("the file is not UTF-8 from line {line} on")).help(help)
}
