//! What an account may be called, and what a password may be. Pure.

use icu_normalizer::ComposingNormalizerBorrowed;
use rand::Rng;
use rand::seq::IndexedRandom;

/// Accounts that `verify` makes for itself begin so; nobody else's may.
pub(in crate::cli) const PROOF_PREFIX: &str = "imctl-verify-";
/// Accounts of `imctl load` begin with this.
pub(in crate::cli) const LOAD_PREFIX: &str = "imctl-load-";

/// Letters and digits that are not taken for one another when read aloud or typed.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const SHORTEST_PASSWORD: usize = 8;
const LONGEST: usize = 255;

/// An account's name as servers compare it (NFKC, lower case), or what is wrong with it.
pub(in crate::cli) fn prepared_name(written: &str) -> Result<String, String> {
    let name = nfkc(&nfkc(written.trim()).to_lowercase());
    let first = name.chars().next().ok_or("the name is empty")?;
    if name.len() > LONGEST {
        return Err(format!(
            "`{}…` is longer than {LONGEST} bytes",
            name.chars().take(20).collect::<String>()
        ));
    }
    if name.contains('@') {
        return Err(format!("`{name}` holds `@`; give the name without the domain"));
    }
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '~');
    if let Some(bad) = name.chars().find(|&c| !allowed(c)) {
        return Err(format!(
            "`{name}` holds `{}`; letters of any script, digits and . _ - + ~ are allowed",
            shown(bad)
        ));
    }
    if !first.is_alphanumeric() {
        return Err(format!("`{name}` begins with `{first}`; a letter or digit comes first"));
    }
    if name.starts_with(PROOF_PREFIX) || name.starts_with(LOAD_PREFIX) {
        return Err(format!(
            "`{name}` begins as the accounts of `imctl verify` and `imctl load` do, which come and go by themselves"
        ));
    }
    Ok(name)
}

/// A password as clients send it (NFKC, as `SASLprep` has it), or what is wrong with it. The message never holds it.
pub(in crate::cli) fn prepared_password(written: &str, name: &str) -> Result<String, String> {
    let password = nfkc(written);
    if password.chars().any(char::is_control) {
        return Err("the password holds a control character".to_owned());
    }
    if password.chars().count() < SHORTEST_PASSWORD {
        return Err(format!("the password is shorter than {SHORTEST_PASSWORD} characters"));
    }
    if password.len() > LONGEST {
        return Err(format!("the password is longer than {LONGEST} bytes"));
    }
    if password.to_lowercase() == name {
        return Err("the password is the name".to_owned());
    }
    Ok(password)
}

/// A fresh password of 80 random bits in four groups, easy to type.
pub(in crate::cli) fn fresh_password() -> String {
    let mut rng = rand::rng();
    let mut group =
        || -> String { (0..4).filter_map(|_| ALPHABET.choose(&mut rng)).map(|&b| char::from(b)).collect() };
    [group(), group(), group(), group()].join("-")
}

/// A random suffix for names, 60 bits.
pub(in crate::cli) fn suffix() -> String {
    let mut rng = rand::rng();
    (0..12).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}

/// Compatibility forms become one: full-width letters are letters, any space is a space.
fn nfkc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned()
}

fn shown(c: char) -> String {
    if c.is_control() { format!("\\u{{{:x}}}", u32::from(c)) } else { c.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_servers_compare() {
        assert_eq!(prepared_name("Alice"), Ok("alice".to_owned()));
        assert_eq!(prepared_name("王芳"), Ok("王芳".to_owned()));
        assert_eq!(prepared_name("Ａｌｉｃｅ．１"), Ok("alice.1".to_owned()));
        assert_eq!(prepared_name(" bob "), Ok("bob".to_owned()));
        for bad in [
            "",
            "a b",
            "a@im.example",
            "a/b",
            "-rf",
            "a:b",
            "a'b",
            "a\u{202e}b",
            "a\0",
            "imctl-verify-x",
            "$(id)",
        ] {
            assert!(prepared_name(bad).is_err(), "{bad:?}");
        }
        assert!(prepared_name(&"x".repeat(300)).is_err());
    }

    #[test]
    fn a_password_is_long_enough_and_is_never_repeated_in_a_message() {
        assert_eq!(prepared_password("correct horse", "alice"), Ok("correct horse".to_owned()));
        assert_eq!(prepared_password("密码很长很长很长", "alice"), Ok("密码很长很长很长".to_owned()));
        for bad in ["short7!", "alicealice", "with\ttabulator"] {
            let message = prepared_password(bad, "alicealice").unwrap_err();
            assert!(!message.contains(bad), "{message}");
        }
        let fresh = fresh_password();
        assert_eq!(prepared_password(&fresh, "alice"), Ok(fresh.clone()));
        assert_ne!(fresh, fresh_password());
        assert_eq!(fresh.len(), 19);
    }
}
