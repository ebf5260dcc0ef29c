//! The key that signs bundles: one minisign key in one file. The OpenPGP key that apt wants grows from it, so
//! there is one secret to keep and one public line to trust.

use super::BundleError;
use super::openpgp::PgpKey;
use crate::base::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest as _};
use minisign::{KeyPair, SecretKeyBox};
use ring::hmac;
use ring::signature::Ed25519KeyPair;

/// Signs manifests (minisign format) and package indexes (OpenPGP).
pub struct SigningKey {
    number: [u8; 8],
    seed: Secret<[u8; 32]>,
    public: [u8; 32],
}

impl SigningKey {
    /// Makes a new key; also returns the text of its file, which `minisign` itself can read.
    pub fn generate() -> Result<(Self, Secret<String>), BundleError> {
        let wrong = |cause: minisign::PError| BundleError::Key(cause.to_string());
        let pair = KeyPair::generate_unencrypted_keypair().map_err(wrong)?;
        let text =
            pair.sk.to_box(Some("imctl bundle signing key: keep it secret")).map_err(wrong)?.into_string();
        Ok((Self::parse(&text, None)?, Secret::new(text)))
    }

    /// Reads a key file; `password` opens one that is protected.
    pub fn parse(text: &str, password: Option<&Secret<String>>) -> Result<Self, BundleError> {
        let boxed = SecretKeyBox::from_string(text).map_err(|cause| BundleError::Key(cause.to_string()))?;
        let key = match password {
            Some(password) => boxed.into_secret_key(Some(password.expose().clone())),
            None => boxed.into_unencrypted_secret_key(),
        };
        let bytes = key.map_err(|cause| BundleError::Key(cause.to_string()))?.to_bytes();
        let part =
            |from: usize, to: usize| bytes.get(from..to).ok_or(BundleError::Key("it is too short".into()));
        let number = part(54, 62)?.try_into().expect("eight bytes were taken");
        let seed = part(62, 94)?.try_into().expect("32 bytes were taken");
        let public = part(94, 126)?.try_into().expect("32 bytes were taken");
        Ed25519KeyPair::from_seed_and_public_key(part(62, 94)?, part(94, 126)?)
            .map_err(|_| BundleError::Key("its two halves do not belong together".into()))?;
        Ok(Self { number, seed: Secret::new(seed), public })
    }

    /// Whether the text of a key file needs a password.
    pub fn is_protected(text: &str) -> bool {
        let body = text.lines().nth(1).and_then(|line| STANDARD.decode(line.trim()).ok());
        body.is_some_and(|bytes| bytes.get(2..4) == Some(b"Sc"))
    }

    /// The public line for `bundle.trusted-keys`.
    pub fn public_line(&self) -> String {
        let mut bytes = b"Ed".to_vec();
        bytes.extend(self.number);
        bytes.extend(self.public);
        STANDARD.encode(bytes)
    }

    /// Signs in minisign's format; the comment is signed too. Same input, same bytes.
    pub(super) fn minisign(&self, content: &[u8], comment: &str) -> String {
        let pair = Ed25519KeyPair::from_seed_and_public_key(self.seed.expose(), &self.public)
            .expect("the halves were checked when the key was read");
        let signature = pair.sign(&Blake2b512::digest(content));
        let mut line = b"ED".to_vec();
        line.extend(self.number);
        line.extend(signature.as_ref());
        let mut both = signature.as_ref().to_vec();
        both.extend(comment.as_bytes());
        let (line, global) = (STANDARD.encode(line), STANDARD.encode(pair.sign(&both).as_ref()));
        format!(
            "untrusted comment: imctl bundle, key {}\n{line}\ntrusted comment: {comment}\n{global}\n",
            self.name()
        )
    }

    /// The OpenPGP key for apt.
    pub(super) fn openpgp(&self) -> PgpKey {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.seed.expose());
        let tag = hmac::sign(&key, b"imctl bundle openpgp v1");
        PgpKey::from_seed(tag.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The key's number as minisign prints it.
    pub fn name(&self) -> String {
        key_name(&self.number)
    }
}

/// A key number as minisign prints it: hex, last byte first.
pub(super) fn key_name(number: &[u8]) -> String {
    let reversed: Vec<u8> = number.iter().rev().copied().collect();
    hex::encode_upper(reversed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minisign_verify::{PublicKey, Signature};

    #[test]
    fn a_signature_satisfies_minisign_and_is_the_same_every_time() {
        let (key, text) = SigningKey::generate().unwrap();
        let signed = key.minisign(b"manifest", "imctl bundle acme");
        let public = PublicKey::from_base64(&key.public_line()).unwrap();
        let signature = Signature::decode(&signed).unwrap();
        public.verify(b"manifest", &signature, false).unwrap();
        assert!(public.verify(b"manifesT", &signature, false).is_err());
        assert_eq!(signature.trusted_comment(), "imctl bundle acme");
        let again = SigningKey::parse(text.expose(), None).unwrap();
        assert_eq!(again.minisign(b"manifest", "imctl bundle acme"), signed);
        assert_eq!(again.openpgp().fingerprint(), key.openpgp().fingerprint());
        assert!(!SigningKey::is_protected(text.expose()));
    }

    #[test]
    fn a_torn_key_file_is_refused() {
        let (_, text) = SigningKey::generate().unwrap();
        let torn: String = text.expose().chars().take(120).collect();
        assert!(SigningKey::parse(&torn, None).is_err());
    }
}
