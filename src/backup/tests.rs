//! Sets made of a folder that small programs fill, as a stack would have it.

use super::*;
use crate::record::BackupEvent;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

struct World {
    _folder: tempfile::TempDir,
    root: PathBuf,
    job: Job,
    keys: Vec<String>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = hex::encode(pair.public_key());
        fs::write(root.join("sign"), format!("{}{public}\n", hex::encode([7; 32]))).unwrap();
        fs::write(root.join("ca.pem"), "authority").unwrap();
        fs::create_dir(root.join("repo")).unwrap();
        fs::create_dir(root.join("keys")).unwrap();
        fs::write(root.join("keys/state.tar"), "sealed").unwrap();
        let program = |name: &str, text: &str| {
            fs::write(root.join(name), format!("#!/bin/sh\ncd {}/repo || exit\n{text}", root.display()))
                .unwrap();
            fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        };
        program(
            "make",
            "echo copying; n=$(ls | wc -l); echo \"$1 $n\" >$1-$n; echo '{\"ok\":true,\"label\":\"'$1-$n'\"}'",
        );
        program(
            "point",
            "echo wal >wal-$1; echo '{\"restore_point\":\"imctl-'$1'\",\"wal\":\"wal-'$1'\",\"time\":\"2026-11-23T12:00:00Z\"}'",
        );
        program("wait", "[ -f $1 ]");
        program("list", "ls");
        program(
            "judge",
            "[ ! -e sick ] || { echo '{\"ok\":false,\"error\":\"1 page is damaged\"}'; exit 1; }; echo '{\"ok\":true}'",
        );
        let at = |name: &str| root.join(name).display().to_string();
        let text = format!(
            "format: 1\nname: acme\ndomain: im.acme.example\nstack: relay\nversion: \"1\"\nstore: {}\nauthority: {}\nsign: {}\nmonitor: {}\nfull-days: 7\ndiff-hours: 24\nkeep: {{ last: 2, days: 0, weeks: 0, months: 0 }}\nparts:\n\
             \x20 - tree: {{ name: database, about: accounts, root: {}, make: [{}], point: [{}], wait: [{}], list: [{}], verify: [{}] }}\n\
             \x20 - tree: {{ name: deployment, about: secrets, root: {} }}\n",
            at("store"),
            at("ca.pem"),
            at("sign"),
            at("monitor.json"),
            at("repo"),
            at("make"),
            at("point"),
            at("wait"),
            at("list"),
            at("judge"),
            at("keys")
        );
        fs::write(root.join("job.yml"), text).unwrap();
        let job = Job::read(&root.join("job.yml")).unwrap();
        Self { _folder: folder, root, job, keys: vec![public] }
    }

    async fn make(&self) -> Result<Kept, BackupError> {
        // Sets are named by the second.
        while self
            .store()
            .sets()
            .unwrap()
            .contains(&jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S").to_string())
        {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        run(&self.job, Kind::Incr, &mut |_| {}).await
    }

    fn store(&self) -> Store {
        Store::open(&self.job.store).unwrap()
    }

    async fn faults(&self) -> Vec<String> {
        let (_, faults) = verify(&self.job, &self.keys, None).await.unwrap();
        faults.into_iter().map(|fault| fault.what).collect()
    }

    fn blob(&self, kept: &Kept, part: usize, name: &str) -> PathBuf {
        let files = self.store().files(&kept.set.parts[part].list).unwrap();
        let file = files.iter().find(|file| file.path == name).unwrap();
        self.store().blob(&file.sha256)
    }
}

fn spoil(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_set_holds_what_the_programs_name_and_the_next_one_only_what_is_new() {
    let world = World::new();
    let mut events = Vec::new();
    let first = run(&world.job, Kind::Full, &mut |event| events.push(event)).await.unwrap();
    assert!(matches!(events[0], BackupEvent::Began { .. }));
    assert!(events.iter().any(|event| matches!(event, BackupEvent::Line { text, .. } if text == "copying")));
    let database = &first.set.parts[0];
    assert_eq!((database.files, database.new_files), (2, 2), "the copy and the moment");
    assert_eq!(database.figures["label"], "full-0");
    assert_eq!(first.set.point.to_string(), "2026-11-23T12:00:00Z");
    assert!(fits(&world.keys[0], &first.document, &first.signature));
    let second = world.make().await.unwrap();
    assert_eq!((second.set.parts[0].files, second.set.parts[1].new_files), (4, 0));
    assert!(second.set.previous.is_some());
    assert_eq!(world.faults().await, Vec::<String>::new());
    let state: crate::record::BackupState =
        serde_json::from_slice(&fs::read(&world.job.monitor).unwrap()).unwrap();
    assert_eq!((state.set, state.sets), (Some(second.set.id), 2));
}

#[tokio::test]
async fn every_damage_is_named() {
    let world = World::new();
    let kept = world.make().await.unwrap();
    let blob = world.blob(&kept, 0, "incr-0");
    spoil(&blob, |bytes| bytes[0] ^= 1);
    assert_eq!(world.faults().await, ["its content is another one than was kept"]);
    spoil(&blob, |bytes| bytes.truncate(bytes.len() - 1));
    assert!(world.faults().await[0].contains("bytes, and"));
    fs::remove_file(&blob).unwrap();
    assert_eq!(world.faults().await, ["its content is missing"]);
    let list = world.store().blob(&kept.set.parts[1].list);
    spoil(&list, |bytes| bytes[20] ^= 1);
    assert!(world.faults().await.iter().any(|what| what.starts_with("its list of files")));
    fs::write(world.root.join("repo/sick"), "").unwrap();
    assert!(world.faults().await.iter().any(|what| what.contains("1 page is damaged")));
    let document = world.job.store.join("sets").join(&kept.set.id).join("set.json");
    spoil(&document, |bytes| bytes.truncate(40));
    assert!(world.faults().await.iter().any(|what| what.contains("its signature does not fit")));
    let stranger = verify(&world.job, &["00".repeat(32)], None).await.unwrap().1;
    assert!(stranger[0].what.contains("its signature does not fit"));
}

#[tokio::test]
async fn damaged_content_of_before_is_read_anew_by_the_next_set() {
    let world = World::new();
    let first = world.make().await.unwrap();
    fs::remove_file(world.blob(&first, 1, "state.tar")).unwrap();
    let second = world.make().await.unwrap();
    assert_eq!(second.set.parts[1].new_files, 1);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_fails_leaves_no_set_and_says_so_to_monitoring() {
    let world = World::new();
    let good = world.make().await.unwrap();
    fs::write(world.root.join("wait"), "#!/bin/sh\necho 'it did not arrive' >&2\nexit 1\n").unwrap();
    let why = world.make().await.unwrap_err().to_string();
    assert!(why.contains("it did not arrive"), "{why}");
    assert_eq!(world.store().sets().unwrap(), std::slice::from_ref(&good.set.id));
    let state: crate::record::BackupState =
        serde_json::from_slice(&fs::read(&world.job.monitor).unwrap()).unwrap();
    assert_eq!(state.set, Some(good.set.id));
    assert!(state.failed.unwrap().why.contains("it did not arrive"));
}

#[tokio::test]
async fn one_at_a_time_and_never_with_a_clock_that_went_back() {
    let world = World::new();
    let held = world.store().hold("somebody else").unwrap();
    let why = world.make().await.unwrap_err().to_string();
    assert!(why.contains("somebody else"), "{why}");
    drop(held);
    let kept = world.make().await.unwrap();
    let mut later = kept.set.clone();
    later.ended += jiff::SignedDuration::from_hours(1);
    later.id = "2099-01-01T00-00-00".to_owned();
    let signer = Signer::read(&world.job.sign).unwrap();
    world.store().seal(&later, &signer).unwrap();
    let why = world.make().await.unwrap_err().to_string();
    assert!(why.starts_with("clock: the clock stands at"), "{why}");
}

#[tokio::test]
async fn what_no_set_holds_is_swept_away_and_nothing_else() {
    let world = World::new();
    let first = world.make().await.unwrap();
    fs::remove_file(world.root.join("repo/incr-0")).unwrap();
    let second = world.make().await.unwrap();
    let keep = Keep { last: 1, days: 0, weeks: 0, months: 0 };
    let foreseen = prune(&world.job.store, &world.keys, (keep, false)).unwrap();
    assert_eq!(
        (foreseen.gone.as_slice(), foreseen.stay.as_slice()),
        (&[first.set.id.clone()][..], &[second.set.id.clone()][..])
    );
    assert!(foreseen.bytes > 0);
    assert_eq!(world.store().sets().unwrap().len(), 2, "nothing was done yet");
    let gone = prune(&world.job.store, &world.keys, (keep, true)).unwrap();
    assert_eq!(gone, foreseen);
    assert_eq!(world.faults().await, Vec::<String>::new());
    assert!(prune(&world.job.store, &world.keys, (keep, true)).unwrap().gone.is_empty());
    spoil(&world.job.store.join("sets").join(&second.set.id).join("set.sig"), |bytes| bytes[0] = b'x');
    let none = prune(&world.job.store, &world.keys, (keep, true)).unwrap();
    assert_eq!(none, prune::Pruned::default(), "what a set needs that cannot be read is not known");
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused() {
    let world = World::new();
    for name in ["../sign", "/etc/passwd", ""] {
        fs::write(world.root.join("list"), format!("#!/bin/sh\necho '{name}'\n")).unwrap();
        let why = world.make().await.unwrap_err().to_string();
        assert!(why.contains("is no name of a file"), "{why}");
    }
    std::os::unix::fs::symlink(world.root.join("sign"), world.root.join("repo/link")).unwrap();
    fs::write(world.root.join("list"), "#!/bin/sh\necho link\n").unwrap();
    assert!(world.make().await.unwrap_err().to_string().contains("is no plain file"));
}

#[tokio::test]
async fn the_clock_asks_for_all_of_it_first_and_then_for_what_changed() {
    let world = World::new();
    fs::write(
        world.root.join("make"),
        "#!/bin/sh\ncd \"${0%/*}/repo\" && echo \"$1\" >\"$1-$(ls | wc -l)\"; echo '{\"type\":\"'$1'\",\"label\":\"x\"}'\n",
    )
    .unwrap();
    let mut kinds = Vec::new();
    for _ in 0..2 {
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let kept = run(&world.job, Kind::Auto, &mut |_| {}).await.unwrap();
        kinds.push(kept.set.parts[0].figures["type"].as_str().unwrap().to_owned());
    }
    let job = Job { diff_hours: 0, ..world.job.clone() };
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let kept = run(&job, Kind::Auto, &mut |_| {}).await.unwrap();
    kinds.push(kept.set.parts[0].figures["type"].as_str().unwrap().to_owned());
    assert_eq!(kinds, ["full", "incr", "diff"]);
}
