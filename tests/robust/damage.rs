//! Ways in which a document is damaged, each small and repeatable.

use proptest::prelude::*;
use proptest::sample::Index;

/// What stands where it should not.
const INTRUDERS: [&[u8]; 44] = [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    "é".as_bytes(),
    "王".as_bytes(),
    "\u{1f600}".as_bytes(),
    b"\r",
    b"\t",
    b"\n",
    b"&a ",
    b"*a",
    b"<<: *a\n",
    b"!!binary ",
    b"!t ",
    b"- ",
    b"? ",
    b": ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"'",
    b"|\n",
    b">\n",
    b"---\n",
    b"...\n",
    b"%YAML 9.9\n",
    b"#",
    b"~",
    b"{{",
    b"}}",
    b"{% for",
    b"99999999999999999999999999",
    b"-1",
    b"1e999",
    b".inf",
    b"|1|",
    b"@revoked ",
    b",,,",
    b"\x1b[31m",
    b"imctl-look 1 ",
    b"../../",
];

/// One piece of damage.
#[derive(Debug, Clone)]
pub(crate) enum Damage {
    Flip(Index, u8),
    Cut(Index, usize),
    Double(Index, usize),
    Put(Index, usize),
    Nest(Index, usize, usize),
    Digits(Index, usize),
    Graft(Index, Index, usize),
    End(Index),
}

/// Any damage.
pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), 1..=u8::MAX).prop_map(|(at, with)| Damage::Flip(at, with)),
        2 => (at(), 0..80_usize).prop_map(|(at, length)| Damage::Cut(at, length)),
        2 => (at(), 0..200_usize).prop_map(|(at, length)| Damage::Double(at, length)),
        4 => (at(), 0..INTRUDERS.len()).prop_map(|(at, which)| Damage::Put(at, which)),
        1 => (at(), 0..INTRUDERS.len(), 1..300_usize).prop_map(|(at, which, times)| Damage::Nest(at, which, times)),
        1 => (at(), 1..400_usize).prop_map(|(at, count)| Damage::Digits(at, count)),
        1 => (at(), at(), 0..300_usize).prop_map(|(at, from, length)| Damage::Graft(at, from, length)),
        1 => at().prop_map(Damage::End),
    ]
}

fn place(index: Index, bytes: &[u8]) -> usize {
    index.index(bytes.len() + 1)
}

fn insert(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    bytes.splice(at..at, new.iter().copied());
}

impl Damage {
    /// Does it; `other` is where foreign pieces come from.
    pub(crate) fn strike(&self, bytes: &mut Vec<u8>, other: &[u8]) {
        match self {
            Self::Flip(at, with) => {
                let at = place(*at, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= with;
                }
            }
            Self::Cut(at, length) => {
                let at = place(*at, bytes);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Self::Double(at, length) => {
                let at = place(*at, bytes);
                let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
                insert(bytes, at, &piece);
            }
            Self::Put(at, which) => insert(bytes, place(*at, bytes), INTRUDERS[*which]),
            Self::Nest(at, which, times) => {
                let at = place(*at, bytes);
                insert(bytes, at, &INTRUDERS[*which].repeat(*times));
            }
            Self::Digits(at, count) => insert(bytes, place(*at, bytes), &b"7".repeat(*count)),
            Self::Graft(at, from, length) => {
                let (at, from) = (place(*at, bytes), place(*from, other));
                insert(bytes, at, &other[from..(from + length).min(other.len())]);
            }
            Self::End(at) => bytes.truncate(place(*at, bytes)),
        }
    }
}
