//! Rules that concern several keys at once, and files that the inventory names.

use super::mistake::Mistake;
use super::model::{Inventory, Ssh, Sudo};
use super::places::Places;
use super::tree::{Node, Value};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// Judges what the parts of an inventory are together.
pub(super) fn check(inventory: &Inventory, tree: &Node, mistakes: &mut Vec<Mistake>) {
    let places = &inventory.places;
    if tree.child("hosts").is_some_and(|hosts| matches!(&hosts.value, Value::Map(hosts) if hosts.is_empty()))
    {
        mistakes.push(
            Mistake::new("IM1223", "there are no hosts")
                .at(places.key("hosts"), "empty")
                .help("add one: `app1: { address: 10.20.0.11, roles: [app] }`"),
        );
    }
    same_address(inventory, mistakes);
    same_name(inventory, mistakes);
    for host in &inventory.hosts {
        doubled_roles(inventory, host.name.as_str(), mistakes);
        let roles = tree.child("hosts").and_then(|hosts| hosts.child(host.name.as_str())?.child("roles"));
        if roles.is_some_and(|roles| matches!(&roles.value, Value::List(roles) if roles.is_empty())) {
            let place = places.key(&format!("hosts/{}/roles", host.name));
            mistakes
                .push(Mistake::new("IM1210", format!("host `{}` has no role", host.name)).at(place, "empty"));
        }
        both_passwords(places, &format!("hosts/{}/ssh", host.name), mistakes);
    }
    both_passwords(places, "ssh", mistakes);
    tls(places, mistakes);
    waivers(inventory, mistakes);
}

fn waivers(inventory: &Inventory, mistakes: &mut Vec<Mistake>) {
    for (at, waiver) in inventory.waivers.iter().enumerate() {
        let Some(host) = waiver.host.as_ref().filter(|host| inventory.host(host).is_none()) else { continue };
        let place = inventory.places.value(&format!("waivers/{at}/host"));
        mistakes
            .push(Mistake::new("IM1203", format!("host `{host}` is not defined")).at(place, "no such host"));
    }
}

fn same_address(inventory: &Inventory, mistakes: &mut Vec<Mistake>) {
    let mut seen = HashMap::new();
    for host in inventory.hosts.iter().filter(|host| !host.address.is_empty()) {
        let address = host
            .address
            .parse::<std::net::IpAddr>()
            .map_or_else(|_| host.address.to_ascii_lowercase(), |ip| ip.to_string());
        let Some(first) = seen.insert((address, host.ssh.port.unwrap_or(22)), &host.name) else { continue };
        let place = |name| inventory.places.value(&format!("hosts/{name}/address"));
        mistakes.push(
            Mistake::new("IM1213", format!("`{first}` and `{}` are the same machine", host.name))
                .at(place(&host.name), "the same address and port")
                .and(place(first), "first here")
                .help(format!("give one host both roles, or correct the address of `{}`", host.name)),
        );
    }
}

/// Names in DNS and certificates know no upper case.
fn same_name(inventory: &Inventory, mistakes: &mut Vec<Mistake>) {
    let mut seen = HashMap::new();
    for host in &inventory.hosts {
        let Some(first) = seen.insert(host.name.as_str().to_lowercase(), &host.name) else { continue };
        let place = |name| inventory.places.key(&format!("hosts/{name}"));
        let message = format!("`{first}` and `{}` differ only in upper and lower case", host.name);
        let mistake = Mistake::new("IM1211", message).at(place(&host.name), "the same name in DNS");
        mistakes.push(
            mistake.and(place(first), "first here").help("names in DNS and certificates know no upper case"),
        );
    }
}

fn doubled_roles(inventory: &Inventory, host: &str, mistakes: &mut Vec<Mistake>) {
    let Some(found) = inventory.hosts.iter().find(|found| found.name.as_str() == host) else { return };
    for (at, role) in found.roles.iter().enumerate().filter(|(at, role)| found.roles[..*at].contains(role)) {
        let place = inventory.places.value(&format!("hosts/{host}/roles/{at}"));
        mistakes
            .push(Mistake::new("IM1208", format!("`{host}` has the role `{role}` twice")).at(place, "again"));
    }
}

