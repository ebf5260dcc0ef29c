//! Making what templates need beforehand: secrets and certificates, kept in the operator's folder.

use super::Failure;
use super::renewal;
use super::road::Road;
use super::unlock::unlocker;
use crate::desired::{Certificate, CertificateWant, Material, SecretWant, wants};
use crate::inventory::Tls;
use crate::stack::SecretSpec;
use crate::state::{
    Identity, OwnFiles, Phase, Redactor, Shape, StateError, Value, Vault, own_certificate_mistakes,
};
use jiff::Timestamp;
use serde_json::json;
use std::path::Path;

/// Secrets and certificates with what hides them.
#[derive(Default)]
pub(super) struct Made {
    /// For rendering.
    pub(super) material: Material,
    /// How far a change of secrets has come with this material.
    pub(super) phase: Option<Phase>,
    /// What is rendered with in the phases that follow, where secrets are changed.
    pub(super) later: Vec<(Phase, Material)>,
    /// Where it was made; none where the stack wants no secrets.
    pub(super) vault: Option<Vault>,
    /// Blanks them in texts.
    pub(super) redactor: Redactor,
    /// What the operator should hear, such as what protects the secrets.
    pub(super) notes: Vec<String>,
    /// Encrypted files that hosts keep a copy of.
    pub(super) mirror: Vec<(String, Vec<u8>)>,
}

/// Opens the deployment's secrets.
pub(super) fn vault(road: &Road) -> Result<Vault, StateError> {
    road.state.vault(&unlocker(road.inventory()))
}

/// Makes or opens everything the topology wants.
pub(super) fn make(road: &Road) -> Result<Made, Failure> {
    let wants = wants(road.before.as_ref().unwrap_or(&road.topology))?;
    let mut material = Material::default();
    if let Some(bundle) = &road.bundle {
        let artifacts = bundle.manifest().artifacts.iter();
        material.artifacts = artifacts.map(|(name, it)| (name.clone(), it.sha256.clone())).collect();
        material.updates = bundle.manifest().updates(&road.topology.version);
    }
    if wants.secrets.is_empty() && wants.certificates.is_empty() {
        return Ok(Made { material, ..Made::default() });
    }
    let mut vault = vault(road)?;
    road.renewal.prepare(road, &wants, &mut vault)?;
    for want in &wants.certificates {
        let made = certificate(road, &mut vault, want)?;
        material.certificates.insert((want.name.clone(), want.host.clone()), made);
    }
    let phases = renewal::phases(&road.renewal, &vault);
    let mut later = Vec::new();
    for phase in phases.iter().skip(1) {
        let mut material = material.clone();
        secrets(&mut vault, &wants.secrets, *phase, &mut material)?;
        later.push((*phase, material));
    }
    secrets(&mut vault, &wants.secrets, phases[0], &mut material)?;
    vault.save()?;
    let mirror = road.state.mirror()?;
    let mut redactor = vault.redactor();
    for certificate in material.certificates.values() {
        // The operator's own key is in no vault and is a secret all the same.
        redactor.add(&certificate.key);
    }
    let phase = Some(phases[0]).filter(|phase| *phase > Phase::Planned);
    let notes = vault.notes().to_vec();
    Ok(Made { material, phase, later, vault: Some(vault), redactor, notes, mirror })
}

/// Secrets as hosts hold them in a phase; a secret that is not being changed is the same in all.
fn secrets(
    vault: &mut Vault,
    wants: &[SecretWant],
    phase: Phase,
    material: &mut Material,
) -> Result<(), StateError> {
    for want in wants {
        let made = vault.secret(&want.name, &shape(want))?;
        let (value, also) = match vault.sides(&want.name, phase) {
            Some(sides) => (Value::Text(sides.used), sides.also),
            None => (made, None),
        };
        material.secrets.insert(want.name.clone(), plain(value));
        let also = also.iter().map(|other| other.expose().clone()).collect();
        material.also.insert(want.name.clone(), also);
    }
    Ok(())
}

pub(super) fn shape(want: &SecretWant) -> Shape {
    match &want.spec {
        SecretSpec::Alphanumeric(count) => Shape::Alphanumeric(*count),
        SecretSpec::Hex(bytes) => Shape::Hex(*bytes),
        SecretSpec::Ed25519(_) => Shape::Ed25519(want.hosts.clone()),
    }
}

fn plain(value: Value) -> serde_json::Value {
    match value {
        Value::Text(text) => json!(text.expose()),
        Value::KeyPairs(pairs) => pairs
            .iter()
            .map(|(host, pair)| {
                (host.to_string(), json!({ "public": pair.public, "private": pair.private.expose() }))
            })
            .collect(),
    }
}

fn certificate(road: &Road, vault: &mut Vault, want: &CertificateWant) -> Result<Certificate, Failure> {
    if let (Tls::Own { certificate, key, chain }, true) = (&road.inventory().tls, want.public) {
        let files = OwnFiles { certificate, key, chain };
        return own(&files, &want.names);
    }
    let identity = Identity { common_name: want.common_name.clone(), names: want.names.clone() };
    let now = Timestamp::now();
    let issued = if road.renewal.renews(road, vault, want) {
        vault.reissue(&want.name, &want.host, &identity, now)?
    } else {
        vault.certificate(&want.name, &want.host, &identity, now)?
    };
    Ok(Certificate {
        cert: issued.certificate,
        key: issued.key.expose().clone(),
        chain: issued.chain,
        ca: issued.ca,
    })
}

/// The operator's own certificate, once it is sure to serve these names; the last of the chain is what clients trust.
fn own(files: &OwnFiles<'_>, names: &[String]) -> Result<Certificate, Failure> {
    let mistakes = own_certificate_mistakes(files, names, Timestamp::now())?;
    if !mistakes.is_empty() {
        let name = files.certificate.display().to_string();
        let cause = format!("does not serve: {}", mistakes.join("; "));
        return Err(StateError::Certificate { name, cause }.into());
    }
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| StateError::Io {
            doing: "read",
            path: path.to_owned(),
            source,
        })
    };
    let (cert, key, ca) = (read(files.certificate)?, read(files.key)?, read(files.chain)?);
    Ok(Certificate { chain: format!("{}\n{ca}", cert.trim_end()), cert, key, ca })
}
