//! Builds a bundle: resolve, fetch, build, index, sign. The only part of imctl that asks the net for anything,
//! and it says what it asked.

use super::apt::{self, AptRoot, Chosen};
use super::artifact::{self, Artifact};
use super::deb::{self, Deb};
use super::manifest::{
    ArtifactEntry, KEYRING, MANIFEST, Manifest, PackageEntry, REPOSITORY, SIGNATURE, is_inside, is_security,
};
use super::openpgp::PgpKey;
use super::shelf::{Shelf, may_replace};
use super::updates::unpinned;
use super::{BundleError, Order, SigningKey, digest, index, licenses, sbom, verify};
use crate::base::{Bytes, Sink};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where a bundle is built and what time it is there.
#[derive(Debug, Clone)]
pub struct Workbench {
    /// Folder that keeps fetched packages and built artifacts between builds.
    pub cache: PathBuf,
    /// The date that goes into the bundle.
    pub now: Timestamp,
}

/// A bundle that was built.
#[derive(Debug)]
pub struct Built {
    /// Its manifest.
    pub manifest: Manifest,
    /// False when the folder held exactly this bundle already and nothing was written.
    pub changed: bool,
    /// What was asked of the net: URI -> files.
    pub requests: BTreeMap<String, usize>,
}

/// What was gathered for a bundle, before it has a date.
struct Gathered {
    versions: BTreeMap<String, Vec<Chosen>>,
    /// Security updates of the base system and what they need, beside what the versions hold.
    updates: Vec<Chosen>,
    debs: BTreeMap<Chosen, Deb>,
    suites: BTreeMap<(String, String), String>,
    artifacts: BTreeMap<String, (ArtifactEntry, Artifact)>,
    /// The product's tables as SQL, by version.
    schemas: BTreeMap<String, Vec<u8>>,
}

/// Builds a bundle into `dir`. An older bundle there is replaced in one step, or left alone when nothing changed.
pub fn build(
    order: &Order,
    key: &SigningKey,
    dir: &Path,
    bench: &Workbench,
    sink: &Sink,
) -> Result<Built, BundleError> {
    may_replace(dir)?;
    let release = release(&order.platform)?;
    if let Some(version) = order.versions.keys().find(|version| !is_inside(version) || version.contains('/'))
    {
        return Err(BundleError::Order(format!("`{version}` cannot be the name of a version")));
    }
    let path = bench.cache.join("apt").join(format!("{release}.lock"));
    fs::create_dir_all(bench.cache.join("apt")).map_err(BundleError::io(&bench.cache))?;
    let lock = File::create(&path).map_err(BundleError::io(&path))?;
    lock.lock().map_err(BundleError::io(&path))?;
    let (gathered, requests) = gather(order, release, bench, sink)?;
    let old = verify::verify(dir, &[key.public_line()]).ok();
    if let Some(old) = old {
        let when = old.manifest().created.clone();
        let (manifest, _) = compose(order, key, &gathered, &when)?;
        if manifest == *old.manifest() {
            return Ok(Built { manifest, changed: false, requests });
        }
    }
    let (manifest, shelf) = compose(order, key, &gathered, &bench.now.to_string())?;
    sink.phase(format!("writing {}", Bytes(manifest.size())));
    shelf.write(dir)?;
    verify::verify(dir, &[key.public_line()])?;
    Ok(Built { manifest, changed: true, requests })
}

/// The release whose packages a platform takes.
fn release(platform: &str) -> Result<&'static str, BundleError> {
    match platform {
        "debian-12-amd64" => Ok("bookworm"),
        other => {
            Err(BundleError::Order(format!("platform `{other}` is not supported; `debian-12-amd64` is")))
        }
    }
}

