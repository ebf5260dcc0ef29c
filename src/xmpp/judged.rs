//! A certificate that was judged good once is not judged again for the same name while the program runs: ten thousand sessions of a
//! load test see the same one. That the server holds its key is checked each time.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};

/// Everything that the judgement rests on, byte for byte.
#[derive(Debug, PartialEq)]
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    name: ServerName<'static>,
}

impl Shown {
    fn is(&self, own: &CertificateDer<'_>, above: &[CertificateDer<'_>], name: &ServerName<'_>) -> bool {
        self.name == *name
            && self.chain.len() == above.len() + 1
            && self.chain.iter().eq([own].into_iter().chain(above))
    }
}

/// A judge by roots that remembers the last certificate he found good.
#[derive(Debug)]
pub(super) struct Judged {
    by_roots: Arc<WebPkiServerVerifier>,
    good: Mutex<Option<Shown>>,
}

impl Judged {
    pub(super) fn new(by_roots: Arc<WebPkiServerVerifier>) -> Self {
        Self { by_roots, good: Mutex::new(None) }
    }
}

impl ServerCertVerifier for Judged {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.as_ref().is_some_and(|good| good.is(own, above, name)) {
            return Ok(ServerCertVerified::assertion());
        }
        let verified = self.by_roots.verify_server_cert(own, above, name, status, now)?;
        let chain = [own].into_iter().chain(above).map(|it| it.clone().into_owned()).collect();
        *good = Some(Shown { chain, name: name.to_owned() });
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_roots.verify_tls12_signature(message, own, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_roots.verify_tls13_signature(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_roots.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;
    use std::time::Duration;

    #[test]
    fn only_the_same_certificate_for_the_same_name_is_good_without_a_look() {
        let good = rcgen::generate_simple_self_signed(vec!["im.example".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["im.example".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(good.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let by_roots =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let judged = Judged::new(by_roots);
        let now = UnixTime::since_unix_epoch(Duration::from_hours(500_000));
        let late = UnixTime::since_unix_epoch(Duration::from_hours(25_000_000));
        let ask = |cert: &CertificateDer<'_>, name: &'static str, when| {
            judged.verify_server_cert(cert, &[], &ServerName::try_from(name).unwrap(), &[], when).is_ok()
        };
        assert!(!ask(good.cert.der(), "im.example", late), "it has expired by then");
        assert!(ask(good.cert.der(), "im.example", now));
        assert!(ask(good.cert.der(), "im.example", late), "it is not judged again");
        assert!(!ask(good.cert.der(), "other.example", now));
        assert!(!ask(other.cert.der(), "im.example", now));
        assert!(ask(good.cert.der(), "im.example", now));
    }
}
