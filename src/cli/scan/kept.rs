//! What imctl itself put on hosts and keeps beside the inventory: files with secrets, the secrets' own texts, what was changed.

use super::Scene;
use super::inside::Insides;
use crate::base::HostName;
use crate::checks::{KeptSeen, Outcome, Said, SecretFile, kept};
use crate::cli::survey::Survey;
use crate::plan::Verb;
use crate::resource::{File, Resource};
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Shorter texts would be found where they are nobody's secret.
const SHORTEST: usize = 16;

/// Files with secrets that a host should hold.
fn secret_files<'a>(seen: &'a Survey, host: &'a HostName) -> impl Iterator<Item = &'a File> {
    let instances = seen.desired.instances.iter().filter(move |it| it.instance.host == *host);
    instances.flat_map(|it| &it.resources).filter_map(|resource| match resource {
        Resource::File(file) if file.secret => Some(file),
        _ => None,
    })
}

/// The secrets that a host holds anyway, each as one line to look for; nothing else is ever sent there.
pub(super) fn needles(seen: &Survey, host: &HostName) -> Vec<String> {
    let held: String = secret_files(seen, host).filter_map(|file| file.content.as_deref()).collect();
    let mut texts = Vec::new();
    seen.made.material.secrets.values().for_each(|value| leaves(value, &mut texts));
    let keys = seen.made.material.certificates.values();
    texts.extend(keys.map(|certificate| certificate.key.clone()));
    let lines: BTreeSet<String> =
        texts.iter().filter_map(|text| line(text)).filter(|line| held.contains(line.as_str())).collect();
    lines.into_iter().collect()
}

/// Every text of a secret that is not public.
fn leaves(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Object(pairs) => {
            pairs.iter().filter(|(key, _)| *key != "public").for_each(|(_, value)| leaves(value, texts));
        }
        _ => {}
    }
}

/// The line of a text that gives it away: the first that is no heading.
fn line(text: &str) -> Option<String> {
    let first = text.lines().map(str::trim).find(|line| !line.starts_with("-----") && !line.is_empty());
    first.filter(|line| line.len() >= SHORTEST).map(str::to_owned)
}

/// Judges what is kept on every host, and imctl's own folder.
pub(super) fn judge(scene: &Scene<'_>, insides: &Insides) -> Vec<Said> {
    let mut said = Vec::new();
    for (host, inside) in insides {
        let now = |path: &str| scene.seen.observed.get(host)?.paths.get(path).cloned();
        let file = |file: &File| SecretFile {
            path: file.path.clone(),
            owner: file.owner.clone(),
            now: now(&file.path),
        };
        let seen = KeptSeen {
            files: secret_files(scene.seen, host).map(file).collect(),
            hunted: match &inside.hunted {
                Some(hunted) => hunted.clone(),
                None => Err(Outcome::Open("left out by --quick".to_owned())),
            },
            changed: changed(scene.seen, host),
        };
        said.extend(kept(host, &seen).into_iter().filter(|it| !scene.asked.left_out(&it.id)));
    }
    said.push(Said::of_service("SECRET-07", own_folder(scene.road.state.folder())));
    said
}

/// Things on a host that are not as they should be; what only follows from them is not named.
fn changed(seen: &Survey, host: &HostName) -> Vec<String> {
    let own = |verb| matches!(verb, Verb::Create | Verb::Update | Verb::Remove);
    let steps = seen.plan.steps().filter(|step| step.on == *host && own(step.verb));
    let mut names: Vec<String> = steps.map(|step| format!("{} {}", step.kind, step.name)).collect();
    names.sort();
    names.dedup();
    names
}

/// Nobody else may look into the folder; what is secret in it is encrypted besides.
fn own_folder(folder: &Path) -> Outcome {
    let (mut open, mut paths) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(path) = paths.pop() {
        let Ok(known) = std::fs::symlink_metadata(&path) else { continue };
        if known.mode() & 0o077 != 0 && !known.is_symlink() {
            let name = path.strip_prefix(folder.parent().unwrap_or(folder)).unwrap_or(&path);
            open.push(format!("{} {:04o}", name.display(), known.mode() & 0o7777));
        }
        if known.is_dir() {
            match std::fs::read_dir(&path) {
                Ok(entries) => paths.extend(entries.filter_map(|it| Some(it.ok()?.path()))),
                Err(cause) => return Outcome::Unknown(format!("`{}`: {cause}", path.display())),
            }
        }
    }
    open.sort();
    Outcome::none_of(&open, "closed to others, secrets encrypted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_looked_for_by_its_first_line_and_a_short_secret_not_at_all() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(line(pem).as_deref(), Some("MC4CAQAwBQYDK2VwBCIEIJ"));
        assert_eq!(line("short"), None);
        let mut texts = Vec::new();
        let pair = serde_json::json!({ "app1": { "public": "p", "private": "q" } });
        leaves(&pair, &mut texts);
        assert_eq!(texts, ["q"]);
    }

    #[test]
    fn whatever_others_may_read_in_the_own_folder_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("acme");
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        std::fs::create_dir_all(folder.join("pki")).unwrap();
        std::fs::write(folder.join("pki/ca.pem"), "x").unwrap();
        set(&folder, 0o700);
        set(&folder.join("pki"), 0o700);
        set(&folder.join("pki/ca.pem"), 0o600);
        assert!(matches!(own_folder(&folder), Outcome::Good(_)));
        set(&folder.join("pki/ca.pem"), 0o644);
        assert_eq!(own_folder(&folder), Outcome::Bad("acme/pki/ca.pem 0644".to_owned()));
    }
}
