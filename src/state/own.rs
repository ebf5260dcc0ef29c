//! The operator's own certificate (`tls: own`): does the key fit, does the chain hold, are the names and
//! dates right. All mistakes at once.

use super::{StateError, place};
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The operator's own certificate as files, PEM.
#[derive(Debug, Clone, Copy)]
pub struct OwnFiles<'a> {
    /// Certificate.
    pub certificate: &'a Path,
    /// Key.
    pub key: &'a Path,
    /// Issuers, nearest first, up to the one that clients trust.
    pub chain: &'a Path,
}

/// What is wrong with the operator's own certificate for these names; empty when it serves. An unreadable file is an error.
pub fn own_certificate_mistakes(
    files: &OwnFiles<'_>,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<String>, StateError> {
    place::must_be_private(files.key)?;
    let certificate = certificates(files.certificate)?;
    let chain = certificates(files.chain)?;
    let text = std::fs::read(files.key).map_err(place::io("read", files.key))?;
    let key =
        PrivateKeyDer::from_pem_slice(&text).map_err(|_| no_pem(files.key, "holds no private key in PEM"))?;
    let mut mistakes = Vec::new();
    let Some(leaf) = certificate.first() else {
        return Err(no_pem(files.certificate, "holds no certificate in PEM"));
    };
    match default_provider().key_provider.load_private_key(key) {
        Ok(key) => {
            if CertifiedKey::new(vec![leaf.clone()], key).keys_match().is_err() {
                mistakes.push(format!("the key in {} is not the certificate's", files.key.display()));
            }
        }
        Err(cause) => mistakes.push(format!("the key in {} cannot be used: {cause}", files.key.display())),
    }
    let issuers: Vec<CertificateDer<'static>> = certificate.iter().skip(1).chain(&chain).cloned().collect();
    let Some(anchor) = issuers.last() else {
        mistakes.push(format!("{} names no issuer", files.chain.display()));
        return Ok(mistakes);
    };
    for name in names {
        if let Err(cause) = verified(leaf, &issuers, anchor, name, now) {
            let mistake = format!("for {name}: {cause}");
            if !mistakes.contains(&mistake) {
                mistakes.push(mistake);
            }
        }
    }
    Ok(mistakes)
}

fn verified(
    leaf: &CertificateDer<'_>,
    issuers: &[CertificateDer<'_>],
    anchor: &CertificateDer<'static>,
    name: &str,
    now: Timestamp,
) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(anchor.clone())
        .map_err(|cause| format!("the last certificate of the chain cannot issue: {cause}"))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()))
        .build()
        .map_err(|cause| cause.to_string())?;
    let server =
        ServerName::try_from(name).map_err(|_| "this is neither a DNS name nor an address".to_owned())?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier
        .verify_server_cert(leaf, issuers, &server, &[], at)
        .map(|_| ())
        .map_err(|cause| cause.to_string())
}

/// The first certificate of a PEM text and those that follow, as the texts they are; `path` is what errors name.
pub fn split_certificates(path: &Path, text: &str) -> Result<(String, String), StateError> {
    const END: &str = "-----END CERTIFICATE-----";
    let end =
        text.find(END).map(|at| at + END.len()).ok_or_else(|| no_pem(path, "holds no certificate in PEM"))?;
    let more = text[end..].trim_start();
    let more = if more.is_empty() { String::new() } else { format!("{}\n", more.trim_end()) };
    Ok((format!("{}\n", text[..end].trim()), more))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StateError> {
    let text = std::fs::read(path).map_err(place::io("read", path))?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    read.map_err(|cause| no_pem(path, &format!("is no PEM: {cause}")))
}

fn no_pem(path: &Path, cause: &str) -> StateError {
    StateError::Certificate { name: path.display().to_string(), cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_that_follow_in_the_same_file_are_the_chain() {
        let one = |name: &str| format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n");
        let path = Path::new("full.pem");
        let split = |text: &str| split_certificates(path, text).unwrap();
        assert_eq!(split(&one("leaf")), (one("leaf"), String::new()));
        let whole = format!("{}\n{}{}", one("leaf"), one("middle"), one("root"));
        assert_eq!(split(&whole), (one("leaf"), format!("{}{}", one("middle"), one("root"))));
        assert!(split_certificates(path, "no PEM").is_err());
    }
}
