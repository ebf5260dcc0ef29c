//! The desired state: every instance with its final resources and hooks.

use super::context::{Known, hook_context, instance_context};
use super::engine::{Engine, RenderError};
use super::passage::DesiredPassage;
use super::render::{Depth, RenderedHook, RenderedHooks, Renderer};
use super::wants::Material;
use crate::base::HostName;
use crate::facts::HostFacts;
use crate::resource::Resource;
use crate::stack::{ComponentSpec, Hook, Hooks};
use crate::topology::{Instance, Topology};
use minijinja::Value;
use std::collections::BTreeMap;

/// An instance as it should stand.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredInstance {
    /// Which component on which host.
    pub instance: Instance,
    /// What its host should hold for it, in order.
    pub resources: Vec<Resource>,
    /// What to do around changes.
    pub hooks: RenderedHooks,
    /// Its units.
    pub units: Vec<String>,
}

/// Everything as it should stand: components in the order of the stack, hosts in the order of the inventory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// The instances.
    pub instances: Vec<DesiredInstance>,
    /// What comes before and after hosts change from another version; none when none does.
    pub passage: Option<DesiredPassage>,
    /// Instances that leave for good, with nothing but their hooks.
    pub leaving: Vec<DesiredInstance>,
    /// Everything goes: nothing is wanted of the deployment any more on the hosts.
    pub going: Option<Leaving>,
}

/// How a deployment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Its data stay where they are.
    WithoutData,
    /// With its data.
    Whole,
}

impl Desired {
    /// The instances on a host.
    pub fn on<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a DesiredInstance> {
        self.instances.iter().filter(move |it| it.instance.host == *host)
    }

    /// Whether the host leaves for good.
    pub fn leaves(&self, host: &HostName) -> bool {
        self.leaving.iter().any(|it| it.instance.host == *host)
    }
}

/// What names and looks: resources without content, and hooks' conditions, before anything was seen.
pub fn identities(topology: &Topology) -> Result<Desired, RenderError> {
    build(topology, None)
}

/// The whole desired state of the hosts that were looked at: those with facts.
pub fn state(
    topology: &Topology,
    material: &Material,
    facts: &BTreeMap<HostName, HostFacts>,
) -> Result<Desired, RenderError> {
    build(topology, Some(Known { material, facts }))
}

/// The health hooks of an instance that run on its own host, without secrets and facts, before anything was seen.
pub fn health(topology: &Topology, instance: &Instance) -> Result<Vec<RenderedHook>, RenderError> {
    let Some(spec) = topology.stack.component(&instance.component) else { return Ok(Vec::new()) };
    let engine = Engine::new();
    let place = format!("component `{}` on `{}`", instance.component, instance.host);
    let renderer = Renderer { engine: &engine, stack: &topology.stack, place };
    let context = instance_context(topology, instance, None);
    let work = Work { topology, known: None, renderer, context };
    let mut hooks = work.hook(spec.hooks.health.as_ref(), instance)?;
    hooks.retain(|hook| hook.on == instance.host);
    Ok(hooks)
}

/// The instances on hosts that leave, with the hooks that take them out of the service as it was: what those that are reached
/// do themselves, and what the others do about the dead.
pub fn farewell(
    before: &Topology,
    material: &Material,
    facts: &BTreeMap<HostName, HostFacts>,
) -> Result<Vec<DesiredInstance>, RenderError> {
    let engine = Engine::new();
    let known = Some(Known { material, facts });
    let mut leaving = Vec::new();
    for instance in before.instances.iter().filter(|it| before.leaving.contains(&it.host)) {
        let Some(spec) = before.stack.component(&instance.component) else { continue };
        let place = format!("component `{}` on `{}`", instance.component, instance.host);
        let renderer = Renderer { engine: &engine, stack: &before.stack, place };
        let context = Value::default();
        let work = Work { topology: before, known, renderer, context };
        let hooks = if before.lost.contains(&instance.host) {
            let forget = work.hook(spec.hooks.forget.as_ref(), instance)?;
            let forget = forget.into_iter().filter(|it| !before.leaving.contains(&it.on)).collect();
            RenderedHooks { forget, ..RenderedHooks::default() }
        } else {
            RenderedHooks {
                drain: work.hook(spec.hooks.drain.as_ref(), instance)?,
                leave: work.hook(spec.hooks.leave.as_ref(), instance)?,
                ..RenderedHooks::default()
            }
        };
        let (resources, units) = (Vec::new(), Vec::new());
        leaving.push(DesiredInstance { instance: instance.clone(), resources, hooks, units });
    }
    Ok(leaving)
}