fn both_passwords(places: &Places, ssh: &str, mistakes: &mut Vec<Mistake>) {
    let (file, ask) = (format!("{ssh}/password-file"), format!("{ssh}/ask-password"));
    if places.has(&file) && places.has(&ask) {
        mistakes.push(
            Mistake::new("IM1224", "`password-file` and `ask-password` exclude each other")
                .at(places.key(&ask), "this")
                .and(places.key(&file), "or this")
                .help("keep one of the two"),
        );
    }
}

fn tls(places: &Places, mistakes: &mut Vec<Mistake>) {
    let own: Vec<&str> =
        ["certificate", "key", "chain"].into_iter().filter(|key| places.has(&format!("tls/{key}"))).collect();
    if own.is_empty() {
        return;
    }
    if places.has("tls/ca") {
        mistakes.push(
            Mistake::new("IM1224", format!("`ca` and `{}` exclude each other", own[0]))
                .at(places.key(&format!("tls/{}", own[0])), "your own")
                .and(places.key("tls/ca"), "made by imctl")
                .help("keep `ca: private`, or name certificate, key and chain"),
        );
        return;
    }
    for missing in ["certificate", "key", "chain"].into_iter().filter(|key| !own.contains(key)) {
        mistakes.push(
            Mistake::new("IM1210", format!("`tls` has no `{missing}`"))
                .at(places.key("tls"), "missing here")
                .help(format!(
                    "add `{missing}: FILE` (PEM); your own certificate needs certificate, key and chain"
                )),
        );
    }
}

/// Judges the files that an inventory names: there, readable, and secret ones readable by nobody else.
pub(super) fn check_files(inventory: &Inventory, mistakes: &mut Vec<Mistake>) {
    let mut files: Vec<(String, &Path, bool)> = Vec::new();
    for host in &inventory.hosts {
        ssh_files(&host.ssh, &host.name.to_string(), &mut files);
    }
    if let super::model::Tls::Own { certificate, key, chain } = &inventory.tls {
        files.push(("tls/certificate".to_owned(), certificate, false));
        files.push(("tls/key".to_owned(), key, true));
        files.push(("tls/chain".to_owned(), chain, false));
    }
    if let Some(key) = &inventory.secrets.ssh_key {
        files.push(("secrets/ssh-key".to_owned(), key, true));
    }
    if let Some(file) = &inventory.secrets.passphrase_file {
        files.push(("secrets/passphrase-file".to_owned(), file, true));
    }
    let mut judged = std::collections::HashSet::new();
    for (path, file, secret) in files {
        // A host's own `ssh` may say nothing: then the place is that of the whole file's `ssh`, told once.
        let path = if inventory.places.has(&path) { path } else { whole_file(&path) };
        if judged.insert(path.clone()) {
            mistakes.extend(file_mistake(file, secret).map(|mistake| at(mistake, &inventory.places, &path)));
        }
    }
}

fn ssh_files<'a>(ssh: &'a Ssh, host: &str, files: &mut Vec<(String, &'a Path, bool)>) {
    let path = |key: &str| format!("hosts/{host}/ssh/{key}");
    if let Some(key) = &ssh.key {
        files.push((path("key"), key, true));
    }
    if let Some(file) = &ssh.password_file {
        files.push((path("password-file"), file, true));
    }
    if let Sudo::PasswordFile(file) = &ssh.sudo {
        files.push((path("sudo/password-file"), file, true));
    }
}

fn whole_file(path: &str) -> String {
    path.splitn(3, '/').nth(2).unwrap_or(path).to_owned()
}

fn at(mistake: Mistake, places: &Places, path: &str) -> Mistake {
    mistake.at(places.value(path), "this file")
}

fn file_mistake(file: &Path, secret: bool) -> Option<Mistake> {
    let shown = file.display();
    let mut byte = [0];
    let opened = File::open(file).and_then(|mut open| open.read(&mut byte).and_then(|_| open.metadata()));
    match opened {
        Err(cause) => Some(
            Mistake::new("IM1221", format!("cannot read `{shown}`: {}", in_words(&cause)))
                .help("paths that do not start with `/` or `~` start at the inventory's folder"),
        ),
        Ok(seen) if secret && seen.permissions().mode() & 0o077 != 0 => Some(
            Mistake::new("IM1222", format!("others can read `{shown}` (mode {:04o})", seen.mode() & 0o7777))
                .help(format!("chmod 600 {}", crate::base::quote(&shown.to_string()))),
        ),
        Ok(_) => None,
    }
}

/// The cause without the number that Rust adds to it.
pub(super) fn in_words(cause: &std::io::Error) -> String {
    let text = cause.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
