//! Amounts with their unit: bytes, percent, durations as operators write them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// Why an amount is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnitError {
    /// Neither a number nor a known unit.
    #[error("`{0}` is not {1}")]
    Unreadable(String, &'static str),
}

/// An amount of data in bytes; written `2MB` (10^6), `2MiB` (2^20) or `2048`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bytes(pub u64);

impl Bytes {
    /// Reads `512`, `2kB`, `2MB`, `1.5GiB`, `1T`.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError::Unreadable(text.to_owned(), "an amount of data such as `2MB` or `1.5GiB`");
        let text_trimmed = text.trim();
        let split =
            text_trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text_trimmed.len());
        let (digits, unit) = text_trimmed.split_at(split);
        let number: f64 = digits.parse().map_err(|_| wrong())?;
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" => 1_000,
            "m" | "mb" => 1_000_000,
            "g" | "gb" => 1_000_000_000,
            "t" | "tb" => 1_000_000_000_000,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            "tib" => 1 << 40,
            _ => return Err(wrong()),
        };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "amounts written by people stay far below 2^52 bytes"
        )]
        Ok(Self((number * factor as f64).round() as u64))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        let mut amount = self.0 as f64;
        let mut unit = 0;
        while amount >= 1024.0 && unit + 1 < UNITS.len() {
            amount /= 1024.0;
            unit += 1;
        }
        let text = if unit == 0 { format!("{} B", self.0) } else { format!("{amount:.1} {}", UNITS[unit]) };
        out.pad(&text)
    }
}

impl TryFrom<String> for Bytes {
    type Error = UnitError;
    fn try_from(text: String) -> Result<Self, UnitError> {
        Self::parse(&text)
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> String {
        bytes.0.to_string()
    }
}

/// A share of a whole, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Percent(pub u8);

/// Reads a duration as operators write it: `90s`, `15m`, `12h`, `365d`.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    humantime::parse_duration(text.trim())
        .map_err(|_| UnitError::Unreadable(text.to_owned(), "a duration such as `90s`, `12h` or `365d`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, bytes) in [("512", 512), ("2kB", 2_000), ("1.5GiB", 1_610_612_736), ("2 MiB", 2 << 20)] {
            assert_eq!(Bytes::parse(text), Ok(Bytes(bytes)), "{text}");
        }
        assert!(Bytes::parse("many").is_err());
        assert_eq!(Bytes(1_610_612_736).to_string(), "1.5 GiB");
        assert_eq!(duration("365d"), Ok(Duration::from_hours(365 * 24)));
    }
}