fn gather(
    order: &Order,
    release: &str,
    bench: &Workbench,
    sink: &Sink,
) -> Result<(Gathered, BTreeMap<String, usize>), BundleError> {
    let mirrors = apt::mirrors(order.mirror.as_deref(), release)?;
    let suites = order.versions.values().flat_map(|version| version.suites.keys());
    let suites: BTreeSet<String> = suites.map(|suite| apt::suite_name(release, suite)).collect();
    let root = AptRoot::prepare(&bench.cache, release, &mirrors, &suites)?;
    sink.phase("fetching package lists");
    let mut requests = root.update()?;
    let mut versions = BTreeMap::new();
    for (version, packages) in &order.versions {
        sink.phase(format!("resolving and fetching {} {version}", order.stack));
        let fetched = root.fetch(packages)?;
        add(&mut requests, fetched.requests);
        versions.insert(version.clone(), fetched.packages);
    }
    sink.phase("resolving and fetching security updates of the base system");
    let fetched = root.fetch_updates(&suites)?;
    add(&mut requests, fetched.requests);
    let updates = unpinned(fetched.packages, &versions);
    let all: BTreeSet<Chosen> = versions.values().flatten().chain(&updates).cloned().collect();
    let all: Vec<Chosen> = all.into_iter().collect();
    sink.phase(format!("reading {} packages", all.len()));
    let debs = read_all(&all, &bench.cache)?;
    let suites = root.suites(&all)?;
    let artifacts = gather_artifacts(order, bench, sink, &mut requests)?;
    let schemas = schemas(order, &versions)?;
    Ok((Gathered { versions, updates, debs, suites, artifacts, schemas }, requests))
}

/// The file of each version that holds the product's tables.
fn schemas(
    order: &Order,
    versions: &BTreeMap<String, Vec<Chosen>>,
) -> Result<BTreeMap<String, Vec<u8>>, BundleError> {
    let Some((package, file)) = &order.schema else { return Ok(BTreeMap::new()) };
    let mut schemas = BTreeMap::new();
    for (version, chosen) in versions {
        let Some(package) = chosen.iter().find(|it| it.name == *package) else { continue };
        let text = deb::file(&package.file, |path| path == file)?.ok_or_else(|| {
            BundleError::Order(format!("`{}` of {version} holds no file `{file}`", package.name))
        })?;
        schemas.insert(version.clone(), text);
    }
    Ok(schemas)
}

/// Adds counts to counts.
fn add(requests: &mut BTreeMap<String, usize>, more: BTreeMap<String, usize>) {
    for (uri, count) in more {
        *requests.entry(uri).or_default() += count;
    }
}

/// Artifacts of an order with their entries; what cargo asked for is added to the requests.
fn gather_artifacts(
    order: &Order,
    bench: &Workbench,
    sink: &Sink,
    requests: &mut BTreeMap<String, usize>,
) -> Result<BTreeMap<String, (ArtifactEntry, Artifact)>, BundleError> {
    let mut artifacts = BTreeMap::new();
    for (name, wanted) in &order.artifacts {
        let artifact = artifact::ready(name, wanted, &bench.cache, sink)?;
        if artifact.asked {
            requests.insert(format!("the crate registry, for {name}"), artifact.crates.len());
        }
        let (sha256, size) = digest::of_file(&artifact.file)?;
        let entry = ArtifactEntry {
            version: wanted.version.clone(),
            license: wanted.license.clone(),
            source: artifact.source.clone(),
            glibc: artifact.glibc.clone(),
            file: format!("artifacts/{name}"),
            sha256,
            size,
        };
        artifacts.insert(name.clone(), (entry, artifact));
    }
    Ok(artifacts)
}

/// Reads package files on all cores.
fn read_all(all: &[Chosen], cache: &Path) -> Result<BTreeMap<Chosen, Deb>, BundleError> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let share = all.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let readers: Vec<_> = all
            .chunks(share)
            .map(|chunk| {
                scope.spawn(move || -> Result<Vec<(Chosen, Deb)>, BundleError> {
                    chunk
                        .iter()
                        .map(|package| Ok((package.clone(), Deb::read(&package.file, cache)?)))
                        .collect()
                })
            })
            .collect();
        let mut debs = BTreeMap::new();
        for reader in readers {
            debs.extend(reader.join().expect("reading a package does not panic")?);
        }
        Ok(debs)
    })
}

