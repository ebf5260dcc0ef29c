//! Stacks as data: a folder with `stack.yml` and its templates, laid into the program or given by path.
//! It does not know which hosts exist.

mod load;
mod model;

pub use load::{Stack, StackError, load};
pub use model::{
    ArtifactSource, ArtifactSpec, CertificateSpec, ComponentSpec, Hook, Hooks, PortSpec, Protocol, RoleSpec,
    Rollout, SecretSpec, SettingSpec, StackFile, Version,
};
