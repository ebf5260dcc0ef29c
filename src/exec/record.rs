//! What imctl leaves on a host about itself: the manifest of what it put there, a mirror of encrypted state, and a mark
//! for each restart that is announced until it is done.

use super::run::Run;
use crate::base::{HostName, quote};
use crate::plan::{Act, Lane, Manifest, Step, manifest_of, manifest_path, owed_folder};
use crate::resource::Action;
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
    let manifest = manifest_of(&release, run.desired.on(host)).with(seen);
    let mut note = Note::new(&run.plan.deployment);
    for (name, content) in &run.mirror {
        note.file(name, content);
    }
    note.owed(&owed(run, host));
    note.manifest(&manifest)?;
    note.write(run, host).await
}

/// Writes what stands there now, after all the work on a host: nothing is owed any more.
pub(super) async fn close(run: &Run<'_>, host: &HostName) -> Result<(), String> {
    if run.desired.leaves(host) {
        return forgotten(run, host).await;
    }
    let seen = run.observed.get(host).map(Manifest::seen).unwrap_or_default();
    let release = if run.plan.later.contains(host) { seen.release.clone() } else { run.release() };
    let beside = if run.plan.later.contains(host) { seen } else { seen.beside(run.desired, host) };
    let mut note = Note::new(&run.plan.deployment);
    note.manifest(&manifest_of(&release, run.desired.on(host)).with(beside))?;
    writeln!(note.script, "rm -rf {}", quote(&owed_folder(&run.plan.deployment)))
        .expect("a String takes all");
    note.write(run, host).await
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

/// Several files of the deployment's folder in one program, each whole or not at all.
struct Note {
    folder: String,
    script: String,
    input: Vec<u8>,
}

impl Note {
    fn new(deployment: &str) -> Self {
        let path = manifest_path(deployment);
        let folder = path.trim_end_matches("/manifest.json").to_owned();
        let script = format!("{HEAD}umask 077\nmkdir -p {0}\nchmod 0700 {0}\ncd {0}\n", quote(&folder));
        Self { folder, script, input: Vec::new() }
    }

    fn file(&mut self, name: &str, content: &[u8]) {
        writeln!(self.script, "put {} {}", quote(name), content.len()).expect("a String takes all");
        self.input.extend_from_slice(content);
    }

    fn manifest(&mut self, manifest: &Manifest) -> Result<(), String> {
        let text = serde_json::to_vec_pretty(manifest).map_err(|cause| cause.to_string())?;
        self.file("manifest.json", &text);
        Ok(())
    }

    fn owed(&mut self, units: &BTreeMap<String, &'static str>) {
        if units.is_empty() {
            return;
        }
        self.script.push_str("mkdir -p owed\nread -r boot </proc/sys/kernel/random/boot_id\n");
        for (unit, verb) in units {
            let unit = quote(unit);
            writeln!(self.script, "echo \"$boot\" {verb} >owed/{unit}\nsync owed/{unit}")
                .expect("a String takes all");
        }
        self.script.push_str("sync owed\n");
    }

    async fn write(mut self, run: &Run<'_>, host: &HostName) -> Result<(), String> {
        let link = run.fleet.link(host).ok_or_else(|| format!("there is no connection to `{host}`"))?;
        self.script.push_str("sync .\n");
        let exec = Exec::new(self.script, WITHIN).input(self.input);
        let output = link.exec(exec).await.map_err(|cause| cause.to_string())?;
        if output.status == 0 {
            return Ok(());
        }
        Err(format!("cannot write into `{}`: {}", self.folder, output.text()))
    }
}

const HEAD: &str = r#"set -eu
put() {
  case $1 in */*) mkdir -p "${1%/*}" ;; esac
  head -c "$2" >"$1.new"
  [ "$(stat -c %s "$1.new")" = "$2" ] || { echo "$1 did not arrive whole" >&2; exit 1; }
  sync "$1.new"
  mv -f "$1.new" "$1"
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_marks_are_written_and_a_paid_mark_goes() {
        let place = tempfile::tempdir().unwrap();
        let at = |script: &str| script.replace("/var/lib/imctl", place.path().to_str().unwrap());
        let mut note = Note::new("d");
        note.file("state.tar", b"12345");
        note.owed(&[("a.service".to_owned(), "restart")].into());
        note.file("manifest.json", b"{}");
        let run = |script: String, input: &[u8]| {
            use std::io::Write as _;
            let mut child = std::process::Command::new("sh")
                .args(["-c", &script])
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(input).unwrap();
            child.wait().unwrap().code()
        };
        assert_eq!(run(at(&note.script), &note.input), Some(0));
        let folder = place.path().join("d");
        assert_eq!(std::fs::read(folder.join("state.tar")).unwrap(), b"12345");
        assert_eq!(std::fs::read(folder.join("manifest.json")).unwrap(), b"{}");
        let mark = folder.join("owed/a.service");
        assert!(std::fs::read_to_string(&mark).unwrap().ends_with(" restart\n"));
        for (script, code, there) in [("exit 3", 3, true), ("true", 0, false)] {
            let Action::Run { script, .. } = paid(Action::run(script), "d", "a.service") else { panic!() };
            assert_eq!((run(at(&script), b""), mark.exists()), (Some(code), there));
        }
    }
}
