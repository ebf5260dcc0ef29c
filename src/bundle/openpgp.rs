//! Just enough OpenPGP (RFC 4880) for apt: a version 4 Ed25519 key that never expires, and cleartext
//! signatures by it. Deterministic: the same key and text give the same bytes.
//!
//! Signatures carry the key's own creation time, so that a host whose clock is wrong still accepts them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::fmt::Write as _;

/// 2024-01-01 00:00:00 UTC: when every key of ours says it was made.
const MADE: u32 = 1_704_067_200;
/// `EdDSA` over Curve25519, as GnuPG has had it since 2.1.
const EDDSA: u8 = 22;
const SHA256: u8 = 8;
const CURVE: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
const USER: &str = "imctl bundle <bundle@imctl.internal>";

/// A signing key.
pub(super) struct PgpKey {
    pair: Ed25519KeyPair,
}

impl PgpKey {
    /// The key that grows from a seed.
    pub(super) fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("every 32 bytes are a seed");
        Self { pair }
    }

    /// Upper-case hex of the fingerprint.
    pub(super) fn fingerprint(&self) -> String {
        hex::encode_upper(fingerprint(&self.public_body()))
    }

    /// The public key with its name, as a binary keyring for apt's `signed-by`.
    pub(super) fn keyring(&self) -> Vec<u8> {
        let public = self.public_body();
        let mut hashed = framed(0x99, &public, 2);
        hashed.extend(framed(0xb4, USER.as_bytes(), 4));
        // Key flags: may certify and sign.
        let signature = self.signature(0x13, &hashed, &[&[2, 27, 0x03]]);
        let mut ring = packet(6, &public);
        ring.extend(packet(13, USER.as_bytes()));
        ring.extend(packet(2, &signature));
        ring
    }

    /// The text with a signature below, as apt reads it from `InRelease`.
    pub(super) fn clearsign(&self, text: &str) -> String {
        let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').map(str::trim_end).collect();
        let signature = packet(2, &self.signature(0x01, lines.join("\r\n").as_bytes(), &[]));
        let mut out = String::from("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n");
        for line in &lines {
            let dash = if line.starts_with('-') { "- " } else { "" };
            let _ = writeln!(out, "{dash}{line}");
        }
        out.push_str("-----BEGIN PGP SIGNATURE-----\n\n");
        let body = STANDARD.encode(&signature);
        for chunk in body.as_bytes().chunks(64) {
            out.push_str(std::str::from_utf8(chunk).expect("base64 is ASCII"));
            out.push('\n');
        }
        let sum = STANDARD.encode(&crc24(&signature).to_be_bytes()[1..]);
        let _ = write!(out, "={sum}\n-----END PGP SIGNATURE-----\n");
        out
    }

    /// Body of the public key packet.
    fn public_body(&self) -> Vec<u8> {
        let mut body = vec![4];
        body.extend(MADE.to_be_bytes());
        body.push(EDDSA);
        body.push(u8::try_from(CURVE.len()).expect("nine"));
        body.extend(CURVE);
        let mut point = vec![0x40];
        point.extend(self.pair.public_key().as_ref());
        body.extend(number(&point));
        body
    }

    /// Body of a signature packet of this type over the bytes.
    fn signature(&self, kind: u8, over: &[u8], extra: &[&[u8]]) -> Vec<u8> {
        let print = fingerprint(&self.public_body());
        let mut sub = vec![5, 2];
        sub.extend(MADE.to_be_bytes());
        sub.extend([22, 33, 4]);
        sub.extend(print);
        for packet in extra {
            sub.extend(*packet);
        }
        let mut head = vec![4, kind, EDDSA, SHA256];
        head.extend(u16::try_from(sub.len()).expect("a few bytes").to_be_bytes());
        head.extend(sub);
        let mut hashed = over.to_vec();
        hashed.extend(&head);
        hashed.extend([4, 0xff]);
        hashed.extend(u32::try_from(head.len()).expect("a few bytes").to_be_bytes());
        let hash = digest::digest(&digest::SHA256, &hashed);
        let signed = self.pair.sign(hash.as_ref());
        let (r, s) = signed.as_ref().split_at(32);
        let mut body = head;
        body.extend([0, 10, 9, 16]);
        body.extend(&print[12..]);
        body.extend(&hash.as_ref()[..2]);
        body.extend(number(r));
        body.extend(number(s));
        body
    }
}

/// SHA-1 of the framed public key: what OpenPGP version 4 calls the fingerprint.
pub(super) fn fingerprint(public: &[u8]) -> [u8; 20] {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &framed(0x99, public, 2));
    hash.as_ref().try_into().expect("SHA-1 has 20 bytes")
}

/// The bytes behind a tag and a big-endian length of so many bytes.
fn framed(tag: u8, body: &[u8], length: usize) -> Vec<u8> {
    let size = u32::try_from(body.len()).expect("keys and names are short").to_be_bytes();
    let mut out = vec![tag];
    out.extend(&size[4 - length..]);
    out.extend(body);
    out
}

/// A packet in the old format with a two-byte length.
fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    framed(0x80 | (tag << 2) | 1, body, 2)
}

/// A multiprecision integer: its length in bits, then its bytes without leading zeros.
fn number(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..];
    let bits = bytes.first().map_or(0, |first| bytes.len() * 8 - first.leading_zeros() as usize);
    let mut out = u16::try_from(bits).expect("at most 264 bits").to_be_bytes().to_vec();
    out.extend(bytes);
    out
}

/// The checksum of ASCII armor.
fn crc24(bytes: &[u8]) -> u32 {
    let mut crc = 0x00b7_04ce_u32;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
    }
    crc & 0x00ff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn gpgv(keyring: &[u8], signed: &str) -> (bool, String) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("k.gpg"), keyring).unwrap();
        std::fs::write(dir.path().join("InRelease"), signed).unwrap();
        let out = Command::new("gpgv")
            .arg("--keyring")
            .arg(dir.path().join("k.gpg"))
            .args(["--status-fd", "1"])
            .arg(dir.path().join("InRelease"))
            .output()
            .unwrap();
        (
            out.status.success(),
            String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr),
        )
    }

    #[test]
    fn gpgv_accepts_a_signature_and_names_the_fingerprint() {
        for seed in 0..40_u8 {
            let key = PgpKey::from_seed(&[seed; 32]);
            let text = "Origin: imctl\n- dashed\nTrailing \nSHA256:\n 00 1 Packages\n";
            let (good, said) = gpgv(&key.keyring(), &key.clearsign(text));
            assert!(good && said.contains(&format!("VALIDSIG {}", key.fingerprint())), "{said}");
        }
    }

    #[test]
    fn gpgv_refuses_a_changed_text_and_a_foreign_key() {
        let key = PgpKey::from_seed(&[7; 32]);
        let signed = key.clearsign("Origin: imctl\n");
        assert!(!gpgv(&key.keyring(), &signed.replace("imctl", "imctI")).0);
        assert!(!gpgv(&PgpKey::from_seed(&[8; 32]).keyring(), &signed).0);
    }

    #[test]
    fn signing_twice_gives_the_same_bytes() {
        let key = PgpKey::from_seed(&[7; 32]);
        assert_eq!(key.clearsign("a\n"), key.clearsign("a\n"));
        assert_eq!(key.keyring(), key.keyring());
    }
}
