//! Shapes of generated secrets and the making of them, from the operating system's generator. At least
//! 128 bits each.

use super::StateError;
use crate::base::{HostName, Secret};
use rand::TryRngCore;
use rand::rngs::OsRng;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

/// The shape of a generated secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Letters and digits, so many; at least 22.
    Alphanumeric(usize),
    /// Lower-case hex of so many random bytes; at least 16.
    Hex(usize),
    /// An ed25519 key pair for each of these hosts.
    Ed25519(Vec<HostName>),
}

/// An ed25519 key pair in lower-case hex.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// 32 bytes.
    pub public: String,
    /// 64 bytes: the seed followed by the public key, as libsodium and RFC 8032 implementations keep it.
    pub private: Secret<String>,
}

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Shape {
    /// Bits of entropy that the shape gives.
    pub fn bits(&self) -> usize {
        match self {
            // log2(62) = 5.954 bits a character.
            Self::Alphanumeric(count) => count * 5954 / 1000,
            Self::Hex(bytes) => bytes * 8,
            Self::Ed25519(_) => 128,
        }
    }

    /// Refuses a shape that would be guessed.
    pub(super) fn must_be_strong(&self, name: &str) -> Result<(), StateError> {
        match self.bits() {
            bits if bits < 128 => Err(StateError::WeakShape { name: name.to_owned(), bits }),
            _ => Ok(()),
        }
    }
}

/// Letters and digits, each equally likely.
pub(super) fn alphanumeric(count: usize) -> Secret<String> {
    let mut text = String::with_capacity(count);
    let mut byte = [0_u8; 1];
    while text.len() < count {
        fill(&mut byte);
        // 248 = 4 * 62: bytes past it are thrown away, so that no letter is likelier than another.
        if byte[0] < 248 {
            text.push(char::from(LETTERS[usize::from(byte[0] % 62)]));
        }
    }
    Secret::new(text)
}

/// Lower-case hex of random bytes.
pub(super) fn hex_of(bytes: usize) -> Secret<String> {
    let mut raw = Zeroizing::new(vec![0_u8; bytes]);
    fill(&mut raw);
    Secret::new(hex::encode(&*raw))
}

/// A fresh key pair.
pub(super) fn ed25519() -> KeyPair {
    let mut seed = Zeroizing::new([0_u8; 32]);
    fill(&mut *seed);
    let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).expect("a seed of 32 bytes is a key");
    let public = pair.public_key().as_ref();
    let private = Zeroizing::new([&*seed, public].concat());
    KeyPair { public: hex::encode(public), private: Secret::new(hex::encode(&*private)) }
}

/// Fills a buffer from the operating system's generator.
pub(super) fn fill(bytes: &mut [u8]) {
    OsRng.try_fill_bytes(bytes).expect("the operating system has a random number generator");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_could_be_guessed_is_refused() {
        assert!(Shape::Alphanumeric(21).must_be_strong("x").is_err());
        assert!(Shape::Alphanumeric(22).must_be_strong("x").is_ok());
        assert!(Shape::Hex(15).must_be_strong("x").is_err());
        assert!(Shape::Hex(16).must_be_strong("x").is_ok());
    }

    #[test]
    fn secrets_have_the_length_and_letters_asked_for_and_differ() {
        let one = alphanumeric(40);
        assert_eq!(one.expose().len(), 40);
        assert!(one.expose().chars().all(|c| c.is_ascii_alphanumeric()));
        assert_ne!(one.expose(), alphanumeric(40).expose());
        assert_eq!(hex_of(32).expose().len(), 64);
    }

    #[test]
    fn a_key_pair_ends_with_its_public_half() {
        let pair = ed25519();
        assert_eq!((pair.public.len(), pair.private.expose().len()), (64, 128));
        assert!(pair.private.expose().ends_with(&pair.public));
    }
}
