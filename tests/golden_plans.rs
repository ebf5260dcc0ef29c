//! The plans of every example inventory as an operator reads them: fresh hosts, nothing to do, one setting changed, one
//! host added. A change to planner or stack shows here, in words.

#[path = "golden/backup.rs"]
mod backup;
#[path = "golden/hosts.rs"]
mod hosts;
#[path = "golden/rotation.rs"]
mod rotation;
#[path = "golden/scale.rs"]
mod scale;
#[path = "golden/upgrade.rs"]
mod upgrade;

use hosts::{bare, installed, load, planned, text, wanted};
use imctl::base::HostName;
use imctl::plan::{self, Basis, Pace, Scene};
use imctl::record::{Answer, Observed};
use imctl::resource::{File, Resource};
use imctl::sizing;
use imctl::topology;

const INVENTORIES: [&str; 3] = ["single", "three", "six"];

#[test]
fn a_fresh_installation_reads_well() {
    for name in INVENTORIES {
        let (inventory, stack) = load(name);
        let topology = topology::build(&inventory, &stack).expect("they fit");
        let text = text(&planned(&topology, &bare(&topology)));
        assert!(!text.contains("secret of "), "no secret in a plan");
        insta::assert_snapshot!(format!("{name}_install"), text);
    }
}

#[test]
fn hosts_that_hold_what_is_wanted_have_no_change() {
    for name in INVENTORIES {
        let (inventory, stack) = load(name);
        let topology = topology::build(&inventory, &stack).expect("they fit");
        let plan = planned(&topology, &installed(&topology));
        let left: Vec<String> = plan.steps().map(|step| format!("{}: {}", step.on, step.line())).collect();
        let left: Vec<&String> = left.iter().filter(|line| !line.contains(" sysctl ")).collect();
        assert!(left.is_empty(), "{name}: {left:#?}");
    }
}

#[test]
fn a_changed_setting_rolls_over_the_hosts_it_concerns() {
    for name in INVENTORIES {
        let (mut inventory, stack) = load(name);
        let before = topology::build(&inventory, &stack).expect("they fit");
        let observed = installed(&before);
        inventory.domain = "im.elsewhere.example".to_owned();
        let after = topology::build(&inventory, &stack).expect("they fit");
        insta::assert_snapshot!(format!("{name}_domain_changed"), text(&planned(&after, &observed)));
    }
}

#[test]
fn a_host_that_joins_is_prepared_while_the_others_go_on() {
    for name in ["three", "six"] {
        let (mut inventory, stack) = load(name);
        let before = topology::build(&inventory, &stack).expect("they fit");
        let mut observed = installed(&before);
        let mut new = inventory
            .hosts
            .iter()
            .find(|host| host.roles.iter().any(|role| role.as_str() == "app"))
            .expect("an app host")
            .clone();
        new.name = HostName::new("app9").expect("a name");
        new.address = "10.20.0.19".to_owned();
        observed.insert(new.name.clone(), Observed::default());
        inventory.hosts.push(new);
        let after = topology::build(&inventory, &stack).expect("they fit");
        insta::assert_snapshot!(format!("{name}_host_added"), text(&planned(&after, &observed)));
    }
}

#[test]
fn a_secret_that_a_host_still_shows_is_hidden_in_the_diff() {
    let (inventory, stack) = load("single");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&topology);
    let seen = observed.values_mut().next().expect("one host");
    let path = "/etc/haproxy/haproxy.cfg";
    seen.contents.insert(path.to_owned(), "# hunter2\n".to_owned());
    let state = seen.paths.get_mut(path).expect("the balancer has its file");
    state.sha256 = Some("00".repeat(32));
    let mut plan = planned(&topology, &observed);
    assert!(text(&plan).contains("-# hunter2"), "the diff shows what stands there");
    plan.hide(|line| line.replace("hunter2", "…"));
    assert!(!text(&plan).contains("hunter2"));
}

#[test]
fn a_member_that_is_down_is_mended_before_those_that_run_are_touched() {
    let (mut inventory, stack) = load("six");
    let before = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&before);
    let second = observed.get_mut("app2").expect("the second app host");
    second.units.get_mut("ejabberd.service").expect("it has a chat server").active = "failed".to_owned();
    inventory.domain = "im.elsewhere.example".to_owned();
    let after = topology::build(&inventory, &stack).expect("they fit");
    let plan = planned(&after, &observed);
    let stage = plan.stages.iter().find(|stage| stage.title.contains("server")).expect("chat servers change");
    let order: Vec<&str> =
        stage.batches.iter().flat_map(|batch| &batch.lanes).map(|lane| lane.host.as_str()).collect();
    assert_eq!(order, ["app2", "app1"]);
}

