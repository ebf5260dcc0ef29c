//! The decision about a host's key: recorded, certified, unknown (ask), changed or revoked (stop).

use super::LinkError;
use super::known_hosts::{Entry, KnownHosts, Marker, Verdict, algorithms, fingerprint, glob, judge};
use super::known_hosts_file::record;
use super::options::Options;
use super::target::Hop;
use russh::Preferred;
use russh::keys::ssh_key::{Certificate, PublicKey, certificate::CertType};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Checks the key of one hop.
#[derive(Clone)]
pub(super) struct HostKeys {
    hop: Hop,
    options: Options,
    /// Only look: what was shown is kept here, and the connection goes no further.
    look: Option<Arc<Mutex<Option<PublicKey>>>>,
}

impl HostKeys {
    pub(super) fn new(hop: &Hop, options: &Options) -> Self {
        Self { hop: hop.clone(), options: options.clone(), look: None }
    }

    /// Judges nothing and keeps the key in `seen`.
    pub(super) fn looking(hop: &Hop, options: &Options, seen: &Arc<Mutex<Option<PublicKey>>>) -> Self {
        Self { look: Some(Arc::clone(seen)), ..Self::new(hop, options) }
    }

    /// Algorithms in the order to ask for: certificates where an authority is recorded, then what is recorded.
    pub(super) fn preferred(&self) -> Result<Preferred, LinkError> {
        let (files, name) = (self.files()?, self.hop.known_as());
        let lines = || files.iter().flat_map(|file| file.about(&name));
        let strong = |kind: &&russh::keys::Algorithm| **kind != russh::keys::Algorithm::Rsa { hash: None };
        let all: Vec<_> = Preferred::DEFAULT.key.iter().filter(strong).cloned().collect();
        let certified = lines().any(|entry| entry.marker == Marker::Authority);
        let mut preferred = Preferred::DEFAULT;
        preferred.host_key_certificates = Cow::Owned(if certified { all.clone() } else { vec![] });
        preferred.key = Cow::Owned(algorithms(lines()).map_or(all.clone(), |mut known| {
            known.extend(all.into_iter().filter(|kind| !known.contains(kind)).collect::<Vec<_>>());
            known
        }));
        Ok(preferred)
    }

    /// Says yes, or why not.
    pub(super) async fn check(&self, shown: &PublicKeyOrCertificate) -> Result<(), LinkError> {
        if let Some(seen) = &self.look {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown.public_key());
            let cause = "only its key was wanted".to_owned();
            return Err(LinkError::Lost { address: self.hop.label(), cause });
        }
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.check_key(key).await,
            PublicKeyOrCertificate::Certificate(certificate) => self.check_certificate(certificate),
        }
    }

    /// The keys of the open connection were changed.
    pub(super) fn renewed(&self) {
        let count = self.options.shared.rekeys.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::debug!("{} has new keys for the connection, {count} changes in all", self.hop.label());
    }

    async fn check_key(&self, key: &PublicKey) -> Result<(), LinkError> {
        if let Some(settled) = self.settled(key) {
            return settled;
        }
        if self.options.accept_new {
            return self.accept(key);
        }
        let (address, shown) = (self.hop.label(), fingerprint(key));
        let unknown = LinkError::UnknownHost { address: address.clone(), shown: shown.clone() };
        if self.hop.strict {
            return Err(unknown);
        }
        let kind = key.algorithm().to_string();
        let accepted = self.options.shared.questions.ask(
            || self.settled(key).map(|settled| settled.is_ok()),
            move |asker| asker.trust(&address, &kind, &shown),
            |_| {},
        );
        if accepted.await != Some(true) {
            return Err(unknown);
        }
        self.accept(key)
    }

    /// What the files alone decide; `None` = the host is not known.
    fn settled(&self, key: &PublicKey) -> Option<Result<(), LinkError>> {
        let files = match self.files() {
            Ok(files) => files,
            Err(cause) => return Some(Err(cause)),
        };
        let (address, shown, name) = (self.hop.label(), fingerprint(key), self.hop.known_as());
        let lines: Vec<&Entry> = files.iter().flat_map(|file| file.about(&name)).collect();
        match judge(&lines, key) {
            Verdict::Known => Some(Ok(())),
            Verdict::Unknown => None,
            Verdict::Changed(recorded, place) => {
                Some(Err(LinkError::HostKey { address, recorded, shown, place }))
            }
            Verdict::Revoked(place) => Some(Err(LinkError::Revoked { address, shown, place })),
        }
    }

    fn accept(&self, key: &PublicKey) -> Result<(), LinkError> {
        let Some(path) = self.hop.known_hosts.first() else { return Ok(()) };
        record(path, &self.hop.known_as(), key).map_err(|cause| unusable(path, &cause))?;
        self.options.shared.known.forget(path);
        tracing::info!("{}: host key {} recorded in {}", self.hop.label(), fingerprint(key), path.display());
        Ok(())
    }

    fn check_certificate(&self, shown: &Certificate) -> Result<(), LinkError> {
        let files = self.files()?;
        let name = self.hop.known_as();
        let lines: Vec<&Entry> = files.iter().flat_map(|file| file.about(&name)).collect();
        let address = self.hop.label();
        for key in [shown.public_key(), shown.signature_key()] {
            if let Verdict::Revoked(place) = judge(&lines, &key.clone().into()) {
                return Err(LinkError::Revoked {
                    address,
                    shown: key.fingerprint(HashAlg::Sha256).to_string(),
                    place,
                });
            }
        }
        let authorities = lines.iter().filter(|entry| entry.marker == Marker::Authority);
        let trusted: Vec<_> = authorities.map(|entry| entry.key.fingerprint(HashAlg::Sha256)).collect();
        let principal = self.hop.alias.as_ref().unwrap_or(&self.hop.address).to_lowercase();
        let wrong = flaw(shown, &principal).or_else(|| {
            let signed = shown.validate(&trusted);
            signed.err().map(|_| "it is expired, or no recorded authority signed it".to_owned())
        });
        match wrong {
            Some(cause) => Err(LinkError::Certificate { address, cause }),
            None => Ok(()),
        }
    }

    fn files(&self) -> Result<Vec<Arc<KnownHosts>>, LinkError> {
        let read = |path: &std::path::PathBuf| {
            self.options.shared.known.file(path).map_err(|cause| unusable(path, &cause))
        };
        self.hop.known_hosts.iter().map(read).collect()
    }
}

/// What makes a certificate unfit to prove this host, whoever signed it.
fn flaw(shown: &Certificate, principal: &str) -> Option<String> {
    if shown.cert_type() != CertType::Host {
        return Some("it is a user's certificate".to_owned());
    }
    if shown.critical_options().iter().next().is_some() {
        return Some("it has options that are not known".to_owned());
    }
    let fits = |name: &String| glob(name.to_lowercase().as_bytes(), principal.as_bytes());
    let named = shown.valid_principals().iter().any(fits);
    (!named).then(|| format!("it does not name `{principal}`"))
}

fn unusable(path: &Path, cause: &std::io::Error) -> LinkError {
    LinkError::File { path: path.display().to_string(), cause: cause.to_string() }
}
