//! What every host should hold: what a template may know, strict rendering, the desired state. Pure.

mod context;
mod engine;
mod passage;
mod render;
mod restore;
mod scope;
mod state;
mod wants;

pub use engine::RenderError;
pub use passage::{DesiredPassage, Seen, passage};
pub use render::{RenderedHook, RenderedHooks};
pub use restore::{RestoreWork, restore};
pub use scope::Scope;
pub use state::{Desired, DesiredInstance, Leaving, farewell, health, identities, state};
pub use wants::{Certificate, CertificateWant, Material, SecretWant, Wants, wants};

/// The component that what `imctl check --fix` does belongs to, in plans and manifests.
pub const REMEDIES: &str = "remedies";
