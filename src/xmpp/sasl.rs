//! SCRAM-SHA-256 as the client speaks it (RFC 5802, 7677), with channel binding `tls-exporter` (RFC 9266) where the
//! server offers it, and with the server's own proof checked. Pure: messages in, messages out.

use super::Wrong;
use crate::base::Secret;
use crate::base::scram::{ScramKeys, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::Rng;

/// A server that asks for more rounds than this wants to keep us busy.
const MAX_ROUNDS: u32 = 600_000;

/// What a client proves itself with.
#[derive(Clone)]
pub enum Proof {
    /// A password, prepared already.
    Password(Secret<String>),
    /// Keys derived beforehand, good for one salt and number of rounds; saves the derivation at each login.
    Keys {
        /// The keys.
        keys: ScramKeys,
        /// The salt they belong to.
        salt: Vec<u8>,
        /// The rounds they belong to.
        rounds: u32,
    },
    /// A password that the server is given as it is (RFC 4616), for comparison with programs that know no other way. Only who
    /// asks for it gets it; the others never do, whatever the server offers.
    Plain(Secret<String>),
}

/// One login under way.
pub struct Exchange {
    gs2: String,
    first: String,
    nonce: String,
    binding: Option<Vec<u8>>,
    expected: Option<[u8; 32]>,
}

impl Exchange {
    /// Begins a login; `binding` is the TLS exporter's value when the mechanism is the `-PLUS` one.
    pub fn new(user: &str, binding: Option<Vec<u8>>) -> Self {
        let mut bytes = [0u8; 18];
        rand::rng().fill(&mut bytes);
        Self::with_nonce(user, binding, STANDARD.encode(bytes))
    }

    fn with_nonce(user: &str, binding: Option<Vec<u8>>, nonce: String) -> Self {
        let gs2 = if binding.is_some() { "p=tls-exporter,," } else { "n,," }.to_owned();
        let first = format!("n={},r={nonce}", user.replace('=', "=3D").replace(',', "=2C"));
        Self { gs2, first, nonce, binding, expected: None }
    }

    /// Name of the mechanism.
    pub fn mechanism(&self) -> &'static str {
        if self.binding.is_some() { "SCRAM-SHA-256-PLUS" } else { "SCRAM-SHA-256" }
    }

    /// The first message.
    pub fn first(&self) -> String {
        format!("{}{}", self.gs2, self.first)
    }

    /// Answers the server's challenge with the proof.
    pub fn answer(&mut self, challenge: &str, proof: &Proof) -> Result<String, Wrong> {
        let bad = |what: &str| Wrong::Impostor(format!("its challenge {what}"));
        let field = |key: &str| challenge.split(',').find_map(|part| part.strip_prefix(key));
        if challenge.starts_with("m=") {
            return Err(bad("wants an unknown extension"));
        }
        let nonce = field("r=").ok_or_else(|| bad("has no nonce"))?;
        if !nonce.starts_with(&self.nonce) || nonce.len() <= self.nonce.len() {
            return Err(bad("does not continue our nonce"));
        }
        let salt =
            field("s=").and_then(|text| STANDARD.decode(text).ok()).ok_or_else(|| bad("has no salt"))?;
        let rounds: u32 =
            field("i=").and_then(|text| text.parse().ok()).ok_or_else(|| bad("has no rounds"))?;
        if rounds == 0 || rounds > MAX_ROUNDS {
            return Err(bad("asks for an unreasonable number of rounds"));
        }
        let keys = match proof {
            Proof::Keys { keys, salt: known, rounds: same } if *known == salt && *same == rounds => {
                keys.clone()
            }
            Proof::Keys { .. } => return Err(bad("has another salt than the account was made with")),
            Proof::Password(password) => ScramKeys::derive(password.expose().as_bytes(), &salt, rounds),
            Proof::Plain(_) => return Err(bad("came though the password was to go as it is")),
        };
        let mut bound = self.gs2.clone().into_bytes();
        bound.extend_from_slice(self.binding.as_deref().unwrap_or_default());
        let last = format!("c={},r={nonce}", STANDARD.encode(bound));
        let auth = format!("{},{challenge},{last}", self.first);
        self.expected = Some(hmac(&keys.server, auth.as_bytes()));
        let signature = hmac(&keys.stored, auth.as_bytes());
        let proof: Vec<u8> = keys.client.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        Ok(format!("{last},p={}", STANDARD.encode(proof)))
    }

    /// Checks the server's own proof in its last message.
    pub fn verify(&self, last: &str) -> Result<(), Wrong> {
        let expected =
            self.expected.ok_or_else(|| Wrong::Impostor("it said success too early".to_owned()))?;
        let shown = last.split(',').find_map(|part| part.strip_prefix("v="));
        let shown = shown.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
        let differs = shown.iter().zip(expected).fold(0, |sum, (a, b)| sum | (a ^ b));
        if shown.len() == expected.len() && differs == 0 {
            Ok(())
        } else {
            Err(Wrong::Impostor("its signature is wrong".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str =
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn pencil() -> Proof {
        Proof::Password(Secret::new("pencil".to_owned()))
    }

    #[test]
    fn the_exchange_of_rfc_7677_goes_through() {
        let mut exchange = Exchange::with_nonce("user", None, "rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(exchange.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let answer = exchange.answer(CHALLENGE, &pencil()).unwrap();
        assert_eq!(
            answer,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(exchange.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        for wrong in ["", "v=", "e=other-error", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G0="] {
            assert!(matches!(exchange.verify(wrong), Err(Wrong::Impostor(_))), "{wrong}");
        }
    }

    #[test]
    fn a_dishonest_challenge_is_refused() {
        for bad in [
            "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=!,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4294967295",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",
            "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "",
        ] {
            let mut exchange = Exchange::with_nonce("user", None, "rOprNGfwEbeRWgbNEkqO".to_owned());
            assert!(matches!(exchange.answer(bad, &pencil()), Err(Wrong::Impostor(_))), "{bad}");
            assert!(exchange.verify("v=").is_err());
        }
    }

    #[test]
    fn keys_made_beforehand_give_the_same_proof() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let keys = ScramKeys::derive(b"pencil", &salt, 4096);
        let begin = || Exchange::with_nonce("user", Some(vec![7; 32]), "rOprNGfwEbeRWgbNEkqO".to_owned());
        let with_keys = begin().answer(CHALLENGE, &Proof::Keys { keys, salt, rounds: 4096 });
        assert_eq!(with_keys, begin().answer(CHALLENGE, &pencil()));
        assert!(begin().first().starts_with("p=tls-exporter,,"));
    }

    #[test]
    fn a_password_that_goes_as_it_is_answers_no_challenge() {
        let mut exchange = Exchange::with_nonce("user", None, "rOprNGfwEbeRWgbNEkqO".to_owned());
        let plain = Proof::Plain(Secret::new("pencil".to_owned()));
        assert!(matches!(exchange.answer(CHALLENGE, &plain), Err(Wrong::Impostor(_))));
    }

    #[test]
    fn a_name_with_a_comma_is_escaped() {
        assert!(Exchange::new("a,b=c", None).first().contains("n=a=2Cb=3Dc,r="));
    }
}