/// Everything of the bundle as of a date: same input, same bytes.
fn compose(
    order: &Order,
    key: &SigningKey,
    gathered: &Gathered,
    when: &str,
) -> Result<(Manifest, Shelf), BundleError> {
    let pgp = key.openpgp();
    let mut shelf = Shelf::default();
    shelf.bytes(KEYRING, pgp.keyring());
    let packages = shelve_packages(gathered, &mut shelf);
    for (version, chosen) in &gathered.versions {
        shelve_index(version, &date(when)?, &gathered.offered(chosen), &pgp, &mut shelf);
    }
    for (version, text) in &gathered.schemas {
        shelf.bytes(format!("schemas/{version}.sql"), text.as_slice());
    }
    for (entry, artifact) in gathered.artifacts.values() {
        shelf.copy(&entry.file, &artifact.file, &entry.sha256, entry.size);
        shelf.bytes(format!("licenses/{}.txt", entry.file), artifact.notice.as_bytes());
    }
    let mut manifest = Manifest {
        format: 1,
        deployment: order.deployment.clone(),
        stack: order.stack.clone(),
        platform: order.platform.clone(),
        created: when.to_owned(),
        imctl: env!("CARGO_PKG_VERSION").to_owned(),
        openpgp: pgp.fingerprint(),
        versions: gathered.versions.iter().map(|(version, all)| (version.clone(), installed(all))).collect(),
        packages,
        artifacts: gathered
            .artifacts
            .iter()
            .map(|(name, (entry, _))| (name.clone(), entry.clone()))
            .collect(),
        files: BTreeMap::new(),
    };
    shelf.bytes("sbom.cdx.json", sbom::sbom(&manifest, &gathered.crates()));
    manifest.files = shelf.entries();
    let mut text = serde_json::to_string_pretty(&manifest).expect("a manifest is made of text and numbers");
    text.push('\n');
    let comment = format!("imctl bundle of {} for {}, {when}", order.stack, order.deployment);
    shelf.bytes(SIGNATURE, key.minisign(text.as_bytes(), &comment));
    shelf.bytes(MANIFEST, text);
    Ok((manifest, shelf))
}

impl Gathered {
    /// What hosts of a version of the stack are offered, with paths in the repository: what that version is installed from,
    /// and of everything else the security updates with what they need.
    fn offered(&self, own: &[Chosen]) -> Vec<(String, &Deb)> {
        let names: BTreeSet<&str> = own.iter().map(|package| package.name.as_str()).collect();
        let is_update = |package: &Chosen| {
            let suite = self.suites.get(&(package.name.clone(), package.version.clone()));
            self.updates.contains(package) || suite.is_some_and(|suite| is_security(suite))
        };
        let offered = |package: &Chosen| {
            if names.contains(package.name.as_str()) { own.contains(package) } else { is_update(package) }
        };
        let debs = self.debs.iter().filter(|(package, _)| offered(package));
        debs.map(|(package, deb)| (pool(package), deb)).collect()
    }

    fn crates(&self) -> BTreeMap<String, Vec<licenses::Crate>> {
        self.artifacts.iter().map(|(name, (_, artifact))| (name.clone(), artifact.crates.clone())).collect()
    }
}

fn installed(chosen: &[Chosen]) -> BTreeMap<String, String> {
    chosen.iter().map(|package| (package.name.clone(), package.version.clone())).collect()
}

/// Puts the signed index of one version of the stack on the shelf: apt on a host sees only that version's packages and
/// security updates.
fn shelve_index(version: &str, date: &str, debs: &[(String, &Deb)], pgp: &PgpKey, shelf: &mut Shelf) {
    let debs: Vec<(&str, &Deb)> = debs.iter().map(|(path, deb)| (path.as_str(), *deb)).collect();
    let plain = index::packages(&debs).into_bytes();
    let packed = gzip(&plain);
    let release = index::release(version, date, &[("Packages", &plain), ("Packages.gz", &packed)]);
    let folder = format!("{REPOSITORY}/{version}");
    shelf.bytes(format!("{folder}/InRelease"), pgp.clearsign(&release));
    shelf.bytes(format!("{folder}/Release"), release);
    shelf.bytes(format!("{folder}/Packages"), plain);
    shelf.bytes(format!("{folder}/Packages.gz"), packed);
}

