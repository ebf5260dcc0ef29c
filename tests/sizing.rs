//! Sizing: more of anything never needs less, the examples of `docs/sizing.md` are what the program says, and settings
//! follow from the size unless the inventory says otherwise.

use imctl::report::{self, SizeView, Style};
use imctl::sizing::{self, Asked, INPUTS, Worked};
use imctl::stack::{self, SizingFile, Stack};
use imctl::{inventory, topology};
use proptest::prelude::*;
use std::path::Path;

/// A count as a number.
fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

fn formulas() -> (Stack, SizingFile) {
    let stack = stack::load("ejabberd", Path::new(".")).expect("it is laid into the program");
    let file = stack.data(stack.file.sizing.as_deref().expect("it has formulas")).expect("they can be read");
    (stack, file)
}

fn worked(file: &SizingFile, asked: &Asked) -> Worked {
    sizing::machines(file, asked).expect("every formula gives a number")
}

/// What a service of this size needs in all: hosts, processors, memory, disk, writes and network, role by role.
fn totals(worked: &Worked) -> Vec<(String, f64)> {
    let mut totals = Vec::new();
    for it in &worked.roles {
        let of = |name: &str| format!("{} {name}", it.role);
        let hosts = count(it.hosts);
        totals.push((of("hosts"), hosts));
        totals.push((of("vCPU"), hosts * count(it.cpu)));
        totals.push((of("memory"), hosts * count(it.memory_mib)));
        // Each host's disk is rounded up.
        totals.push((of("disk"), hosts * it.needs.disk_gib));
        totals.push((of("writes"), (hosts - count(it.spare)) * it.needs.iops));
        totals.push((of("network"), (hosts - count(it.spare)) * it.needs.network_mbit));
    }
    totals.extend(worked.terms.iter().map(|term| (term.name.clone(), term.value)));
    totals
}

fn amounts() -> impl Strategy<Value = [f64; 7]> {
    let upto = |most: f64| (0.0..1.0_f64).prop_map(move |part| (most.powf(part)).round());
    [upto(3e6), upto(2e6), upto(500.0), upto(20_000.0), upto(3650.0), upto(200.0), upto(3650.0)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn more_of_anything_never_needs_less(
        amounts in amounts(), which in 0..7_usize, more in 1.0..20.0_f64, ha: bool,
    ) {
        let (_, file) = formulas();
        let mut asked = Asked { given: INPUTS.into_iter().zip(amounts).collect(), ha, consumer: false };
        let less = totals(&worked(&file, &asked));
        let value = asked.given.get_mut(INPUTS[which]).expect("all are given");
        *value = (*value * more).ceil();
        for ((name, less), (_, more)) in less.iter().zip(totals(&worked(&file, &asked))) {
            prop_assert!(more >= less * 0.999_999, "{} more {name}: {less} -> {more}", INPUTS[which]);
        }
        asked.ha = true;
        let hosts = |worked: &Worked| worked.roles.iter().map(|it| it.hosts).sum::<u64>();
        let spared = hosts(&worked(&file, &asked));
        asked.ha = false;
        prop_assert!(hosts(&worked(&file, &asked)) <= spared);
    }
}

#[test]
fn hosts_that_stand_there_for_their_disks_share_the_network() {
    let (_, file) = formulas();
    let amounts = [507_020.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2951.0];
    let mut asked = Asked { given: INPUTS.into_iter().zip(amounts).collect(), ha: false, consumer: false };
    let less = totals(&worked(&file, &asked));
    asked.given.insert("file_retention_days", 16_064.0);
    for ((name, less), (_, more)) in less.iter().zip(totals(&worked(&file, &asked))) {
        assert!(more >= less * 0.999_999, "{name}: {less} -> {more}");
    }
}

fn example(file: &SizingFile, users: f64, whole: bool) -> String {
    let given = [("users", users)].into();
    let asked = Asked { given, ha: true, consumer: false };
    let view =
        SizeView { stack: "ejabberd".to_owned(), ha: true, worked: worked(file, &asked), file: file.clone() };
    let mut out = Vec::new();
    report::size(&mut out, &view, Style::plain(120)).expect("writing to memory does not fail");
    let text = String::from_utf8(out).expect("it is text");
    let text = if whole { &text } else { text.split("\nWhat it follows from").next().unwrap_or_default() };
    format!("```\n$ imctl size --users {users}\n{}\n```\n", text.trim_end())
}

/// `IMCTL_UPDATE_DOCS=1` writes the examples anew.
#[test]
fn the_examples_of_the_document_are_what_the_program_says() {
    let (_, file) = formulas();
    let examples: Vec<String> = [(500.0, false), (5000.0, true), (50_000.0, false), (1_000_000.0, false)]
        .map(|(users, whole)| example(&file, users, whole))
        .into();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sizing.md");
    let text = std::fs::read_to_string(&path).expect("the document is there");
    let (head, rest) = text.split_once("<!-- examples -->\n").expect("a mark where the examples begin");
    let (_, tail) = rest.split_once("<!-- end of examples -->").expect("a mark where they end");
    let wanted = format!("{head}<!-- examples -->\n{}<!-- end of examples -->{tail}", examples.join("\n"));
    if std::env::var_os("IMCTL_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("the document can be written");
    }
    let text = std::fs::read_to_string(&path).expect("the document is there");
    assert!(text == wanted, "docs/sizing.md is not current: run the tests with IMCTL_UPDATE_DOCS=1");
}

#[test]
fn settings_follow_from_the_size_unless_the_inventory_says_otherwise() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("big.yml");
    let text = "name: big\ndomain: im.example.org\nstack: ejabberd\n\
        targets: { users: 200000, online: 100000, messages-per-user-day: 100 }\n\
        hosts:\n  a1: { address: 192.0.2.1, roles: [app, balancer] }\n  a2: { address: 192.0.2.2, roles: [app, balancer] }\n  \
        d: { address: 192.0.2.3, roles: [database] }\n  f: { address: 192.0.2.4, roles: [files] }\n\
        settings: { database: { max-connections: 999 } }\n";
    std::fs::write(&path, text).expect("a file");
    let inventory = inventory::load(&path).expect("an inventory");
    let (mut stack, _) = formulas();
    let said = sizing::settle(&mut stack, &inventory).expect("formulas");
    assert_eq!(
        said,
        [
            "base.backlog is 8334, from the targets: everybody who comes back within ten seconds of a failure waits in line.",
            "server.pool-size is 67, from the targets: 20 ms a query at the busiest moment.",
            "server.max-open-files is 131024, from the targets: all sessions on the hosts that are left when one is lost.",
            "database.max-connections is 999, from the inventory; the targets ask for 204.",
            "balancer.connections is 250000, from the targets: twice the sessions when a balancer is lost, and files.",
        ]
    );
    assert!(topology::build(&inventory, &stack).is_ok());
    let without = text.replace("targets:", "variables:");
    std::fs::write(&path, without).expect("a file");
    let inventory = inventory::load(&path).expect("an inventory");
    let (mut stack, _) = formulas();
    assert!(sizing::settle(&mut stack, &inventory).expect("formulas").is_empty());
}
