//! As much of S3 as reading a bucket takes: listing and fetching, signed (Signature Version 4), over mutual TLS.

use super::BackupError;
use super::error::io;
use super::job::Bucket;
use crate::base::Secret;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;
use reqwest::{Certificate, Client, Identity, Response, redirect};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::time::Duration;

/// SHA-256 of nothing: what a request without a body signs.
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// Nothing arrives for so long: the host is gone.
const SILENCE: Duration = Duration::from_secs(30);
/// Objects asked for at once.
const PAGE: usize = 1000;

/// An object as the storage lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) tag: String,
}

/// A bucket at one endpoint.
#[derive(Clone)]
pub(super) struct Site {
    client: Client,
    host: String,
    address: String,
    bucket: String,
    region: String,
    id: String,
    secret: Secret<String>,
}

/// A page of a listing.
#[derive(Debug, Default)]
struct Page {
    objects: Vec<Object>,
    next: Option<String>,
}

impl Site {
    /// A bucket at each of its endpoints.
    pub(super) fn all(part: &Bucket) -> Result<Vec<Self>, BackupError> {
        let read = |path: &std::path::Path| std::fs::read(path).map_err(io("read", path));
        let wrong = |cause: String| BackupError::Part { part: part.name.clone(), cause };
        let key = Secret::new(String::from_utf8_lossy(&read(&part.key)?).into_owned());
        let mut lines = key.expose().lines().map(str::trim);
        let (id, secret) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let mut identity = read(&part.certificate)?;
        identity.extend(read(&part.private_key)?);
        let identity = Identity::from_pem(&identity).map_err(|cause| wrong(chain(&cause)))?;
        let root = Certificate::from_pem(&read(&part.ca)?).map_err(|cause| wrong(chain(&cause)))?;
        let client = Client::builder()
            .tls_certs_only([root])
            .identity(identity)
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE)
            .build();
        let client = client.map_err(|cause| wrong(chain(&cause)))?;
        let site = |endpoint: &String| {
            let host = endpoint.trim_start_matches("https://").trim_end_matches('/').to_owned();
            Self {
                client: client.clone(),
                address: format!("https://{host}"),
                host,
                bucket: part.bucket.clone(),
                region: part.region.clone(),
                id: id.to_owned(),
                secret: Secret::new(secret.to_owned()),
            }
        };
        Ok(part.endpoints.iter().map(site).collect())
    }

    /// All objects, in order of their names.
    pub(super) async fn list(&self) -> Result<Vec<Object>, String> {
        let mut objects = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut query = String::new();
            if let Some(token) = &next {
                let _ = write!(query, "continuation-token={}&", encoded(token, false));
            }
            let _ = write!(query, "encoding-type=url&list-type=2&max-keys={PAGE}");
            let answer = self.ask("", &query).await?;
            let text = answer.text().await.map_err(|cause| chain(&cause))?;
            let page = page(&text)?;
            objects.extend(page.objects);
            match page.next {
                Some(token) if next.as_ref() != Some(&token) => next = Some(token),
                _ => return Ok(objects),
            }
        }
    }

    /// An object's content; nothing when it is gone.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Response>, String> {
        match self.ask(key, "").await {
            Ok(answer) => Ok(Some(answer)),
            Err(why) if why.starts_with("404 ") => Ok(None),
            Err(why) => Err(why),
        }
    }

    async fn ask(&self, key: &str, query: &str) -> Result<Response, String> {
        let path = format!("/{}/{}", encoded(&self.bucket, true), encoded(key, true));
        let now = Timestamp::now();
        let (date, time) = (now.strftime("%Y%m%d").to_string(), now.strftime("%Y%m%dT%H%M%SZ").to_string());
        let scope = format!("{date}/{}/s3/aws4_request", self.region);
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let canonical = format!(
            "GET\n{path}\n{query}\nhost:{}\nx-amz-content-sha256:{EMPTY}\nx-amz-date:{time}\n\n{signed}\n{EMPTY}",
            self.host
        );
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
        let words = [date.as_str(), &self.region, "s3", "aws4_request", &text];
        let first = format!("AWS4{}", self.secret.expose()).into_bytes();
        let signature = words.iter().fold(first, |key, word| hmac(&key, word.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={signed},Signature={}",
            self.id,
            hex::encode(signature)
        );
        let mark = if query.is_empty() { "" } else { "?" };
        let request = self.client.get(format!("{}{path}{mark}{query}", self.address));
        let request = request
            .header("x-amz-content-sha256", EMPTY)
            .header("x-amz-date", time)
            .header("authorization", authorization);
        let answer = request.send().await.map_err(|cause| format!("{}: {}", self.host, chain(&cause)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let said = answer.text().await.unwrap_or_default();
        let code = said.split("<Code>").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
        Err(format!("{} {code} from {}", status.as_u16(), self.host))
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// Percent-encoding as the signature wants it: everything but letters, digits and `-._~`; `/` stays in paths.
fn encoded(text: &str, path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            b'/' if path => out.push('/'),
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

fn decoded(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let digits = text.get(at + 1..at + 3).and_then(|it| u8::from_str_radix(it, 16).ok());
            out.push(digits.ok_or_else(|| format!("`{text}` is not encoded as it should be"))?);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).map_err(|_| format!("`{text}` is not UTF-8"))
}

/// Reads a page of a listing, with names percent-encoded as we asked for.
fn page(text: &str) -> Result<Page, String> {
    let mut reader = Reader::from_str(text);
    let (mut page, mut object, mut value) = (Page::default(), Object::default(), String::new());
    loop {
        match reader.read_event().map_err(|cause| format!("the listing cannot be read: {cause}"))? {
            Event::Start(_) => value.clear(),
            Event::Text(text) => value.push_str(&text.decode().map_err(|cause| cause.to_string())?),
            Event::End(end) => match end.local_name().as_ref() {
                b"Key" => object.key = decoded(&value)?,
                b"Size" => object.size = value.trim().parse().map_err(|_| format!("`{value}` is no size"))?,
                b"ETag" => value.trim_matches('"').clone_into(&mut object.tag),
                b"Contents" => page.objects.push(std::mem::take(&mut object)),
                b"NextContinuationToken" => page.next = Some(value.clone()),
                _ => {}
            },
            Event::Eof => return Ok(page),
            _ => {}
        }
    }
}

/// The innermost causes of a failed request, without its address.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words.push(inner.to_string());
        cause = inner.source();
    }
    if words.is_empty() { error.to_string() } else { words.join(": ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read() {
        let text = r#"<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>uploads</Name>
            <IsTruncated>true</IsTruncated><NextContinuationToken>W3Ky</NextContinuationToken>
            <Contents><Key>a%20b/%E5%9B%BE.png</Key><ETag>&quot;9b2c&quot;</ETag><Size>12</Size></Contents>
            <Contents><Key>c</Key><ETag>"1"</ETag><Size>0</Size></Contents></ListBucketResult>"#;
        let page = page(text).unwrap();
        assert_eq!(page.next.as_deref(), Some("W3Ky"));
        let first = Object { key: "a b/图.png".into(), size: 12, tag: "9b2c".into() };
        assert_eq!(page.objects[0], first);
        assert_eq!(page.objects.len(), 2);
        assert!(super::page("<ListBucketResult><Contents><Size>x</Size>").is_err());
    }

    #[test]
    fn names_are_encoded_as_signatures_want_them() {
        assert_eq!(encoded("a b/图~.png", true), "a%20b/%E5%9B%BE~.png");
        assert_eq!(encoded("a/b=", false), "a%2Fb%3D");
        assert_eq!(decoded("a%20b").unwrap(), "a b");
        assert!(decoded("a%2").is_err());
    }
}
