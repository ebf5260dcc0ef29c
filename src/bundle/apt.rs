//! Resolves and fetches packages for the target rather than for this machine: an apt root of its own whose
//! status is empty, so that the whole closure down to libc comes along. It changes nothing of this machine's apt.

use super::manifest::is_security;
use super::sources::Mirrors;
use super::{BundleError, VersionOrder, tool};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's own keys: the only ones that count.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// An apt root for one release.
pub(super) struct AptRoot {
    dir: PathBuf,
    release: String,
}

/// A package that the resolver chose, fetched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Chosen {
    /// Name.
    pub(super) name: String,
    /// Version.
    pub(super) version: String,
    /// Architecture.
    pub(super) architecture: String,
    /// The fetched file.
    pub(super) file: PathBuf,
}

/// Packages on this machine.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// The whole closure.
    pub(super) packages: Vec<Chosen>,
    /// URIs asked: URI -> files.
    pub(super) requests: BTreeMap<String, usize>,
}

impl AptRoot {
    /// Makes the root below a cache folder; packages fetched earlier are kept there.
    pub(super) fn prepare(
        cache: &Path,
        release: &str,
        mirrors: &Mirrors,
        suites: &BTreeSet<String>,
    ) -> Result<Self, BundleError> {
        if !Path::new(KEYRING).exists() {
            let cause = format!("`{KEYRING}` is not there; apt-get install debian-archive-keyring");
            return Err(BundleError::Order(cause));
        }
        let dir = cache.join("apt").join(release);
        for folder in ["lists/partial", "archives/partial", "none"] {
            let path = dir.join(folder);
            fs::create_dir_all(&path).map_err(BundleError::io(&path))?;
        }
        let root = Self { dir, release: release.to_owned() };
        root.write("status", "")?;
        let extra: Vec<&String> = suites.iter().collect();
        root.write("sources.list", &mirrors.list(release, &extra, KEYRING))?;
        root.write("preferences", "")?;
        root.write("apt.conf", &root.config(&machine_acquire()?))?;
        Ok(root)
    }

    /// Fetches the package lists; returns the URIs asked, with how many indexes came from each.
    pub(super) fn update(&self) -> Result<BTreeMap<String, usize>, BundleError> {
        tool::text(self.apt("apt-get").args(["-q", "-o", "APT::Update::Error-Mode=any", "update"]))
            .map(|said| fetched(&said))
    }

    /// Stanzas of all packages that may be installed, each in the version that would be.
    pub(super) fn available(&self, suites: &BTreeMap<String, Vec<String>>) -> Result<String, BundleError> {
        self.write("preferences", &pins(&self.release, suites))?;
        tool::text(self.apt("apt-cache").arg("dumpavail"))
    }

    /// The whole closure of packages, with what is recommended beside them or without.
    pub(super) fn resolve(
        &self,
        order: &VersionOrder,
        recommended: bool,
    ) -> Result<Vec<Chosen>, BundleError> {
        self.write("preferences", &pins(&self.release, &order.suites))?;
        let recommended = format!("APT::Install-Recommends={recommended}");
        let mut simulation = self.apt("apt-get");
        simulation.args(["-q", "-s", "-o", &recommended, "install"]).args(&order.packages);
        let simulated = tool::text(&mut simulation)?;
        let mut chosen: Vec<Chosen> = simulated.lines().filter_map(|line| self.chosen(line)).collect();
        chosen.sort();
        Ok(chosen)
    }

    /// Resolves packages and fetches what is not here yet.
    pub(super) fn fetch(&self, order: &VersionOrder) -> Result<Fetched, BundleError> {
        let chosen = self.resolve(order, false)?;
        let said = tool::text(
            self.apt("apt-get").args(["-q", "-y", "--download-only", "install"]).args(&order.packages),
        )?;
        if let Some(missing) = chosen.iter().find(|package| !package.file.exists()) {
            return Err(BundleError::Order(format!("apt chose `{}` and did not fetch it", missing.name)));
        }
        Ok(Fetched { packages: chosen, requests: fetched(&said) })
    }

