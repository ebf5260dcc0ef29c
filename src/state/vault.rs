//! The opened secrets: what is asked for is made once and kept. Nothing reaches the disk before `save`,
//! and there only encrypted, beside the public halves of certificates.

use super::authority::{self, Identity};
use super::contents::{Contents, Hidden, Kept, KeptCertificate, KeptPair};
use super::shape::{self, KeyPair, Shape};
use super::{Redactor, State, StateError, place};
use crate::base::{HostName, Secret};
use age::x25519;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write as _;
use zeroize::Zeroizing;

/// Stands beside the identity once secrets were written: if they are missing then, they are lost, not yet to be made.
pub(super) const SEALED: &str = "identity.d/.sealed";

/// A secret as it was made.
#[derive(Debug, Clone)]
pub enum Value {
    /// One text.
    Text(Secret<String>),
    /// A key pair for each host.
    KeyPairs(BTreeMap<HostName, KeyPair>),
}

/// A certificate with everything that belongs to it, PEM.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate alone.
    pub certificate: String,
    /// Its key (PKCS #8).
    pub key: Secret<String>,
    /// The root that those who check it must trust.
    pub ca: String,
    /// The certificate and its issuers, leaf first.
    pub chain: String,
    /// When it ends.
    pub until: Timestamp,
}

/// The opened secrets of a deployment.
pub struct Vault {
    pub(super) state: State,
    pub(super) identity: x25519::Identity,
    pub(super) contents: Contents,
    /// Digest of the file as it was read; none when there was none.
    pub(super) seen: Option<[u8; 32]>,
    /// What was made since the vault was opened, for people.
    pub(super) made: Vec<String>,
    /// Whether anything differs from the file.
    pub(super) changed: bool,
    notes: Vec<String>,
}

impl Vault {
    pub(super) fn new(state: State, identity: x25519::Identity, notes: Vec<String>) -> Self {
        let contents = Contents { format: 1, ..Contents::default() };
        Self { state, identity, contents, seen: None, made: vec![], changed: true, notes }
    }

    pub(super) fn read(state: State, identity: x25519::Identity) -> Result<Self, StateError> {
        let path = state.path("secrets.age");
        let mut vault = Self::new(state, identity, vec![]);
        let damaged = |cause: String| StateError::Damaged { path: path.clone(), cause };
        let Some(sealed) = place::read_private(&path)? else {
            let lost = || damaged("it is missing; new secrets would not fit what the hosts hold".to_owned());
            return if vault.state.held_secrets() { Err(lost()) } else { Ok(vault) };
        };
        let plain = age::decrypt(&vault.identity, &sealed).map_err(|cause| damaged(cause.to_string()))?;
        let plain = Zeroizing::new(plain);
        if let Some(other) = other_format(&plain) {
            return Err(damaged(other));
        }
        vault.contents = serde_json::from_slice(&plain).map_err(|cause| damaged(without_values(&cause)))?;
        vault.seen = Some(Sha256::digest(&sealed).into());
        vault.changed = false;
        Ok(vault)
    }

    /// What the operator should hear once, such as what the new secrets are protected by.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What was made since the vault was opened, such as `secret db-password`; never a value.
    pub fn made(&self) -> &[String] {
        &self.made
    }

    /// The secret of that name; makes it when it is not there. What is there keeps its value whatever the length asked for.
    pub fn secret(&mut self, name: &str, shape: &Shape) -> Result<Value, StateError> {
        shape.must_be_strong(name)?;
        match shape {
            Shape::Ed25519(hosts) => self.key_pairs(name, hosts),
            Shape::Alphanumeric(count) => self.text(name, || shape::alphanumeric(*count)),
            Shape::Hex(bytes) => self.text(name, || shape::hex_of(*bytes)),
        }
    }

    fn text(&mut self, name: &str, make: impl FnOnce() -> Secret<String>) -> Result<Value, StateError> {
        match self.contents.secrets.get(name) {
            Some(Kept::Text { value, .. }) => Ok(Value::Text(value.0.clone())),
            Some(Kept::KeyPairs(_)) => Err(other_shape(name, "key pairs", "a text")),
            None => {
                let value = make();
                self.put(name, value.clone());
                Ok(Value::Text(value))
            }
        }
    }

