//! Plans that lie are impossible: random stacks, inventories and failures, on the engine itself with hosts that are only
//! pretended. `PROPS_CASES=100000 cargo test --release --test props -- --ignored` runs as many cases as wanted.

mod host;
mod look;
mod road;
mod rules;
mod shapes;
mod stale;
mod watch;
mod world;

use imctl::base::HostName;
use imctl::record::Execution;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use road::{Survey, run, survey, unfinished};
use shapes::{Shape, shape};
use world::{Fault, World};

/// A shape, what happened to hosts between two runs, which file is changed between plan and run, and what goes wrong then.
type Case = (Shape, Vec<(usize, bool)>, Option<prop::sample::Index>, Vec<(usize, Fault)>);

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        any::<bool>().prop_map(|after| Fault::Fails { after }),
        any::<(bool, bool)>().prop_map(|(after, for_good)| Fault::Lost { after, for_good }),
        Just(Fault::Idle),
        Just(Fault::Dies),
        Just(Fault::Sickens),
        Just(Fault::Tampered),
        Just(Fault::Stop),
        Just(Fault::LeaseLost),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let between = prop::collection::vec((0..5_usize, any::<bool>()), 0..3);
    let faults = prop::collection::vec((1..120_usize, fault()), 0..3);
    (shape(), between, prop::option::weighted(0.2, any::<prop::sample::Index>()), faults)
}

/// Somebody lets a unit die, or changes a file, while imctl is away.
fn befall(world: &World, between: &[(usize, bool)]) {
    let mut inside = world.lock();
    for (at, dies) in between {
        let Some(it) = inside.hosts.get_mut(&shapes::host(*at)) else { continue };
        if *dies && let Some(unit) = it.units.values_mut().find(|unit| unit.active) {
            (unit.active, unit.failed) = (false, true);
        }
        if !*dies && let Some(node) = it.nodes.values_mut().find(|node| !node.folder) {
            node.sha256 = host::digest(b"changed by hand");
        }
    }
}

/// Whether a run that went well must have left nothing to do: nobody worked against it, and nothing that cannot be seen
/// afterwards (a restart) only pretended to be done.
fn must_be_whole(faults: &[(usize, Fault)], idled: &[(HostName, String)]) -> bool {
    let against = |fault: &Fault| matches!(fault, Fault::Dies | Fault::Tampered | Fault::Sickens);
    let unseen = |what: &String| ["restart", "reload"].iter().any(|it| what.contains(it));
    !faults.iter().any(|(_, fault)| against(fault)) && !idled.iter().any(|(_, what)| unseen(what))
}

/// The run in which things go wrong; the rules that were broken in it.
async fn troubled(world: &World, case: &Case, second: &Survey) -> Result<Execution, TestCaseError> {
    let (shape, _, drift, faults) = case;
    let drifted = drift.as_ref().and_then(|index| rules::drift(world, &second.plan, *index));
    let execution = run(world, second, (shape, &shape.after), faults.clone()).await;
    let watch = world.lock().watch.clone();
    let mut broken = rules::broken(&second.plan, &execution, &watch.happened);
    broken.extend(watch.broken);
    let by_others = [rules::DRIFT, world::TAMPERED].map(host::digest);
    if let Some((host, path)) = &drifted
        && !by_others.contains(&world.lock().hosts[host].nodes[path].sha256)
    {
        broken.push(format!("{path} on {host} was changed after the plan was made, and written over"));
    }
    let told = || format!("{broken:#?}\ndrift {drifted:?}\n{execution:#?}");
    prop_assert!(broken.is_empty(), "{}", told());
    let calm = faults.is_empty() && drift.is_none();
    prop_assert!(!calm || execution.succeeded(), "nothing went wrong and it failed: {execution:#?}");
    Ok(execution)
}

async fn lived(case: &Case) -> Result<(), TestCaseError> {
    let (shape, between, _, faults) = case;
    let world = World::new((0..shape.before.hosts.len()).map(shapes::host));
    let first = survey(&world, &shape.topology(&shape.before)).await;
    let execution = run(&world, &first, (shape, &shape.before), Vec::new()).await;
    prop_assert!(execution.succeeded(), "a fresh installation failed: {execution:#?}");
    befall(&world, between);
    let after = shape.topology(&shape.after);
    let second = survey(&world, &after).await;
    let execution = troubled(&world, case, &second).await?;
    let idled = world.lock().idled.clone();
    let third = survey(&world, &after).await;
    let told = lines(&third);
    if execution.succeeded() && must_be_whole(faults, &idled) {
        prop_assert!(told.is_empty(), "a success that left something to do: {told:#?}\n{execution:#?}");
    }
    let again = run(&world, &third, (shape, &shape.after), Vec::new()).await;
    prop_assert!(again.succeeded(), "the run after it failed: {again:#?}");
    let last = survey(&world, &after).await;
    let left = lines(&last);
    prop_assert!(left.is_empty(), "the plan is not empty at the end: {left:#?}");
    let found = unfinished(&world, &last, (shape, &shape.after), &idled);
    prop_assert!(found.is_empty(), "{found:#?}\nthe run before: {execution:#?}\nthe last plan: {told:#?}");
    Ok(())
}

fn lines(survey: &Survey) -> Vec<String> {
    survey.plan.steps().map(|step| format!("{} {}", step.on, step.line())).collect()
}

fn cases(count: u32) {
    let mut runner = TestRunner::new(Config {
        cases: count,
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&case(), |case| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().build().expect("a runtime");
        runtime.block_on(lived(&case))
    });
    if let Err(found) = result {
        panic!("{found}");
    }
}

#[test]
fn no_plan_lies_whatever_goes_wrong() {
    cases(12);
}

#[test]
#[ignore = "long: PROPS_CASES says how many"]
fn no_plan_lies_in_a_long_run() {
    let count = std::env::var("PROPS_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    cases(count);
}