    /// The suite each package comes from: (name, version) -> suite. A security suite wins over the release itself, which
    /// takes security updates over with each point release, and the release over the others.
    pub(super) fn suites(
        &self,
        chosen: &[Chosen],
    ) -> Result<BTreeMap<(String, String), String>, BundleError> {
        if chosen.is_empty() {
            return Ok(BTreeMap::new());
        }
        let names: BTreeSet<&str> = chosen.iter().map(|package| package.name.as_str()).collect();
        let table = tool::text(self.apt("apt-cache").arg("madison").args(names))?;
        let mut suites = BTreeMap::new();
        for line in table.lines() {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let [name, version, place] = columns[..] else { continue };
            let Some(suite) = place.split_whitespace().nth(1).and_then(|word| word.split('/').next()) else {
                continue;
            };
            let known =
                suites.entry((name.to_owned(), version.to_owned())).or_insert_with(|| suite.to_owned());
            let rank = |suite: &str| (!is_security(suite), suite.len());
            if rank(suite) < rank(known) {
                suite.clone_into(known);
            }
        }
        Ok(suites)
    }

    fn apt(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("APT_CONFIG", self.dir.join("apt.conf"))
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    fn write(&self, name: &str, text: &str) -> Result<(), BundleError> {
        let path = self.dir.join(name);
        fs::write(&path, text).map_err(BundleError::io(&path))
    }

    /// Everything of the machine's configuration is left out, except how it reaches the net (`acquire`).
    fn config(&self, acquire: &str) -> String {
        let dir = self.dir.display();
        let mut text = acquire.to_owned();
        for (key, value) in
            [("Dir::State::lists", "lists"), ("Dir::State::status", "status"), ("Dir::State", ".")]
                .into_iter()
                .chain([("Dir::Cache::archives", "archives"), ("Dir::Cache", "."), ("Dir::Log", "none")])
                .chain([("Dir::Etc::sourcelist", "sources.list"), ("Dir::Etc::sourceparts", "none")])
                .chain([("Dir::Etc::preferences", "preferences"), ("Dir::Etc::preferencesparts", "none")])
                .chain([("Dir::Etc::parts", "none"), ("Dir::Etc::main", "none/apt.conf")])
                .chain([("Dir::Etc::trusted", "none/trusted.gpg"), ("Dir::Etc::trustedparts", "none")])
        {
            let _ = writeln!(text, "{key} \"{dir}/{value}\";");
        }
        text.push_str(
            "Dir::Etc::netrc \"/etc/apt/auth.conf\";\nDir::Etc::netrcparts \"/etc/apt/auth.conf.d\";\n\
             APT::Architecture \"amd64\";\n#clear APT::Architectures;\nAPT::Architectures { \"amd64\"; };\n\
             APT::Install-Recommends \"false\";\nAPT::Install-Suggests \"false\";\nAPT::Sandbox::User \"root\";\n\
             Acquire::Languages \"none\";\nDebug::NoLocking \"true\";\nAPT::Keep-Downloaded-Packages \"true\";\n",
        );
        text
    }

    /// Reads one `Inst name (version origin [arch])` line of a simulation.
    fn chosen(&self, line: &str) -> Option<Chosen> {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
        let (version, rest) = rest.split_once(' ')?;
        let architecture = rest.split_once('[')?.1.split_once(']')?.0;
        let file = format!("{name}_{}_{architecture}.deb", version.replace(':', "%3a"));
        Some(Chosen {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: architecture.to_owned(),
            file: self.dir.join("archives").join(file),
        })
    }
}

/// The building machine's places of Debian packages, or those below the mirror that the inventory names.
pub(super) fn mirrors(named: Option<&str>, release: &str) -> Result<Mirrors, BundleError> {
    if let Some(mirror) = named {
        return Ok(Mirrors::below(mirror));
    }
    let mut files = Vec::new();
    let list = Path::new("/etc/apt/sources.list");
    let parts =
        fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|entry| entry.path());
    for path in parts.chain([list.to_owned()]) {
        let name = path.display().to_string();
        if path.extension().is_some_and(|kind| kind == "list" || kind == "sources") {
            // A file that cannot be read names no place; when none is left the error below says so.
            files.push((name, fs::read_to_string(&path).unwrap_or_default()));
        }
    }
    files.sort();
    Mirrors::of_machine(&files, release).ok_or_else(|| {
        BundleError::Order(format!(
            "this machine's apt has no Debian source for `{release}`; name one in the inventory: `bundle: {{ mirror: http://…/debian }}`"
        ))
    })
}

