//! What a stack says about changing a secret that is in use.

use super::{SecretSpec, Stack};
use crate::base::{Component, duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a secret is changed while it is in use. Hosts go through three phases: both values are accepted and the old one is in
/// use; the new one is in use; the old one is accepted no more. Templates see `secrets.NAME`, the one in use, and
/// `secrets_also.NAME`, a list with the other one where it is accepted as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rotation {
    /// Other secrets that change with it.
    #[serde(default)]
    pub with: Vec<String>,
    /// Components whose hosts must all change at once when the new value comes into use.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub together: Vec<Component>,
    /// How long the old value is accepted after the new one has come into use, for what was handed out with it, such as `60s`.
    #[serde(default)]
    pub linger: Option<String>,
    /// What users notice, for the plan; a template. Empty = nothing.
    #[serde(default)]
    pub note: String,
    /// Why it cannot be changed; then nothing else holds.
    #[serde(default)]
    pub never: Option<String>,
}

impl Stack {
    /// The rotation of a secret, with its name: its own, or that of the secret it changes with.
    pub fn rotation(&self, secret: &str) -> Option<(&str, &Rotation)> {
        let mut all = self.file.rotations.iter();
        let found = all.find(|(name, it)| *name == secret || it.with.iter().any(|with| with == secret));
        found.map(|(name, it)| (name.as_str(), it))
    }

    /// Rotations must name secrets and components that there are; key pairs cannot have two values.
    pub(super) fn rotation_mistakes(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, it) in &self.file.rotations {
            for secret in it.with.iter().chain([name]) {
                match self.file.secrets.get(secret) {
                    None => {
                        found.push(format!("the rotation of `{name}` names the unknown secret `{secret}`"));
                    }
                    Some(SecretSpec::Ed25519(_)) if it.never.is_none() => {
                        found.push(format!(
                            "`{secret}` is a key pair: its rotation needs `never` with the reason"
                        ));
                    }
                    Some(_) => {}
                }
            }
            if it.linger.as_ref().is_some_and(|text| duration(text).is_err()) {
                found.push(format!("the rotation of `{name}`: `linger` is no time such as 60s"));
            }
            let strangers = it.together.iter().filter(|component| self.component(component).is_none());
            found.extend(
                strangers.map(|it| format!("the rotation of `{name}` names the unknown component `{it}`")),
            );
        }
        found
    }
}
