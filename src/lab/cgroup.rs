//! One control group a host: it keeps the host's units apart from its neighbours', and it is how all of a host's
//! processes are found and ended at once, whoever started them.

use super::{LabError, at};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the hierarchies that systemd uses are mounted: version 2 alone, or beside version 1.
const ROOTS: [&str; 3] = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// The folders of a host's control group, one in each hierarchy that is mounted.
pub(super) fn folders(name: &str) -> Vec<PathBuf> {
    let mounted = |root: &&&str| Path::new(root).join("cgroup.procs").exists();
    ROOTS.iter().filter(mounted).map(|root| Path::new(root).join(name)).collect()
}

/// Makes the control group.
pub(super) fn make(name: &str) -> Result<(), LabError> {
    folders(name).iter().try_for_each(|folder| std::fs::create_dir_all(folder).map_err(at(folder)))
}

/// All processes of the control group and of those below it.
pub(super) fn processes(name: &str) -> Vec<u32> {
    let mut found: Vec<u32> = folders(name).iter().flat_map(|folder| below(folder)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Ends all processes of the control group at once, waits until they are gone, and removes it.
pub(super) async fn remove(name: &str) -> Result<(), LabError> {
    let started = std::time::Instant::now();
    while folders(name).iter().any(|folder| folder.exists()) {
        let left = processes(name);
        if started.elapsed() > Duration::from_secs(20) {
            let said = format!("{} processes are still there after 20 s: {left:?}", left.len());
            return Err(LabError::Program { command: format!("kill -9 (control group {name})"), said });
        }
        if !left.is_empty() {
            kill(name, &left).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for folder in folders(name) {
            remove_tree(&folder);
        }
    }
    Ok(())
}

/// Ends a control group's processes: in one stroke where the kernel can, one by one where it cannot.
async fn kill(name: &str, left: &[u32]) {
    for folder in folders(name) {
        // Version 1 has no such file; the loop below does its work.
        let _ = std::fs::write(folder.join("cgroup.kill"), "1");
    }
    let words: Vec<String> = left.iter().map(u32::to_string).collect();
    let mut args = vec!["-c", "kill -9 \"$@\" 2>/dev/null; :", "kill"];
    args.extend(words.iter().map(String::as_str));
    // Processes that are gone already are what is wanted.
    let _ = super::run::run("sh", &args).await;
}

/// The processes in a folder and below it; a folder that is gone has none.
fn below(folder: &Path) -> Vec<u32> {
    let mut found: Vec<u32> = std::fs::read_to_string(folder.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    for child in children(folder) {
        found.extend(below(&child));
    }
    found
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Removes a control group from its leaves up; what is still busy stays, and its caller looks again.
fn remove_tree(folder: &Path) {
    for child in children(folder) {
        remove_tree(&child);
    }
    // Gone already, or busy for a moment more.
    let _ = std::fs::remove_dir(folder);
}