/// How this machine reaches the net (proxies, retries, certificates), in apt's own notation.
fn machine_acquire() -> Result<String, BundleError> {
    let dump = tool::text(Command::new("apt-config").arg("dump").env("LC_ALL", "C"))?;
    Ok(dump.split_inclusive('\n').filter(|line| counts(line)).collect())
}

fn counts(line: &str) -> bool {
    let ours = ["Acquire::Languages", "Acquire::IndexTargets", "Acquire::GzipIndexes", "Acquire::Changelogs"];
    line.starts_with("Acquire::") && !ours.iter().any(|prefix| line.starts_with(prefix))
}

/// Named packages come from their suite before all else, anything else of that suite never.
fn pins(release: &str, suites: &BTreeMap<String, Vec<String>>) -> String {
    let mut text = String::new();
    for (suite, globs) in suites {
        let suite = suite_name(release, suite);
        if !globs.is_empty() {
            let globs = globs.join(" ");
            let _ = write!(text, "Package: {globs}\nPin: release n={suite}\nPin-Priority: 990\n\n");
        }
        let _ = write!(text, "Package: *\nPin: release n={suite}\nPin-Priority: -1\n\n");
    }
    text
}

/// `backports` and `bookworm-backports` are the same suite.
pub(super) fn suite_name(release: &str, suite: &str) -> String {
    if suite.starts_with(release) { suite.to_owned() } else { format!("{release}-{suite}") }
}

/// Counts `Get:N URI …` lines by URI.
fn fetched(said: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in said.lines().filter(|line| line.starts_with("Get:")) {
        if let Some(uri) = line.split_whitespace().nth(1) {
            *counts.entry(uri.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_packages_may_come_from_another_suite() {
        let suites =
            BTreeMap::from([("backports".to_owned(), vec!["server".to_owned(), "lib-x-*".to_owned()])]);
        assert_eq!(
            pins("bookworm", &suites),
            "Package: server lib-x-*\nPin: release n=bookworm-backports\nPin-Priority: 990\n\n\
             Package: *\nPin: release n=bookworm-backports\nPin-Priority: -1\n\n"
        );
    }

    #[test]
    fn a_simulation_tells_name_version_architecture_and_file() {
        let root = AptRoot { dir: "/c".into(), release: "bookworm".into() };
        let line = "Inst procps (2:4.0.2-3 Debian:12.11/oldstable [amd64]) []";
        let chosen = root.chosen(line).unwrap();
        assert_eq!((chosen.name.as_str(), chosen.version.as_str()), ("procps", "2:4.0.2-3"));
        assert_eq!(chosen.file, Path::new("/c/archives/procps_2%3a4.0.2-3_amd64.deb"));
        assert_eq!(root.chosen("Conf procps (2:4.0.2-3 Debian [amd64])"), None);
    }

    #[test]
    fn how_the_machine_reaches_the_net_counts_and_its_extra_indexes_do_not() {
        assert!(counts("Acquire::http::Proxy \"http://proxy.example:3128\";"));
        assert!(!counts("Acquire::IndexTargets::deb::DEP-11 \"\";"));
        assert!(!counts("APT::Update::Post-Invoke:: \"touch /x\";"));
    }
}
