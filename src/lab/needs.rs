//! What this machine must have before a lab is touched: Linux, root rights and a few programs.

use super::LabError;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Each program with the Debian package that brings it.
const PROGRAMS: [(&str, &str); 6] = [
    ("systemd-nspawn", "systemd-container"),
    ("ip", "iproute2"),
    ("ssh-keygen", "openssh-client"),
    ("unshare", "util-linux"),
    ("setsid", "util-linux"),
    ("nsenter", "util-linux"),
];

/// Checks that a lab can live here; `debootstrap` is asked for only when the base must be made.
pub(super) fn check(base_exists: bool) -> Result<(), LabError> {
    if !cfg!(target_os = "linux") {
        return Err(LabError::Unfit("Linux"));
    }
    if std::fs::metadata("/proc/self").map_or(1, |own| own.uid()) != 0 {
        return Err(LabError::Unfit("root rights"));
    }
    let base = (!base_exists).then_some(("debootstrap", "debootstrap"));
    let wanted: Vec<(&str, &str)> = PROGRAMS.into_iter().chain(base).collect();
    missing(&wanted, &std::env::var("PATH").unwrap_or_default())
}

/// Checks that two hosts can be parted here.
pub(super) fn check_filter() -> Result<(), LabError> {
    missing(&[("nft", "nftables")], &std::env::var("PATH").unwrap_or_default())
}

/// Names the programs that stand in no folder of `path`, with the packages that bring them, each once.
fn missing(wanted: &[(&'static str, &'static str)], path: &str) -> Result<(), LabError> {
    let folders: Vec<&str> = path.split(':').chain(["/usr/sbin", "/sbin"]).collect();
    let here = |program: &str| folders.iter().any(|folder| Path::new(folder).join(program).is_file());
    let absent: Vec<_> = wanted.iter().filter(|(program, _)| !here(program)).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = absent.iter().map(|(_, package)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    Err(LabError::Missing { programs: absent.iter().map(|(program, _)| *program).collect(), packages })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_programs_are_named_with_the_line_that_installs_them() {
        let wanted = [("no-such-a", "pack-b"), ("no-such-b", "pack-b"), ("sh", "dash")];
        let error = missing(&wanted, "/bin:/usr/bin").expect_err("two are missing");
        assert_eq!(error.to_string(), "a lab needs `no-such-a`, `no-such-b`, not found here");
        assert_eq!(error.help(), ["apt-get install -y pack-b"]);
    }
}
