//! SCRAM-SHA-256 arithmetic (RFC 5802, RFC 7677): from a password to the keys that a server stores and a client
//! proves. It knows nothing of messages or accounts.

use hmac::{Hmac, Mac};
use sha2::Sha256VarCore;
use sha2::digest::block_buffer::{BlockBuffer, Eager};
use sha2::digest::core_api::{UpdateCore, VariableOutputCore};
use sha2::digest::generic_array::GenericArray;
use sha2::digest::typenum::U64;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// A SHA-256 value.
pub type Hash256 = [u8; 32];

/// What a client must know to prove itself: everything that follows from password, salt and rounds.
#[derive(Clone, Zeroize)]
#[zeroize(drop)]
pub struct ScramKeys {
    /// `ClientKey`: proves the client.
    pub client: Hash256,
    /// `StoredKey`: what the server compares with.
    pub stored: Hash256,
    /// `ServerKey`: proves the server.
    pub server: Hash256,
}

impl ScramKeys {
    /// Derives the keys. The password must be prepared (`SASLprep`) already.
    pub fn derive(password: &[u8], salt: &[u8], rounds: u32) -> Self {
        let mut salted = salted_password(password, salt, rounds);
        let client = hmac(&salted, b"Client Key");
        let server = hmac(&salted, b"Server Key");
        salted.zeroize();
        Self { client, stored: Sha256::digest(client).into(), server }
    }
}

/// HMAC-SHA-256.
pub fn hmac(key: &[u8], text: &[u8]) -> Hash256 {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// `Hi(password, salt, rounds)`: PBKDF2 with HMAC-SHA-256 and one block of output. The two states after the key's
/// pads are computed once, so that a round costs exactly two compressions.
pub fn salted_password(password: &[u8], salt: &[u8], rounds: u32) -> Hash256 {
    let (inner, outer) = keyed_states(password);
    let mut first = [salt, &1u32.to_be_bytes()].concat();
    let mut last = hmac(password, &first);
    first.zeroize();
    let mut sum = last;
    for _ in 1..rounds.max(1) {
        last = finish(&outer, &finish(&inner, &last));
        for (byte, fresh) in sum.iter_mut().zip(last) {
            *byte ^= fresh;
        }
    }
    sum
}

/// The hash states after one block of `key ^ ipad` and of `key ^ opad`.
fn keyed_states(key: &[u8]) -> (Sha256VarCore, Sha256VarCore) {
    let mut block = [0u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let states = (padded_state(&block, 0x36), padded_state(&block, 0x5c));
    block.zeroize();
    states
}

fn padded_state(key: &[u8; 64], pad: u8) -> Sha256VarCore {
    let mut state = Sha256VarCore::new(32).expect("SHA-256 has 32 bytes");
    let block: GenericArray<u8, U64> = key.iter().map(|byte| byte ^ pad).collect();
    state.update_blocks(&[block]);
    state
}

/// Hashes 32 more bytes onto a state: one compression.
fn finish(state: &Sha256VarCore, text: &Hash256) -> Hash256 {
    let mut buffer = BlockBuffer::<U64, Eager>::new(text);
    let mut out = GenericArray::default();
    state.clone().finalize_variable_core(&mut buffer, &mut out);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};

    #[test]
    fn the_keys_of_rfc_7677_prove_its_exchange() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let keys = ScramKeys::derive(b"pencil", &salt, 4096);
        let auth = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
                    r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                    c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = hmac(&keys.stored, auth.as_bytes());
        let proof: Vec<u8> = keys.client.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(STANDARD.encode(proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let server = hmac(&keys.server, auth.as_bytes());
        assert_eq!(STANDARD.encode(server), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn the_fast_road_equals_the_plain_one() {
        for (password, rounds) in
            [(&b""[..], 1), (b"pencil", 2), (&[0xe5; 64], 7), (&[b'x'; 65], 5), (&[7; 200], 3)]
        {
            assert_eq!(salted_password(password, b"salt", rounds), plain(password, b"salt", rounds));
        }
    }

    fn plain(password: &[u8], salt: &[u8], rounds: u32) -> Hash256 {
        let mut last = hmac(password, &[salt, &[0, 0, 0, 1]].concat());
        let mut sum = last;
        for _ in 1..rounds {
            last = hmac(password, &last);
            sum.iter_mut().zip(last).for_each(|(a, b)| *a ^= b);
        }
        sum
    }
}
