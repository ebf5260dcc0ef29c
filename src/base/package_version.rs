//! The order of Debian's package versions (Debian Policy, 5.6.12): epoch, upstream, revision; `~` comes before the end.

use std::cmp::Ordering;

/// Whether one version is newer than the other.
pub fn newer_package(one: &str, other: &str) -> bool {
    let (one, other) = (parts(one), parts(other));
    let order =
        one.0.cmp(&other.0).then_with(|| compare(one.1, other.1)).then_with(|| compare(one.2, other.2));
    order == Ordering::Greater
}

fn parts(version: &str) -> (u64, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch.parse().unwrap_or(0), upstream, revision)
}

/// Letters before other signs, `~` before everything, even the end.
fn weight(sign: Option<u8>) -> i32 {
    match sign {
        Some(b'~') => -1,
        None | Some(b'0'..=b'9') => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(other) => i32::from(other) + 256,
    }
}

fn compare(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while !one.is_empty() || !other.is_empty() {
        loop {
            let (a, b) = (one.first().copied(), other.first().copied());
            let words = |sign: Option<u8>| sign.is_some_and(|sign| !sign.is_ascii_digit());
            if !words(a) && !words(b) {
                break;
            }
            match weight(a).cmp(&weight(b)) {
                Ordering::Equal => (one, other) = (&one[1..], &other[1..]),
                order => return order,
            }
        }
        let (a, b) = (number(&mut one), number(&mut other));
        match a.len().cmp(&b.len()).then_with(|| a.cmp(b)) {
            Ordering::Equal => {}
            order => return order,
        }
    }
    Ordering::Equal
}

/// The digits at the beginning, without leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|sign| !sign.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_dpkg_orders_them() {
        for (newer, older) in [
            ("3.0.15-1~deb12u1", "3.0.14-1~deb12u2"),
            ("1:1.0", "9.9"),
            ("1.0", "1.0~rc1"),
            ("1.0-1", "1.0-1~bpo12+1"),
            ("1.10", "1.9"),
            ("1.0a", "1.0"),
            ("1.0+b1", "1.0"),
            ("252.39-1~deb12u1", "252.38-1~deb12u1"),
            ("2.36-9+deb12u13", "2.36-9+deb12u9"),
        ] {
            assert!(newer_package(newer, older), "{newer} > {older}");
            assert!(!newer_package(older, newer), "{older} < {newer}");
        }
        assert!(!newer_package("1.0-1", "1.0-1") && !newer_package("1.01", "1.1"));
    }
}