/// Puts packages and their copyright texts on the shelf.
fn shelve_packages(gathered: &Gathered, shelf: &mut Shelf) -> Vec<PackageEntry> {
    let mut packages = Vec::new();
    for (package, deb) in &gathered.debs {
        let file = format!("{REPOSITORY}/{}", pool(package));
        shelf.copy(&file, &package.file, &deb.sha256, deb.size);
        if let Some(copyright) = &deb.copyright {
            shelf.bytes(format!("licenses/debian/{}.copyright", package.name), copyright.as_bytes());
        }
        let suite = gathered.suites.get(&(package.name.clone(), package.version.clone()));
        packages.push(PackageEntry {
            name: package.name.clone(),
            version: deb.field("Version").unwrap_or(&package.version).to_owned(),
            architecture: package.architecture.clone(),
            suite: suite.cloned().unwrap_or_default(),
            file,
            sha256: deb.sha256.clone(),
        });
    }
    packages
}

/// Path of a package in the repository; without the epoch, whose colon is trouble in names.
fn pool(package: &Chosen) -> String {
    let version = package.version.split_once(':').map_or(package.version.as_str(), |(_, rest)| rest);
    format!("pool/{}_{version}_{}.deb", package.name, package.architecture)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(plain).and_then(|()| packer.finish()).expect("writing to memory does not fail")
}

/// The date as `Release` wants it.
fn date(when: &str) -> Result<String, BundleError> {
    let time: Timestamp =
        when.parse().map_err(|cause| BundleError::Order(format!("date `{when}`: {cause}")))?;
    Ok(time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string())
}

/// A bundle of one package and one artifact below `root`, as folder `b`: for tests.
#[cfg(test)]
pub(super) fn small(key: &SigningKey, root: &Path, when: &str) {
    use super::{ArtifactOrder, ArtifactSource};
    let (deb, tool) = (root.join("server.deb"), root.join("given"));
    fs::write(&deb, "no real package").unwrap();
    fs::write(&tool, "#!/bin/sh\n").unwrap();
    let chosen = Chosen {
        name: "server".into(),
        version: "1:1.0+b~c".into(),
        architecture: "amd64".into(),
        file: deb.clone(),
    };
    let (sha256, size) = digest::of_file(&deb).unwrap();
    let control = "Package: server\nVersion: 1:1.0+b~c\nArchitecture: amd64".into();
    let read = Deb { control, copyright: Some("MIT".into()), sha256, size };
    let wanted = ArtifactOrder {
        version: "1".into(),
        license: "MIT".into(),
        source: ArtifactSource::Given(tool.clone()),
    };
    let artifact = artifact::ready("tool", &wanted, root, &Sink::none()).unwrap();
    let (sha256, size) = digest::of_file(&tool).unwrap();
    let entry = ArtifactEntry {
        version: "1".into(),
        license: "MIT".into(),
        source: "given".into(),
        glibc: None,
        file: "artifacts/tool".into(),
        sha256,
        size,
    };
    let gathered = Gathered {
        versions: BTreeMap::from([("1.0".into(), vec![chosen.clone()])]),
        updates: Vec::new(),
        debs: BTreeMap::from([(chosen, read)]),
        suites: BTreeMap::new(),
        artifacts: BTreeMap::from([("tool".into(), (entry, artifact))]),
        schemas: BTreeMap::new(),
    };
    let order = Order {
        deployment: "acme".into(),
        stack: "s".into(),
        platform: "debian-12-amd64".into(),
        versions: BTreeMap::new(),
        artifacts: BTreeMap::new(),
        schema: None,
        mirror: None,
    };
    compose(&order, key, &gathered, when).unwrap().1.write(&root.join("b")).unwrap();
}
