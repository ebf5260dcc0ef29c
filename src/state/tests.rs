//! The vault with its doors: made once, opened by those who may, by nobody else.

use super::*;
use crate::base::{HostName, Secret};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use tempfile::TempDir;

const LOCKED: &str = "open sesame";

fn state() -> (TempDir, State) {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
    (folder, state)
}

/// A private copy of a file of the fixtures.
fn private(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn key(folder: &TempDir, name: &str) -> PathBuf {
    let text = std::fs::read_to_string(Path::new("tests/fixtures/state").join(name)).unwrap();
    private(folder, name, &text)
}

fn answering(answer: &'static str) -> Unlocker {
    let ask: Ask = Arc::new(move |_| Some(Secret::new(answer.to_owned())));
    Unlocker { ssh_key: None, passphrase_file: None, usual_keys: vec![], ask }
}

fn text(vault: &mut Vault, name: &str) -> String {
    match vault.secret(name, &Shape::Alphanumeric(32)).unwrap() {
        Value::Text(value) => value.expose().clone(),
        Value::KeyPairs(_) => unreachable!("a text was asked for"),
    }
}

fn names(names: &[&str]) -> Identity {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    Identity { common_name: "app1".into(), names }
}

#[test]
fn a_secret_is_made_once_and_comes_back_with_the_same_passphrase() {
    let (_folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let password = text(&mut vault, "db-password");
    assert_eq!(vault.made(), ["secret db-password"]);
    vault.save().unwrap();
    let mut again = state.vault(&answering("correct horse battery")).unwrap();
    assert_eq!(text(&mut again, "db-password"), password);
    assert!(again.made().is_empty());
    let refused = state.vault(&answering("wrong horse battery")).err().unwrap();
    assert!(refused.to_string().contains("three wrong passphrases"), "{refused}");
}

#[test]
fn nothing_in_the_folder_holds_a_secret_and_all_of_it_is_private() {
    let (folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    text(&mut vault, "db-password");
    let host = HostName::new("app1").unwrap();
    vault.secret("node-key", &Shape::Ed25519(vec![host.clone()])).unwrap();
    vault.certificate("server", &host, &names(&["app1.example"]), Timestamp::now()).unwrap();
    vault.save().unwrap();
    let redactor = vault.redactor();
    let mut folders = vec![folder.path().join(".imctl")];
    let mut seen = 0;
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            if entry.metadata().unwrap().is_dir() {
                assert_eq!(mode, 0o700, "{entry:?}");
                folders.push(entry.path());
            } else {
                assert_eq!(mode, 0o600, "{entry:?}");
                let bytes = std::fs::read(entry.path()).unwrap();
                assert!(!redactor.finds(&String::from_utf8_lossy(&bytes)), "{entry:?}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 7, "{seen} files");
}

#[test]
fn an_ssh_key_file_opens_what_it_protects_and_an_encrypted_one_asks_for_its_passphrase() {
    for (name, answer) in [("id_ed25519", None), ("id_locked", Some(LOCKED))] {
        let (folder, state) = state();
        let path = key(&folder, name);
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let questions = asked.clone();
        let ask: Ask = Arc::new(move |question| {
            questions.lock().unwrap().push(question.clone());
            answer.map(|text| Secret::new(text.to_owned()))
        });
        let unlocker =
            Unlocker { ssh_key: Some(path.clone()), passphrase_file: None, usual_keys: vec![], ask };
        let mut vault = state.vault(&unlocker).unwrap();
        let password = text(&mut vault, "db-password");
        vault.save().unwrap();
        let mut again = state.vault(&unlocker).unwrap();
        assert_eq!(text(&mut again, "db-password"), password);
        let expected = answer.map(|_| vec![Question::KeyPassphrase { path }]).unwrap_or_default();
        assert_eq!(*asked.lock().unwrap(), expected, "{name}");
    }
}

#[test]
fn a_key_that_cannot_decrypt_is_refused_by_name_and_passed_over_when_it_is_only_usual() {
    let (folder, state) = state();
    let path = key(&folder, "id_ecdsa");
    let named = Unlocker::unattended(Some(path.clone()), None);
    let refused = state.vault(&named).err().unwrap();
    assert!(
        refused.to_string().contains("cannot decrypt") || refused.to_string().contains("no SSH"),
        "{refused}"
    );
    let usual = Unlocker { usual_keys: vec![path], ..answering("correct horse battery") };
    let vault = state.vault(&usual).unwrap();
    assert!(vault.notes()[0].contains("an SSH agent or a FIDO key cannot decrypt"));
}

#[test]
fn without_key_passphrase_or_person_nothing_is_made() {
    let (_folder, state) = state();
    let refused = state.vault(&Unlocker::unattended(None, None)).err().unwrap();
    assert!(matches!(refused, StateError::NothingToProtectWith { .. }));
    assert!(refused.hints()[0].contains("urandom"));
    assert!(state.recipients().unwrap().is_empty());
}

#[test]
fn a_passphrase_file_that_others_can_read_is_refused() {
    let (folder, state) = state();
    let path = private(&folder, "pass", "correct horse battery\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = state.vault(&Unlocker::unattended(None, Some(path.clone()))).err().unwrap();
    assert!(matches!(refused, StateError::TooOpen { .. }), "{refused}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    state.vault(&Unlocker::unattended(None, Some(path))).unwrap();
}

#[test]
fn a_removed_recipient_opens_nothing_any_more_and_the_others_notice_nothing() {
    let (folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let password = text(&mut vault, "db-password");
    vault.save().unwrap();
    let public = std::fs::read_to_string("tests/fixtures/state/id_ed25519.pub").unwrap();
    vault.add_recipient("second", &NewRecipient::SshKey(public)).unwrap();
    vault.add_recipient("third", &NewRecipient::Passphrase(Secret::new("another long one".into()))).unwrap();
    let second = Unlocker::unattended(Some(key(&folder, "id_ed25519")), None);
    assert_eq!(text(&mut state.vault(&second).unwrap(), "db-password"), password);
    let old = std::fs::read(state.path("identity.d/second.age")).unwrap();

    vault.remove_recipient("second").unwrap();
    assert!(state.vault(&second).is_err());
    for passphrase in ["correct horse battery", "another long one"] {
        assert_eq!(text(&mut state.vault(&answering(passphrase)).unwrap(), "db-password"), password);
    }
    // The wrap kept from before leads to the old identity, which no longer opens the file.
    let kept = key(&folder, "id_ed25519");
    let ssh = age::ssh::Identity::from_buffer(&std::fs::read(kept).unwrap()[..], None).unwrap();
    let identity: age::x25519::Identity =
        String::from_utf8(age::decrypt(&ssh, &old).unwrap()).unwrap().parse().unwrap();
    assert!(age::decrypt(&identity, &std::fs::read(state.path("secrets.age")).unwrap()).is_err());
    vault.remove_recipient("third").unwrap();
    let last = operator();
    assert!(vault.remove_recipient(&last).unwrap_err().to_string().contains("is the last one"));
}

#[test]
fn the_copy_for_the_hosts_is_whole_and_the_same_each_time() {
    let (_folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let password = text(&mut vault, "db-password");
    vault.save().unwrap();
    let mirror = state.mirror().unwrap();
    assert_eq!(state.mirror().unwrap(), mirror);
    let (_, bytes) = &mirror[0];
    let elsewhere = tempfile::tempdir().unwrap();
    let found = State::open(&elsewhere.path().join("acme.yml"), "acme").unwrap();
    tar::Archive::new(&bytes[..]).unpack(found.folder()).unwrap();
    assert_eq!(text(&mut found.vault(&answering("correct horse battery")).unwrap(), "db-password"), password);
}

#[test]
fn public_certificates_are_read_without_opening_a_secret() {
    let (_folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let host = HostName::new("数据库1").unwrap();
    vault
        .certificate("server", &host, &names(&["im.example", "10.0.0.1", "fd00::1"]), Timestamp::now())
        .unwrap();
    vault.save().unwrap();
    let all = state.published().unwrap();
    assert_eq!((all[0].name.as_str(), all[0].common_name.as_str()), ("ca", "acme private CA"));
    assert_eq!((all[1].name.as_str(), all[1].host.as_str()), ("server", "数据库1"));
    assert_eq!(all[1].names, ["im.example", "10.0.0.1", "fd00::1"]);
    assert_eq!(all[1].until.as_second() - all[1].from.as_second(), LEAF_DAYS * 86_400);
}

#[test]
fn two_commands_do_not_overwrite_each_others_secrets() {
    let (_folder, state) = state();
    let mut one = state.vault(&answering("correct horse battery")).unwrap();
    let mut two = state.vault(&answering("correct horse battery")).unwrap();
    text(&mut one, "a");
    text(&mut two, "b");
    one.save().unwrap();
    assert!(matches!(two.save(), Err(StateError::ChangedMeanwhile { .. })));
}

#[test]
fn a_certificate_is_kept_until_its_names_change_or_a_third_of_its_life_is_left() {
    let (_folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let host = HostName::new("app1").unwrap();
    let start = Timestamp::now();
    let day = jiff::SignedDuration::from_hours(24);
    let mut issue =
        |wanted: &[&str], now| vault.certificate("server", &host, &names(wanted), now).unwrap().certificate;
    let first = issue(&["a.example", "10.0.0.1"], start);
    assert_eq!(
        issue(&["10.0.0.1", "a.example"], start + day * 260),
        first,
        "the order of names does not count"
    );
    let second = issue(&["a.example", "fd00::1"], start + day);
    assert_ne!(second, first);
    assert_ne!(issue(&["a.example", "fd00::1"], start + day * 270), second);
}

#[test]
fn the_certificates_convince_a_tls_client_for_their_names_only() {
    let (folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let host = HostName::new("app1").unwrap();
    let now = Timestamp::now();
    let issued =
        vault.certificate("server", &host, &names(&["im.example", "*.im.example", "10.0.0.1"]), now).unwrap();
    let certificate = private(&folder, "cert.pem", &issued.certificate);
    let chain = private(&folder, "chain.pem", &issued.ca);
    let key = private(&folder, "key.pem", issued.key.expose());
    let files = OwnFiles { certificate: &certificate, key: &key, chain: &chain };
    let mistakes = |names: &[&str], at: Timestamp| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        own_certificate_mistakes(&files, &names, at).unwrap()
    };
    assert_eq!(mistakes(&["im.example", "upload.im.example", "10.0.0.1"], now), Vec::<String>::new());
    assert!(
        mistakes(&["other.example"], now)[0].contains("not valid for name"),
        "{:?}",
        mistakes(&["other.example"], now)
    );
    let late = now + jiff::SignedDuration::from_hours(24 * 400);
    assert!(mistakes(&["im.example"], late)[0].contains("expired"), "{:?}", mistakes(&["im.example"], late));
    let other = vault.certificate("other", &host, &names(&["im.example"]), now).unwrap();
    std::fs::write(&key, other.key.expose()).unwrap();
    assert!(mistakes(&["im.example"], now)[0].contains("is not the certificate's"));
}

#[test]
fn secrets_of_a_newer_format_are_left_alone() {
    let (_folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    text(&mut vault, "db-password");
    vault.contents.format = 2;
    vault.save().unwrap();
    let before = state.read("secrets.age").unwrap();
    let told = state.vault(&answering("correct horse battery")).err().unwrap().to_string();
    assert!(told.ends_with("its format is 2, this imctl reads 1"), "{told}");
    assert_eq!(state.read("secrets.age").unwrap(), before);
}

fn both(vault: &Vault, phase: Phase) -> (String, Option<String>) {
    let sides = vault.sides("slot", phase).unwrap();
    (sides.used.expose().clone(), sides.also.map(|other| other.expose().clone()))
}

fn planned(state: &State) -> Vault {
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    vault.plan_turn(&[("slot".to_owned(), Shape::Alphanumeric(32))]).unwrap();
    vault
}

#[test]
fn a_secret_that_is_planned_anew_changes_for_nobody_before_it_is_entered() {
    let (_folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let old = text(&mut vault, "slot");
    vault.save().unwrap();
    let mut vault = planned(&state);
    vault.save().unwrap();
    let mut again = state.vault(&answering("correct horse battery")).unwrap();
    assert_eq!(text(&mut again, "slot"), old);
    assert_eq!(both(&again, Phase::Planned), (old, None));
    assert!(again.under_way().is_none());
}

#[test]
fn old_and_new_live_side_by_side_until_the_old_one_is_forgotten_and_a_kill_loses_neither() {
    let (_folder, state) = state();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let old = text(&mut vault, "slot");
    vault.save().unwrap();
    let mut vault = planned(&state);
    let new = both(&vault, Phase::Use).0;
    assert_ne!(new, old);
    let seen = |vault: &Vault| Phase::ALL.map(|phase| both(vault, phase));
    let wanted = [(old.clone(), Some(new.clone())), (new.clone(), Some(old.clone())), (new.clone(), None)];
    assert_eq!(seen(&vault), wanted);
    for phase in Phase::ALL {
        vault.enter(phase);
        vault.save().unwrap();
        vault = planned(&state);
        assert_eq!(vault.under_way(), Some((phase, vec!["slot".to_owned()])));
        assert_eq!(seen(&vault), wanted, "the same from wherever it is looked at");
        let redactor = vault.redactor();
        assert!(redactor.finds(&old) && redactor.finds(&new));
    }
    vault.enter(Phase::Accept);
    assert_eq!(vault.under_way().unwrap().0, Phase::Forget, "there is no way back");
    vault.forget_old();
    vault.save().unwrap();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    assert_eq!(text(&mut vault, "slot"), new);
    assert!(vault.turning().is_none() && !vault.redactor().finds(&old));
}

#[test]
fn a_certificate_that_is_issued_anew_takes_the_old_ones_place_when_it_is_agreed() {
    let (_folder, state) = state();
    let (host, now) = (HostName::new("app1").unwrap(), Timestamp::now());
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let old = vault.certificate("node", &host, &names(&["app1"]), now).unwrap();
    let new = vault.reissue("node", &host, &names(&["app1"]), now).unwrap();
    assert_ne!(old.certificate, new.certificate);
    vault.save().unwrap();
    let mut vault = state.vault(&answering("correct horse battery")).unwrap();
    let kept =
        |vault: &mut Vault| vault.certificate("node", &host, &names(&["app1"]), now).unwrap().certificate;
    assert_eq!(kept(&mut vault), old.certificate);
    assert_eq!(vault.reissue("node", &host, &names(&["app1"]), now).unwrap().certificate, new.certificate);
    vault.agree();
    assert_eq!(kept(&mut vault), new.certificate);
    vault.reissue("node", &host, &names(&["app1"]), now).unwrap();
    vault.drop_renewed(|_, _| false);
    vault.agree();
    assert_eq!(kept(&mut vault), new.certificate, "what nobody agreed to is gone");
}
