//! What the web side gives to anybody: administration, listings, paths out of the folder, words about the product.

use super::super::proof::Service;
use super::super::web::{Reply, Site};
use super::on;
use crate::base::HostName;
use crate::checks::{Outcome, Said};
use std::net::SocketAddr;

const INTERFACES: [&str; 3] = ["/api/status", "/api/registered_users", "/api/connected_users"];
const CONSOLES: [&str; 3] = ["/admin/", "/admin", "/console/"];
const WAYS_OUT: [&str; 7] = [
    "/../../../../etc/passwd",
    "/upload/../../../../etc/passwd",
    "/upload/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/upload/..%2f..%2f..%2fetc%2fpasswd",
    "/upload/%00",
    "/upload/",
    "/",
];

pub(super) async fn try_all(service: &Service) -> Vec<Said> {
    let mut said = Vec::new();
    for (host, address) in &service.https {
        said.extend(chat_site(service, host, *address).await);
        if let Some(files) = service.files_name() {
            said.extend(files_site(service, host, *address, &files).await);
        }
    }
    said
}

fn site(service: &Service, address: SocketAddr, name: &str) -> Result<Site, String> {
    let roots: Vec<&str> = service.roots.iter().map(String::as_str).collect();
    Site::new(address, name, &roots, service.within)
}

async fn chat_site(service: &Service, host: &HostName, address: SocketAddr) -> Vec<Said> {
    let site = match site(service, address, &service.domain) {
        Ok(site) => site,
        Err(why) => return unknown(&["CHAT-10", "CHAT-11", "CHAT-13"], host, &why),
    };
    let (mut open, mut consoles, mut told) = (Vec::new(), Vec::new(), Vec::new());
    let mut broken = None;
    for path in INTERFACES {
        for (head, body) in [(format!("POST {path}"), &b"{}"[..]), (format!("GET {path}"), &b""[..])] {
            match site.ask(&head, &["content-type: application/json"], body).await {
                Ok(reply) => {
                    told.extend(product(&reply));
                    if reply.status != 404 && reply.status != 403 {
                        open.push(format!("{path} answers {}", reply.status));
                    }
                }
                Err(why) => broken = Some(why),
            }
        }
    }
    for path in CONSOLES {
        match site.ask(&format!("GET {path}"), &[], b"").await {
            // A page that asks for a password is a page that is open to guessing.
            Ok(reply) if reply.status != 404 => consoles.push(format!("{path} answers {}", reply.status)),
            Ok(reply) => told.extend(product(&reply)),
            Err(why) => broken = Some(why),
        }
    }
    open.dedup();
    told.sort();
    told.dedup();
    vec![
        on("CHAT-10", host, judged(broken.as_deref(), &open, "closed")),
        on("CHAT-11", host, judged(broken.as_deref(), &consoles, "closed")),
        on("CHAT-13", host, judged(broken.as_deref(), &told, "not told")),
    ]
}

/// A site that cannot be asked at all.
fn unknown(ids: &[&str], host: &HostName, why: &str) -> Vec<Said> {
    ids.iter().map(|id| on(id, host, Outcome::Unknown(why.to_owned()))).collect()
}

/// What was found counts although a question broke off; nothing found says nothing then.
fn judged(broken: Option<&str>, wrong: &[String], good: &str) -> Outcome {
    match (broken, wrong) {
        (Some(why), []) => Outcome::Unknown(why.to_owned()),
        (_, wrong) => Outcome::none_of(wrong, good),
    }
}

/// Words about product and version in the headers.
fn product(reply: &Reply) -> Vec<String> {
    let telling = |(name, value): &&(String, String)| {
        matches!(name.as_str(), "server" | "x-powered-by" | "via")
            && value.contains(|c: char| c.is_ascii_digit())
    };
    reply.headers.iter().filter(telling).map(|(name, value)| format!("{name}: {value}")).collect()
}

async fn files_site(service: &Service, host: &HostName, address: SocketAddr, name: &str) -> Vec<Said> {
    let site = match site(service, address, name) {
        Ok(site) => site,
        Err(why) => return unknown(&["UPLOAD-05", "UPLOAD-09"], host, &why),
    };
    let (mut open, mut told, mut broken) = (Vec::new(), Vec::new(), None);
    for path in WAYS_OUT {
        match site.ask(&format!("GET {path}"), &[], b"").await {
            Ok(reply) => {
                told.extend(product(&reply));
                let gives =
                    reply.good() || reply.body.contains("root:x:0") || reply.body.contains("Index of");
                if gives {
                    open.push(format!("{path} answers {}", reply.status));
                }
            }
            Err(why) => broken = Some(why),
        }
    }
    told.sort();
    told.dedup();
    vec![
        on("UPLOAD-05", host, judged(broken.as_deref(), &open, &format!("{} ways refused", WAYS_OUT.len()))),
        on("UPLOAD-09", host, judged(broken.as_deref(), &told, "not told")),
    ]
}

impl Service {
    /// Name of the place where files are put and fetched; none when files are not offered.
    pub fn files_name(&self) -> Option<String> {
        self.upload.as_ref().map(|_| format!("files.{}", self.domain))
    }
}
