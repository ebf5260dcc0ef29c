//! A small bundle without any package source: what is signed, what is refused, what is served.

use super::build::small;
use super::manifest::{MANIFEST, SIGNATURE};
use super::serve::{Served, serve};
use super::*;
use crate::base::Exit;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A signed bundle in a folder of its own, and its key.
fn bundle() -> (TempDir, SigningKey) {
    let dir = tempfile::tempdir().unwrap();
    let (key, _) = SigningKey::generate().unwrap();
    small(&key, dir.path(), "2026-01-01T00:00:00Z");
    (dir, key)
}

fn checked(dir: &TempDir, key: &SigningKey) -> Result<Verified, BundleError> {
    verify(&dir.path().join("b"), &[key.public_line()])
}

/// The message of the error that a change to the bundle brings.
fn after(change: impl FnOnce(&Path)) -> String {
    let (dir, key) = bundle();
    change(&dir.path().join("b"));
    let error = checked(&dir, &key).unwrap_err();
    assert_eq!(error.exit(), Exit::Bundle);
    assert!(!error.help().is_empty(), "{error}");
    error.to_string()
}

#[test]
fn a_sound_bundle_is_verified_and_tells_its_signer() {
    let (dir, key) = bundle();
    let verified = checked(&dir, &key).unwrap();
    assert_eq!(verified.signer(), key.name());
    assert_eq!(verified.artifact("tool").unwrap(), b"#!/bin/sh\n");
    assert!(verified.fits("s", "1.0", "debian-12-amd64").is_ok());
    assert!(
        verified
            .fits("s", "2.0", "debian-12-amd64")
            .unwrap_err()
            .to_string()
            .ends_with("holds s 1.0, not 2.0")
    );
}

#[test]
fn a_flipped_byte_is_found() {
    let said = after(|b| {
        let file = b.join("apt/pool/server_1.0+b~c_amd64.deb");
        let mut bytes = fs::read(&file).unwrap();
        bytes[3] ^= 1;
        fs::write(file, bytes).unwrap();
    });
    assert!(said.contains("`apt/pool/server_1.0+b~c_amd64.deb`") && said.contains("is corrupt"), "{said}");
}

#[test]
fn a_missing_an_extra_and_a_shorter_file_are_found() {
    let said = after(|b| fs::remove_file(b.join("artifacts/tool")).unwrap());
    assert!(said.starts_with("`artifacts/tool`") && said.ends_with("is missing"), "{said}");
    let said = after(|b| fs::write(b.join("apt/pool/evil.deb"), "x").unwrap());
    assert!(said.starts_with("`apt/pool/evil.deb`") && said.ends_with("is not in the manifest"), "{said}");
    let said = after(|b| fs::write(b.join("artifacts/tool"), "#!").unwrap());
    assert!(said.ends_with("has 2 bytes instead of 10"), "{said}");
}

#[test]
fn a_link_is_no_file_even_when_its_content_is_right() {
    let said = after(|b| {
        fs::rename(b.join("artifacts/tool"), b.with_file_name("tool")).unwrap();
        std::os::unix::fs::symlink(b.with_file_name("tool"), b.join("artifacts/tool")).unwrap();
    });
    assert!(said.ends_with("is no plain file"), "{said}");
}

#[test]
fn a_manifest_changed_after_signing_is_found() {
    let said = after(|b| {
        let text = fs::read_to_string(b.join(MANIFEST)).unwrap();
        fs::write(b.join(MANIFEST), text.replace("\"acme\"", "\"evil\"")).unwrap();
    });
    assert!(said.ends_with("was changed after it was signed"), "{said}");
}

#[test]
fn a_folder_without_a_manifest_or_signature_is_no_bundle() {
    assert!(after(|b| fs::remove_file(b.join(SIGNATURE)).unwrap()).contains("holds no bundle"));
    let error = verify(Path::new("/nonexistent/b"), &[]).unwrap_err();
    assert_eq!(error.help(), ["imctl bundle build -i FILE -o /nonexistent/b"]);
}

#[test]
fn only_a_key_of_the_inventory_is_trusted() {
    let (dir, key) = bundle();
    let (other, _) = SigningKey::generate().unwrap();
    let b = dir.path().join("b");
    let error = verify(&b, &[other.public_line()]).unwrap_err();
    assert!(error.to_string().ends_with(&format!("it is signed by `{}`", key.name())), "{error}");
    assert!(verify(&b, &[other.public_line(), key.public_line()]).is_ok());
    assert!(matches!(verify(&b, &[]), Err(BundleError::NoTrustedKeys)));
    assert!(matches!(verify(&b, &["RWx".into()]), Err(BundleError::BadTrustedKey { .. })));
}

#[test]
fn a_path_that_leaves_the_bundle_is_refused_even_when_signed() {
    let (dir, key) = bundle();
    let b = dir.path().join("b");
    let text =
        fs::read_to_string(b.join(MANIFEST)).unwrap().replace("\"sbom.cdx.json\"", "\"../sbom.cdx.json\"");
    fs::write(b.join(SIGNATURE), key.minisign(text.as_bytes(), "x")).unwrap();
    fs::write(b.join(MANIFEST), text).unwrap();
    let error = checked(&dir, &key).unwrap_err();
    assert!(error.to_string().ends_with("is a path that leaves the bundle"), "{error}");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (key, text) = SigningKey::generate().unwrap();
    let again = SigningKey::parse(text.expose(), None).unwrap();
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    small(&key, a.path(), "2026-01-01T00:00:00Z");
    small(&again, b.path(), "2026-01-01T00:00:00Z");
    for file in [MANIFEST, SIGNATURE, "sbom.cdx.json", "apt/1.0/InRelease", "apt/1.0/Packages.gz"] {
        assert_eq!(
            fs::read(a.path().join("b").join(file)).unwrap(),
            fs::read(b.path().join("b").join(file)).unwrap()
        );
    }
}

/// One GET without keep-alive; the answer with its head.
async fn get(served: &Served, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(served.addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn only_files_of_the_manifest_are_served() {
    let (dir, key) = bundle();
    let served = serve(&checked(&dir, &key).unwrap()).await.unwrap();
    assert!(served.addr.ip().is_loopback());
    assert!(
        get(&served, "/apt/pool/server_1.0%2bb%7ec_amd64.deb").await.ends_with("\r\n\r\nno real package")
    );
    for path in ["/manifest.json", "/../secret", "/apt/..%2f..%2fetc/passwd", "/", "/apt/%zz"] {
        assert!(get(&served, path).await.starts_with("HTTP/1.1 404"), "{path}");
    }
}

#[tokio::test]
async fn a_file_that_changed_since_the_check_never_arrives_whole() {
    let (dir, key) = bundle();
    let served = serve(&checked(&dir, &key).unwrap()).await.unwrap();
    fs::write(dir.path().join("b/artifacts/tool"), "#!/bin/SH\n").unwrap();
    assert!(!get(&served, "/artifacts/tool").await.contains("/bin/"));
}
