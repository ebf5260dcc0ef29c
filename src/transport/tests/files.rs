//! Files are written whole, in the right order, and what a cut left is taken away.

use super::manners::Manners;
use super::server::serve;
use super::{folder, program, session};
use crate::transport::{Deed, Exec, LinkError, series, upload};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

fn leftovers(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.contains("imctl")).collect()
}

#[tokio::test]
async fn a_file_is_written_whole_with_its_mode() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    let path = folder.path().join("it's a file");
    std::fs::write(&path, "old").unwrap();
    let user = session.exec(program("id -un; id -gn")).await.unwrap().text();
    let (user, group) = user.split_once('\n').unwrap();
    if user != "root" {
        return; // files are written as root only
    }
    let content = vec![0xff; 700_000];
    session.upload(path.to_str().unwrap(), &content, "0640", user, group).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    let refused = session.upload("/nowhere/at/all", b"x", "0640", user, group).await.unwrap_err();
    assert!(matches!(&refused, LinkError::Upload { path, .. } if path == "/nowhere/at/all"), "{refused}");
    let refused =
        session.upload(path.to_str().unwrap(), b"x", "0640", "no-such-user", group).await.unwrap_err();
    assert!(refused.to_string().contains("no-such-user"), "{refused}");
    assert_eq!(leftovers(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_dead_peer_left_of_the_same_file_is_swept_and_nothing_else() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let session = session(&server, folder.path()).await;
    if session.exec(program("id -u")).await.unwrap().text() != "0" {
        return; // files are written as root only
    }
    let path = folder.path().join("a *");
    for name in [".a *.imctl-AbCdEf", ".a b.imctl-AbCdEf", ".a *.imctl-AbCdEfG"] {
        std::fs::write(folder.path().join(name), "half").unwrap();
    }
    std::os::unix::fs::symlink("/nowhere", folder.path().join(".a *.imctl-aaaaaa")).unwrap();
    session.upload(path.to_str().unwrap(), b"x", "0640", "root", "root").await.unwrap();
    let mut left = leftovers(folder.path());
    left.sort();
    assert_eq!(left, [".a *.imctl-AbCdEfG", ".a b.imctl-AbCdEf"]);
}

/// A killed container keeps the page cache, so the order is read from the calls themselves.
#[test]
fn content_is_on_the_disk_before_its_name_and_the_name_before_the_end() {
    let folder = folder();
    let path = folder.path().join("file").to_str().unwrap().to_owned();
    let user = |flag| {
        let output = Command::new("id").arg(flag).output().unwrap().stdout;
        String::from_utf8(output).unwrap().trim().to_owned()
    };
    let (owner, group) = (user("-un"), user("-gn"));
    let alone = upload::upload(&path, 7, "0600", &format!("{owner}:{group}")).input(b"content".to_vec());
    let upload =
        Deed::Upload { path: &path, content: b"content", mode: "0600", owner: &owner, group: &group };
    for exec in [alone, series::program(&[upload])] {
        written_in_order(folder.path(), &exec);
    }
}

fn written_in_order(folder: &Path, exec: &Exec) {
    let log = folder.join("calls");
    let calls = "trace=fsync,fdatasync,rename,renameat,renameat2,sync,syncfs,write,openat";
    let traced = Command::new("strace")
        .args(["-f", "-y", "-e", calls, "-o"])
        .arg(&log)
        .args(["sh", "-c", &exec.script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut traced) = traced else { return };
    traced.stdin.take().unwrap().write_all(exec.input.expose()).unwrap();
    assert!(traced.wait().unwrap().success());
    let calls = std::fs::read_to_string(&log).unwrap();
    let at = |parts: &[&str]| {
        let fits = |line: &&str| parts.iter().all(|part| line.contains(part));
        let position = calls.lines().position(|line| fits(&line));
        position.unwrap_or_else(|| panic!("no call with {parts:?} in\n{calls}"))
    };
    let here = folder.canonicalize().unwrap();
    let order = [
        at(&["write(", "/.file.imctl-", "content"]),
        at(&[" fsync(", "/.file.imctl-", "= 0"]),
        at(&[" rename", "/.file.imctl-", "/file\"", "= 0"]),
    ];
    let (last, line) = calls.lines().enumerate().filter(|(_, line)| line.contains(" fsync(")).last().unwrap();
    assert!(order[..3].is_sorted() && order[2] > order[1] && last > order[2], "{order:?}\n{calls}");
    assert!(line.contains(&format!("<{}>", here.display())) && line.contains("= 0"), "{calls}");
}
