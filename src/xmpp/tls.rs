//! TLS as a client sees it: which roots count, whether the name fits, what was agreed on. It trusts nothing but the
//! roots it is given.

use super::Wrong;
use super::judged::Judged;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CipherSuite, ClientConfig, ClientConnection, ProtocolVersion, RootCertStore};
use std::sync::Arc;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The roots in these PEM texts.
pub fn roots(roots: &[&str]) -> Result<RootCertStore, Wrong> {
    let mut store = RootCertStore::empty();
    for pem in roots {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|cause| Wrong::Tls(format!("unreadable root: {cause}")))?;
            store.add(certificate).map_err(|cause| Wrong::Tls(format!("unusable root: {cause}")))?;
        }
    }
    if store.is_empty() {
        return Err(Wrong::Tls("no root certificate to trust".to_owned()));
    }
    Ok(store)
}

/// A configuration that trusts exactly the roots in these PEM texts, and speaks TLS 1.2 and 1.3.
pub fn trusting(roots: &[&str]) -> Result<Arc<ClientConfig>, Wrong> {
    let store = self::roots(roots)?;
    let mut provider = rustls::crypto::ring::default_provider();
    // AES-128 first, as phones ask for: where the server follows, a handshake hashes with SHA-256, which processors do themselves.
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let provider = Arc::new(provider);
    let by_roots = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider))
        .build()
        .map_err(|cause| Wrong::Tls(cause.to_string()))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| Wrong::Tls(cause.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Judged::new(by_roots)))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// A domain as the name that a certificate must carry; names with other than ASCII letters are written as IDNA.
pub(super) fn name(domain: &str) -> Result<ServerName<'static>, Wrong> {
    ServerName::try_from(domain.to_owned())
        .map_err(|_| Wrong::Tls(format!("`{domain}` is no name a certificate can carry")))
}

/// Why a handshake failed, in words an operator can act on.
pub(super) fn reason(cause: &std::io::Error) -> String {
    use rustls::CertificateError as Bad;
    let inner = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(Bad::UnknownIssuer)) => {
            "the certificate does not lead to the trusted root".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(
            Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        )) => "the certificate is for another name".to_owned(),
        Some(rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. })) => {
            "the certificate has expired".to_owned()
        }
        Some(other) => other.to_string(),
        None => cause.to_string(),
    }
}

/// What a handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: String,
    /// Cipher suite.
    pub suite: String,
    /// The server's certificate; none when it cannot be read.
    pub certificate: Option<Certificate>,
}

/// A server's certificate in the words that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// DNS names it is for.
    pub names: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// End of validity, seconds since 1970.
    pub not_after: i64,
}

impl Agreed {
    pub(super) fn of(connection: &ClientConnection) -> Self {
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
            other => format!("{other:?}"),
        };
        let suite = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let certificate =
            connection.peer_certificates().and_then(<[_]>::first).and_then(|der| certificate(der));
        Self { version, suite: suite.unwrap_or_default(), certificate }
    }
}

fn certificate(der: &[u8]) -> Option<Certificate> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let names = parsed.subject_alternative_name().ok().flatten().map(|extension| {
        let dns = |name: &GeneralName<'_>| match name {
            GeneralName::DNSName(dns) => Some((*dns).to_owned()),
            _ => None,
        };
        extension.value.general_names.iter().filter_map(dns).collect()
    });
    Some(Certificate {
        names: names.unwrap_or_default(),
        issuer: parsed.issuer().to_string(),
        not_after: parsed.validity().not_after.timestamp(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_root_there_is_no_trust() {
        assert!(matches!(trusting(&[""]), Err(Wrong::Tls(_))));
        let ca = rcgen::generate_simple_self_signed(vec!["im.example".to_owned()]).unwrap();
        assert!(trusting(&[&ca.cert.pem()]).is_ok());
        let read = certificate(ca.cert.der()).unwrap();
        assert_eq!(read.names, ["im.example"]);
    }

    #[test]
    fn an_address_with_a_space_is_no_name() {
        assert!(name("im example").is_err());
        assert!(name("im.example").is_ok());
    }
}
