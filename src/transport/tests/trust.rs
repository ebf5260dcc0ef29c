//! Host keys: known, unknown, changed, revoked, certified.

use super::manners::Manners;
use super::server::{Server, serve};
use super::{folder, hop, open, target};
use crate::base::Secret;
use crate::transport::{Asker, LinkError, Options, connect, fingerprint};
use russh::keys::ssh_key::certificate::{Builder, CertType};
use russh::keys::{Algorithm, PrivateKey, key::safe_rng};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Trusts everybody, and counts how often it was asked.
#[derive(Default)]
struct Trusting(AtomicUsize);

impl Asker for Trusting {
    fn trust(&self, _host: &str, _kind: &str, _fingerprint: &str) -> bool {
        std::thread::sleep(Duration::from_millis(2500));
        self.0.fetch_add(1, Ordering::SeqCst);
        true
    }
    fn passphrase(&self, _key: &Path) -> Option<Secret<String>> {
        None
    }
    fn password(&self, _what: &str) -> Option<Secret<String>> {
        None
    }
}

fn key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::random(&mut safe_rng(), algorithm).unwrap()
}

fn line(server: &Server, key: &PrivateKey) -> String {
    format!("[127.0.0.1]:{} {}\n", server.port, key.public_key().to_openssh().unwrap())
}

async fn meet(server: &Server, known: &str, options: &Options) -> Result<(), LinkError> {
    let folder = folder();
    std::fs::write(folder.path().join("known_hosts"), known).unwrap();
    connect(&target(vec![hop(server, folder.path())]), options).await.map(|_| ())
}

