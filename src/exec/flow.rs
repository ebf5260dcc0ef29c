//! Which lanes may begin when. A plan that disturbs what runs goes batch by batch. One that only adds lets each host go on
//! as soon as what it needs stands: nobody waits for the packages of a host that has nothing to do with him.

use crate::base::{Component, HostName};
use crate::desired::Desired;
use crate::plan::{Act, HookKind, Lane, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// A lane with the place of its batch: stage, and batch within it.
struct Placed<'a> {
    lane: &'a Lane,
    place: (usize, usize),
    components: BTreeSet<&'a Component>,
}

/// The lanes of a plan in order, and for each the places of those that must be done before it begins.
pub(super) fn flow<'a>(plan: &'a Plan, desired: &Desired) -> Vec<(&'a Lane, BTreeSet<usize>)> {
    let lanes = placed(plan);
    let before: Vec<BTreeSet<usize>> = if disturbs(plan) {
        let earlier = |at: usize| (0..at).filter(|other| lanes[*other].place < lanes[at].place).collect();
        (0..lanes.len()).map(earlier).collect()
    } else {
        let told = told(desired);
        (0..lanes.len()).map(|at| needed(plan, &lanes, at, &told)).collect()
    };
    lanes.into_iter().map(|it| it.lane).zip(before).collect()
}

fn placed(plan: &Plan) -> Vec<Placed<'_>> {
    let mut lanes = Vec::new();
    for (stage, it) in plan.stages.iter().enumerate() {
        for (batch, it) in it.batches.iter().enumerate() {
            for lane in &it.lanes {
                let mut components: BTreeSet<&Component> =
                    lane.steps.iter().map(|step| &step.component).collect();
                for step in &lane.steps {
                    if let Act::Packages { of } = &step.act {
                        components.extend(of.iter().map(|(component, _)| component));
                    }
                }
                lanes.push(Placed { lane, place: (stage, batch), components });
            }
        }
    }
    lanes
}

/// Whether something that runs is restarted, taken out or taken away.
fn disturbs(plan: &Plan) -> bool {
    plan.steps().any(|step| match &step.act {
        Act::Restart { .. }
        | Act::Stop { .. }
        | Act::Reload { .. }
        | Act::Gate { .. }
        | Act::Remove { .. }
        | Act::Passage { .. } => true,
        Act::Hook { hook, .. } => !matches!(hook, HookKind::Join | HookKind::Health),
        Act::Apply { .. } | Act::Packages { .. } => false,
    })
}

/// Components that can tell whether they are well or must join: their instances have to do with each other. One without
/// such hooks is a matter of its own host.
fn told(desired: &Desired) -> BTreeSet<&Component> {
    let has_hooks = desired
        .instances
        .iter()
        .filter(|it| !it.hooks.join.is_empty() || !it.hooks.health.is_empty())
        .map(|it| &it.instance.component);
    has_hooks.collect()
}

fn needed(plan: &Plan, lanes: &[Placed<'_>], at: usize, told: &BTreeSet<&Component>) -> BTreeSet<usize> {
    let own = &lanes[at];
    let needs = closure(&plan.needs, &own.components);
    // Instances of one component begin together, each when its own host is ready.
    let together: BTreeSet<&HostName> = lanes
        .iter()
        .filter(|it| {
            it.place == own.place
                && it.components.iter().any(|one| own.components.contains(one) && told.contains(one))
        })
        .map(|it| &it.lane.host)
        .collect();
    let is_before = |it: &Placed<'_>| {
        let (stage, earlier) = (it.place.0 < own.place.0, it.place < own.place);
        let same_stage = earlier && !stage;
        earlier && (it.lane.host == own.lane.host || same_stage)
            || stage && together.contains(&it.lane.host)
            || stage && it.components.iter().any(|one| needs.contains(*one) && told.contains(*one))
    };
    (0..lanes.len()).filter(|other| is_before(&lanes[*other])).collect()
}

