//! Takes out of texts what must not leave the site: known secrets, what looks like one, message bodies, who writes to whom and,
//! where asked, addresses. Equal names stay equal within one archive, and mean nothing in another.

use crate::state::Redactor;
use hmac::{Hmac, Mac as _};
use rand::Rng as _;
use sha2::Sha256;
use std::net::IpAddr;

/// What is not shown.
const SECRET: &str = "[secret]";
/// Words whose value is not shown, in any case, wherever `word: value` or `word=value` stands.
const WORDS: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "cookie",
    "api-key",
    "api_key",
    "private-key",
    "private_key",
    "authorization",
];
/// Where texts that people wrote, or proofs of who they are, begin and end.
const TEXTS: [(&str, &str, &str); 8] = [
    ("<body", ">", "</body>"),
    ("<subject", ">", "</subject>"),
    ("<auth", ">", "</auth>"),
    ("<response", ">", "</response>"),
    ("<password", ">", "</password>"),
    ("xmlcdata,<<\"", "", "\">>"),
    ("\"body\":\"", "", "\""),
    ("\"body\": \"", "", "\""),
];
/// Ends of names of units, which have an `@` and are nobody's.
const UNITS: [&str; 6] = [".service", ".socket", ".timer", ".target", ".slice", ".mount"];

/// Cleans texts for one archive.
pub(super) struct Hush {
    known: Redactor,
    salt: [u8; 32],
    addresses: bool,
}

impl Hush {
    /// With the secrets that are known; `addresses` are hidden too.
    pub(super) fn new(known: Redactor, addresses: bool) -> Self {
        Self { known, salt: rand::rng().random(), addresses }
    }

    fn hash(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.salt).expect("a key of any length will do");
        mac.update(text.to_lowercase().as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..4])
    }

    /// The text as it may leave the site.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = self.known.redact(text);
        text = keys(&text);
        for (begin, open, end) in TEXTS {
            text = self.texts(&text, (begin, open, end));
        }
        let lines: Vec<String> = text.lines().map(|line| self.names(&values(line))).collect();
        lines.join("\n") + if text.ends_with('\n') { "\n" } else { "" }
    }

    /// Replaces what stands between two marks; where the second is missing, the rest of the line.
    fn texts(&self, text: &str, (begin, open, end): (&str, &str, &str)) -> String {
        let mut clean = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(begin) {
            let line = rest[at..].find('\n').map_or(rest.len(), |end| at + end);
            let inside = match rest[at + begin.len()..line].find(open) {
                Some(more) => at + begin.len() + more + open.len(),
                None => line,
            };
            if rest[..inside].ends_with("/>") {
                clean += &rest[..inside];
                rest = &rest[inside..];
                continue;
            }
            let until = rest[inside..].find(end).map_or(line.max(inside), |more| inside + more);
            clean += &rest[..inside];
            if until > inside {
                clean.extend(["[text ", &self.hash(&rest[inside..until]), "]"]);
            }
            rest = &rest[until..];
        }
        clean + rest
    }

    /// Replaces people and, where asked, addresses in a line.
    fn names(&self, line: &str) -> String {
        let part = |c: char| c.is_alphanumeric() || "._%+-@/:\\".contains(c);
        let mut clean = String::new();
        let mut rest = line;
        while !rest.is_empty() {
            let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
            if end > 0 {
                clean += &self.name(&rest[..end]);
                rest = &rest[end..];
            } else {
                let next = rest.find(part).unwrap_or(rest.len());
                clean += &rest[..next];
                rest = &rest[next..];
            }
        }
        clean
    }

    fn name(&self, word: &str) -> String {
        let bare = word.trim_end_matches(['.', ':', '/']);
        let tail = &word[bare.len()..];
        if self.addresses && bare.parse::<IpAddr>().is_ok() {
            return format!("address-{}{tail}", self.hash(bare));
        }
        if let (true, Some((host, port))) = (self.addresses, bare.rsplit_once([':', '/']))
            && host.parse::<IpAddr>().is_ok()
        {
            return format!("address-{}{}{port}{tail}", self.hash(host), &bare[host.len()..=host.len()]);
        }
        let Some((local, domain)) = bare.rsplit_once('@') else { return word.to_owned() };
        let (domain, resource) = match domain.split_once('/') {
            Some((domain, resource)) => (domain, Some(resource)),
            None => (domain, None),
        };
        let start = local.rfind([':', '/']).map_or(0, |at| at + 1);
        let (before, local) = local.split_at(start);
        let someone = domain.contains('.') && domain.chars().any(char::is_alphabetic) && !local.is_empty();
        if !someone || UNITS.iter().any(|end| domain.ends_with(end)) {
            return word.to_owned();
        }
        let resource = resource.map(|it| format!("/res-{}", self.hash(it))).unwrap_or_default();
        format!("{before}user-{}@{domain}{resource}{tail}", self.hash(local))
    }
}

