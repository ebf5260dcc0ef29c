//! The private CA and its leaf certificates: ECDSA P-256, ten years and 397 days. Pure: no files.

use super::contents::{Hidden, KeptAuthority, KeptCertificate};
use super::{StateError, shape};
use crate::base::Secret;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use std::net::IpAddr;
use std::time::SystemTime;

/// Life of a leaf: 397 days, the longest that clients of every kind accept (CA/Browser Forum, 2020 to 2026).
pub const LEAF_DAYS: i64 = 397;
/// Life of the CA: ten years.
pub const AUTHORITY_DAYS: i64 = 3652;
/// Clocks of hosts may be behind ours by this much.
const SLACK: SignedDuration = SignedDuration::from_hours(1);

/// Who a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Subject common name; cut at 64 characters, as X.509 wants.
    pub common_name: String,
    /// DNS names and IP addresses, in any order.
    pub names: Vec<String>,
}

/// Makes a private CA. `only_for` limits it to these DNS domains (and what is below them); empty = no limit.
pub(super) fn authority(
    name: &str,
    only_for: &[String],
    now: Timestamp,
) -> Result<KeptAuthority, StateError> {
    let wrong = |cause: rcgen::Error| certificate_error("ca", &cause);
    let key = KeyPair::generate().map_err(wrong)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, cut(&format!("{name} private CA"), 64));
    params.distinguished_name.push(DnType::OrganizationName, "imctl");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if !only_for.is_empty() {
        params.name_constraints = Some(constraints(only_for));
    }
    lasting(&mut params, now, AUTHORITY_DAYS);
    let certificate = params.self_signed(&key).map_err(wrong)?;
    Ok(KeptAuthority { certificate: certificate.pem(), key: Hidden(Secret::new(key.serialize_pem())) })
}

/// Any address, and only these domains.
fn constraints(domains: &[String]) -> NameConstraints {
    let mut permitted: Vec<GeneralSubtree> =
        domains.iter().map(|domain| GeneralSubtree::DnsName(domain.clone())).collect();
    permitted.push(GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])));
    permitted.push(GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])));
    NameConstraints { permitted_subtrees: permitted, excluded_subtrees: vec![] }
}

/// Issues a leaf for servers and clients alike.
pub(super) fn issue(
    authority: &KeptAuthority,
    wanted: &Identity,
    now: Timestamp,
) -> Result<KeptCertificate, StateError> {
    let wrong = |cause: rcgen::Error| certificate_error(&wanted.common_name, &cause);
    let signer = KeyPair::from_pem(authority.key.0.expose()).map_err(wrong)?;
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, signer).map_err(wrong)?;
    let key = KeyPair::generate().map_err(wrong)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, cut(&wanted.common_name, 64));
    for name in &wanted.names {
        params.subject_alt_names.push(alternative(name).map_err(wrong)?);
    }
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let (from, until) = lasting(&mut params, now, LEAF_DAYS);
    let certificate = params.signed_by(&key, &issuer).map_err(wrong)?;
    Ok(KeptCertificate {
        common_name: wanted.common_name.clone(),
        names: wanted.names.clone(),
        certificate: certificate.pem(),
        key: Hidden(Secret::new(key.serialize_pem())),
        from,
        until,
    })
}

/// Whether a kept certificate still serves: the same names, and more than a third of its life left.
pub(super) fn serves(kept: &KeptCertificate, wanted: &Identity, now: Timestamp) -> bool {
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        names
    };
    kept.common_name == wanted.common_name
        && sorted(&kept.names) == sorted(&wanted.names)
        && !due(kept.from, kept.until, now)
}

/// Whether less than a third of a life is left.
pub fn due(from: Timestamp, until: Timestamp, now: Timestamp) -> bool {
    let life = until.as_second() - from.as_second();
    until.as_second() - now.as_second() < life / 3
}

fn alternative(name: &str) -> Result<SanType, rcgen::Error> {
    match name.parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => Ok(SanType::DnsName(name.try_into()?)),
    }
}

/// Sets the dates and a serial number of 127 random bits.
fn lasting(params: &mut CertificateParams, now: Timestamp, days: i64) -> (Timestamp, Timestamp) {
    let from = whole_seconds(now - SLACK);
    let until = from + SignedDuration::from_hours(24 * days);
    params.not_before = SystemTime::from(from).into();
    params.not_after = SystemTime::from(until).into();
    let mut serial = [0_u8; 16];
    shape::fill(&mut serial);
    serial[0] = (serial[0] & 0x7f) | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    (from, until)
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn certificate_error(name: &str, cause: &rcgen::Error) -> StateError {
    StateError::Certificate { name: name.to_owned(), cause: format!("cannot be made: {cause}") }
}