    fn key_pairs(&mut self, name: &str, hosts: &[HostName]) -> Result<Value, StateError> {
        let fresh = Kept::KeyPairs(BTreeMap::new());
        let Kept::KeyPairs(pairs) = self.contents.secrets.entry(name.to_owned()).or_insert(fresh) else {
            return Err(other_shape(name, "a text", "key pairs"));
        };
        let mut wanted = BTreeMap::new();
        for host in hosts {
            let kept = pairs.entry(host.clone()).or_insert_with(|| {
                self.made.push(format!("key pair {name} of {host}"));
                self.changed = true;
                let pair = shape::ed25519();
                KeptPair { public: pair.public, private: Hidden(pair.private), made: Timestamp::now() }
            });
            let pair = KeyPair { public: kept.public.clone(), private: kept.private.0.clone() };
            wanted.insert(host.clone(), pair);
        }
        Ok(Value::KeyPairs(wanted))
    }

    /// The public keys kept under a name, of hosts that came and went.
    pub fn public_keys(&self, name: &str) -> Vec<String> {
        match self.contents.secrets.get(name) {
            Some(Kept::KeyPairs(pairs)) => pairs.values().map(|pair| pair.public.clone()).collect(),
            Some(Kept::Text { .. }) | None => Vec::new(),
        }
    }

    /// Keeps a text under a name, whatever was there.
    pub fn put(&mut self, name: &str, value: Secret<String>) {
        self.made.push(format!("secret {name}"));
        self.changed = true;
        let kept = Kept::Text { value: Hidden(value), made: Timestamp::now() };
        self.contents.secrets.insert(name.to_owned(), kept);
    }

    /// The text kept under a name.
    pub fn kept(&self, name: &str) -> Option<&Secret<String>> {
        match self.contents.secrets.get(name) {
            Some(Kept::Text { value, .. }) => Some(&value.0),
            Some(Kept::KeyPairs(_)) | None => None,
        }
    }

    /// Forgets a secret; false when there was none.
    pub fn forget(&mut self, name: &str) -> bool {
        let there = self.contents.secrets.remove(name).is_some();
        self.changed |= there;
        there
    }

    /// The certificate of the private CA; makes the CA when there is none.
    pub fn authority(&mut self, now: Timestamp) -> Result<String, StateError> {
        if let Some(kept) = &self.contents.authority {
            return Ok(kept.certificate.clone());
        }
        let made = authority::authority(&self.state.deployment, &[], now)?;
        self.made.push("private CA".into());
        self.changed = true;
        Ok(self.contents.authority.insert(made).certificate.clone())
    }

    /// The certificate `name` of a host by the private CA. A new one is issued when there is none, when the names
    /// asked for are others, or when less than a third of its life is left.
    pub fn certificate(
        &mut self,
        name: &str,
        host: &HostName,
        wanted: &Identity,
        now: Timestamp,
    ) -> Result<Issued, StateError> {
        let ca = self.authority(now)?;
        let kept = self.contents.certificates.get(name).and_then(|hosts| hosts.get(host));
        if let Some(kept) = kept.filter(|kept| authority::serves(kept, wanted, now)) {
            return Ok(issued(kept, ca));
        }
        let signer = self.contents.authority.as_ref().expect("`authority` has just made it");
        let fresh = authority::issue(signer, wanted, now)?;
        let answer = issued(&fresh, ca);
        self.made.push(format!("certificate {name} of {host}"));
        self.changed = true;
        self.contents.certificates.entry(name.to_owned()).or_default().insert(host.clone(), fresh);
        Ok(answer)
    }

    /// All kept certificates: name, host, names, from, until.
    pub fn certificates(&self) -> impl Iterator<Item = (&str, &HostName, &[String], Timestamp, Timestamp)> {
        self.contents.certificates.iter().flat_map(|(name, hosts)| {
            hosts.iter().map(move |(host, it)| (name.as_str(), host, it.names.as_slice(), it.from, it.until))
        })
    }

    /// Names and shapes of the kept secrets, never their values: name, shape in words, when the newest part was made.
    pub fn names(&self) -> Vec<(String, String, Timestamp)> {
        let word = |kept: &Kept| match kept {
            Kept::Text { value, made } => (format!("{} characters", value.0.expose().chars().count()), *made),
            Kept::KeyPairs(pairs) => {
                let newest = pairs.values().map(|pair| pair.made).max().unwrap_or(Timestamp::UNIX_EPOCH);
                (
                    format!(
                        "key pairs of {} {}",
                        pairs.len(),
                        if pairs.len() == 1 { "host" } else { "hosts" }
                    ),
                    newest,
                )
            }
        };
        let secrets = self.contents.secrets.iter();
        secrets.map(|(name, kept)| (name.clone(), word(kept).0, word(kept).1)).collect()
    }

