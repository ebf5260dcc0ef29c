//! Files of a deployment's folder on a host, written in one program: the manifest, encrypted state, marks, and the history,
//! whose copy is only ever continued: one that is another history is set aside and told.

use crate::base::quote;
use crate::plan::{Manifest, manifest_path};
use crate::transport::{Exec, Session};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Several files of the deployment's folder in one program, each whole or not at all.
pub(super) struct Note {
    folder: String,
    pub(super) script: String,
    pub(super) input: Vec<u8>,
}

impl Note {
    pub(super) fn new(deployment: &str) -> Self {
        let path = manifest_path(deployment);
        let folder = path.trim_end_matches("/manifest.json").to_owned();
        let script = format!("{HEAD}umask 077\nmkdir -p {0}\nchmod 0700 {0}\ncd {0}\n", quote(&folder));
        Self { folder, script, input: Vec::new() }
    }

    /// Puts a file there. One of lines continues the one that is there.
    pub(super) fn file(&mut self, name: &str, content: &[u8]) {
        let lines = std::path::Path::new(name).extension().is_some_and(|it| it == "jsonl");
        let verb = if lines { "continue_with" } else { "put" };
        writeln!(self.script, "{verb} {} {}", quote(name), content.len()).expect("a String takes all");
        self.input.extend_from_slice(content);
    }

    pub(super) fn manifest(&mut self, manifest: &Manifest) -> Result<(), String> {
        let text = serde_json::to_vec_pretty(manifest).map_err(|cause| cause.to_string())?;
        self.file("manifest.json", &text);
        Ok(())
    }

    pub(super) fn owed(&mut self, units: &BTreeMap<String, &'static str>) {
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

    /// Writes it all, and tells what the operator should hear of it.
    pub(super) async fn send(mut self, link: &dyn Session, within: Duration) -> Result<Vec<String>, String> {
        self.script.push_str("sync .\n");
        let exec = Exec::new(self.script, within).input(self.input);
        let output = link.exec(exec).await.map_err(|cause| cause.to_string())?;
        if output.status != 0 {
            return Err(format!("cannot write into `{}`: {}", self.folder, output.text()));
        }
        let aside = |name: &str| {
            format!(
                "its copy of the history was no beginning of ours and stands aside as `{}/{name}`; `imctl history verify` tells more",
                self.folder
            )
        };
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.lines().filter_map(|line| line.strip_prefix("aside ")).map(aside).collect())
    }
}

const HEAD: &str = r#"set -eu
arrive() {
  case $1 in */*) mkdir -p "${1%/*}" ;; esac
  head -c "$2" >"$1.new"
  [ "$(stat -c %s "$1.new")" = "$2" ] || { echo "$1 did not arrive whole" >&2; exit 1; }
  sync "$1.new"
}
put() {
  arrive "$1" "$2"
  mv -f "$1.new" "$1"
}
continue_with() {
  arrive "$1" "$2"
  if [ -e "$1" ] && ! head -c "$(stat -c %s "$1")" "$1.new" | cmp -s - "$1"; then
    aside=$1.aside-$(date -u +%Y-%m-%dT%H-%M-%S)
    mv -f "$1" "$aside"
    echo "aside $aside"
  fi
  mv -f "$1.new" "$1"
}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::record::paid;
    use crate::resource::Action;

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

    #[test]
    fn a_copy_is_continued_and_another_history_is_set_aside() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("d");
        let write = |text: &str| {
            use std::io::Write as _;
            let mut note = Note::new("d");
            note.file("history.jsonl", text.as_bytes());
            let script = note.script.replace("/var/lib/imctl", place.path().to_str().unwrap());
            let mut child = std::process::Command::new("sh")
                .args(["-c", &script])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&note.input).unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            assert_eq!(std::fs::read_to_string(folder.join("history.jsonl")).unwrap(), text);
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!((write("a\n"), write("a\n"), write("a\nb\n")), Default::default());
        let told = write("a\n");
        let name = told.trim().strip_prefix("aside ").unwrap();
        assert_eq!(std::fs::read_to_string(folder.join(name)).unwrap(), "a\nb\n");
        assert!(write("other\n").starts_with("aside history.jsonl.aside-"));
    }
}
