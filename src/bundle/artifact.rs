//! What the bundle holds beyond packages: programs built by cargo from the crate registry and kept in a cache by
//! crate, version and features, or files that are given.

use super::elf::{self, Needs};
use super::{ArtifactOrder, ArtifactSource, BundleError, digest, licenses, tool};
use crate::base::Sink;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The C library of Debian 12.
const GLIBC: (u32, u32) = (2, 36);
/// Libraries that every Debian has.
const LIBRARIES: [&str; 8] = [
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "ld-linux-x86-64.so.2",
];

/// An artifact that is ready.
pub(super) struct Artifact {
    /// The program or file.
    pub(super) file: PathBuf,
    /// How it was had, for the manifest.
    pub(super) source: String,
    /// Oldest glibc it runs on.
    pub(super) glibc: Option<String>,
    /// Crates inside, when it is known.
    pub(super) crates: Vec<licenses::Crate>,
    /// Licence texts, when they are known.
    pub(super) notice: String,
    /// Cargo asked the crate registry for it just now.
    pub(super) asked: bool,
}

/// Gets an artifact: a given file, the cache, or a build by cargo.
pub(super) fn ready(
    name: &str,
    order: &ArtifactOrder,
    cache: &Path,
    sink: &Sink,
) -> Result<Artifact, BundleError> {
    let wrong = |cause: String| BundleError::Artifact { name: name.to_owned(), cause };
    let mut artifact = match &order.source {
        ArtifactSource::Given(file) => {
            let notice = licenses::notice(name, order, &[], "");
            Artifact {
                file: file.clone(),
                source: "given".into(),
                glibc: None,
                crates: vec![],
                notice,
                asked: false,
            }
        }
        ArtifactSource::Content(content) => {
            let file = cache.join(format!("content-{}", &digest::of_bytes(content)[..16]));
            fs::write(&file, content).map_err(BundleError::io(&file))?;
            let notice = licenses::notice(name, order, &[], "");
            Artifact { file, source: "stack".into(), glibc: None, crates: vec![], notice, asked: false }
        }
        ArtifactSource::Crate { name: krate, features, bin } => {
            let (kept, asked) = cached(name, order, cache, sink)?;
            let (crates, texts) = licenses::of_crate(krate, &order.version, &kept)?;
            let with = if features.is_empty() {
                String::new()
            } else {
                format!(" (features {})", features.join(","))
            };
            let source = format!("crate {krate} {}{with}", order.version);
            let notice = licenses::notice(name, order, &crates, &texts);
            Artifact { file: kept.join(bin), source, glibc: None, crates, notice, asked }
        }
    };
    let content =
        fs::read(&artifact.file).map_err(|cause| wrong(format!("`{}`: {cause}", artifact.file.display())))?;
    if let Some(needs) = elf::needs(&content) {
        artifact.glibc = Some(fit(&needs).map_err(wrong)?);
    }
    Ok(artifact)
}

/// Whether the target can run it; returns the glibc it needs.
fn fit(needs: &Needs) -> Result<String, String> {
    if let Some(foreign) = needs.libraries.iter().find(|library| !LIBRARIES.contains(&library.as_str())) {
        return Err(format!(
            "it needs `{foreign}`, which the hosts do not have; build it with that library inside"
        ));
    }
    let (major, minor) = needs.glibc;
    if needs.glibc > GLIBC {
        let (have, at) = GLIBC;
        return Err(format!(
            "it needs glibc {major}.{minor}, the hosts have {have}.{at}; build it on Debian 12"
        ));
    }
    Ok(format!("{major}.{minor}"))
}

/// The cache folder of a crate's program, which is built when it is not there, and whether it was. One build at a time.
fn cached(
    name: &str,
    order: &ArtifactOrder,
    cache: &Path,
    sink: &Sink,
) -> Result<(PathBuf, bool), BundleError> {
    let ArtifactSource::Crate { name: krate, features, bin } = &order.source else {
        return Err(BundleError::Artifact {
            name: name.to_owned(),
            cause: "it is not built from a crate".into(),
        });
    };
    let shelf = cache.join("artifacts");
    fs::create_dir_all(&shelf).map_err(BundleError::io(&shelf))?;
    let mut features = features.clone();
    features.sort();
    let key = &digest::of_bytes(features.join(",").as_bytes())[..12];
    let kept = shelf.join(format!("{krate}-{}-{key}", order.version));
    let path = shelf.join(format!("{krate}-{}-{key}.lock", order.version));
    let lock = File::create(&path).map_err(BundleError::io(&path))?;
    lock.lock().map_err(BundleError::io(&path))?;
    if kept.join(bin).exists() {
        return Ok((kept, false));
    }
    sink.phase(format!("building {krate} {} from its crate (this takes minutes, once)", order.version));
    sink.note(format!("cargo asks the crate registry for {krate} {} and its dependencies", order.version));
    let room = shelf.join(format!("{krate}-{}-{key}.build", order.version));
    tool::output(
        Command::new("cargo")
            .args(["install", krate, "--version", &order.version, "--locked", "--no-default-features"])
            .args(["--features", &features.join(","), "--bin", bin, "--no-track", "--force", "--root"])
            .arg(room.join("root"))
            .arg("--target-dir")
            .arg(room.join("target"))
            .env("RUSTFLAGS", "")
            .env("CARGO_INCREMENTAL", "0")
            .current_dir("/"),
    )
    .map_err(|cause| BundleError::Artifact { name: name.to_owned(), cause: cause.to_string() })?;
    fs::create_dir_all(&kept).map_err(BundleError::io(&kept))?;
    let built = room.join("root/bin").join(bin);
    fs::rename(&built, kept.join(bin)).map_err(BundleError::io(&built))?;
    fs::remove_dir_all(&room).map_err(BundleError::io(&room))?;
    Ok((kept, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_for_a_newer_system_or_with_a_foreign_library_is_refused() {
        let needs =
            |glibc, library: &str| Needs { glibc, libraries: vec!["libc.so.6".into(), library.into()] };
        assert_eq!(fit(&needs((2, 34), "libm.so.6")), Ok("2.34".into()));
        assert!(fit(&needs((2, 38), "libm.so.6")).unwrap_err().contains("glibc 2.38"));
        assert!(fit(&needs((2, 17), "libssl.so.3")).unwrap_err().contains("libssl.so.3"));
    }

    #[test]
    fn a_program_in_the_cache_is_not_built_again() {
        let cache = tempfile::tempdir().unwrap();
        let order = ArtifactOrder {
            version: "1.0.0".into(),
            license: "MIT".into(),
            source: ArtifactSource::Crate {
                name: "no-such-crate".into(),
                features: vec![],
                bin: "tool".into(),
            },
        };
        let key = &digest::of_bytes(b"")[..12];
        let kept = cache.path().join(format!("artifacts/no-such-crate-1.0.0-{key}"));
        fs::create_dir_all(&kept).unwrap();
        fs::write(kept.join("tool"), "#!/bin/sh\n").unwrap();
        let artifact = ready("tool", &order, cache.path(), &Sink::none()).unwrap();
        assert_eq!((artifact.file, artifact.glibc), (kept.join("tool"), None));
    }
}
