//! Writing a file whole: a temporary name in the same folder that only root can read, then mode and owner, fsync,
//! rename, fsync of the folder. What a run that was cut left of the same file is taken away first.

use super::Exec;
use crate::base::quote;
use std::time::Duration;

/// The slowest line that an upload still has time for, in bytes a second.
const SLOWEST: u64 = 50_000;

/// The program that writes `path`; it reads so many bytes of content.
pub(super) fn upload(path: &str, size: usize, mode: &str, owner: &str) -> Exec {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    let folder = if folder.is_empty() { "/" } else { folder };
    let stem = format!("{}/.{name}.imctl-", folder.trim_end_matches('/'));
    let script = format!(
        "set -eu\n\
         umask 077\n\
         for left in {stem}??????; do\n\
             [ ! -e \"$left\" ] && [ ! -L \"$left\" ] || rm -f -- \"$left\"\n\
         done\n\
         temporary=$(mktemp -- {stem}XXXXXX)\n\
         trap 'rm -f -- \"$temporary\"' EXIT\n\
         trap 'exit 143' HUP INT TERM\n\
         cat >\"$temporary\"\n\
         [ \"$(stat -c %s -- \"$temporary\")\" = {size} ] || {{ echo 'the content did not arrive whole' >&2; exit 1; }}\n\
         chown -- {owner} \"$temporary\"\n\
         chmod -- {mode} \"$temporary\"\n\
         sync -- \"$temporary\"\n\
         mv -T -- \"$temporary\" {path}\n\
         trap - EXIT\n\
         sync -- {folder}\n",
        stem = quote(&stem),
        owner = quote(owner),
        mode = quote(mode),
        path = quote(path),
        folder = quote(folder),
    );
    Exec::new(script, time_for(size))
}

/// How long so many bytes of content may take to arrive and be written.
pub(super) fn time_for(size: usize) -> Duration {
    Duration::from_secs(60 + size as u64 / SLOWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temporary_name_stands_in_the_same_folder() {
        for (path, wanted) in [
            ("/etc/motd", "mktemp -- /etc/.motd.imctl-XXXXXX"),
            ("/motd", "mktemp -- /.motd.imctl-XXXXXX"),
            ("/srv/a b/c", "mktemp -- '/srv/a b/.c.imctl-'XXXXXX"),
        ] {
            let script = upload(path, 1, "0640", "root:adm").script;
            assert!(script.contains(wanted), "{script}");
        }
    }
}
