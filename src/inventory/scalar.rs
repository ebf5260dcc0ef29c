//! Single values: is the text what its key asks for, and what does it amount to.

use super::mistake::Mistake;
use super::shape::Shape;
use crate::base::{Bytes, HostName, duration, nearest};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Checks a word against its shape. The mistake carries a label without a place; the caller knows the place.
pub(super) fn check(shape: Shape, text: &str, plain: bool) -> Result<(), Mistake> {
    let wrong = |number, message: String, label: &str| Err(Mistake::new(number, message).at(0..0, label));
    match shape {
        Shape::Text | Shape::File if text.trim().is_empty() => {
            wrong("IM1209", "this is empty".to_owned(), "empty")
        }
        Shape::Name => match HostName::new(text) {
            Ok(_) => Ok(()),
            Err(error) => wrong("IM1211", error.to_string(), "not a name"),
        },
        Shape::Domain if !is_domain(text) => {
            wrong("IM1214", format!("`{text}` is not {}", shape.describe()), "not a domain")
        }
        Shape::Address => address(text),
        Shape::Port if port(text).is_none() => {
            wrong("IM1215", format!("`{text}` is not {}", shape.describe()), "not a port")
        }
        Shape::Count if count(text).is_none() => {
            wrong("IM1215", format!("`{text}` is not {}", shape.describe()), "not a whole number")
        }
        Shape::Bytes if bytes(text).is_none() => {
            wrong("IM1215", format!("`{text}` is not {}", shape.describe()), "not an amount")
        }
        Shape::Days if days(text).is_none() => {
            let message = format!("`{text}` is not {}", shape.describe());
            let mistake = Mistake::new("IM1215", message).at(0..0, "not a duration");
            Err(if count(text).is_some() {
                mistake.help(format!("write the unit: `{text}d`"))
            } else {
                mistake
            })
        }
        Shape::Date if text.parse::<jiff::civil::Date>().is_err() => {
            wrong("IM1215", format!("`{text}` is not {}", shape.describe()), "not a day")
        }
        Shape::Bool if !plain || boolean(text).is_none() => {
            wrong("IM1209", format!("`{text}` is not {}", shape.describe()), "not true or false")
        }
        Shape::Url if !(text.starts_with("http://") || text.starts_with("https://")) => {
            wrong("IM1215", format!("`{text}` is not a URL"), "must start with http:// or https://")
        }
        Shape::TrustedKey if minisign_verify::PublicKey::from_base64(text).is_err() => wrong(
            "IM1228",
            format!("`{text}` is not a minisign public key"),
            "the second line of a .pub file, starting with RW",
        ),
        Shape::Word(words) if !words.contains(&text) => {
            let help = match nearest(text, words.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("possible: {}", words.join(", ")),
            };
            Err(Mistake::new("IM1227", format!("`{text}` is not {}", shape.describe()))
                .at(0..0, "unknown word")
                .help(help))
        }
        _ => Ok(()),
    }
}

/// A whole number; `1_000` and `1,000` are not accepted.
pub(super) fn count(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A port; 0 is none.
pub(super) fn port(text: &str) -> Option<u16> {
    count(text).and_then(|number| u16::try_from(number).ok()).filter(|&port| port != 0)
}

/// An amount of data in bytes, below 2^52.
pub(super) fn bytes(text: &str) -> Option<u64> {
    Bytes::parse(text).ok().map(|bytes| bytes.0).filter(|&bytes| bytes < 1 << 52)
}

/// A duration in whole days, a begun day counted as one.
pub(super) fn days(text: &str) -> Option<u64> {
    duration(text).ok().map(|duration| duration.as_secs().div_ceil(86_400))
}

/// `true` or `false`, and no other spelling.
pub(super) fn boolean(text: &str) -> Option<bool> {
    text.parse().ok()
}

fn address(text: &str) -> Result<(), Mistake> {
    if text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    let wrong = Mistake::new("IM1212", format!("`{text}` is not an address"));
    let digits_and_dots = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if digits_and_dots {
        return Err(wrong
            .at(0..0, "not an IPv4 address")
            .help("four numbers from 0 to 255, such as 10.20.0.11"));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
        return Err(wrong.at(0..0, "brackets").help(format!(
            "write the IPv6 address alone: \"{inner}\"; a port belongs to `ssh: {{ port: ... }}`"
        )));
    }
    if let Some((host, port)) =
        text.rsplit_once(':').filter(|(host, port)| !host.contains(':') && self::port(port).is_some())
    {
        return Err(wrong
            .at(0..0, "with a port")
            .help(format!("write `address: {host}` and `ssh: {{ port: {port} }}`")));
    }
    if let Some((address, _)) = text.split_once('/') {
        return Err(wrong.at(0..0, "with a `/`").help(format!("one address, not a network: {address}")));
    }
    if text.contains(':') {
        return Err(wrong.at(0..0, "not an IPv6 address").help("such as 2001:db8::11, without a zone"));
    }
    if is_dns_name(text) {
        return Ok(());
    }
    Err(wrong.at(0..0, "neither an address nor a DNS name"))
}

/// A DNS name of at least two labels.
fn is_domain(text: &str) -> bool {
    is_dns_name(text)
        && text.contains('.')
        && !text.split('.').all(|label| label.bytes().all(|b| b.is_ascii_digit()))
}

/// Letters, digits and hyphens between dots (RFC 1123), at most 253 characters.
fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_only_looks_like_one() {
        for good in ["10.20.0.11", "2001:db8::11", "::1", "db1", "db-1.acme.example"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in [
            "10.20.0.256",
            "10.20.0",
            "[::1]",
            "[::1]:22",
            "db1:22",
            "10.0.0.0/24",
            "a_b",
            "-a",
            "a..b",
            "fe80::1%eth0",
            "数据库",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
        let mistake = address("db1:2222").expect_err("a port is no part of an address");
        assert_eq!(mistake.help, "write `address: db1` and `ssh: { port: 2222 }`");
    }

    #[test]
    fn amounts_out_of_range_are_no_amounts() {
        assert_eq!((port("0"), port("65536"), port("2222")), (None, None, Some(2222)));
        assert_eq!((count("+5"), count("1_000"), count("99999999999999999999")), (None, None, None));
        assert_eq!((days("365d"), days("36h"), days("soon")), (Some(365), Some(2), None));
        assert_eq!(bytes("99999TiB"), None);
    }

    #[test]
    fn a_domain_has_a_dot_and_is_no_address() {
        assert!(is_domain("im.acme.example"));
        assert!(!is_domain("localhost") && !is_domain("10.0.0.1") && !is_domain("im_acme.example"));
    }
}