/// Everything these components need, and what that needs.
fn closure(
    needs: &BTreeMap<Component, BTreeSet<Component>>,
    of: &BTreeSet<&Component>,
) -> BTreeSet<Component> {
    let mut all = BTreeSet::new();
    let mut open: Vec<&Component> = of.iter().copied().collect();
    while let Some(next) = open.pop() {
        for need in needs.get(next).into_iter().flatten() {
            if all.insert(need.clone()) {
                open.push(need);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ResourceId;
    use crate::desired::{DesiredInstance, RenderedHook, RenderedHooks};
    use crate::plan::{Basis, Batch, Stage, Step, Verb};
    use crate::topology::Instance;
    use std::time::Duration;

    fn component(name: &str) -> Component {
        Component::new(name).unwrap()
    }

    fn host(name: &str) -> HostName {
        HostName::new(name).unwrap()
    }

    fn step(on: &str, of: &str, act: Act) -> Step {
        Step {
            on: host(on),
            component: component(of),
            verb: Verb::Create,
            kind: String::new(),
            name: String::new(),
            summary: String::new(),
            lines: Vec::new(),
            because: None,
            act,
            digest: String::new(),
        }
    }

    fn apply(on: &str, of: &str) -> Step {
        let id = ResourceId::new("file", "/a");
        step(on, of, Act::Apply { component: component(of), id })
    }

    fn packages(on: &str, of: &[&str]) -> Step {
        let each = |name: &&str| (component(name), ResourceId::new("package", "p"));
        step(on, of[0], Act::Packages { of: of.iter().map(each).collect() })
    }

    fn stage(steps: Vec<Step>) -> Stage {
        let lane = |step: Step| Lane { host: step.on.clone(), steps: vec![step], settled: 0 };
        Stage { title: String::new(), batches: vec![Batch { lanes: steps.into_iter().map(lane).collect() }] }
    }

    /// Two chat hosts, a database, each with a base.
    fn plan() -> Plan {
        let needs = [("db", vec!["base"]), ("chat", vec!["db"])];
        let needs = needs.map(|(name, of)| (component(name), of.into_iter().map(component).collect()));
        Plan {
            format: 1,
            deployment: String::new(),
            stack: String::new(),
            version: String::new(),
            basis: Basis::default(),
            needs: needs.into(),
            stages: vec![
                stage(vec![
                    packages("a1", &["base", "chat"]),
                    packages("a2", &["base", "chat"]),
                    packages("d", &["base", "db"]),
                ]),
                stage(vec![apply("a1", "base"), apply("a2", "base"), apply("d", "base")]),
                stage(vec![apply("d", "db")]),
                stage(vec![apply("a1", "chat"), apply("a2", "chat")]),
            ],
            notes: Vec::new(),
            later: BTreeSet::new(),
            open: false,
            settled: BTreeMap::new(),
        }
    }

    fn desired() -> Desired {
        let health = |on: &str| RenderedHook {
            on: host(on),
            about: String::new(),
            script: String::new(),
            unless: None,
            within: Duration::ZERO,
        };
        let instance = |(of, on): (&str, &str)| DesiredInstance {
            instance: Instance { component: component(of), host: host(on), index: 0 },
            resources: Vec::new(),
            hooks: RenderedHooks {
                health: if of == "base" { Vec::new() } else { vec![health(on)] },
                ..RenderedHooks::default()
            },
            units: Vec::new(),
        };
        let all =
            [("base", "a1"), ("base", "a2"), ("base", "d"), ("db", "d"), ("chat", "a1"), ("chat", "a2")];
        Desired { instances: all.map(instance).into(), ..Desired::default() }
    }

    fn waits(plan: &Plan) -> Vec<Vec<usize>> {
        flow(plan, &desired()).into_iter().map(|(_, before)| before.into_iter().collect()).collect()
    }

    #[test]
    fn a_host_goes_on_when_what_it_needs_stands() {
        // Packages 0 to 2, bases 3 to 5, database 6, chat 7 and 8.
        let wanted: [&[usize]; 9] =
            [&[], &[], &[], &[0], &[1], &[2], &[2, 5], &[0, 1, 2, 3, 4, 6], &[0, 1, 2, 3, 4, 6]];
        assert_eq!(waits(&plan()), wanted);
    }

    #[test]
    fn what_disturbs_goes_batch_by_batch() {
        let mut plan = plan();
        let restart = step("d", "db", Act::Restart { unit: "db.service".to_owned() });
        plan.stages[2].batches[0].lanes[0].steps.push(restart);
        let wanted: [&[usize]; 4] = [&[], &[0, 1, 2], &[0, 1, 2, 3, 4, 5], &[0, 1, 2, 3, 4, 5, 6]];
        let waits = waits(&plan);
        for (at, wanted) in [0, 3, 6, 8].into_iter().zip(wanted) {
            assert_eq!(waits[at], wanted, "lane {at}");
        }
    }
}
