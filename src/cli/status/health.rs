//! Each component on each host: which version is there, whether its units run and its health hook ends well.

use super::Scene;
use super::figures::{clusters, figure};
use super::look::{Look, health_key, healths};
use crate::base::quote;
use crate::desired::RenderedHook;
use crate::record::Answer;
use crate::report::{ComponentStatus, Health, InstanceStatus, Problem};
use crate::resource::{Package, Resource};
use crate::stack::ComponentSpec;
use crate::topology::Instance;

/// All components that run something or tell something.
pub(super) fn components(
    scene: &Scene<'_>,
    seen: &Look,
    problems: &mut Vec<Problem>,
) -> Vec<ComponentStatus> {
    let topology = &scene.road.topology;
    let mut all = Vec::new();
    let split = clusters(scene.road, seen, problems);
    for spec in &topology.stack.file.components {
        let figures: Vec<_> = seen.figures.specs.iter().filter(|it| it.on == spec.name).collect();
        if spec.hooks.health.is_none() && spec.units.is_empty() && figures.is_empty() {
            continue;
        }
        let hosts = topology.present(&spec.name).filter(|it| scene.road.hosts.contains(&it.host));
        let instances = hosts.map(|instance| {
            let health = health(scene, seen, (instance, spec), problems);
            let well = matches!(health, Health::Healthy | Health::Running);
            InstanceStatus {
                host: instance.host.to_string(),
                version: version(scene, seen, (instance, spec)),
                // Each part thinks that it is well.
                health: if well && split.contains(&spec.name) { Health::Unhealthy } else { health },
                figures: figures
                    .iter()
                    .map(|it| figure(scene.road, seen, (instance, it, well), problems))
                    .collect(),
            }
        });
        let instances: Vec<InstanceStatus> = instances.collect();
        if !instances.is_empty() {
            let figures = figures.iter().map(|it| it.name.clone()).collect();
            all.push(ComponentStatus { component: spec.name.to_string(), figures, instances });
        }
    }
    all
}

fn health(
    scene: &Scene<'_>,
    seen: &Look,
    (instance, spec): (&Instance, &ComponentSpec),
    problems: &mut Vec<Problem>,
) -> Health {
    let Some(observed) = seen.observed.get(&instance.host) else { return Health::Unknown };
    if !seen.stands(&instance.host) {
        return Health::NotInstalled;
    }
    let mut broken = |says: String, help: String| {
        problems.push(Problem { broken: true, place: instance.host.to_string(), says, help });
    };
    let (typed, host) = (scene.road.typed(), &instance.host);
    let down = spec.units.iter().filter_map(|unit| Some((unit, observed.units.get(unit)?)));
    let left_out = |unit: &String| unit_left_out(scene, instance, unit);
    let down: Vec<_> = down
        .filter(|(unit, it)| !["active", "reloading"].contains(&it.active.as_str()) && !left_out(unit))
        .collect();
    for (unit, it) in &down {
        let help =
            format!("imctl install -i {typed} starts it; why it stopped:  ssh {host} journalctl -u {unit}");
        broken(format!("{}: {unit} is {}", spec.name, it.active), help);
    }
    let hooks = healths(scene, instance);
    let answers =
        hooks.iter().enumerate().map(|(at, hook)| (hook, seen.answer(host, &health_key(instance, at))));
    let mut asked = 0;
    let mut sick = !down.is_empty();
    for (hook, answer) in answers {
        let Some(answer) = answer else { continue };
        asked += 1;
        if answer.status == 0 {
            continue;
        }
        // That a stopped service does not answer is no second problem.
        if !sick {
            let unit = spec.units.first().map(|unit| format!("ssh {host} journalctl -u {}", quote(unit)));
            broken(format!("{} is not well: {}", spec.name, why(hook, answer)), unit.unwrap_or_default());
        }
        sick = true;
    }
    match (sick, asked) {
        (true, _) => Health::Unhealthy,
        (false, 0) => Health::Running,
        (false, _) => Health::Healthy,
    }
}

/// The last line that the hook said, or what it asked and that no answer came.
fn why(hook: &RenderedHook, answer: &Answer) -> String {
    match (answer.status, answer.out.lines().map(str::trim).rfind(|line| !line.is_empty())) {
        (124 | 137, _) => format!("no answer in time to whether {}", hook.about),
        (_, Some(line)) => line.to_owned(),
        (status, None) => format!("it is not so that {} (status {status})", hook.about),
    }
}

/// Whether the host is known to do without a unit: no resource of the instance wants it there.
fn unit_left_out(scene: &Scene<'_>, instance: &Instance, unit: &str) -> bool {
    let Ok(identities) = crate::desired::identities(&scene.road.topology) else { return false };
    let wanted = identities.on(&instance.host).filter(|it| it.instance == *instance).any(|it| {
        it.resources
            .iter()
            .any(|resource| matches!(resource, Resource::Service(service) if service.unit == unit))
    });
    !wanted
}

/// The version of the component's own package: the first that the stack wants in one version, else the first that brings
/// the component's units.
fn version(scene: &Scene<'_>, seen: &Look, (instance, spec): (&Instance, &ComponentSpec)) -> String {
    let (Some(observed), true) = (seen.observed.get(&instance.host), seen.stands(&instance.host)) else {
        return String::new();
    };
    let packages: Vec<&Package> = spec
        .resources
        .iter()
        .filter_map(|resource| if let Resource::Package(package) = resource { Some(package) } else { None })
        .collect();
    let exact = packages.iter().flat_map(|it| &it.names).find(|name| name.contains('='));
    let own = packages.iter().find(|it| !it.masks.is_empty()).and_then(|it| it.names.first());
    let name = exact.or(own).map(|name| name.split('=').next().unwrap_or_default().to_owned());
    let here = name.and_then(|name| observed.packages.get(&name).cloned());
    here.or_else(|| artifact(scene, spec)).unwrap_or_default()
}

/// The version of a program that is no package, as the stack says it.
fn artifact(scene: &Scene<'_>, spec: &ComponentSpec) -> Option<String> {
    let name = spec.resources.iter().find_map(|resource| match resource {
        Resource::Artifact(artifact) => Some(&artifact.name),
        _ => None,
    })?;
    Some(scene.road.topology.stack.file.artifacts.get(name)?.version.clone())
}
