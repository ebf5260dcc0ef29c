//! Making a set. Objects first, then the database and the moment to come back to, then objects once more: whatever the
//! database speaks of at that moment is in one of the two, so nobody who deletes has to be held up meanwhile.

use super::job::{Bucket, Job, JobPart, Tree};
use super::program::{self, Told};
use super::sign::Signer;
use super::store::{Kept, Store};
use super::tree::{Before, Taken, take, walk};
use super::{BackupError, bucket};
use crate::record::{BackupEvent, BackupFailed, BackupPart, BackupSet, BackupState, SET_FORMAT};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::time::Instant;

/// How much of the database is read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All of it.
    Full,
    /// What changed since the last full one.
    Diff,
    /// What changed since the last one.
    Incr,
    /// What the job's clock asks for.
    Auto,
}

impl Kind {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Diff => "diff",
            Self::Incr => "incr",
            Self::Auto => "auto",
        }
    }
}

/// Makes a set, and writes down for monitoring how it ended.
pub async fn run(
    job: &Job,
    kind: Kind,
    told: &mut (dyn FnMut(BackupEvent) + Send),
) -> Result<Kept, BackupError> {
    let store = Store::open(&job.store)?;
    let _hold = store.hold("a backup")?;
    let signer = Signer::read(&job.sign)?;
    let kind = if kind == Kind::Auto { due(job, &store, &signer, Timestamp::now())? } else { kind };
    let made = Making::begin(job, &store, &signer)?.make(kind, told).await;
    let sets = store.sets()?;
    let before: BackupState = std::fs::read(&job.monitor)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let state = match &made {
        Ok(kept) => BackupState {
            format: SET_FORMAT,
            set: Some(kept.set.id.clone()),
            ended: Some(kept.set.ended),
            point: Some(kept.set.point),
            bytes: kept.set.parts.iter().map(|part| part.bytes).sum(),
            sets: sets.len() as u64,
            failed: None,
        },
        Err(why) => BackupState {
            format: SET_FORMAT,
            failed: Some(BackupFailed { at: Timestamp::now(), why: why.to_string() }),
            ..before
        },
    };
    let text = serde_json::to_vec_pretty(&state).expect("it is plain data");
    Store::publish(&job.monitor, &text)?;
    made
}

/// Which kind the clock asks for: the sets that are there tell when the last of each was made.
fn due(job: &Job, store: &Store, signer: &Signer, now: Timestamp) -> Result<Kind, BackupError> {
    let keys = [signer.public()];
    let (mut full, mut diff) = (None, None);
    for kept in store.sets()?.iter().rev().filter_map(|id| store.read(id, &keys).ok()) {
        let kinds = kept.set.parts.iter().filter_map(|part| part.figures.get("type")?.as_str());
        for kind in kinds {
            if kind == Kind::Full.word() {
                full = full.or(Some(kept.set.began));
            }
            if kind != Kind::Incr.word() {
                diff = diff.or(Some(kept.set.began));
            }
        }
    }
    let older = |last: Option<Timestamp>, hours: u32| {
        last.is_none_or(|last| now.duration_since(last) >= SignedDuration::from_hours(i64::from(hours)))
    };
    Ok(match (older(full, job.full_days * 24), older(diff, job.diff_hours)) {
        (true, _) => Kind::Full,
        (false, true) => Kind::Diff,
        (false, false) => Kind::Incr,
    })
}

/// A set in the making.
struct Making<'a> {
    job: &'a Job,
    store: &'a Store,
    signer: &'a Signer,
    id: String,
    began: Timestamp,
    cluster: String,
    last: Option<Kept>,
    parts: BTreeMap<String, (Taken, Map<String, Value>, u128)>,
    point: Option<Timestamp>,
}

impl<'a> Making<'a> {
    fn begin(job: &'a Job, store: &'a Store, signer: &'a Signer) -> Result<Self, BackupError> {
        let began = Timestamp::now();
        let keys = [signer.public()];
        // A set that cannot be believed is not built upon; `backup verify` tells of it.
        let last = store.sets()?.iter().rev().find_map(|id| store.read(id, &keys).ok());
        Ok(Self {
            job,
            store,
            signer,
            id: began.strftime("%Y-%m-%dT%H-%M-%S").to_string(),
            began,
            cluster: cluster(job)?,
            last,
            parts: BTreeMap::new(),
            point: None,
        })
    }

