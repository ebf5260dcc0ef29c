//! How fast a disk is, by a bounded test of our own: small writes that must reach it, and random reads and writes past the
//! kernel's cache. Its file has no name while it is used, so nothing is left of it even when the host is killed.

use crate::base::quote;
use std::collections::BTreeMap;
use std::time::Duration;

const PROGRAM: &str = include_str!("disk.pl");

/// The program ends by itself before this.
pub const DISK_WITHIN: Duration = Duration::from_secs(20);

/// What was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskSpeed {
    /// Writes of 8 KiB that were made one after the other, each until it was on the disk.
    pub writes: u64,
    /// Microseconds that half of them took at most.
    pub usual: u64,
    /// Microseconds that 99 of 100 took at most.
    pub slow: u64,
    /// Random reads of 8 KiB a second past the cache; none where the file system knows no such reads.
    pub reads_a_second: Option<u64>,
    /// Random writes of 8 KiB a second that were on the disk.
    pub writes_a_second: Option<u64>,
}

/// What came of each path: what was measured, or why not.
pub type DiskSpeeds = BTreeMap<String, Result<DiskSpeed, String>>;

/// The program; it measures the disks under these paths, or under the nearest folder above that is there.
pub fn disk_script(paths: &[&str]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| quote(path)).collect();
    format!("perl -e {} {}\n", quote(PROGRAM), paths.join(" "))
}

/// Reads what it printed.
pub fn parse_disk(answer: &str) -> DiskSpeeds {
    let one = |line: &str| {
        let (word, rest) = line.split_once(' ')?;
        let (path, rest) = rest.split_once(' ')?;
        let speed = match word {
            "disk" => Ok(speed(rest)?),
            "failed" => Err(rest.to_owned()),
            _ => return None,
        };
        Some((path.to_owned(), speed))
    };
    answer.lines().filter_map(one).collect()
}

fn speed(words: &str) -> Option<DiskSpeed> {
    let words: Vec<&str> = words.split(' ').collect();
    let [writes, usual, slow, reads_a_second, writes_a_second] = words[..] else { return None };
    Some(DiskSpeed {
        writes: writes.parse().ok()?,
        usual: usual.parse().ok()?,
        slow: slow.parse().ok()?,
        reads_a_second: reads_a_second.parse().ok(),
        writes_a_second: writes_a_second.parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_measured_and_nothing_is_left_of_it() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = folder.path().join("not/yet/there");
        let script = disk_script(&[path.to_str().unwrap()]);
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let speeds = parse_disk(&said);
        let [(_, Ok(speed))] = speeds.iter().collect::<Vec<_>>()[..] else { panic!("{said}") };
        assert!(speed.writes > 0 && speed.usual <= speed.slow && speed.slow > 0, "{speed:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_answer_is_read() {
        let read = parse_disk("disk /srv 400 249 2011 18987 -\nfailed /x no room\ndisk /y 1 2\nend\n");
        let speed = DiskSpeed {
            writes: 400,
            usual: 249,
            slow: 2011,
            reads_a_second: Some(18_987),
            writes_a_second: None,
        };
        assert_eq!(
            read,
            [("/srv".to_owned(), Ok(speed)), ("/x".to_owned(), Err("no room".to_owned()))].into()
        );
    }
}
