//! Blanks secrets out of text before it reaches a log or an error: plain, base64 (at each of its three
//! alignments, both alphabets), hex and percent-encoded.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::fmt::Write as _;
use zeroize::Zeroize;

/// What stands in place of a secret.
const BLANK: &str = "[secret]";
/// Shorter values are words of every text; no generated secret is so short.
const LEAST: usize = 8;

/// Knows secret values and blanks them out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that a part never spoils the whole.
    patterns: Vec<String>,
}

impl Redactor {
    /// Learns a secret. Of a text of several lines, such as a key in PEM, each line counts for itself; lines of
    /// dashes and lines shorter than eight characters do not.
    pub fn add(&mut self, secret: &str) {
        for line in secret.lines().map(str::trim).filter(|line| !line.starts_with("-----")) {
            self.add_line(line);
        }
        self.order();
    }

    /// Learns an ed25519 private key in hex: seed and public key together, and the seed for itself.
    pub fn add_key_pair(&mut self, private: &str) {
        self.add_line(private);
        if let (Some(seed), Ok(raw)) = (private.get(..64), hex::decode(private)) {
            self.add_line(seed);
            self.add_base64(&raw[..raw.len().min(32)]);
            self.add_base64(&raw);
        }
        self.order();
    }

    fn add_line(&mut self, line: &str) {
        if line.chars().count() < LEAST {
            return;
        }
        self.patterns.push(line.to_owned());
        let hexed = hex::encode(line);
        self.patterns.push(hexed.to_uppercase());
        self.patterns.push(hexed);
        self.add_base64(line.as_bytes());
        for upper in [true, false] {
            self.patterns.push(percent_encoded(line, upper));
        }
        if let Ok(quoted) = serde_json::to_string(line) {
            self.patterns.push(quoted.trim_matches('"').to_owned());
        }
    }

    /// The middle of the base64 text that stays the same whatever stands before and after the value.
    fn add_base64(&mut self, value: &[u8]) {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            for before in 0..3_usize {
                let padded = [vec![0; before], value.to_vec()].concat();
                let text = engine.encode(&padded);
                let first = (before * 8).div_ceil(6);
                let last = (padded.len() * 8) / 6;
                if let Some(middle) = text.get(first..last).filter(|it| it.len() >= LEAST) {
                    self.patterns.push(middle.to_owned());
                }
            }
        }
    }

    fn order(&mut self) {
        self.patterns.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.patterns.dedup();
    }

    /// The text without any of the secrets.
    pub fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for pattern in &self.patterns {
            if clean.contains(pattern.as_str()) {
                clean = clean.replace(pattern.as_str(), BLANK);
            }
        }
        clean
    }

    /// Whether a text holds any of the secrets.
    pub fn finds(&self, text: &str) -> bool {
        self.patterns.iter().any(|pattern| text.contains(pattern.as_str()))
    }
}

impl Drop for Redactor {
    fn drop(&mut self) {
        self.patterns.zeroize();
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Redactor({} patterns)", self.patterns.len())
    }
}

fn percent_encoded(text: &str, upper: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let written = match (byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte), upper) {
            (true, _) => {
                encoded.push(char::from(byte));
                Ok(())
            }
            (false, true) => write!(encoded, "%{byte:02X}"),
            (false, false) => write!(encoded, "%{byte:02x}"),
        };
        written.expect("writing to a string cannot fail");
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_secret_is_blanked_in_every_clothing() {
        let secret = "aZ9/hunter2+long&secret";
        let mut redactor = Redactor::default();
        redactor.add(secret);
        let clothes = [
            secret.to_owned(),
            hex::encode(secret),
            hex::encode(secret).to_uppercase(),
            STANDARD.encode(secret),
            STANDARD.encode(format!("\0user\0{secret}")),
            STANDARD.encode(format!("{secret}, and more")),
            URL_SAFE_NO_PAD.encode(format!("x{secret}y")),
            "aZ9%2Fhunter2%2Blong%26secret".to_owned(),
            "aZ9%2fhunter2%2blong%26secret".to_owned(),
        ];
        for text in clothes {
            let line = format!("apt said: {text} at line 3");
            assert!(redactor.finds(&line), "{line}");
            let clean = redactor.redact(&line);
            assert!(clean.contains(BLANK) && !redactor.finds(&clean), "{clean}");
        }
        assert_eq!(redactor.redact("nothing here"), "nothing here");
    }

    #[test]
    fn each_line_of_a_key_is_a_secret_and_its_frame_is_not() {
        let mut redactor = Redactor::default();
        redactor.add("-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\nCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n");
        assert_eq!(redactor.redact("got CCqGSM49AwEHBG0wawIBAQQg"), "got [secret]");
        assert_eq!(redactor.redact("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
    }
}
