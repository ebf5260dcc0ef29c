//! What can be done to shared files without a right to it: forged slots, other sizes, a second time, other methods; and what a browser
//! makes of them.

use super::super::proof::{People, Service};
use super::super::web::{Reply, Site};
use super::{of, untried};
use crate::checks::{Outcome, Said};
use crate::xmpp::{Client, Door, Slot, Wrong};

const IDS: [&str; 8] =
    ["UPLOAD-01", "UPLOAD-02", "UPLOAD-03", "UPLOAD-04", "UPLOAD-06", "UPLOAD-07", "UPLOAD-08", "UPLOAD-10"];
const PAGE: &[u8] = b"<html><script>alert('imctl scan')</script></html>";
const HUGE: u64 = 1 << 40;
const BITS: f64 = 128.0;

pub(super) async fn try_all(service: &Service, door: &Door, people: &People) -> Vec<Said> {
    let Some(upload) = &service.upload else {
        return IDS.iter().map(|id| of(id, Outcome::Open("files are not offered".to_owned()))).collect();
    };
    let mut client = match Client::login(door, &people.one, service.within).await {
        Ok(client) => client,
        Err(wrong) => return untried(&IDS, &wrong),
    };
    let done = tried(service, &mut client, upload).await;
    client.close().await;
    match done {
        Ok(said) => said,
        Err(wrong) => untried(&IDS, &wrong),
    }
}

/// A request at a slot's address, with what comes of it.
async fn at(site: &Site, method: &str, address: &str, body: &[u8]) -> Result<Reply, Wrong> {
    let path = address.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
    let path = path.ok_or_else(|| Wrong::Answer("the slot's address has no path".to_owned()))?;
    site.ask(&format!("{method} {path}"), &[], body).await.map_err(Wrong::Network)
}

async fn tried(service: &Service, client: &mut Client, upload: &str) -> Result<Vec<Said>, Wrong> {
    // Each try has a slot of its own: what one of them takes must not change what becomes of the next.
    let mut slots = Vec::new();
    for _ in 0..4 {
        slots.push(client.slot(upload, "scan.html", PAGE.len() as u64).await?);
    }
    let [victim, other, small, slot] = slots.as_slice() else {
        return Err(Wrong::Answer("a slot is missing".to_owned()));
    };
    let name =
        slot.get.split('/').nth(2).unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
    let address = service.https.first().map(|(_, address)| *address);
    let address = address.ok_or_else(|| Wrong::Network("no host takes HTTPS".to_owned()))?;
    let roots: Vec<&str> = service.roots.iter().map(String::as_str).collect();
    let site = Site::new(address, &name, &roots, service.within).map_err(Wrong::Tls)?;
    let mut said = forged(&site, victim, other).await?;
    let twice = [PAGE, PAGE].concat();
    let larger = at(&site, "PUT", &small.put, &twice).await?;
    said.push(of("UPLOAD-02", Outcome::judged(!larger.good(), larger.status.to_string())));
    let put = at(&site, "PUT", &slot.put, PAGE).await?;
    let again = at(&site, "PUT", &slot.put, PAGE).await?;
    said.push(of(
        "UPLOAD-03",
        if put.good() {
            Outcome::judged(!again.good(), again.status.to_string())
        } else {
            Outcome::Unknown(format!("the first time was answered {}", put.status))
        },
    ));
    let fetched = at(&site, "GET", &slot.get, b"").await?;
    said.push(of("UPLOAD-04", browser(&fetched)));
    said.push(of("UPLOAD-10", origins(&fetched)));
    said.push(of("UPLOAD-06", methods(&site, slot).await?));
    said.push(of("UPLOAD-08", guessing(&slot.get, &other.get)));
    said.push(of(
        "UPLOAD-07",
        match client.slot(upload, "huge.bin", HUGE).await {
            Ok(_) => Outcome::Bad("granted".to_owned()),
            Err(Wrong::Condition { condition, .. }) => Outcome::Good(condition),
            Err(wrong) => Outcome::Unknown(wrong.to_string()),
        },
    ));
    Ok(said)
}

