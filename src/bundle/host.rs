//! How a host's apt sees the bundle and nothing else, as POSIX sh text: pure functions.

use super::serve::decoded;
use crate::base::quote;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// How a host reaches the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// By HTTP on this port of its own loopback: the end of a remote forward.
    Forward(u16),
    /// As files uploaded below this absolute folder, laid out as in the bundle.
    Folder(String),
}

impl Source {
    /// The folder below which uploads go when forwarding is off.
    pub(super) const UPLOADS: &'static str = "/var/cache/imctl/bundle";

    fn line(&self, version: &str) -> String {
        let place = match self {
            Self::Forward(port) => format!("http://127.0.0.1:{port}/apt"),
            Self::Folder(path) => format!("file:{}/apt", path.trim_end_matches('/')),
        };
        format!("deb [signed-by=/etc/imctl/bundle.gpg] {place} {version}/")
    }
}

/// One run of apt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Install {
    /// Names, or `name=version`.
    pub(super) names: Vec<String>,
    /// Units that must not start before they are configured; masked when they are not there yet.
    pub(super) masks: Vec<String>,
    /// Packages that go along to this version when the host has another one: `Manifest::aligned`.
    pub(super) aligned: BTreeMap<String, String>,
}

/// Points the host's apt at the bundle: a source list of our own and its keyring. Changes nothing that is right.
pub(super) fn setup_script(keyring: &[u8], version: &str, source: &Source) -> String {
    format!(
        "{SETUP}put() {{ cmp -s \"$1.new\" \"$1\" && rm -f \"$1.new\" || mv -f \"$1.new\" \"$1\"; }}\n\
         umask 022\nmkdir -p /etc/imctl /var/cache/imctl/apt/lists/partial /var/cache/imctl/apt/archives/partial\n\
         printf %s {} | base64 -d >/etc/imctl/bundle.gpg.new\nput /etc/imctl/bundle.gpg\n\
         printf '%s\\n' {} >/etc/imctl/apt.list.new\nput /etc/imctl/apt.list\n{UPDATE}",
        STANDARD.encode(keyring),
        quote(&source.line(version)),
    )
}

/// Asks apt which files of the source an install would take; changes nothing.
pub(super) fn wanted_script(install: &Install) -> String {
    format!("{SETUP}{}{WANTED}", packages(install))
}

/// Paths in the bundle out of the answer of `wanted_script`.
pub(super) fn wanted(said: &str) -> Vec<String> {
    let inside = |line: &str| {
        let path = line.strip_prefix("'file:")?.split('\'').next()?;
        path.strip_prefix(Source::UPLOADS)?.strip_prefix('/').and_then(decoded)
    };
    said.lines().filter_map(inside).collect()
}

/// Sets the words that apt installs: what was asked for, and what has to go along.
pub(super) fn packages(install: &Install) -> String {
    let bare = |name: &str| name.split('=').next().unwrap_or(name).to_owned();
    let named: Vec<String> = install.names.iter().map(|name| bare(name)).collect();
    let aligned = install.aligned.iter().filter(|(name, _)| !named.contains(name));
    let aligned: Vec<String> = aligned.map(|(name, version)| format!("{name}={version}")).collect();
    format!("set -- {}\nfor pair in {}; do\n  {ALIGN}\ndone\n", words(&install.names), words(&aligned))
}

pub(super) fn words(items: &[String]) -> String {
    items.iter().map(|item| quote(item)).collect::<Vec<_>>().join(" ")
}

/// The environment and apt's way: our list, our cache, our lists, no proxy; what the host's own configuration says
/// about dpkg counts. The clock may be wrong before time is set up, so dates are not looked at.
pub(super) const SETUP: &str = r#"set -eu
export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
export UCF_FORCE_CONFFOLD=1 NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none IMCTL_INSTALL=1
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY || :
offline() {
  apt-get -q -o Dir::Etc::sourcelist=/etc/imctl/apt.list -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State::lists=/var/cache/imctl/apt/lists -o Dir::Cache::archives=/var/cache/imctl/apt/archives \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Acquire::http::Proxy=DIRECT \
    -o Acquire::http::Proxy::127.0.0.1=DIRECT -o Acquire::Check-Date=false -o Acquire::Languages=none \
    -o APT::Update::Error-Mode=any -o APT::Install-Recommends=0 -o APT::Install-Suggests=0 \
    -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o DPkg::Lock::Timeout=120 "$@" </dev/null 2>&1
}
"#;

const UPDATE: &str = r#"said=$(offline update) || { printf '%s\n' "$said" | grep -E '^(E|W|Err):?' | head -n 20; exit 1; }
"#;

const ALIGN: &str = r#"has=$(dpkg-query -W -f '${db:Status-Abbrev}${Version}' "${pair%%=*}" 2>/dev/null) || continue
  case $has in "ii ${pair#*=}") ;; ii*) set -- "$@" "$pair" ;; esac"#;

const WANTED: &str = r#"offline -qq -f -y --allow-downgrades --print-uris install "$@"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn install() -> Install {
        Install {
            names: vec!["server=1.0-1~bpo12+1".into(), "tool".into()],
            masks: vec!["server.service".into(), "db@15-main.service".into()],
            aligned: BTreeMap::from([("libx".into(), "2:1.1".into()), ("server".into(), "1.0".into())]),
        }
    }

    #[test]
    fn every_script_is_sound_shell() {
        let setup = setup_script(b"key", "24.12", &Source::Forward(4711));
        for script in [setup, wanted_script(&install()), wanted_script(&Install::default())] {
            let checked = Command::new("sh").args(["-n", "-c", &script]).output().unwrap();
            assert!(checked.status.success(), "{}\n{script}", String::from_utf8_lossy(&checked.stderr));
        }
    }

    #[test]
    fn a_script_names_the_source_the_packages_and_the_masks() {
        let setup = setup_script(b"key", "24.12", &Source::Forward(4711));
        assert!(
            setup.contains("'deb [signed-by=/etc/imctl/bundle.gpg] http://127.0.0.1:4711/apt 24.12/'"),
            "{setup}"
        );
        let folder = Source::Folder(Source::UPLOADS.into()).line("24.12");
        assert_eq!(folder, "deb [signed-by=/etc/imctl/bundle.gpg] file:/var/cache/imctl/bundle/apt 24.12/");
        let script = wanted_script(&install());
        assert!(
            script.contains("set -- 'server=1.0-1~bpo12+1' tool\nfor pair in libx=2:1.1; do"),
            "{script}"
        );
    }
}