fn build(topology: &Topology, known: Option<Known<'_>>) -> Result<Desired, RenderError> {
    let engine = Engine::new();
    let mut instances = Vec::new();
    for instance in &topology.instances {
        let Some(spec) = topology.stack.component(&instance.component) else { continue };
        if known.is_some_and(|known| !known.facts.contains_key(&instance.host)) {
            continue;
        }
        let place = format!("component `{}` on `{}`", instance.component, instance.host);
        let renderer = Renderer { engine: &engine, stack: &topology.stack, place };
        let context = instance_context(topology, instance, known);
        let work = Work { topology, known, renderer, context };
        instances.push(DesiredInstance {
            instance: instance.clone(),
            resources: work.resources(spec)?,
            hooks: if known.is_some() {
                work.hooks(&spec.hooks, instance)?
            } else {
                work.joins(&spec.hooks, instance)?
            },
            units: spec.units.clone(),
        });
    }
    Ok(Desired { instances, ..Desired::default() })
}

/// Fills in what only the bundle's manifest tells.
fn from_bundle(resource: &mut Resource, material: &Material) {
    match resource {
        Resource::Artifact(artifact) => artifact.sha256 = material.artifacts.get(&artifact.name).cloned(),
        Resource::Updates(updates) => updates.versions.clone_from(&material.updates),
        _ => {}
    }
}

struct Work<'a> {
    topology: &'a Topology,
    known: Option<Known<'a>>,
    renderer: Renderer<'a>,
    context: Value,
}

impl Work<'_> {
    fn resources(&self, spec: &ComponentSpec) -> Result<Vec<Resource>, RenderError> {
        let depth = if self.known.is_some() { Depth::Whole } else { Depth::Identity };
        let mut resources = Vec::new();
        for raw in &spec.resources {
            if let Some(mut resource) = self.renderer.resource(raw, &self.context, depth)? {
                if let Some(known) = self.known {
                    from_bundle(&mut resource, known.material);
                }
                resources.push(resource);
            }
        }
        Ok(resources)
    }

    fn hooks(&self, hooks: &Hooks, target: &Instance) -> Result<RenderedHooks, RenderError> {
        Ok(RenderedHooks {
            drain: self.hook(hooks.drain.as_ref(), target)?,
            undrain: self.hook(hooks.undrain.as_ref(), target)?,
            join: self.hook(hooks.join.as_ref(), target)?,
            health: self.hook(hooks.health.as_ref(), target)?,
            ..RenderedHooks::default()
        })
    }

    /// Before the look only the condition of `join` is needed: whether it is a member already.
    fn joins(&self, hooks: &Hooks, target: &Instance) -> Result<RenderedHooks, RenderError> {
        let join = hooks.join.as_ref().map(|hook| Hook { script: String::new(), ..hook.clone() });
        Ok(RenderedHooks { join: self.hook(join.as_ref(), target)?, ..RenderedHooks::default() })
    }

    fn hook(&self, hook: Option<&Hook>, target: &Instance) -> Result<Vec<RenderedHook>, RenderError> {
        let Some(hook) = hook else { return Ok(Vec::new()) };
        let Some(on) = &hook.on else {
            let context = hook_context(self.topology, target, target, self.known);
            return Ok(self.renderer.hook(hook, &target.host, &context)?.into_iter().collect());
        };
        let mut scripts = Vec::new();
        for at in self.topology.present(on) {
            let context = hook_context(self.topology, at, target, self.known);
            scripts.extend(self.renderer.hook(hook, &at.host, &context)?);
        }
        Ok(scripts)
    }
}
