//! A tampered file of the operator's folder is an error, not a surprise: never a panic, never new secrets in silence, never
//! a write through a link that leads out of the folder.

use imctl::base::HostName;
use imctl::state::{Identity, Release, Shape, State, StateError, Unlocker, Value};
use jiff::Timestamp;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with everything in it, and what its secret is.
struct Made {
    place: TempDir,
    secret: String,
}

fn inventory(place: &Path) -> PathBuf {
    place.join("acme.yml")
}

fn unlocker(place: &Path) -> Unlocker {
    Unlocker::unattended(Some(place.join("id")), None)
}

/// The secret as this folder has it, with whether it was made just now.
fn secret(state: &State, place: &Path) -> Result<(String, bool), StateError> {
    let mut vault = state.vault(&unlocker(place))?;
    let Value::Text(text) = vault.secret("db-password", &Shape::Alphanumeric(32))? else { panic!("a text") };
    let app1 = HostName::new("app1").expect("a name");
    let wanted = Identity { common_name: "app1".to_owned(), names: vec!["app1.example".to_owned()] };
    vault.certificate("server", &app1, &wanted, Timestamp::now())?;
    let made = !vault.made().is_empty();
    vault.save()?;
    Ok((text.expose().clone(), made))
}

fn made() -> Made {
    let place = tempfile::tempdir().expect("a folder");
    let key = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/state/id_ed25519"));
    fs::write(place.path().join("id"), key.expect("the key stands in the repository")).expect("written");
    mode(&place.path().join("id"), 0o600);
    let state = State::open(&inventory(place.path()), "acme").expect("opened");
    let (secret, made) = secret(&state, place.path()).expect("made");
    assert!(made);
    for outcome in ["1 created", "2 changed", "0 changes"] {
        state.remember("install", outcome, Timestamp::now()).expect("remembered");
    }
    for seconds in [1_000_000_000, 2_000_000_000] {
        let release = Release {
            format: 1,
            stack: "tiny".to_owned(),
            version: "1".to_owned(),
            time: Timestamp::from_second(seconds).expect("a time"),
            who: "ops@laptop".to_owned(),
            plan: "abc".to_owned(),
            changed: None,
            imctl: "0.1.0".to_owned(),
            hosts: Vec::new(),
            inventory: "def".to_owned(),
            kept: None,
            bundle: None,
        };
        state.save_release(&release, b"name: acme").expect("saved");
    }
    Made { place, secret }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}

/// Everything that commands do with the folder before they contact anybody, and after.
fn used(place: &Path) -> Result<(String, bool), StateError> {
    let state = State::open(&inventory(place), "acme")?;
    state.intact()?;
    let _lock = state.lock("a test")?;
    let answer = secret(&state, place)?;
    state.published()?;
    state.mirror()?;
    state.runs()?;
    state.remember("install", "done", Timestamp::now())?;
    Ok(answer)
}

/// A way to tamper with a file; the outside is a folder that a link may lead to.
type Tamper = fn(&Path, &Path);

const WAYS: [(&str, Tamper); 10] = [
    ("cut in the middle", |path, _| cut(path, |length| length / 2)),
    ("cut by a byte", |path, _| cut(path, |length| length.saturating_sub(1))),
    ("emptied", |path, _| cut(path, |_| 0)),
    ("removed", |path, _| fs::remove_file(path).expect("removed")),
    ("a folder", |path, _| {
        fs::remove_file(path).expect("removed");
        fs::create_dir(path).expect("made");
    }),
    ("a link to a file outside", |path, outside| {
        fs::rename(path, outside.join("moved")).expect("moved");
        symlink(outside.join("moved"), path).expect("linked");
    }),
    ("a link to a precious file", |path, outside| {
        fs::remove_file(path).expect("removed");
        symlink(outside.join("precious"), path).expect("linked");
    }),
    ("readable by all", |path, _| mode(path, 0o644)),
    ("writable by all", |path, _| mode(path, 0o666)),
    ("of a newer format", |path, _| {
        let text =
            String::from_utf8_lossy(&fs::read(path).expect("read")).replace("\"format\": 1", "\"format\": 2");
        fs::write(path, text).expect("written");
    }),
];

