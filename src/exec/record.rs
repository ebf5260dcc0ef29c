//! What imctl leaves on a host about itself: the manifest of what it put there, a mirror of encrypted state, and a mark
//! for each restart that is announced until it is done.

use super::note::Note;
use super::run::Run;
use crate::base::{Event, HostName, quote};
use crate::plan::{Act, Lane, Manifest, Step, manifest_of, manifest_path, owed_folder};
use crate::resource::{Action, BEFORE};
use crate::transport::Exec;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// How long writing may take on a slow disk.
const WITHIN: Duration = Duration::from_mins(1);

/// Writes on a host what will stand there, before the work: what is and what will be, and the restarts owed.
pub(super) async fn open(run: &Run<'_>, host: &HostName) -> Result<(), String> {
    let seen = run.observed.get(host).map(Manifest::seen).unwrap_or_default();
    // Until all is done, the host is of the version it was: whoever goes on has to know from where.
    let release = if seen.stands() { seen.release.clone() } else { run.release() };
    let before = run.observed.get(host).cloned().unwrap_or_default();
    let fresh = seen.resources.is_empty();
    let manifest = manifest_of(&release, run.desired.on(host)).own(&before).with(seen);
    let mut note = Note::new(&run.plan.deployment);
    if fresh {
        note.script.push_str(&BEFORE_US.replace("%BEFORE%", BEFORE));
    }
    for (name, content) in &run.mirror {
        note.file(name, content);
    }
    note.owed(&owed(run, host));
    note.manifest(&manifest)?;
    write(note, run, host).await
}

/// Writes what stands there now, after all the work on a host: nothing is owed any more.
pub(super) async fn close(run: &Run<'_>, host: &HostName) -> Result<(), String> {
    if run.desired.leaves(host) {
        return forgotten(run, host).await;
    }
    let seen = run.observed.get(host).map(Manifest::seen).unwrap_or_default();
    let release = if run.plan.later.contains(host) { seen.release.clone() } else { run.release() };
    let beside = if run.plan.later.contains(host) { seen } else { seen.beside(run.desired, host) };
    let before = run.observed.get(host).cloned().unwrap_or_default();
    let manifest = manifest_of(&release, run.desired.on(host)).own(&before).with(beside);
    if run.desired.going.is_some() {
        let link = run.fleet.link(host).ok_or_else(|| format!("there is no connection to `{host}`"))?;
        farewell(&run.plan.deployment, link.as_ref(), manifest.resources.is_empty()).await?;
        if manifest.resources.is_empty() {
            return Ok(());
        }
    }
    let mut note = Note::new(&run.plan.deployment);
    note.manifest(&manifest)?;
    writeln!(note.script, "rm -rf {}", quote(&owed_folder(&run.plan.deployment)))
        .expect("a String takes all");
    write(note, run, host).await
}

/// Takes imctl's own bookkeeping away, last of all: the deployment's folder unless data stay that it tells of, and what all
/// deployments of a host share when this was the only one.
async fn farewell(deployment: &str, link: &dyn crate::transport::Session, whole: bool) -> Result<(), String> {
    let path = manifest_path(deployment);
    let folder = quote(path.trim_end_matches("/manifest.json"));
    let (own, last) = if whole { ("own \"$folder\"\n", "own /var/lib/imctl/.before\n") } else { ("", "") };
    let script = FAREWELL.replace("%FOLDER%", &folder).replace("%OWN%", own).replace("%LAST%", last);
    let exec = Exec::new(script, WITHIN);
    let output = link.exec(exec).await.map_err(|cause| cause.to_string())?;
    if output.status == 0 { Ok(()) } else { Err(output.text()) }
}

/// `rm` takes a link itself, never what it leads to; above it nothing is followed either.
const FAREWELL: &str = r#"set -eu
cd /
own() {
  for above in "${1%/*}" "${1%/*/*}"; do
    [ ! -L "$above" ] || { echo "$above is a link: imctl follows no link out of its folders, so $1 stays" >&2; exit 1; }
  done
  rm -rf --one-file-system -- "$1"
}
folder=%FOLDER%
%OWN%for it in /var/lib/imctl/*/; do
  [ ! -d "$it" ] || [ "$it" = "$folder/" ] || exit 0
done
rm -f /run/imctl/packages /run/imctl/packages.* /run/imctl/restore.sh
rm -f /etc/imctl/apt.list /etc/imctl/bundle.gpg
[ ! -d /etc/imctl ] || rmdir --ignore-fail-on-non-empty /etc/imctl
own /var/cache/imctl/apt
own /var/cache/imctl/bundle
[ ! -d /var/cache/imctl ] || rmdir --ignore-fail-on-non-empty /var/cache/imctl
own /var/lib/imctl/.candidates
own /var/lib/imctl/.commands
%LAST%[ ! -d /var/lib/imctl ] || rmdir --ignore-fail-on-non-empty /var/lib/imctl
"#;

/// Writes down once what was on the host before imctl put anything there.
const BEFORE_US: &str = r"if [ ! -e %BEFORE% ]; then
  { dpkg-query -W -f '${db:Status-Abbrev}package ${Package}\n' 2>/dev/null | sed -n 's/^ii *//p'
    getent passwd | sed 's/:.*//; s/^/user /'; } >%BEFORE%.new
  mv -f %BEFORE%.new %BEFORE%