    async fn make(mut self, kind: Kind, told: Told<'_>) -> Result<Kept, BackupError> {
        let start = Instant::now();
        if self.store.sets()?.contains(&self.id) {
            return Err(BackupError::Busy("a set of this second is there already".to_owned()));
        }
        if let Some(last) = self.last.as_ref().filter(|last| last.set.ended > self.began) {
            let cause =
                format!("the clock stands at {}, before the end of set `{}`", self.began, last.set.id);
            return Err(BackupError::Part { part: "clock".to_owned(), cause });
        }
        told(BackupEvent::Began { set: self.id.clone() });
        for part in &self.job.parts {
            match part {
                JobPart::Bucket(part) => self.bucket(part, told).await?,
                JobPart::Tree(part) => self.tree(part, kind, told).await?,
            }
        }
        for part in &self.job.parts {
            if let JobPart::Bucket(part) = part {
                self.bucket(part, told).await?;
            }
        }
        let mut parts = Vec::new();
        for part in &self.job.parts {
            let part = self.finished(part)?;
            told(BackupEvent::Part { part: part.clone() });
            parts.push(part);
        }
        let job = self.job;
        let set = BackupSet {
            format: SET_FORMAT,
            id: self.id.clone(),
            deployment: job.name.clone(),
            domain: job.domain.clone(),
            cluster: self.cluster.clone(),
            stack: job.stack.clone(),
            version: job.version.clone(),
            imctl: env!("CARGO_PKG_VERSION").to_owned(),
            began: self.began,
            point: self.point.unwrap_or(self.began),
            ended: Timestamp::now(),
            previous: self.last.as_ref().map(|last| hex::encode(Sha256::digest(&last.document))),
            parts,
            signer: self.signer.public(),
        };
        let kept = self.store.seal(&set, self.signer)?;
        told(BackupEvent::Done { set: self.id.clone(), took_ms: millis(start.elapsed().as_millis()) });
        Ok(kept)
    }

    /// Objects that are new; those of the first time stay in the set when they are gone at the second.
    async fn bucket(&mut self, part: &Bucket, told: Told<'_>) -> Result<(), BackupError> {
        let start = Instant::now();
        let earlier = self.parts.remove(&part.name);
        let what = if earlier.is_some() { "what came meanwhile" } else { "objects that are new" };
        told(BackupEvent::Step { part: part.name.clone(), what: what.to_owned() });
        let mut before = self.before(&part.name);
        let (mut taken, took) = earlier.map_or_else(Default::default, |(taken, _, took)| (taken, took));
        before.extend(taken.files.clone());
        let now = bucket::take(self.store, part, &before).await?;
        taken.files.extend(now.files);
        taken.new_files += now.new_files;
        taken.new_bytes += now.new_bytes;
        let took = took + start.elapsed().as_millis();
        self.parts.insert(part.name.clone(), (taken, Map::new(), took));
        Ok(())
    }

    async fn tree(&mut self, part: &Tree, kind: Kind, told: Told<'_>) -> Result<(), BackupError> {
        let start = Instant::now();
        let mut figures = Map::new();
        let mut step = |what: &str| {
            told(BackupEvent::Step { part: part.name.clone(), what: what.to_owned() });
        };
        if !part.make.is_empty() {
            step(&format!("a copy ({})", kind.word()));
            let made = program::run(&part.name, (&part.make, kind.word()), Some(told)).await?;
            figures.extend(made.object);
        }
        if !part.point.is_empty() {
            let point = program::run(&part.name, (&part.point, &self.id), None).await?.object;
            let time = point.get("time").and_then(Value::as_str).and_then(|text| text.parse().ok());
            self.point = time.or_else(|| Some(Timestamp::now()));
            figures.extend(point);
        }
        if !part.wait.is_empty() {
            told(BackupEvent::Step { part: part.name.clone(), what: "the moment arrives".to_owned() });
            let wal = figures.get("wal").and_then(Value::as_str).unwrap_or_default().to_owned();
            program::run(&part.name, (&part.wait, &wal), None).await?;
        }
        told(BackupEvent::Step { part: part.name.clone(), what: "files that are new".to_owned() });
        let names = if part.list.is_empty() {
            walk(part)?
        } else {
            let label = figures.get("label").and_then(Value::as_str).unwrap_or_default().to_owned();
            program::run(&part.name, (&part.list, &label), None).await?.lines
        };
        if names.is_empty() {
            let cause = format!("there is nothing in `{}` to keep", part.root.display());
            return Err(BackupError::Part { part: part.name.clone(), cause });
        }
        let taken = take(self.store, part, &names, &self.before(&part.name))?;
        self.parts.insert(part.name.clone(), (taken, figures, start.elapsed().as_millis()));
        Ok(())
    }

    /// The files of a part in the set before. Where its list is damaged, everything is read anew.
    fn before(&self, part: &str) -> Before {
        let Some(last) = &self.last else { return Before::new() };
        let Some(part) = last.set.parts.iter().find(|it| it.name == part) else { return Before::new() };
        let files = self.store.files(&part.list).unwrap_or_default();
        files.into_iter().map(|file| (file.path.clone(), file)).collect()
    }

    fn finished(&mut self, part: &JobPart) -> Result<BackupPart, BackupError> {
        let (name, about) = match part {
            JobPart::Bucket(it) => (&it.name, &it.about),
            JobPart::Tree(it) => (&it.name, &it.about),
        };
        let (taken, figures, took) = self.parts.remove(name).unwrap_or_default();
        Ok(BackupPart {
            name: name.clone(),
            about: about.clone(),
            files: taken.files.len() as u64,
            bytes: taken.files.values().map(|file| file.size).sum(),
            new_files: taken.new_files,
            new_bytes: taken.new_bytes,
            list: self.store.keep_list(taken.files.values())?,
            took_ms: millis(took),
            figures,
        })
    }
}

fn millis(took: u128) -> u64 {
    u64::try_from(took).unwrap_or(u64::MAX)
}

/// What tells this service from every other: its own authority.
fn cluster(job: &Job) -> Result<String, BackupError> {
    let bytes = std::fs::read(&job.authority).map_err(super::error::io("read", &job.authority))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}
