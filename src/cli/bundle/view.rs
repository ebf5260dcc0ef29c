//! What `imctl bundle` tells people. Pure.

use crate::base::Bytes;
use crate::bundle::{Built, Manifest, Verified};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// After a build.
pub(super) fn built(built: &Built, dir: &Path, took: Duration) -> String {
    let what = if built.changed { "built" } else { "is unchanged; nothing was written" };
    let took = took.as_secs_f64();
    let mut text = format!("Bundle {} {what} ({took:.1} s)\n{}", dir.display(), contents(&built.manifest));
    let mut asked: Vec<String> =
        built.requests.iter().map(|(uri, count)| counted(*count, "file") + " from " + uri).collect();
    if asked.is_empty() {
        asked.push("nothing".to_owned());
    }
    for (at, line) in asked.iter().enumerate() {
        let _ = writeln!(text, "  {:<12} {line}", if at == 0 { "asked" } else { "" });
    }
    text
}

/// What a manifest lists.
fn contents(manifest: &Manifest) -> String {
    let versions: Vec<&str> = manifest.versions.keys().map(String::as_str).collect();
    let mut suites: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &manifest.packages {
        *suites.entry(&package.suite).or_default() += 1;
    }
    let suites: Vec<String> = suites.iter().map(|(suite, count)| format!("{count} {suite}")).collect();
    let mut text = format!(
        "  {:<12} {} {} for {} on {}\n  {:<12} {}\n",
        "for",
        manifest.stack,
        versions.join(", "),
        manifest.deployment,
        manifest.platform,
        counted(manifest.packages.len(), "package"),
        suites.join(", ")
    );
    for (name, artifact) in &manifest.artifacts {
        let glibc = artifact.glibc.as_ref().map(|glibc| format!(", needs glibc {glibc}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {:<12} {name} {} ({}), {}{glibc}",
            "artifact", artifact.version, artifact.license, artifact.source
        );
    }
    let size = Bytes(manifest.size());
    let _ = writeln!(text, "  {:<12} {size} in {}", "size", counted(manifest.files.len(), "file"));
    text
}

/// Where a key that was just made is kept.
pub(super) fn new_key(path: &Path) -> String {
    format!("  {:<12} {}  (keep it: who has it can sign for you)\n", "new key", path.display())
}

/// How the key comes to be trusted, or that it is.
pub(super) fn trust(line: &str, inventory: &Path, trusted: bool) -> String {
    let file = inventory.display();
    if trusted {
        return format!("  {:<12} {line}, which {file} trusts\n", "signed by");
    }
    format!(
        "  {:<12} {line}\n\nNot trusted yet. Put this into {file}, or build again with --trust:\n\nbundle:\n  trusted-keys:\n    - {line}\n",
        "signed by"
    )
}

/// After a check.
pub(super) fn verified(verified: &Verified, took: Duration) -> String {
    let manifest = verified.manifest();
    format!(
        "Bundle {} is whole: {}, {}, signed by {} ({:.1} s)\n",
        verified.dir().display(),
        counted(manifest.files.len(), "file"),
        Bytes(manifest.size()),
        verified.signer(),
        took.as_secs_f64()
    )
}

/// What a bundle says about itself.
pub(super) fn inspected(manifest: &Manifest, signer: &str) -> String {
    let mut text = format!(
        "Built {} by imctl {}; says it is signed by {signer} (nothing was checked: imctl bundle verify)\n{}",
        manifest.created,
        manifest.imctl,
        contents(manifest)
    );
    let width = manifest.packages.iter().map(|package| package.name.len()).max().unwrap_or(0);
    for package in &manifest.packages {
        let _ = writeln!(text, "    {:<width$}  {}  {}", package.name, package.version, package.suite);
    }
    text
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