fn cut(path: &Path, length: fn(usize) -> usize) {
    let bytes = fs::read(path).expect("read");
    fs::write(path, &bytes[..length(bytes.len())]).expect("written");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("read").map(|entry| entry.expect("read").path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found.sort();
    found
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    mode(to, 0o700);
    for entry in fs::read_dir(from).expect("read").map(|entry| entry.expect("read").path()) {
        let to = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() { copied(&entry, &to) } else { assert!(fs::copy(&entry, &to).is_ok()) }
    }
}

/// A copy of what was made beside a folder outside with a precious file.
fn copy(made: &Made) -> (TempDir, PathBuf, PathBuf) {
    let whole = tempfile::tempdir().expect("a folder");
    let (place, outside) = (whole.path().join("place"), whole.path().join("outside"));
    copied(made.place.path(), &place);
    fs::create_dir(&outside).expect("made");
    fs::write(outside.join("precious"), "precious\n").expect("written");
    mode(&outside, 0o755);
    (whole, place, outside)
}

/// What files must be told of, whatever is done to them but these ways.
fn must_be_told(file: &str, way: &str) -> bool {
    let data =
        ["secrets.age", "history.jsonl", "releases/", "identity.d/"].iter().any(|it| file.contains(it));
    let told = match way {
        "removed" => !file.contains("releases/"),
        // Only JSON tells its format.
        "of a newer format" => {
            file.contains("releases/") && Path::new(file).extension().is_some_and(|it| it == "json")
        }
        // A line end less is the same key.
        "cut by a byte" => !file.contains("identity.d/"),
        _ => true,
    };
    data && told && !file.ends_with(".sealed")
}

#[test]
fn a_tampered_file_is_told_and_nothing_is_made_anew() {
    let made = made();
    let root = made.place.path().join(".imctl");
    let mut wrong = Vec::new();
    for file in files(&root) {
        let name = file.strip_prefix(&root).expect("below it").display().to_string();
        for (way, tamper) in WAYS {
            let (_whole, place, outside) = copy(&made);
            tamper(&place.join(".imctl").join(&name), &outside);
            let moved = fs::read(outside.join("moved")).ok();
            let answer = used(&place);
            match &answer {
                Ok((secret, made_now)) => {
                    if *secret != made.secret || *made_now {
                        wrong.push(format!("{name} {way}: secrets were made anew"));
                    }
                    if must_be_told(&name, way) {
                        wrong.push(format!("{name} {way}: nobody noticed"));
                    }
                }
                Err(error) if error.to_string().is_empty() => wrong.push(format!("{name} {way}: no words")),
                Err(_) => {}
            }
            if fs::read(outside.join("precious")).expect("read") != b"precious\n"
                || moved != fs::read(outside.join("moved")).ok()
            {
                wrong.push(format!("{name} {way}: something outside was written ({answer:?})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_folder_that_leads_elsewhere_is_neither_used_nor_changed() {
    let made = made();
    for name in [".imctl", ".imctl/acme", ".imctl/acme/identity.d", ".imctl/acme/pki", ".imctl/acme/releases"]
    {
        let (_whole, place, outside) = copy(&made);
        fs::rename(place.join(name), place.join("moved")).expect("moved");
        symlink(&outside, place.join(name)).expect("linked");
        let answer = used(&place);
        assert!(answer.is_err(), "{name}: {answer:?}");
        assert_eq!(fs::metadata(&outside).expect("there").mode() & 0o777, 0o755, "{name}");
        assert_eq!(fs::read_dir(&outside).expect("read").count(), 1, "{name}: something was written outside");
    }
}

#[test]
fn lost_secrets_are_not_replaced_by_new_ones() {
    let made = made();
    for name in ["secrets.age", "identity.d"] {
        let (_whole, place, _outside) = copy(&made);
        let path = place.join(".imctl/acme").join(name);
        fs::rename(&path, place.join("moved")).expect("moved");
        let before = files(&place);
        let told = used(&place).expect_err("it is missing").to_string();
        assert!(told.contains("is damaged"), "{told}");
        let after: Vec<PathBuf> = files(&place).into_iter().filter(|path| !path.ends_with("lock")).collect();
        assert_eq!(after, before, "something was made anew without {name}");
        fs::rename(place.join("moved"), &path).expect("moved back");
        assert_eq!(used(&place).expect("it is whole again"), (made.secret.clone(), false));
    }
}

#[test]
fn lines_missing_at_the_end_of_the_history_are_noticed() {
    let made = made();
    let (_whole, place, _outside) = copy(&made);
    let path = place.join(".imctl/acme/history.jsonl");
    let text = fs::read_to_string(&path).expect("read");
    let cut: String = text.split_inclusive('\n').take(2).collect();
    fs::write(&path, cut).expect("written");
    let told = used(&place).expect_err("a line is missing").to_string();
    assert!(told.contains("lines are missing"), "{told}");
}

/// Commands that contact nobody, with a tampered folder: the number and exit code that the operator sees.
#[test]
fn commands_end_with_a_number_and_an_exit_code() {
    let made = made();
    let text = "name: acme\ndomain: acme.example\nstack: ejabberd\nsecrets: { ssh-key: id }\nssh: { user: root, config: false, \
        agent: false, port: 1, known-hosts: known_hosts }\nhosts:\n  im1: { address: 127.0.0.1, roles: [app, balancer, database, files] }\n";
    let cases: [(&str, Tamper, &[&str]); 5] = [
        ("secrets.age", |path, _| cut(path, |length| length / 2), &["secret list", "plan"]),
        ("secrets.age", |path, _| fs::remove_file(path).expect("removed"), &["secret list", "plan"]),
        ("secrets.age", |path, _| mode(path, 0o644), &["secret list", "plan"]),
        (
            "history.jsonl",
            |path, _| cut(path, |length| length - 3),
            &["secret list", "plan", "cert status", "lock show"],
        ),
        ("pki/ca.pem", |path, _| cut(path, |length| length / 2), &["cert status", "cert ca"]),
    ];
    for (name, tamper, commands) in cases {
        let (_whole, place, outside) = copy(&made);
        fs::write(inventory(&place), text).expect("written");
        tamper(&place.join(".imctl/acme").join(name), &outside);
        for command in commands {
            let mut imctl = assert_cmd::Command::cargo_bin("imctl").expect("it is built");
            imctl.env("HOME", &place).args(command.split(' ')).arg("-i").arg(inventory(&place));
            let output = imctl.output().expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{command} with {name}: {said}");
            assert!(said.contains("IM23") && !said.contains("panicked"), "{command} with {name}: {said}");
        }
    }
}
