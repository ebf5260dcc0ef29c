//! Which result counts, and what is said of the others.

use super::*;
use std::path::Path;

fn state(folder: &Path) -> State {
    State::open(&folder.join("acme.yml"), "acme").unwrap()
}

fn keep(state: &State, second: i64, hosts: &[&str]) -> String {
    let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
    let judged = Judged { format: 1, command: "check".to_owned(), hosts, ..Judged::default() };
    state.keep_result(ResultKind::Check, Timestamp::from_second(second).unwrap(), &judged).unwrap()
}

/// The chosen file, and those passed over with their kind.
type Chosen = (Option<String>, Vec<(String, String)>);

fn chosen(state: &State) -> Result<Chosen, StateError> {
    let mut over = Vec::new();
    let partial = |it: &Judged| (it.hosts.len() < 2).then(|| it.hosts.join(", "));
    let kept = choose(state, ResultKind::Check, partial, &mut over)?;
    Ok((kept.map(|it| it.file), over.into_iter().map(|it| (it.kind, it.why)).collect()))
}

#[test]
fn the_newest_run_of_all_hosts_counts_and_a_newer_partial_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    assert_eq!(chosen(&state).unwrap(), (None, vec![]));
    keep(&state, 1, &["app1", "db1"]);
    let whole = keep(&state, 2, &["app1", "db1"]);
    keep(&state, 3, &["db1"]);
    let over = vec![("partial".to_owned(), "db1".to_owned())];
    assert_eq!(chosen(&state).unwrap(), (Some(whole), over));
}

#[test]
fn without_a_whole_run_the_newest_counts() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    keep(&state, 1, &["app1"]);
    let newest = keep(&state, 2, &["db1"]);
    assert_eq!(chosen(&state).unwrap(), (Some(newest), vec![]));
}

#[test]
fn a_damaged_newest_result_is_an_error_and_an_older_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    let whole = keep(&state, 1, &["app1", "db1"]);
    let broken = keep(&state, 2, &["app1", "db1"]);
    state.write(&broken, b"{ \"format\": 1").unwrap();
    let error = chosen(&state).unwrap_err().to_string();
    assert!(error.contains("1970-01-01T00-00-02.json` is damaged"), "{error}");
    keep(&state, 3, &["db1"]);
    let (kept, over) = chosen(&state).unwrap();
    assert_eq!((kept, over.len(), over[1].0.as_str()), (Some(whole), 2, "damaged"));
}

#[test]
fn after_destroy_nothing_is_installed_and_a_change_that_stopped_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(folder.path());
    let at = |second| Timestamp::from_second(second).unwrap();
    let release = Release {
        format: 1,
        stack: "tiny".into(),
        version: "1".into(),
        time: at(20),
        who: "ops@laptop".into(),
        plan: String::new(),
        changed: Some(at(10)),
        imctl: String::new(),
        hosts: vec![],
        inventory: String::new(),
        kept: None,
        bundle: None,
    };
    state.remember("install", "done", at(20)).unwrap();
    assert_eq!(changed(&state, Some(&release)).unwrap(), (Some(at(10)), false));
    state.remember("lock release", "nobody held it", at(30)).unwrap();
    state.remember("user add mei", "done", at(31)).unwrap();
    assert_eq!(changed(&state, Some(&release)).unwrap(), (Some(at(10)), false));
    state.remember("install", "stopped", at(40)).unwrap();
    assert_eq!(changed(&state, Some(&release)).unwrap(), (Some(at(40)), true));
    state.remember("destroy", "done", at(50)).unwrap();
    assert_eq!(changed(&state, Some(&release)).unwrap(), (None, false));
}