#[tokio::test]
async fn an_unknown_host_is_refused_when_nobody_is_there_and_nothing_was_tried() {
    let manners = Manners::good();
    let shown = fingerprint(manners.keys[0].public_key());
    let server = serve(manners).await;
    let refused = meet(&server, "", &Options::silent(Duration::from_secs(5))).await.unwrap_err();
    assert!(matches!(&refused, LinkError::UnknownHost { shown: told, .. } if *told == shown), "{refused}");
    assert_eq!(server.logins_tried.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_unknown_host_is_asked_for_once_however_many_connect_and_the_clock_stands_still() {
    let (folder, server) = (folder(), serve(Manners::good()).await);
    let asker = Arc::new(Trusting::default());
    let options = Options::new(Duration::from_secs(2), false, Arc::clone(&asker) as Arc<dyn Asker>);
    let target = target(vec![hop(&server, folder.path())]);
    let all = (0..5).map(|_| connect(&target, &options));
    for session in futures_util::future::join_all(all).await {
        session.unwrap();
    }
    assert_eq!(asker.0.load(Ordering::SeqCst), 1);
    let recorded = std::fs::read_to_string(folder.path().join("known_hosts")).unwrap();
    assert_eq!(recorded.lines().count(), 1);
    connect(&target, &Options::silent(Duration::from_secs(5))).await.unwrap();
}

#[tokio::test]
async fn a_changed_key_stops_even_when_new_hosts_are_accepted() {
    let server = serve(Manners::good()).await;
    let other = key(Algorithm::Ed25519);
    let known = format!("# first\n{}", line(&server, &other));
    let refused = meet(&server, &known, &open()).await.unwrap_err();
    let LinkError::HostKey { recorded, place, .. } = &refused else { panic!("{refused}") };
    assert_eq!(*recorded, fingerprint(other.public_key()));
    assert!(place.ends_with("known_hosts:2"), "{place}");
    assert_eq!(server.logins_tried.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_revoked_key_stops_even_when_it_is_recorded_too() {
    let manners = Manners::good();
    let shown = manners.keys[0].clone();
    let server = serve(manners).await;
    let known = format!("{}@revoked * {}\n", line(&server, &shown), shown.public_key().to_openssh().unwrap());
    assert!(matches!(meet(&server, &known, &open()).await, Err(LinkError::Revoked { .. })));
}

#[tokio::test]
async fn a_host_shows_the_kind_of_key_that_is_recorded() {
    let mut manners = Manners::good();
    let ecdsa = key(Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP256 });
    manners.keys.push(ecdsa.clone());
    let server = serve(manners).await;
    meet(&server, &line(&server, &ecdsa), &Options::silent(Duration::from_secs(5))).await.unwrap();
}

#[tokio::test]
async fn a_host_that_shows_no_key_of_a_recorded_kind_stops() {
    let mut manners = Manners::good();
    manners.keys = vec![key(Algorithm::Ecdsa { curve: russh::keys::EcdsaCurve::NistP256 })];
    let server = serve(manners).await;
    let refused = meet(&server, &line(&server, &key(Algorithm::Ed25519)), &open()).await.unwrap_err();
    assert!(matches!(refused, LinkError::HostKey { .. }), "{refused}");
    assert_eq!(server.logins_tried.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn patterns_and_hashed_names_say_yes_to_their_key_and_no_to_another() {
    let (manners, silent) = (Manners::good(), Options::silent(Duration::from_secs(5)));
    let (right, wrong) = (manners.keys[0].clone(), key(Algorithm::Ed25519));
    let server = serve(manners).await;
    for (shown, expected) in [(&right, true), (&wrong, false)] {
        let text = shown.public_key().to_openssh().unwrap();
        let hashed = hashed(&line(&server, shown));
        let patterns =
            ["[127.0.0.*]:*", "*", "!elsewhere,[127.?.?.1]:*"].map(|name| format!("{name} {text}\n"));
        for known in patterns.into_iter().chain(hashed) {
            let met = meet(&server, &known, &silent).await;
            assert_eq!(met.is_ok(), expected, "{known}: {met:?}");
            assert!(expected || matches!(met, Err(LinkError::HostKey { .. })), "{known}: {met:?}");
        }
        let not_here = format!("!127.0.0.1,![127.0.0.1]:*,* {text}\n");
        let met = meet(&server, &not_here, &silent).await;
        assert!(matches!(met, Err(LinkError::UnknownHost { .. })), "{met:?}");
    }
}

/// The line with its name hashed, where `ssh-keygen` is there to do it.
fn hashed(line: &str) -> Option<String> {
    let folder = folder();
    let path = folder.path().join("hashed");
    std::fs::write(&path, line).unwrap();
    let done = std::process::Command::new("ssh-keygen").arg("-q").arg("-H").arg("-f").arg(&path).output();
    let text = done.ok().and_then(|_| std::fs::read_to_string(&path).ok())?;
    assert!(text.starts_with("|1|"), "{text}");
    Some(text)
}

async fn certified(principal: &str, until: u64, kind: CertType) -> Result<(), LinkError> {
    let (mut manners, authority) = (Manners::good(), key(Algorithm::Ed25519));
    let public = manners.keys[0].public_key().clone();
    let mut builder = Builder::new_with_random_nonce(&mut safe_rng(), public, 0, until).unwrap();
    builder.cert_type(kind).unwrap().key_id("test").unwrap().valid_principal(principal).unwrap();
    manners.certificates = vec![builder.sign(&authority).unwrap()];
    let server = serve(manners).await;
    let known = format!("@cert-authority [127.0.0.1]:* {}\n", authority.public_key().to_openssh().unwrap());
    meet(&server, &known, &Options::silent(Duration::from_secs(5))).await
}

#[tokio::test]
async fn a_certificate_counts_only_for_its_host_its_time_and_its_use() {
    let far = u64::from(u32::MAX);
    certified("127.0.0.1", far, CertType::Host).await.unwrap();
    for (principal, until, kind) in [
        ("elsewhere", far, CertType::Host),
        ("127.0.0.1", 1000, CertType::Host),
        ("127.0.0.1", far, CertType::User),
    ] {
        let refused = certified(principal, until, kind).await.unwrap_err();
        assert!(matches!(refused, LinkError::Certificate { .. }), "{principal} {until}: {refused}");
    }
}
