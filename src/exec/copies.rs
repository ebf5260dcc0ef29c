//! The history's copies on the hosts: putting the newest there after a run, and reading them all.

use super::Fleet;
use super::note::Note;
use crate::base::{HostName, quote};
use crate::plan::manifest_path;
use crate::transport::{Exec, LinkError};
use futures_util::future::join_all;
use std::time::Duration;

/// A host that is gone by now keeps nobody longer.
const WITHIN: Duration = Duration::from_secs(20);

/// What a host holds of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copies {
    /// The copy; empty when there is none.
    pub text: Vec<u8>,
    /// Names of histories that were set aside there.
    pub aside: Vec<String>,
}

/// Continues the copy of a file on every host; what each says of it, or why it could not be written.
pub async fn mirror(
    deployment: &str,
    fleet: &Fleet,
    (name, content): &(String, Vec<u8>),
) -> Vec<(HostName, Result<Vec<String>, String>)> {
    let one = |(host, link)| async move {
        let mut note = Note::new(deployment);
        note.file(name, content);
        let link: &std::sync::Arc<dyn crate::transport::Session> = link;
        (HostName::clone(host), note.send(link.as_ref(), WITHIN).await)
    };
    join_all(fleet.iter().map(one)).await
}

/// Reads every host's copy of a file of lines, one exec a host.
pub async fn copies(
    deployment: &str,
    fleet: &Fleet,
    name: &str,
) -> Vec<(HostName, Result<Copies, LinkError>)> {
    let path = manifest_path(deployment);
    let folder = quote(path.trim_end_matches("/manifest.json"));
    let script = SCRIPT.replace("%FOLDER%", &folder).replace("%NAME%", &quote(name));
    let script = &script;
    let one = |(host, link)| async move {
        let link: &std::sync::Arc<dyn crate::transport::Session> = link;
        let output = link.exec(Exec::new(script.clone(), WITHIN)).await;
        (HostName::clone(host), output.map(|output| read(&output.stdout)))
    };
    join_all(fleet.iter().map(one)).await
}

/// Reads several files of a deployment's folder from every host, one exec a host: a tar archive, empty where there are none.
pub async fn kept(
    deployment: &str,
    fleet: &Fleet,
    names: &[&str],
) -> Vec<(HostName, Result<Vec<u8>, LinkError>)> {
    let path = manifest_path(deployment);
    let folder = quote(path.trim_end_matches("/manifest.json"));
    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
    let script = &KEPT.replace("%FOLDER%", &folder).replace("%NAMES%", &names.join(" "));
    let one = |(host, link)| async move {
        let link: &std::sync::Arc<dyn crate::transport::Session> = link;
        let output = link.exec(Exec::new(script.clone(), WITHIN)).await;
        (HostName::clone(host), output.map(|output| output.stdout))
    };
    join_all(fleet.iter().map(one)).await
}

const KEPT: &str = r#"cd %FOLDER% 2>/dev/null || exit 0
for it in %NAMES%; do
  [ ! -f "$it" ] || [ -L "$it" ] || set -- "$@" "$it"
done
[ $# -eq 0 ] || tar -cf - -- "$@"
"#;

const SCRIPT: &str = r#"cd %FOLDER% 2>/dev/null || { echo; exit 0; }
for one in %NAME%.aside-*; do [ ! -e "$one" ] || printf '%s ' "$one"; done
echo
[ ! -e %NAME% ] || cat %NAME%
"#;

/// The first line names what was set aside, the rest is the copy.
fn read(answer: &[u8]) -> Copies {
    let end = answer.iter().position(|byte| *byte == b'\n').unwrap_or(answer.len());
    let aside = String::from_utf8_lossy(&answer[..end]).split_whitespace().map(str::to_owned).collect();
    Copies { text: answer.get(end + 1..).unwrap_or_default().to_vec(), aside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_is_read() {
        let copies = read(b"history.jsonl.aside-1 history.jsonl.aside-2 \n{}\n{}\n");
        assert_eq!((copies.text.as_slice(), copies.aside.len()), (b"{}\n{}\n".as_slice(), 2));
        assert_eq!(read(b"\n"), Copies::default());
        assert_eq!(read(b""), Copies::default());
    }
}