#[test]
fn a_restart_that_a_run_was_cut_off_before_is_made_up_for() {
    let (inventory, stack) = load("six");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&topology);
    let owed =
        Answer { status: 0, out: "owed restart ejabberd.service\nowed reload gone.service\n".to_owned() };
    let second = observed.get_mut("app2").expect("the second app host");
    second.scripts.insert(plan::STANDING_KEY.to_owned(), owed);
    let plan = planned(&topology, &observed);
    let steps = plan.steps().filter(|step| step.kind != "sysctl");
    let steps: Vec<String> = steps.map(|step| format!("{} {}", step.kind, step.name)).collect();
    let restart = "service ejabberd.service".to_owned();
    assert_eq!(steps.iter().filter(|step| **step == restart).count(), 1, "{steps:#?}");
    assert!(steps[0].starts_with("gate") && !steps.iter().any(|step| step.contains("gone")), "{steps:#?}");
    let step = plan.steps().find(|step| step.kind == "service").expect("a restart");
    assert_eq!(step.because.as_deref(), Some("an earlier run was cut off before it"));
}

#[test]
fn a_service_restarts_host_by_host_when_its_packages_get_security_updates() {
    let (inventory, stack) = load("six");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let mut desired = wanted(&topology);
    for resource in desired.instances.iter_mut().flat_map(|it| &mut it.resources) {
        let Resource::Updates(updates) = resource else { continue };
        let wanted = [("haproxy", "2.6.12-1+deb12u4"), ("curl", "1"), ("libexpat1", "2.5.0-1+deb12u5")];
        updates.versions = wanted.map(|(name, version)| (name.to_owned(), version.to_owned())).into();
    }
    let observed = installed(&topology);
    let hosts = observed.keys().map(|host| (host.clone(), String::new())).collect();
    let basis = Basis { hosts, ..Basis::default() };
    let plan = plan::install(Scene {
        topology: &topology,
        desired: &desired,
        observed: &observed,
        basis: &basis,
        pace: &Pace::default(),
    });
    let steps = plan.steps().filter(|step| matches!(step.kind.as_str(), "updates" | "service"));
    let told: Vec<String> = steps.map(|step| format!("{} {}", step.on, step.line())).collect();
    let expected = [
        "app1 ~ updates system 1 security update",
        "app2 ~ updates system 1 security update",
        "app1 ^ service haproxy.service restarts",
        "app2 ^ service haproxy.service restarts",
    ];
    assert_eq!(told, expected);
    let stage = plan.stages.iter().find(|stage| stage.title == "balancer").expect("it restarts");
    assert_eq!(stage.batches.len(), 2, "one after the other");
}

#[test]
fn a_lost_host_is_left_alone_and_the_others_let_it_in_no_more() {
    let (inventory, stack) = load("six");
    let before = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&before);
    let lost = HostName::new("app2").expect("a name");
    let address = before.place(&lost).address.clone();
    observed.remove(&lost);
    let after = before.without([lost.clone()].into()).expect("another app host is there");
    let desired = wanted(&after);
    let plan = planned(&after, &observed);
    assert!(plan.steps().all(|step| step.on != lost), "nothing happens there");
    let filters: Vec<&Resource> = desired
        .instances
        .iter()
        .filter(|it| it.instance.host != lost)
        .flat_map(|it| &it.resources)
        .filter(|resource| matches!(resource, Resource::Firewall(_)))
        .collect();
    assert!(!filters.is_empty());
    for filter in filters {
        let Resource::Firewall(filter) = filter else { continue };
        let text = filter.content.as_deref().unwrap_or_default();
        assert!(!text.contains(&address), "{address} is still let in: {text}");
    }
    let load_balancers = [HostName::new("app1").expect("a name"), lost].into();
    let (inventory, stack) = load("six");
    let all = topology::build(&inventory, &stack).expect("they fit");
    assert!(all.without(load_balancers).is_err(), "one app host has to be left");
}

#[test]
fn a_host_that_may_open_few_files_gets_services_that_fit_it() {
    let (mut inventory, mut stack) = load("six");
    for host in &mut inventory.hosts {
        host.limits = vec!["nofile".to_owned()];
    }
    let said = sizing::settle(&mut stack, &inventory).expect("the formulas hold");
    assert!(said.iter().any(|it| it.contains("balancer.connections is 15000")), "{said:?}");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let mut files = 0;
    for resource in wanted(&topology).instances.iter().flat_map(|it| &it.resources) {
        let Resource::File(File { path, content: Some(content), .. }) = resource else { continue };
        for line in content.lines() {
            let Some(number) = line.strip_prefix("LimitNOFILE=") else { continue };
            files += 1;
            assert!(number.parse::<u64>().is_ok_and(|it| it < 20_000), "{path}: {line}");
        }
    }
    assert!(files > 2, "some units say how many files they open");
}
