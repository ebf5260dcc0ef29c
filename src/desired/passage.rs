//! What comes before and after all hosts change from another version: hooks of the stack, each on one host.

use super::context::{Known, instance_context};
use super::engine::{Engine, RenderError};
use super::render::{RenderedHook, Renderer};
use super::wants::Material;
use crate::base::HostName;
use crate::facts::HostFacts;
use crate::stack::{Hook, Way};
use crate::topology::Topology;
use std::collections::{BTreeMap, BTreeSet};

/// What comes before and after a change of version.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DesiredPassage {
    /// Versions that hosts come from.
    pub from: BTreeSet<String>,
    /// It is the way back to an older version.
    pub back: bool,
    /// Before the first host changes: afterwards both versions work.
    pub expand: Vec<RenderedHook>,
    /// Makes a copy of the data, before `contract`.
    pub keep: Vec<RenderedHook>,
    /// After the last host has changed: the version before works no more.
    pub contract: Vec<RenderedHook>,
    /// Where the copy stands: host and path.
    pub kept: Option<(HostName, String)>,
}

/// What a passage is rendered with: facts of the hosts, and what was made beforehand.
pub type Seen<'a> = (&'a Material, &'a BTreeMap<HostName, HostFacts>);

/// Renders the ways from other versions to the topology's; without `seen` only what is looked at.
pub fn passage(
    topology: &Topology,
    ways: &BTreeMap<String, Way<'_>>,
    seen: Option<Seen<'_>>,
) -> Result<DesiredPassage, RenderError> {
    let engine = Engine::new();
    let known = seen.map(|(material, facts)| Known { material, facts });
    let render = |hook: Option<&Hook>| -> Result<Vec<RenderedHook>, RenderError> {
        let Some(hook) = hook else { return Ok(Vec::new()) };
        let at = hook.on.as_ref().and_then(|on| topology.present(on).next());
        let Some(at) = at else { return Ok(Vec::new()) };
        let place = format!("a change of version, on `{}`", at.host);
        let renderer = Renderer { engine: &engine, stack: &topology.stack, place };
        let bare = Hook { script: String::new(), ..hook.clone() };
        let hook = if known.is_some() { hook } else { &bare };
        let context = instance_context(topology, at, known);
        Ok(renderer.hook(hook, &at.host, &context)?.into_iter().collect())
    };
    let mut found = DesiredPassage { from: ways.keys().cloned().collect(), ..DesiredPassage::default() };
    for way in ways.values() {
        found.back |= way.back;
        found.expand.extend(render(way.passage.expand.as_ref())?);
        found.contract.extend(render(way.passage.contract.as_ref())?);
    }
    if let Some(keep) = topology.stack.file.keep.as_ref().filter(|_| !found.contract.is_empty()) {
        found.keep = render(Some(&keep.hook))?;
        let at = keep.hook.on.as_ref().and_then(|on| topology.present(on).next());
        if let Some(at) = at {
            // The copy is named after the newer version; on the way back that is the one hosts come from.
            let mut newer = topology.clone();
            if let Some(from) = found.from.first().filter(|_| found.back) {
                newer.version.clone_from(from);
            }
            let path = engine.text("`keep`", &keep.path, &instance_context(&newer, at, None))?;
            found.kept = Some((at.host.clone(), path));
        }
    }
    Ok(found)
}
