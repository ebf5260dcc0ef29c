//! Signatures of sets: ed25519 by a key that the backup host holds. It opens nothing; what opens the secrets is elsewhere.

use super::BackupError;
use super::error::io;
use crate::base::Secret;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use std::path::Path;

/// Who signs sets.
pub struct Signer {
    pair: Ed25519KeyPair,
}

impl Signer {
    /// Reads a key: seed and public key in hex.
    pub fn read(path: &Path) -> Result<Self, BackupError> {
        let wrong = |cause: &str| BackupError::Job { path: path.to_owned(), cause: cause.to_owned() };
        let text = Secret::new(std::fs::read_to_string(path).map_err(io("read", path))?);
        let bytes = Secret::new(hex::decode(text.expose().trim()).map_err(|_| wrong("it is not hex"))?);
        let (seed, public) =
            bytes.expose().split_at_checked(32).ok_or_else(|| wrong("it is too short for a key"))?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public);
        Ok(Self { pair: pair.map_err(|_| wrong("it is no pair of seed and public key"))? })
    }

    /// The public key in hex.
    pub fn public(&self) -> String {
        hex::encode(self.pair.public_key())
    }

    /// Signs, in hex.
    pub fn sign(&self, content: &[u8]) -> String {
        hex::encode(self.pair.sign(content))
    }
}

/// Whether a signature in hex fits a content and a public key in hex.
#[must_use]
pub fn fits(public: &str, content: &[u8], signature: &str) -> bool {
    let (Ok(public), Ok(signature)) = (hex::decode(public), hex::decode(signature.trim())) else {
        return false;
    };
    UnparsedPublicKey::new(&ED25519, public).verify(content, &signature).is_ok()
}
