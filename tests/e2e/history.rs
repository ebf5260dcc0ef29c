//! The history of real runs: who and why is kept, the hosts hold copies, and whatever is done to a line is found.

use super::world::{World, edit, may_run, text};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");
const COPY: &str = "/var/lib/imctl/relay-test/history.jsonl";

#[test]
fn the_history_tells_who_and_why_and_finds_what_was_done_to_it() {
    if !may_run() {
        return;
    }
    let world = World::new("history");
    let file = world.up(TEMPLATE);
    let on = |words: &[&str]| world.imctl(&[words, &["-i", text(&file)]].concat());
    let ends = |words: &[&str]| world.imctl_ends(&[words, &["-i", text(&file)]].concat());
    on(&["install", "-y", "--reason", "first day", "--ticket", "CHG-7"]);
    let listed = on(&["history"]);
    assert!(listed.contains("CHG-7: first day") && listed.contains("install"), "{listed}");
    let shown = on(&["history", "show", "2"]);
    for part in ["1  install  done", "first day", "relay 1", "Stage 1/", "one  ", "done   + file"] {
        assert!(shown.contains(part), "`{part}` is missing:\n{shown}");
    }
    assert_eq!(world.host("one", &format!("stat -c '%a %U' {COPY}")).1, "600 root\n");
    assert!(on(&["history", "verify"]).contains("2 lines follow from each other and agree with 2 hosts"));

    edit(&file, |text| text + "settings: { relay: { greeting: again } }\n");
    on(&["install", "-y", "--on", "one"]);
    let verified = on(&["history", "verify"]);
    assert!(verified.contains("its copy is a beginning of it, 2 lines behind"), "{verified}");

    let history = world.path(".imctl/relay-test/history.jsonl");
    let whole = std::fs::read_to_string(&history).expect("there is a history");
    edit(&history, |text| text.replacen("first day", "other day", 1));
    let (code, said) = ends(&["history", "verify"]);
    assert_eq!(code, 3, "{said}");
    for part in ["line 2 does not follow from line 1", "line 1 differs", "The copy is whole in itself"] {
        assert!(said.contains(part), "`{part}` is missing:\n{said}");
    }
    let (code, said) = ends(&["plan"]);
    assert!(code == 2 && said.contains("imctl history verify"), "{code}: {said}");

    // Cut so that nothing here can tell: only the hosts know.
    let cut: String = whole.split_inclusive('\n').take(3).collect();
    std::fs::write(&history, cut).expect("written");
    let head = world.path(".imctl/relay-test/history.head");
    std::fs::remove_file(&head).expect("removed");
    let (code, said) = ends(&["history", "verify"]);
    assert!(code == 3 && said.contains("holds 1 line that is missing here: number 4"), "{code}: {said}");

    // A change under the cut history sets the host's copy aside and says so.
    world.host("one", "echo by hand >/etc/relay/greeting");
    let (_, said) = ends(&["install", "-y"]);
    assert!(said.contains("stands aside as"), "{said}");
    let (code, said) = ends(&["history", "verify"]);
    assert!(code == 3 && said.contains("history.jsonl.aside-"), "{code}: {said}");
    on(&["destroy", "--confirm", "relay-test"]);
}
