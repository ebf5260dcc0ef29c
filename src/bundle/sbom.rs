//! The bill of materials in CycloneDX 1.5: every package, artifact and crate inside. Pure.

use super::digest;
use super::licenses::Crate;
use super::manifest::Manifest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The document; its serial number follows from what is inside.
pub(super) fn sbom(manifest: &Manifest, crates: &BTreeMap<String, Vec<Crate>>) -> String {
    let mut components: Vec<Value> = manifest
        .packages
        .iter()
        .map(|package| {
            let version = encoded(&package.version);
            let purl = format!("pkg:deb/debian/{}@{version}?arch={}&distro=debian-12", encoded(&package.name), package.architecture);
            json!({
                "type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl,
                "hashes": [{ "alg": "SHA-256", "content": package.sha256 }],
                "properties": [{ "name": "imctl:suite", "value": package.suite }],
            })
        })
        .collect();
    for (name, artifact) in &manifest.artifacts {
        let inside: Vec<Value> = crates.get(name).into_iter().flatten().map(component).collect();
        components.push(json!({
            "type": "application", "bom-ref": format!("artifact:{name}"), "name": name, "version": artifact.version,
            "hashes": [{ "alg": "SHA-256", "content": artifact.sha256 }],
            "licenses": licenses(&artifact.license),
            "properties": [{ "name": "imctl:source", "value": artifact.source }],
            "components": inside,
        }));
    }
    let serial = serial(&json!(components).to_string());
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": serial, "version": 1,
        "metadata": {
            "timestamp": manifest.created,
            "tools": { "components": [{ "type": "application", "name": "imctl", "version": manifest.imctl }] },
            "component": {
                "type": "platform", "bom-ref": "bundle",
                "name": format!("{} bundle for {}", manifest.stack, manifest.deployment),
                "version": manifest.versions.keys().cloned().collect::<Vec<_>>().join(", "),
            },
        },
        "components": components,
    });
    let mut text = serde_json::to_string_pretty(&document).expect("it is made of text");
    text.push('\n');
    text
}

fn component(krate: &Crate) -> Value {
    let purl = format!("pkg:cargo/{}@{}", krate.name, encoded(&krate.version));
    json!({
        "type": "library", "bom-ref": purl, "name": krate.name, "version": krate.version, "purl": purl,
        "licenses": licenses(&krate.license),
    })
}

/// Old manifests write `MIT/Apache-2.0` for what SPDX calls `MIT OR Apache-2.0`.
fn licenses(expression: &str) -> Value {
    if expression.is_empty() { json!([]) } else { json!([{ "expression": expression.replace('/', " OR ") }]) }
}

/// Percent-encodes what a package URL does not take as it is.
fn encoded(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    text.chars().map(|c| if plain(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) }).collect()
}

fn serial(content: &str) -> String {
    let hash = digest::of_bytes(content.as_bytes());
    format!(
        "urn:uuid:{}-{}-5{}-8{}-{}",
        &hash[..8],
        &hash[8..12],
        &hash[13..16],
        &hash[17..20],
        &hash[20..32]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::manifest::PackageEntry;

    #[test]
    fn each_package_has_a_url_and_a_digest() {
        let manifest = Manifest {
            format: 1,
            deployment: "acme".into(),
            stack: "s".into(),
            platform: "debian-12-amd64".into(),
            created: "2026-01-01T00:00:00Z".into(),
            imctl: "0.1.0".into(),
            openpgp: String::new(),
            versions: BTreeMap::from([("1.0".into(), BTreeMap::new())]),
            packages: vec![PackageEntry {
                name: "libstdc++6".into(),
                version: "1:2+b1".into(),
                architecture: "amd64".into(),
                suite: "bookworm".into(),
                file: "f".into(),
                sha256: "00".into(),
            }],
            artifacts: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        let document: Value = serde_json::from_str(&sbom(&manifest, &BTreeMap::new())).unwrap();
        let purl = "pkg:deb/debian/libstdc%2B%2B6@1%3A2%2Bb1?arch=amd64&distro=debian-12";
        assert_eq!(document["components"][0]["purl"], purl);
        assert_eq!(document["serialNumber"].as_str().unwrap().len(), "urn:uuid:".len() + 36);
        assert_eq!(licenses("MIT/Apache-2.0"), json!([{ "expression": "MIT OR Apache-2.0" }]));
    }
}