    /// One secret in full, for an operator who asked to see it. Key pairs: one `HOST PRIVATE` line each.
    pub fn reveal(&self, name: &str) -> Result<Secret<String>, StateError> {
        match self.contents.secrets.get(name) {
            Some(Kept::Text { value, .. }) => Ok(value.0.clone()),
            Some(Kept::KeyPairs(pairs)) => {
                let lines = pairs.iter().map(|(host, pair)| format!("{host} {}\n", pair.private.0.expose()));
                Ok(Secret::new(lines.collect()))
            }
            None => {
                let known: Vec<&str> = self.contents.secrets.keys().map(String::as_str).collect();
                Err(StateError::NoSuchSecret { name: name.to_owned(), known: known.join(", ") })
            }
        }
    }

    /// Writes the secrets, when something was made or forgotten, and the public certificates for people.
    /// Refuses when another command wrote them meanwhile.
    pub fn save(&mut self) -> Result<(), StateError> {
        if !self.changed {
            return Ok(());
        }
        self.seal_to(&[self.identity.to_public()])?;
        self.changed = false;
        self.publish()
    }

    /// Writes the secrets encrypted to these identities, unless another command wrote them meanwhile.
    pub(super) fn seal_to(&mut self, identities: &[x25519::Recipient]) -> Result<(), StateError> {
        let path = self.state.path("secrets.age");
        let _writing = self.state.lock_file("secrets.lock", "writing secrets")?;
        let there = place::read(&path)?.map(|sealed| <[u8; 32]>::from(Sha256::digest(&sealed)));
        if there != self.seen {
            return Err(StateError::ChangedMeanwhile { path });
        }
        let plain = Zeroizing::new(serde_json::to_vec(&self.contents).map_err(|cause| sealing(&cause))?);
        let recipients = identities.iter().map(|it| it as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(|cause| sealing(&cause))?;
        let mut sealed = Vec::new();
        let written = encryptor.wrap_output(&mut sealed).and_then(|mut out| {
            out.write_all(&plain)?;
            out.finish()
        });
        written.map_err(|cause| sealing(&cause))?;
        place::write(&path, &sealed)?;
        place::write(&self.state.path(SEALED), b"")?;
        self.seen = Some(Sha256::digest(&sealed).into());
        Ok(())
    }

    /// Writes the public certificates under `pki/`.
    pub(super) fn publish(&self) -> Result<(), StateError> {
        place::private_folder(&self.state.path("pki"))?;
        if let Some(ca) = &self.contents.authority {
            place::write(&self.state.path("pki/ca.pem"), ca.certificate.as_bytes())?;
        }
        for (name, hosts) in &self.contents.certificates {
            for (host, kept) in hosts {
                let file = self.state.path("pki").join(name).join(format!("{host}.pem"));
                place::write(&file, kept.certificate.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Blanks every secret value kept here out of texts.
    pub fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        for kept in self.contents.secrets.values() {
            match kept {
                Kept::Text { value, .. } => redactor.add(value.0.expose()),
                Kept::KeyPairs(pairs) => {
                    for pair in pairs.values() {
                        redactor.add_key_pair(pair.private.0.expose());
                    }
                }
            }
        }
        for other in self.contents.turn.iter().flat_map(|turn| turn.others.values()) {
            redactor.add(other.value.0.expose());
        }
        let all = self.contents.certificates.values().chain(self.contents.renewed.values());
        let leaves = all.flat_map(BTreeMap::values).map(|it| &it.key);
        for key in leaves.chain(self.contents.authority.iter().map(|it| &it.key)) {
            redactor.add(key.0.expose());
        }
        redactor
    }
}

impl State {
    /// Whether secrets were ever kept here.
    pub(super) fn held_secrets(&self) -> bool {
        [SEALED, "secrets.age", "pki/ca.pem"].iter().any(|trace| self.path(trace).exists())
    }
}

/// Why a file of ours that begins with another format cannot be read; none when it is ours.
pub(super) fn other_format(text: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Begins {
        format: u32,
    }
    let found = serde_json::from_slice::<Begins>(text).ok()?.format;
    (found != 1).then(|| format!("its format is {found}, this imctl reads 1"))
}

pub(super) fn issued(kept: &KeptCertificate, ca: String) -> Issued {
    Issued {
        certificate: kept.certificate.clone(),
        key: kept.key.0.clone(),
        chain: format!("{}{ca}", kept.certificate),
        ca,
        until: kept.until,
    }
}

fn other_shape(name: &str, kept: &'static str, wanted: &'static str) -> StateError {
    StateError::OtherShape { name: name.to_owned(), kept, wanted }
}

fn sealing(cause: &dyn std::fmt::Display) -> StateError {
    StateError::Sealing { doing: "write", cause: cause.to_string() }
}

/// Where reading failed, without the values that such a message may quote.
fn without_values(cause: &serde_json::Error) -> String {
    format!("not the expected content at line {} column {}", cause.line(), cause.column())
}