fi
";

async fn write(note: Note, run: &Run<'_>, host: &HostName) -> Result<(), String> {
    let link = run.fleet.link(host).ok_or_else(|| format!("there is no connection to `{host}`"))?;
    for text in note.send(link.as_ref(), WITHIN).await? {
        run.sink.send(Event::Warning { host: Some(host.clone()), text });
    }
    Ok(())
}

/// A host that has left keeps nothing of the deployment, its encrypted secrets neither.
async fn forgotten(run: &Run<'_>, host: &HostName) -> Result<(), String> {
    let path = manifest_path(&run.plan.deployment);
    let folder = quote(path.trim_end_matches("/manifest.json"));
    let link = run.fleet.link(host).ok_or_else(|| format!("there is no connection to `{host}`"))?;
    let output = link.exec(Exec::new(format!("rm -rf {folder}\n"), WITHIN)).await;
    let output = output.map_err(|cause| cause.to_string())?;
    if output.status == 0 { Ok(()) } else { Err(output.text()) }
}

/// The action, and after it the mark of the unit's restart taken away.
pub(super) fn paid(action: Action, deployment: &str, unit: &str) -> Action {
    let mark = quote(&format!("{}/{unit}", owed_folder(deployment)));
    match action {
        Action::Run { script, input, within } => {
            let script = format!("(\n{script}\n)\ns=$?\n[ $s -eq 0 ] || exit $s\nrm -f -- {mark}\n");
            Action::Run { script, input, within }
        }
        other => other,
    }
}

/// After the last hook that follows a component's restarts in a lane, takes the restarts' marks away. Until then the work
/// is not whole: an instance that was drained and does not get its load back is drained, restarted and undrained anew.
pub(super) async fn settle(run: &Run<'_>, lane: &Lane, at: usize) -> Result<(), String> {
    let units = settled(lane, at);
    if units.is_empty() {
        return Ok(());
    }
    let folder = owed_folder(&run.plan.deployment);
    let mut script = String::new();
    for unit in units {
        writeln!(script, "rm -f -- {}", quote(&format!("{folder}/{unit}"))).expect("a String takes all");
    }
    let link =
        run.fleet.link(&lane.host).ok_or_else(|| format!("there is no connection to `{}`", lane.host))?;
    let output = link.exec(Exec::new(script, WITHIN)).await.map_err(|cause| cause.to_string())?;
    if output.status == 0 { Ok(()) } else { Err(output.text()) }
}

/// The units whose restart is over with the step at this place: no hook or restart of their component follows.
fn settled(lane: &Lane, at: usize) -> Vec<&String> {
    let component = &lane.steps[at].component;
    let belongs = |step: &&Step| {
        step.component == *component && matches!(step.act, Act::Restart { .. } | Act::Hook { .. })
    };
    if !belongs(&&lane.steps[at]) || lane.steps[at + 1..].iter().any(|step| belongs(&step)) {
        return Vec::new();
    }
    let restarts = lane.steps[..=at].iter().filter(belongs);
    restarts
        .filter_map(|step| if let Act::Restart { unit } = &step.act { Some(unit) } else { None })
        .collect()
}

/// Units that the plan restarts or reloads on a host; a restart does for a reload.
fn owed(run: &Run<'_>, host: &HostName) -> BTreeMap<String, &'static str> {
    let mut owed = BTreeMap::new();
    for step in run.plan.steps().filter(|step| step.on == *host) {
        match &step.act {
            Act::Restart { unit } => drop(owed.insert(unit.clone(), "restart")),
            Act::Reload { unit } => drop(owed.entry(unit.clone()).or_insert("reload")),
            _ => {}
        }
    }
    owed
}
