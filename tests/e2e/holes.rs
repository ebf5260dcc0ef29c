//! Planted misconfigurations on the hosts of an installed service: `imctl scan` must find each by its own id, and nothing else.

use super::world::{World, may_run, text};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A line of `tests/holes/holes.yml`; what it means stands there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hole {
    id: String,
    #[serde(default)]
    also: Vec<String>,
    on: String,
    batch: u32,
    plant: String,
    #[serde(default)]
    undo: String,
}

/// Rules that fail, with the hosts and what was seen.
type Fired = BTreeMap<String, String>;

/// What was changed by hand on hosts fires this beside the rule of its own.
const DRIFT: &str = "DRIFT-01";

#[test]
fn planted_holes_are_found_by_their_own_rule_and_nothing_else_is() {
    if !may_run() {
        return;
    }
    let world = World::new("holes");
    let file = world.up("three");
    let bundle = world.path("bundle");
    let tail = ["-i", text(&file), "--bundle", text(&bundle)];
    world.imctl(&["bundle", "build", "-i", text(&file), "-o", text(&bundle), "--trust"]);
    let (code, said) = world.imctl_ends(&[&["scan"], &tail[..]].concat());
    assert!(code == 2 && said.contains("IM7002"), "nothing is installed yet: {said}");
    world.imctl(&[&["install", "-y"], &tail[..]].concat());
    let clean = scan(&world, &tail, 0);
    let usual: BTreeSet<String> = clean.keys().cloned().collect();
    world.say(&format!("on the clean service: {}", usual.iter().cloned().collect::<Vec<_>>().join(" ")));

    the_deepest_message_ends_nobody(&world, &file);
    let holes: Vec<Hole> =
        serde_yaml::from_str(include_str!("../holes/holes.yml")).expect("the list is YAML");
    assert!(holes.iter().all(|hole| !usual.contains(&hole.id)), "a hole stands open already");
    let (mut missed, mut surplus) = (Vec::new(), Vec::new());
    let batches: BTreeSet<u32> = holes.iter().map(|hole| hole.batch).collect();
    for batch in batches {
        let own: Vec<&Hole> = holes.iter().filter(|hole| hole.batch == batch).collect();
        for hole in &own {
            let (code, said) = world.host(&hole.on, &filled(&hole.plant, &file));
            assert_eq!(code, 0, "{} is not planted: {said}", hole.id);
        }
        let fired = scan(&world, &tail, 3);
        let found = |hole: &&&Hole| match fired.get(&hole.id) {
            // Other holes of the batch change files, too: this one counts when its own file is named.
            Some(seen) => hole.id != DRIFT || seen.contains("retention.sql"),
            None => false,
        };
        missed.extend(own.iter().filter(|hole| !found(hole)).map(|hole| hole.id.clone()));
        let wanted = own.iter().flat_map(|hole| hole.also.iter().chain([&hole.id]));
        let wanted: BTreeSet<&str> = wanted.map(String::as_str).chain([DRIFT]).collect();
        let strange = fired.iter().filter(|(id, _)| !usual.contains(*id) && !wanted.contains(id.as_str()));
        surplus.extend(strange.map(|(id, seen)| format!("batch {batch}: {id}: {seen}")));
        for hole in own.iter().rev().filter(|hole| !hole.undo.is_empty()) {
            let (code, said) = world.host(&hole.on, &filled(&hole.undo, &file));
            assert_eq!(code, 0, "{} is not undone: {said}", hole.id);
        }
        world.imctl(&[&["install", "-y"], &tail[..]].concat());
        world.say(&format!("batch {batch}: {} planted; missed so far: {missed:?}", own.len()));
    }
    let after: BTreeSet<String> = scan(&world, &tail, 0).into_keys().collect();
    assert_eq!(after, usual, "all holes are closed again");
    assert!(missed.is_empty() && surplus.is_empty(), "missed: {missed:?}\nsurplus: {}", surplus.join("\n"));
}

