//! The base: one small Debian tree that all lab hosts stand on, made once and kept under the digest of its recipe.

use super::run::run;
use super::{LabError, Store, at, mirror};
use crate::base::Sink;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Where bases are kept.
const CACHE: &str = "/var/cache/imctl/lab";
/// What a host has besides the smallest Debian; everything else comes from the bundle.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,sudo,iproute2,procps";
/// What is done to the tree afterwards.
const FINISH: &str = include_str!("base.sh");

/// The folder of the base as this imctl makes it; whether it is there is another question.
pub(super) fn folder() -> PathBuf {
    let recipe = format!("{}\n{PACKAGES}\n{FINISH}", mirror::SUITE);
    let digest = hex::encode(Sha256::digest(recipe));
    Path::new(CACHE).join(&digest[..16])
}

/// Makes the base unless it is there; imctls that want it at the same time wait for one of them.
pub(super) async fn ensure(mirror: Option<&str>, store: &Store, sink: &Sink) -> Result<PathBuf, LabError> {
    let tree = folder();
    if tree.exists() {
        return Ok(tree);
    }
    let cache = Path::new(CACHE);
    std::fs::create_dir_all(cache).map_err(at(cache))?;
    let path = cache.join(".lock");
    let lock = File::create(&path).map_err(at(&path))?;
    let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
    let _held = lock.await.expect("locking does not panic").map_err(at(&path))?;
    if tree.exists() {
        return Ok(tree);
    }
    clear_unfinished(cache);
    make(&tree, mirror, sink).await?;
    forget_old(cache, &tree, store);
    Ok(tree)
}

/// Makes the tree beside its place and moves it there when it is whole.
async fn make(tree: &Path, mirror: Option<&str>, sink: &Sink) -> Result<(), LabError> {
    let mirror = match mirror {
        Some(mirror) => mirror.to_owned(),
        None => mirror::find(&apt_sources()).ok_or(LabError::NoMirror(mirror::SUITE))?,
    };
    sink.phase(format!("making the lab's base from {mirror}, once: a few minutes"));
    let unfinished = tree.with_extension("unfinished");
    let place = unfinished.to_string_lossy();
    let include = format!("--include={PACKAGES}");
    run("debootstrap", &["--variant=minbase", &include, mirror::SUITE, &place, &mirror]).await?;
    run("sh", &["-c", FINISH, "base", &place]).await?;
    std::fs::rename(&unfinished, tree).map_err(at(tree))
}

/// The texts of this machine's apt sources.
fn apt_sources() -> Vec<String> {
    let listed = std::fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = listed.collect();
    paths.sort();
    paths.insert(0, PathBuf::from("/etc/apt/sources.list"));
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}

/// Removes what a killed imctl left; the lock is held, so nobody is making it.
fn clear_unfinished(cache: &Path) {
    for path in entries(cache) {
        if path.extension().is_some_and(|end| end == "unfinished") {
            // debootstrap says so itself if the rest is in its way.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// Removes bases of older recipes that no lab stands on.
fn forget_old(cache: &Path, tree: &Path, store: &Store) {
    let Ok(labs) = store.list() else { return };
    for path in entries(cache) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_base = name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_base && path != tree && !labs.iter().any(|lab| lab.base == path) {
            // An old base costs only space.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
