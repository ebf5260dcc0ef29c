//! How a set is brought back: the stack's steps, each on its hosts. Rendered without secrets; those come beside the script.

use super::context::instance_context;
use super::engine::{Engine, RenderError};
use super::render::{RenderedHook, Renderer};
use crate::stack::RestoreStep;
use crate::topology::Topology;

/// A step of a restore, on its hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreWork {
    /// The part that it brings back.
    pub part: Option<String>,
    /// The part's files are unpacked first.
    pub unpack: bool,
    /// Names of secrets that it needs.
    pub secrets: Vec<String>,
    /// What is done, host by host.
    pub hooks: Vec<RenderedHook>,
}

/// The steps that bring back some parts of a set.
pub fn restore(
    topology: &Topology,
    steps: &[RestoreStep],
    parts: &[String],
) -> Result<Vec<RestoreWork>, RenderError> {
    let engine = Engine::new();
    let wanted = |part: &Option<String>| part.as_ref().is_none_or(|part| parts.contains(part));
    let mut work = Vec::new();
    for step in steps.iter().filter(|step| wanted(&step.part) && wanted(&step.beside)) {
        let on = step.hook.on.as_ref();
        let most = if step.part.is_some() { 1 } else { usize::MAX };
        let mut hooks = Vec::new();
        for instance in on.into_iter().flat_map(|on| topology.present(on)).take(most) {
            let place = format!("a restore, on `{}`", instance.host);
            let renderer = Renderer { engine: &engine, stack: &topology.stack, place };
            let context = instance_context(topology, instance, None);
            hooks.extend(renderer.hook(&step.hook, &instance.host, &context)?);
        }
        let (part, unpack, secrets) = (step.part.clone(), step.unpack, step.secrets.clone());
        work.push(RestoreWork { part, unpack, secrets, hooks });
    }
    Ok(work)
}
