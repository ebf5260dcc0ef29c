//! The certificate that an endpoint shows, whether it is to be trusted or not. What else is tried over such a connection holds nothing
//! but what a stranger may send.

use super::{Endpoint, WITHIN, begun};
use crate::record::CertificateSeen;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::{Instant, timeout_at};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// Lets every certificate pass and keeps what the real judge says of it.
#[derive(Debug)]
pub(in crate::probe) struct Onlooker {
    judge: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<(Vec<u8>, Option<String>)>>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged =
            self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let parsed = rustls::server::ParsedCertificate::try_from(end_entity);
        let named = parsed.and_then(|parsed| verify_server_name(&parsed, server_name));
        let why = match (judged, named) {
            (_, Err(_)) => Some(format!("it does not carry the name {}", server_name.to_str())),
            (Err(cause), _) => Some(reason(&cause)),
            (Ok(_), Ok(())) => None,
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Some((end_entity.to_vec(), why));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

fn reason(cause: &rustls::Error) -> String {
    use rustls::CertificateError as Bad;
    match cause {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => {
            "it does not lead to the trusted root".to_owned()
        }
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "it has expired".to_owned()
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "it is not valid yet".to_owned()
        }
        other if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is an authority's own certificate".to_owned()
        }
        other => other.to_string(),
    }
}

/// A configuration that goes on whatever certificate it is shown, and the one who looked at it.
pub(in crate::probe) fn onlooking(
    roots: &Arc<RootCertStore>,
) -> Result<(ClientConfig, Arc<Onlooker>), String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let judge = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&provider));
    let judge = judge.build().map_err(|cause| cause.to_string())?;
    let onlooker = Arc::new(Onlooker { judge, seen: Mutex::new(None) });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| cause.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&onlooker) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    Ok((config, onlooker))
}

/// The certificate; none when no handshake comes about.
pub(super) async fn shown(endpoint: &Endpoint) -> Option<CertificateSeen> {
    let (config, onlooker) = onlooking(&endpoint.roots).ok()?;
    let until = Instant::now() + WITHIN;
    let socket = begun(endpoint, until).await.ok()?;
    let name = ServerName::try_from(endpoint.name.clone()).ok()?;
    let connecting = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, socket);
    // A handshake that fails after the certificate was shown has told what we want to know.
    let _ = timeout_at(until, connecting).await;
    let (der, untrusted) = onlooker.seen.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    Some(CertificateSeen { untrusted, ..read(&der)? })
}

fn read(der: &[u8]) -> Option<CertificateSeen> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let names = parsed.subject_alternative_name().ok().flatten().map(|extension| {
        let dns = |name: &GeneralName<'_>| match name {
            GeneralName::DNSName(dns) => Some((*dns).to_owned()),
            _ => None,
        };
        extension.value.general_names.iter().filter_map(dns).collect()
    });
    let (key, strong_key) = key(&parsed);
    let signature = signature(&parsed.signature_algorithm.algorithm.to_id_string());
    let strong_signature =
        !(signature.contains("SHA1") || signature.contains("MD5") || signature.contains("MD2"));
    Some(CertificateSeen {
        names: names.unwrap_or_default(),
        not_after: parsed.validity().not_after.timestamp(),
        key,
        strong_key,
        signature,
        strong_signature,
        untrusted: None,
    })
}

fn key(certificate: &X509Certificate<'_>) -> (String, bool) {
    let info = certificate.public_key();
    match info.parsed() {
        Ok(PublicKey::RSA(rsa)) => {
            let bits = rsa.modulus.iter().skip_while(|byte| **byte == 0).count() * 8;
            (format!("RSA {bits}"), bits >= 2048)
        }
        Ok(PublicKey::EC(point)) => match point.data().len().saturating_sub(1) / 2 * 8 {
            528 => ("P-521".to_owned(), true),
            bits => (format!("P-{bits}"), bits >= 256),
        },
        _ if info.algorithm.algorithm.to_id_string() == "1.3.101.112" => ("Ed25519".to_owned(), true),
        _ => (format!("key of kind {}", info.algorithm.algorithm.to_id_string()), false),
    }
}

fn signature(id: &str) -> String {
    let name = match id {
        "1.2.840.113549.1.1.2" => "RSA-MD2",
        "1.2.840.113549.1.1.4" => "RSA-MD5",
        "1.2.840.113549.1.1.5" => "RSA-SHA1",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.113549.1.1.11" => "RSA-SHA256",
        "1.2.840.113549.1.1.12" => "RSA-SHA384",
        "1.2.840.113549.1.1.13" => "RSA-SHA512",
        "1.2.840.10045.4.1" => "ECDSA-SHA1",
        "1.2.840.10045.4.3.2" => "ECDSA-SHA256",
        "1.2.840.10045.4.3.3" => "ECDSA-SHA384",
        "1.2.840.10045.4.3.4" => "ECDSA-SHA512",
        "1.3.101.112" => "Ed25519",
        other => other,
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_tells_its_key_and_signature() {
        let made = rcgen::generate_simple_self_signed(vec!["im.example".to_owned()]).unwrap();
        let seen = read(made.cert.der()).unwrap();
        assert_eq!((seen.key.as_str(), seen.strong_key), ("P-256", true));
        assert_eq!((seen.signature.as_str(), seen.strong_signature), ("ECDSA-SHA256", true));
        assert_eq!(seen.names, ["im.example"]);
    }
}
