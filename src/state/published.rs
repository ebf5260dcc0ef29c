//! The public certificates under `pki/` as they stand there: read without opening a secret.

use super::{State, StateError, place};
use jiff::Timestamp;
use std::path::Path;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A public certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its name in the stack; `ca` for the private CA.
    pub name: String,
    /// The host it is for; empty for the CA.
    pub host: String,
    /// Subject common name.
    pub common_name: String,
    /// DNS names and IP addresses.
    pub names: Vec<String>,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

impl State {
    /// All certificates that the private CA made, the CA first; empty before the first install.
    pub fn published(&self) -> Result<Vec<Published>, StateError> {
        let pki = self.path("pki");
        let mut all = Vec::new();
        if let Some(text) = place::read(&pki.join("ca.pem"))? {
            all.push(read_certificate(&pki.join("ca.pem"), &text, "ca")?);
        }
        for name in place::names(&pki)?.into_iter().filter(|name| pki.join(name).is_dir()) {
            for file in place::names(&pki.join(&name))? {
                let Some(host) = file.strip_suffix(".pem") else { continue };
                let path = pki.join(&name).join(&file);
                let text = place::read(&path)?.unwrap_or_default();
                let mut one = read_certificate(&path, &text, &name)?;
                host.clone_into(&mut one.host);
                all.push(one);
            }
        }
        Ok(all)
    }
}

/// The first certificate of a PEM file.
pub fn read_certificate(path: &Path, text: &[u8], name: &str) -> Result<Published, StateError> {
    let damaged = |cause: String| StateError::Damaged { path: path.to_owned(), cause };
    let (_, pem) = x509_parser::pem::parse_x509_pem(text).map_err(|cause| damaged(cause.to_string()))?;
    let (_, it) = X509Certificate::from_der(&pem.contents).map_err(|cause| damaged(cause.to_string()))?;
    let names = it.subject_alternative_name().map_err(|cause| damaged(cause.to_string()))?;
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(spelled);
    let common_name = it.subject().iter_common_name().next().and_then(|it| it.as_str().ok());
    let time = |seconds: i64| Timestamp::from_second(seconds).map_err(|cause| damaged(cause.to_string()));
    Ok(Published {
        name: name.to_owned(),
        host: String::new(),
        common_name: common_name.unwrap_or_default().to_owned(),
        names: names.collect(),
        from: time(it.validity().not_before.timestamp())?,
        until: time(it.validity().not_after.timestamp())?,
    })
}

fn spelled(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(raw) => match raw.len() {
            4 => <[u8; 4]>::try_from(*raw).ok().map(|it| std::net::Ipv4Addr::from(it).to_string()),
            16 => <[u8; 16]>::try_from(*raw).ok().map(|it| std::net::Ipv6Addr::from(it).to_string()),
            _ => None,
        },
        // Other kinds of names are not ours and say nothing about hosts.
        _ => None,
    }
}