/// Takes private keys out, whatever stands around them.
fn keys(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("-----BEGIN ") {
        let head = rest[at..].find('\n').map_or(rest.len(), |end| at + end);
        if !rest[at..head].contains("PRIVATE KEY") {
            clean += &rest[..head];
            rest = &rest[head..];
            continue;
        }
        clean += &rest[..at];
        clean += "[private key]";
        let end = rest[at..].find("-----END ").map_or(rest.len(), |end| at + end);
        let line = rest[end..].find('\n').map_or(rest.len(), |more| end + more);
        rest = &rest[line..];
    }
    clean + rest
}

/// Takes the values of telling words out of a line.
fn values(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let mut clean = String::new();
    let mut at = 0;
    while let Some((begin, word)) =
        WORDS.iter().filter_map(|word| Some((at + lower[at..].find(word)?, word))).min()
    {
        let after = begin + word.len();
        let sign = lower[after..].find([':', '=']).filter(|gap| {
            lower[after..after + gap].chars().all(|c| c.is_alphanumeric() || "\"'_- ".contains(c))
                && *gap < 24
        });
        let Some(sign) = sign else {
            clean += &line[at..after];
            at = after;
            continue;
        };
        let from = after + sign + 1;
        let from = from
            + line[from..]
                .find(|c: char| !c.is_whitespace() && !"\"'".contains(c))
                .unwrap_or(line.len() - from);
        let whole = ["authorization", "cookie"].contains(word);
        let stop = |c: char| c.is_whitespace() || "\"',;&})]<".contains(c);
        let to = if whole { line.len() } else { from + line[from..].find(stop).unwrap_or(line.len() - from) };
        clean += &line[at..from];
        if to > from {
            clean += SECRET;
        }
        at = to;
    }
    clean + &line[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hush(addresses: bool) -> Hush {
        let mut known = Redactor::default();
        known.add("s3cr3t-of-the-vault");
        Hush::new(known, addresses)
    }

    #[test]
    fn planted_secrets_bodies_and_people_do_not_leave() {
        let logs = "\
            2026-11-23 info accepted mei@im.acme.example/phone-of-mei from 10.0.0.7:5222\n\
            debug <message to='li.wei@im.acme.example' from='mei@im.acme.example'><body xml:lang='en'>meet at\nnoon</body></message>\n\
            debug {xmlcel,<<\"body\">>,[],[{xmlcdata,<<\"the plan is blue\">>}]} 张三@im.acme.example\n\
            db password=hunter2 and PASSWORD: \"hunter3\" token = abc.def {\"api_key\":\"k-77\"} db_password: hunter4\n\
            Authorization: Bearer eyJhbGciOi\nSet-Cookie: sid=9f8e7d\nkey s3cr3t-of-the-vault here\n\
            <auth mechanism='PLAIN'>AG1laQBodW50ZXI1</auth>\n\
            -----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n\
            relay@15-main.service started, xmpp:mei@im.acme.example?message\n";
        let hush = hush(true);
        let clean = hush.clean(logs);
        for gone in [
            "mei",
            "phone-of-mei",
            "li.wei",
            "meet at",
            "noon",
            "the plan is blue",
            "张三",
            "hunter",
            "abc.def",
            "k-77",
            "eyJhbGciOi",
            "9f8e7d",
            "s3cr3t",
            "AG1laQBodW50ZXI1",
            "MHcCAQEE",
            "10.0.0.7",
        ] {
            assert!(!clean.contains(gone), "`{gone}` is left:\n{clean}");
        }
        let mei = format!("user-{}@im.acme.example", hush.hash("mei"));
        assert_eq!(clean.matches(&mei).count(), 3, "equal names stay equal:\n{clean}");
        assert!(clean.contains("relay@15-main.service started") && clean.contains(":5222"), "{clean}");
        assert_ne!(hush.hash("mei"), super::Hush::new(Redactor::default(), false).hash("mei"));
    }

    #[test]
    fn what_is_nobodys_stays_and_addresses_stay_unless_asked() {
        let line =
            "listening on 10.0.0.7:5222, fe80::1, mode 0640, relay.service at 12:30:01, tokens: none\n";
        assert_eq!(hush(false).clean("at 10.0.0.7:5222 12:30:01\n"), "at 10.0.0.7:5222 12:30:01\n");
        let clean = hush(true).clean(line);
        assert!(
            !clean.contains("10.0.0.7") && !clean.contains("fe80::1") && clean.contains("12:30:01"),
            "{clean}"
        );
        assert_eq!(
            hush(false).clean("-----BEGIN CERTIFICATE-----\nMII\n"),
            "-----BEGIN CERTIFICATE-----\nMII\n"
        );
        assert_eq!(hush(false).clean("<body/> end <body>no end\nnext\n").lines().count(), 2);
    }
}
