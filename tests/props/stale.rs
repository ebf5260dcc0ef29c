//! A saved plan tells when anything it was made on is another; what it holds comes back from its file as it was.

use super::host;
use super::road::{Survey, run, survey};
use super::shapes::{Shape, host as name, shape};
use super::world::World;
use imctl::plan::{Basis, Plan};
use imctl::record::{Observed, PathKind, PathState, UnitState};
use proptest::prelude::*;

fn alone<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(work)
}

/// The plan of a shape's second moment on hosts that hold its first, and the world it was made in.
async fn planned(shape: &Shape) -> (World, Survey) {
    let world = World::new((0..shape.before.hosts.len()).map(name));
    let first = survey(&world, &shape.topology(&shape.before)).await;
    let done = run(&world, &first, (shape, &shape.before), Vec::new()).await;
    assert!(done.succeeded(), "a fresh installation failed");
    let second = survey(&world, &shape.topology(&shape.after)).await;
    (world, second)
}

/// The same plan on another basis.
fn on(plan: &Plan, change: impl FnOnce(&mut Basis)) -> Plan {
    let mut plan = plan.clone();
    change(&mut plan.basis);
    plan
}

fn looks() -> impl Strategy<Value = Observed> {
    let words = || prop::collection::btree_map("[a-z]{1,6}", "[a-z0-9]{1,6}", 0..4);
    let state = |mode: u32| PathState {
        kind: PathKind::File,
        mode: format!("{mode:04o}"),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        size: 3,
        sha256: Some("ab".repeat(32)),
        target: None,
    };
    let paths = prop::collection::btree_map("/[a-z]{1,6}", (0..0o10_000_u32).prop_map(state), 0..4);
    let unit = "[a-z]{1,6}".prop_map(|active| UnitState { active, since: 7, ..UnitState::default() });
    let units = prop::collection::btree_map("[a-z]{1,6}", unit, 0..4);
    (paths, units, words(), words(), words()).prop_map(|(paths, units, packages, users, sysctls)| Observed {
        paths,
        units,
        packages,
        users,
        sysctls,
        ..Observed::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_is_stale_when_anything_it_was_made_on_is_another(shape in shape(), other in "[a-z]{1,8}") {
        let (_, it) = alone(planned(&shape));
        let plan = &it.plan;
        let text = serde_json::to_string_pretty(plan).expect("a plan is JSON");
        let saved: Plan = serde_json::from_str(&text).expect("and comes back");
        prop_assert_eq!(&saved, plan);
        prop_assert_eq!(saved.stale(plan), None);
        let changed = [
            on(plan, |basis| basis.inventory.clone_from(&other)),
            on(plan, |basis| basis.stack.clone_from(&other)),
            on(plan, |basis| basis.imctl.clone_from(&other)),
            on(plan, |basis| basis.bundle = Some(other.clone())),
            on(plan, |basis| drop(basis.hosts.insert(name(0), other.clone()))),
            on(plan, |basis| drop(basis.hosts.insert(name(99), other.clone()))),
            on(plan, |basis| drop(basis.hosts.pop_first())),
        ];
        for now in &changed {
            prop_assert!(saved.stale(now).is_some() && now.stale(&saved).is_some(), "{:?}", now.basis);
        }
    }

    #[test]
    fn a_plan_is_stale_when_a_host_changed_under_it(shape in shape(), at in 0..5_usize, which in any::<prop::sample::Index>()) {
        let (world, saved) = alone(planned(&shape));
        let at = name(at % shape.before.hosts.len());
        {
            let mut inside = world.lock();
            let it = inside.hosts.get_mut(&at).expect("a host");
            let wanted = |path: &String| saved.wants(&at, path);
            let files = it.nodes.iter().filter(|(path, node)| !node.folder && wanted(path));
            let paths: Vec<String> = files.map(|(path, _)| path.clone()).collect();
            if paths.is_empty() {
                return Ok(());
            }
            it.nodes.get_mut(which.get(&paths)).expect("it is there").sha256 = host::digest(b"by hand");
        }
        let now = alone(survey(&world, &shape.topology(&shape.after)));
        prop_assert!(saved.plan.stale(&now.plan).is_some());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_looks_have_one_digest_only_when_they_saw_the_same(one in looks(), two in looks()) {
        prop_assert_eq!(Basis::of_host(&one) == Basis::of_host(&two), one == two);
    }
}