/// Without the signature, and with the signature of another slot.
async fn forged(site: &Site, slot: &Slot, other: &Slot) -> Result<Vec<Said>, Wrong> {
    let bare = slot.put.split('?').next().unwrap_or_default();
    let foreign = match other.put.split_once('?') {
        Some((_, query)) => format!("{bare}?{query}"),
        None => bare.to_owned(),
    };
    let mut taken = Vec::new();
    for (what, address) in [("without a slot", bare.to_owned()), ("with another slot's signature", foreign)] {
        let reply = at(site, "PUT", &address, PAGE).await?;
        if reply.good() {
            taken.push(format!("{what}: {}", reply.status));
        }
    }
    Ok(vec![of("UPLOAD-01", Outcome::none_of(&taken, "refused"))])
}

fn browser(reply: &Reply) -> Outcome {
    if !reply.good() {
        return Outcome::Unknown(format!("the file was answered {}", reply.status));
    }
    let has = |name: &str, word: &str| reply.header(name).is_some_and(|it| it.contains(word));
    let missing: Vec<String> = [
        ("content-disposition", "attachment"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox"),
    ]
    .iter()
    .filter(|(name, word)| !has(name, word))
    .map(|(name, _)| format!("no {name}"))
    .collect();
    Outcome::none_of(&missing, "attachment, nosniff, sandbox")
}

fn origins(reply: &Reply) -> Outcome {
    let mut wrong = Vec::new();
    if reply.header("strict-transport-security").is_none() {
        wrong.push("no strict-transport-security".to_owned());
    }
    if reply.header("access-control-allow-credentials") == Some("true") {
        wrong.push("credentials for foreign origins".to_owned());
    }
    Outcome::none_of(&wrong, "HTTPS only, no foreign origins")
}

async fn methods(site: &Site, slot: &Slot) -> Result<Outcome, Wrong> {
    let mut taken = Vec::new();
    let methods = ["DELETE", "TRACE", "PATCH", "POST", "PROPFIND", "MOVE"];
    for method in methods {
        let reply = at(site, method, &slot.get, b"").await?;
        if reply.good() {
            taken.push(format!("{method} answers {}", reply.status));
        }
    }
    Ok(Outcome::none_of(&taken, format!("{} refused", methods.join(", "))))
}

/// Random bits of an address: what differs between two slots of one user for one name.
fn guessing(one: &str, other: &str) -> Outcome {
    let path = |address: &str| address.split('?').next().unwrap_or_default().to_owned();
    let (one, other) = (path(one), path(other));
    let bits: f64 = one
        .split('/')
        .zip(other.split('/'))
        .filter(|(a, b)| a != b)
        .map(|(a, _)| {
            let hex = a.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c) || c == '-');
            let each: f64 = if hex { 4.0 } else { 62f64.log2() };
            each * f64::from(
                u32::try_from(a.chars().filter(char::is_ascii_alphanumeric).count()).unwrap_or(0),
            )
        })
        .sum();
    Outcome::judged(bits >= BITS, format!("{bits:.0} bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_between_two_slots_is_random() {
        let slot = |random: &str| format!("https://f.example/upload/0123456789abcdef/{random}/scan.html");
        assert_eq!(
            guessing(&slot("AbCdEfGhIjKlMnOpQrStUvWx"), &slot("ZbCdEfGhIjKlMnOpQrStUvWx")),
            Outcome::Good("143 bits".to_owned())
        );
        assert_eq!(guessing(&slot("1234"), &slot("1235")), Outcome::Bad("16 bits".to_owned()));
    }

    #[test]
    fn a_file_that_a_browser_would_run_is_told_by_its_missing_headers() {
        let with = |headers: &[(&str, &str)]| Reply {
            status: 200,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: String::new(),
        };
        let all = [
            ("content-disposition", "attachment"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
        ];
        assert!(matches!(browser(&with(&all)), Outcome::Good(_)));
        assert_eq!(browser(&with(&all[..2])), Outcome::Bad("no content-security-policy".to_owned()));
    }
}
