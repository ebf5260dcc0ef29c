//! Files: a slot, a put, a fetch, equal checksums; and a put without a slot that must be refused.

use super::{People, Service, known, present};
use crate::base::Finding;
use crate::probe::{Files, Slot, Wrong};
use rand::Rng;
use sha2::{Digest, Sha256};
use std::time::Instant;

const SIZE: usize = 256 << 10;
const NAME: &str = "imctl 测试.bin";

pub(super) async fn prove(service: &Service, people: &People) -> Vec<Finding> {
    let (good, bad) = (known("FILE-01"), known("FILE-02"));
    let Some(upload) = &service.upload else {
        let why = "the stack offers no files";
        return vec![good.not_applicable(why), bad.not_applicable(why)];
    };
    match slots(service, people, upload).await {
        Ok([first, second]) => vec![
            good.judged(None, share(service, &first.0, first.1).await),
            bad.judged(None, refused(service, &second.0).await),
        ],
        Err(wrong) => vec![good.judged::<&Wrong>(None, Err(&wrong)), bad.judged::<&Wrong>(None, Err(&wrong))],
    }
}

/// Two slots, each with content that fits it.
async fn slots(service: &Service, people: &People, upload: &str) -> Result<[(Slot, Vec<u8>); 2], Wrong> {
    let mut content = vec![0u8; SIZE];
    rand::rng().fill(&mut content[..]);
    let mut client = present(service.entrance(0)?, &people.one, service.within).await?;
    let first = client.slot(upload, NAME, SIZE as u64).await;
    let second = client.slot(upload, NAME, SIZE as u64).await;
    client.close().await;
    Ok([(first?, content.clone()), (second?, content)])
}

async fn share(service: &Service, slot: &Slot, content: Vec<u8>) -> Result<String, Wrong> {
    let sum = hex::encode(Sha256::digest(&content));
    let started = Instant::now();
    let status = files(service, 0, &[&slot.put, &slot.get])?.put(slot, content).await?;
    if !(200..300).contains(&status) {
        return Err(Wrong::Answer(format!("the put was answered by status {status}")));
    }
    let ways = service.https.len().max(1);
    for at in 0..ways {
        let from = service.https.get(at).map_or_else(String::new, |(host, _)| format!(" through {host}"));
        let fetched = files(service, at, &[&slot.get])?.get(&slot.get).await?;
        if fetched.status != 200 || fetched.sha256 != sum {
            let got = format!("status {}, {} of {SIZE} bytes", fetched.status, fetched.size);
            return Err(Wrong::Answer(format!("fetched{from}: {got}, not what was put")));
        }
    }
    let took = started.elapsed().as_millis();
    Ok(format!("256 KiB put, fetched through {ways} of {ways} ways in, equal, {took} ms"))
}

/// A slot for another path than the server signed must be refused.
async fn refused(service: &Service, slot: &Slot) -> Result<String, Wrong> {
    let forged = Slot { put: forged(&slot.put)?, ..slot.clone() };
    match files(service, 0, &[&forged.put])?.put(&forged, vec![0; SIZE]).await {
        Ok(status @ 400..500) => Ok(format!("status {status}")),
        Ok(status) => Err(Wrong::Answer(format!("answered by status {status}"))),
        // A server may close the connection before it has read all of what it refuses.
        Err(Wrong::Network(why)) => Ok(format!("cut off: {why}")),
        Err(wrong) => Err(wrong),
    }
}

/// The same address with one character of the path changed, so that a signature or a slot's name no longer fits.
fn forged(address: &str) -> Result<String, Wrong> {
    let unreadable = || Wrong::Answer("the slot's address cannot be read".to_owned());
    let mut url = reqwest::Url::parse(address).map_err(|_| unreadable())?;
    let mut parts: Vec<String> = url.path_segments().ok_or_else(unreadable)?.map(ToOwned::to_owned).collect();
    let at = parts.len().checked_sub(2).ok_or_else(unreadable)?;
    parts[at] = parts[at].chars().rev().chain(['x']).collect();
    url.set_path(&parts.join("/"));
    Ok(url.into())
}

/// A client for which the names in these addresses lead to the `at`-th place where HTTPS is answered.
fn files(service: &Service, at: usize, addresses: &[&str]) -> Result<Files, Wrong> {
    let roots: Vec<&str> = service.roots.iter().map(String::as_str).collect();
    let names: Vec<_> = service
        .https
        .get(at)
        .map(|(_, place)| addresses.iter().filter_map(|address| Some((host(address)?, *place))).collect())
        .unwrap_or_default();
    Files::new(&roots, &names, service.within.max(std::time::Duration::from_secs(30)))
}

fn host(address: &str) -> Option<String> {
    reqwest::Url::parse(address).ok()?.host_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_slot_differs_in_its_path_only() {
        let forged = forged("https://files.im.example/upload/ab/cd/x.bin?v=1").unwrap();
        assert_eq!(forged, "https://files.im.example/upload/ab/dcx/x.bin?v=1");
    }
}
