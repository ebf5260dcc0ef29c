//! What imctl does on the backup host, as the user that keeps the sets: one answer in JSON, on the last line.

use super::{Answer, Type};
use crate::backup::{self, BackupError, Fault, Job, Keep, Signer, Store, Wanted};
use crate::base::Exit;
use crate::cli::{Failure, stdout};
use crate::record::{BackupEvent, BackupState};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `imctl backup host`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is read from where
    #[arg(long, value_name = "FILE")]
    job: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Makes a set and tells its progress, one JSON document a line
    Run {
        /// How much of the database is read anew
        #[arg(value_name = "TYPE")]
        kind: Type,
        /// Where progress is written
        #[arg(long, value_name = "FILE")]
        progress: Option<PathBuf>,
    },
    /// The documents of all sets
    Sets,
    /// Reads sets again
    Verify {
        /// One set only
        set: Option<String>,
    },
    /// Gives a part of a set away to a port of this host; the word for it comes on standard input
    Send {
        /// The set
        set: String,
        /// The part
        part: String,
        /// The port
        port: u16,
        /// Also what came after the set
        #[arg(long)]
        onward: bool,
    },
    /// Takes sets away
    Prune {
        /// The newest so many stay
        last: usize,
        /// One a day
        days: usize,
        /// One a week
        weeks: usize,
        /// One a month
        months: usize,
        /// Really
        #[arg(long)]
        really: bool,
    },
}

/// All sets of a store.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Sets {
    pub(super) all: Vec<Told>,
    pub(super) state: Option<BackupState>,
    /// Bytes that the store takes, and that are free beside it.
    pub(super) free_mib: u64,
}

/// A set's document as it is signed, or why it cannot be read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) document: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) wrong: Option<String>,
}

/// What a verification found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Judged {
    pub(super) sets: Vec<String>,
    pub(super) faults: Vec<Fault>,
}

/// What a prune did.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) sets: Vec<String>,
    pub(super) stay: Vec<String>,
    pub(super) bytes: u64,
}

/// Runs `imctl backup host`.
pub(super) async fn run(args: Args) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Run { kind, progress } => return make(&args.job, kind, progress.as_deref()).await,
        Verb::Sets => say(&Answer::from(sets(&args.job))),
        Verb::Verify { set } => {
            let judged = async {
                let job = Job::read(&args.job)?;
                let keys = [Signer::read(&job.sign)?.public()];
                let (sets, faults) = backup::verify(&job, &keys, set.as_deref()).await?;
                Ok(Judged { sets, faults })
            };
            say(&Answer::from(judged.await));
        }
        Verb::Send { set, part, port, onward } => {
            let mut word = String::new();
            let read = std::io::stdin().read_line(&mut word);
            read.map_err(|cause| Failure::Usage(format!("no word came: {cause}")))?;
            let wanted = Wanted { set, part, onward };
            let given = async {
                let job = Job::read(&args.job)?;
                backup::send(&job, &wanted, (port, word.trim())).await
            };
            say(&Answer::from(given.await));
        }
        Verb::Prune { last, days, weeks, months, really } => {
            let keep = Keep { last, days, weeks, months };
            say(&Answer::from(pruned(&args.job, keep, really)));
        }
    }
    Ok(Exit::Done)
}

fn say<T: Serialize>(answer: &Answer<T>) {
    stdout::line(&serde_json::to_string(answer).expect("an answer is plain data"));
}

async fn make(job: &Path, kind: Type, progress: Option<&Path>) -> Result<Exit, Failure> {
    let open = |path: &Path| {
        let made = File::create(path);
        made.map_err(|cause| Failure::Usage(format!("cannot write `{}`: {cause}", path.display())))
    };
    let mut file = progress.map(open).transpose()?;
    let mut tell = |event: BackupEvent| {
        let line = serde_json::to_string(&event).expect("an event is plain data");
        if let Some(file) = &mut file {
            // Who follows loses a line; the set is made all the same.
            let _ = writeln!(file, "{line}");
        }
        stdout::line(&line);
    };
    let made = match Job::read(job) {
        Ok(job) => {
            let made = backup::run(&job, kind.kind(), &mut tell).await.map(drop);
            if made.is_ok() && kind == Type::Auto { tidied(&job, &mut tell) } else { made }
        }
        Err(why) => Err(why),
    };
    match made {
        Ok(()) => Ok(Exit::Done),
        Err(why) => {
            tell(BackupEvent::Failed { why: why.to_string() });
            Ok(Exit::HostFailed)
        }
    }
}

/// By the clock, old sets go when a new one is whole.
fn tidied(job: &Job, tell: &mut dyn FnMut(BackupEvent)) -> Result<(), BackupError> {
    let keys = [Signer::read(&job.sign)?.public()];
    let pruned = backup::prune(&job.store, &keys, (job.keep, true))?;
    if !pruned.gone.is_empty() {
        let text = format!("old sets went: {}", pruned.gone.join(", "));
        tell(BackupEvent::Line { part: "sets".to_owned(), text });
    }
    Ok(())
}

fn sets(job: &Path) -> Result<Sets, BackupError> {
    let job = Job::read(job)?;
    let store = Store::open(&job.store)?;
    let keys = [Signer::read(&job.sign)?.public()];
    let told = |id: String| match store.read(&id, &keys) {
        Ok(kept) => Told {
            id,
            document: Some(String::from_utf8_lossy(&kept.document).into_owned()),
            signature: Some(kept.signature),
            wrong: None,
        },
        Err(why) => Told { id, document: None, signature: None, wrong: Some(why.to_string()) },
    };
    let all = store.sets()?.into_iter().map(told).collect();
    let state = std::fs::read(&job.monitor).ok().and_then(|text| serde_json::from_slice(&text).ok());
    Ok(Sets { all, state, free_mib: store.free_mib()? })
}

fn pruned(job: &Path, keep: Keep, really: bool) -> Result<Gone, BackupError> {
    let job = Job::read(job)?;
    let keys = [Signer::read(&job.sign)?.public()];
    let pruned = backup::prune(&job.store, &keys, (keep, really))?;
    Ok(Gone { sets: pruned.gone, stay: pruned.stay, bytes: pruned.bytes })
}
