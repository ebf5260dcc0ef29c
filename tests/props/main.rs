//! Plans that lie are impossible: random stacks, inventories and failures, on the engine itself with hosts that are only
//! pretended. `PROPS_CASES=100000 cargo test --release --test props -- --ignored` runs as many cases as wanted.

mod host;
mod look;
mod road;
mod rules;
mod shapes;
mod watch;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use road::{run, survey, unfinished};
use shapes::{Shape, shape};
use world::{Fault, World};

/// A shape, what happened to hosts between two runs, and what goes wrong in the second.
type Case = (Shape, Vec<(usize, bool)>, Vec<(usize, Fault)>);

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
    (shape(), between, faults)
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

async fn lived((shape, between, faults): &Case) -> Result<(), TestCaseError> {
    let world = World::new((0..shape.before.hosts.len()).map(shapes::host));
    let first = survey(&world, shape.topology(&shape.before)).await;
    let execution = run(&world, &first, (shape, &shape.before), Vec::new()).await;
    prop_assert!(execution.succeeded(), "a fresh installation failed: {execution:#?}");
    befall(&world, between);
    let second = survey(&world, shape.topology(&shape.after)).await;
    let execution = run(&world, &second, (shape, &shape.after), faults.clone()).await;
    let (watch, idled) = { let inside = world.lock(); (inside.watch.clone(), inside.idled.clone()) };
    let mut broken = rules::broken(&second.plan, &execution, &watch.happened);
    broken.extend(watch.broken);
    prop_assert!(broken.is_empty(), "{broken:#?}\n{execution:#?}");
    prop_assert!(!faults.is_empty() || execution.succeeded(), "nothing went wrong and it failed: {execution:#?}");
    let _ = idled;
    let third = survey(&world, shape.topology(&shape.after)).await;
    let told = third.plan.steps().map(imctl::plan::Step::line).collect::<Vec<_>>();
    let again = run(&world, &third, (shape, &shape.after), Vec::new()).await;
    prop_assert!(again.succeeded(), "the run after it failed: {again:#?}");
    let last = survey(&world, shape.topology(&shape.after)).await;
    let left: Vec<String> = last.plan.steps().map(|step| format!("{} {}", step.on, step.line())).collect();
    prop_assert!(left.is_empty(), "the plan is not empty at the end: {left:#?}");
    let found = unfinished(&world, &last, shape, &shape.after);
    prop_assert!(found.is_empty(), "{found:#?}\nthe run before: {execution:#?}\nthe last plan: {told:#?}");
    Ok(())
}

fn cases(count: u32) {
    let mut runner = TestRunner::new(Config { cases: count, max_shrink_iters: 4000, ..Config::default() });
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
    cases(60);
}

#[test]
#[ignore = "long: PROPS_CASES says how many"]
fn no_plan_lies_in_a_long_run() {
    let count = std::env::var("PROPS_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    cases(count);
}
