//! What must be made before rendering: secrets and certificates, named and shaped.

use super::context::instance_context;
use super::engine::{Engine, RenderError};
use crate::base::HostName;
use crate::stack::SecretSpec;
use crate::topology::Topology;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A certificate that a host must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateWant {
    /// Name in the stack.
    pub name: String,
    /// Host it is for.
    pub host: HostName,
    /// Subject common name.
    pub common_name: String,
    /// DNS names and IP addresses, each once.
    pub names: Vec<String>,
    /// Clients see it: an own certificate of the operator stands in its place.
    pub public: bool,
}

/// A secret that the deployment must have, with the hosts it is made for when it is one a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretWant {
    /// Name in the stack.
    pub name: String,
    /// Its shape.
    pub spec: SecretSpec,
    /// Hosts of the component of a key pair; empty for other shapes.
    pub hosts: Vec<HostName>,
}

/// Everything that must be made before rendering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// Secrets in the order of their names.
    pub secrets: Vec<SecretWant>,
    /// Certificates in the order of name and host.
    pub certificates: Vec<CertificateWant>,
}

/// A certificate with its key, as PEM.
#[derive(Debug, Clone, Default)]
pub struct Certificate {
    /// The certificate.
    pub cert: String,
    /// Its key.
    pub key: String,
    /// The certificate and those that signed it, without the root.
    pub chain: String,
    /// The root to trust.
    pub ca: String,
}

/// What was made. Holds secrets: it is never printed or stored as it is.
#[derive(Clone, Default)]
pub struct Material {
    /// Name -> text, or host -> { public, private } for key pairs.
    pub secrets: Map<String, Value>,
    /// Name -> the other values that are accepted while it is changed; usually none.
    pub also: BTreeMap<String, Vec<String>>,
    /// By name and host.
    pub certificates: BTreeMap<(String, HostName), Certificate>,
    /// SHA-256 of the bundle's artifacts by name; empty when no bundle is at hand.
    pub artifacts: BTreeMap<String, String>,
    /// Packages of the bundle that come from a security suite: name -> version; empty when no bundle is at hand.
    pub updates: BTreeMap<String, String>,
}

/// Tells which secrets and certificates a topology wants.
pub fn wants(topology: &Topology) -> Result<Wants, RenderError> {
    let file = &topology.stack.file;
    let secrets = file.secrets.iter().map(|(name, spec)| SecretWant {
        name: name.clone(),
        spec: spec.clone(),
        hosts: match spec {
            SecretSpec::Ed25519(component) => topology.of(component).map(|it| it.host.clone()).collect(),
            SecretSpec::Alphanumeric(_) | SecretSpec::Hex(_) => Vec::new(),
        },
    });
    let engine = Engine::new();
    let mut certificates = Vec::new();
    for (name, spec) in &file.certificates {
        for instance in topology.of(&spec.component) {
            let context = instance_context(topology, instance, None);
            let place = format!("certificate `{name}`");
            let mut names = Vec::new();
            for text in &spec.names {
                let text = engine.text(&place, text, &context)?;
                for one in text.split_whitespace().filter(|one| !one.is_empty()) {
                    if !names.iter().any(|known| known == one) {
                        names.push(one.to_owned());
                    }
                }
            }
            certificates.push(CertificateWant {
                name: name.clone(),
                host: instance.host.clone(),
                common_name: engine.text(&place, &spec.common_name, &context)?,
                names,
                public: spec.public,
            });
        }
    }
    Ok(Wants { secrets: secrets.collect(), certificates })
}