/// One whole scan: the rules that fail.
fn scan(world: &World, tail: &[&str], wanted: i32) -> Fired {
    let (code, said) = world.imctl_ends(&[&["scan", "--output", "json"], tail].concat());
    let answer =
        said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no answer: {said}"));
    let answer: Value = serde_json::from_str(answer).expect("the answer is JSON");
    let mut fired = Fired::new();
    for scanned in answer["findings"].as_array().expect("a list") {
        let finding = &scanned["finding"];
        if matches!(finding["verdict"].as_str(), Some("failed" | "warning")) {
            let part = |key: &str| finding[key].as_str().unwrap_or("service").to_owned();
            let seen = fired.entry(part("id")).or_default();
            *seen = format!("{seen} [{}] {}", part("host"), part("seen"));
        }
    }
    assert_eq!(code, wanted, "{fired:#?}");
    fired
}

/// A script with the words in capitals filled in.
fn filled(script: &str, inventory: &Path) -> String {
    let hosts = std::fs::read_to_string(inventory).expect("the inventory is there");
    let hosts: Value = serde_yaml::from_str(&hosts).expect("it is YAML");
    let domain = hosts["domain"].as_str().expect("a domain");
    let mut script = script.replace("DOMAIN", domain);
    for (name, host) in hosts["hosts"].as_object().expect("hosts") {
        let address = host["address"].as_str().expect("an address");
        script = script.replace(&format!("ADDRESS_{name}"), address);
    }
    script
}

/// The deepest message that the size limit lets through does not end the chat server.
fn the_deepest_message_ends_nobody(world: &World, file: &Path) {
    use imctl::probe::{Client, Door, Login, Proof, tls};
    let secret = world.path("deep.txt");
    world.imctl(&["user", "add", "deep", "-i", text(file), "--out", text(&secret)]);
    let written = std::fs::read_to_string(&secret).expect("the password is there");
    let password =
        written.lines().last().and_then(|line| line.split(',').nth(1)).expect("a password").to_owned();
    let root = std::fs::read_to_string(world.path(".imctl/acme-im/pki/ca.pem")).expect("the root is there");
    let address: std::net::IpAddr = filled("ADDRESS_app1", file).parse().expect("an address");
    let domain = filled("DOMAIN", file);
    let tls = tls::trusting(&[&root]).expect("a root");
    let door = Door { address: (address, 5223).into(), domain: domain.clone(), direct_tls: true, tls };
    let login = Login {
        user: "deep".to_owned(),
        proof: Proof::Password(imctl::base::Secret::new(password)),
        resource: "deep".to_owned(),
    };
    // `<a></a>` is the shortest level there is; 256 KiB is the limit of a message.
    let depth = (256 * 1024 - 200) / 7;
    let message = format!(
        "<message to='deep@{domain}' type='chat'><body>deep</body>{}{}</message>",
        "<a>".repeat(depth),
        "</a>".repeat(depth)
    );
    let pid = || world.host("app1", "systemctl show -P MainPID ejabberd.service").1;
    let before = pid();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let within = std::time::Duration::from_secs(15);
        let mut client = Client::login(&door, &login, within).await.expect("it logs in");
        client.available().await.expect("it is there");
        client.throw(message.as_bytes()).await.expect("it is sent");
        // It is slowed down to the speed of a client; then it is delivered, stored or refused.
        let answered = tokio::time::timeout(std::time::Duration::from_secs(40), client.next()).await;
        world.say(&format!(
            "the deepest message: {}",
            if answered.is_ok() { "answered" } else { "no answer" }
        ));
    });
    world.imctl(&["verify", "-i", text(file)]);
    assert_eq!(pid(), before, "the chat server runs as before");
    world.imctl(&["user", "remove", "deep", "--confirm", "acme-im", "-i", text(file)]);
}
