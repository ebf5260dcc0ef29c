//! Killed at bad moments: the next run says what it found, converges, and leaves nothing behind. `make soak` does the
//! same at many more moments.

use super::child::begin;
use super::world::{World, both, edit, may_run, text, until};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

const RELAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");
const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/web.yml");
/// What a run leaves nowhere.
const LEFT: &str = "find / -xdev \\( -path /proc -o -path /sys \\) -prune -o -name '.*.imctl-*' -print; \
    ls /usr/sbin/policy-rc.d /run/imctl/packages 2>/dev/null; dpkg --audit; \
    systemctl list-units --no-legend --plain --all 'imctl-restore*' 'imctl-packages*'";

fn begun(world: &World, words: &[&str]) -> Child {
    world.say(&format!("imctl {} begins", words.join(" ")));
    begin(words)
}

fn runs(world: &World) -> BTreeSet<PathBuf> {
    let folder = world.path(".imctl/relay-test/runs");
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect()
}

/// Begins a command and kills it as soon as its log holds an event of this kind about this step.
fn killed_at(world: &World, words: &[&str], (event, step): (&str, &str)) {
    let before = runs(world);
    let mut child = begun(world, words);
    let event = format!("\"event\":\"{event}\"");
    let is_there = || {
        let new = runs(world).difference(&before).next().map(|folder| folder.join("events.jsonl"));
        let log = new.and_then(|log| std::fs::read_to_string(log).ok()).unwrap_or_default();
        log.lines().any(|line| line.contains(&event) && line.contains(step))
    };
    let started = Instant::now();
    while !is_there() {
        assert!(child.try_wait().expect("it is ours").is_none(), "it ended before `{step}`");
        assert!(started.elapsed() < Duration::from_mins(1), "`{step}` never comes");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("it runs");
    child.wait().expect("it is ours");
}

/// One install makes it right, a second finds nothing to do, checks are green, nothing is left.
fn converges(world: &World, file: &Path, hosts: &[&str]) {
    world.imctl(&["install", "-y", "-i", text(file)]);
    let again = world.imctl(&["install", "-y", "-i", text(file)]);
    assert!(again.contains("0 changes"), "{again}");
    world.imctl(&["verify", "-i", text(file)]);
    for host in hosts {
        assert_eq!(world.host(host, LEFT).1, "", "left on {host}");
    }
}

#[test]
fn a_run_killed_at_any_step_is_finished_by_the_next_one() {
    if !may_run() {
        return;
    }
    let world = World::new("kills");
    let file = world.up(RELAY);
    let install = ["install", "-y", "-i", text(&file)];
    let hosts = ["one", "two"];
    killed_at(&world, &install, ("step-started", "+ file /etc/relay-store/token"));
    killed_at(&world, &install, ("step-done", "+ user relay"));
    killed_at(&world, &install, ("step-started", "! join"));
    converges(&world, &file, &hosts);
    edit(&file, |text| text + "version: \"2\"\n");
    killed_at(&world, &install, ("step-started", "^ service relay.service"));
    converges(&world, &file, &hosts);
    edit(&file, |text| text.replace("version: \"2\"", "version: \"1\""));
    killed_at(&world, &install, ("step-done", "! drain"));
    converges(&world, &file, &hosts);
    edit(&file, |text| text + "settings: { relay: { greeting: again } }\n");
    killed_at(&world, &install, ("step-done", "~ file /etc/relay/greeting"));
    converges(&world, &file, &hosts);
    let back = ["rollback", "-y", "-i", text(&file)];
    killed_at(&world, &back, ("step-done", "~ file /etc/relay/greeting"));
    world.imctl(&back);
    let said = std::fs::read_to_string(&file).expect("the inventory is there");
    assert!(!said.contains("again"), "the second rollback ends the first and goes no further:\n{said}");
    assert!(said.contains("version: \"1\""), "{said}");
    converges(&world, &file, &hosts);
    let destroy = ["destroy", "--confirm", "relay-test", "-i", text(&file)];
    killed_at(&world, &destroy, ("step-started", "- file"));
    converges(&world, &file, &hosts);
}

/// A host with the packages of the small stack, and the commands on it.
struct Web {
    world: World,
    file: PathBuf,
    bundle: PathBuf,
}

impl Web {
    fn up() -> Self {
        let world = World::new("packages");
        let (file, bundle) = (world.up(WEB), world.path("bundle"));
        world.imctl(&["bundle", "build", "-i", text(&file), "-o", text(&bundle), "--trust"]);
        Self { world, file, bundle }
    }

    fn words(&self) -> [&str; 6] {
        ["install", "-y", "-i", text(&self.file), "--bundle", text(&self.bundle)]
    }

    /// Takes the packages away by hand.
    fn bare(&self) {
        let script = "apt-get -y purge nginx nginx-common haproxy && : >/var/log/dpkg.log";
        let (code, said) = self.world.host("one", script);
        assert_eq!(code, 0, "{said}");
    }

    /// Begins an install and comes back when dpkg is at work.
    fn unpacking(&self) -> Child {
        self.world.host("one", ": >/var/log/dpkg.log");
        let child = begun(&self.world, &self.words());
        let unpacks = || self.world.host("one", "grep -q 'status half-installed' /var/log/dpkg.log").0 == 0;
        until("packages are unpacked", Duration::from_mins(1), unpacks);
        child
    }

    /// The next install, which must end well, say this, and leave nothing to do and nothing behind.
    fn converges(&self, said: &str) {
        let next = self.world.imctl(&self.words());
        assert!(next.contains(said), "it says `{said}`:\n{next}");
        let again = self.world.imctl(&self.words());
        assert!(again.contains("0 changes"), "{again}");
        assert_eq!(self.world.host("one", LEFT).1, "");
        assert_ne!(self.world.host("one", "systemctl is-active haproxy").0, 0, "its own settings are none");
    }
}

#[test]
fn packages_go_on_without_imctl_and_what_broke_them_is_told_and_mended() {
    if !may_run() {
        return;
    }
    let web = Web::up();
    let mut child = web.unpacking();
    child.kill().expect("it runs");
    child.wait().expect("it is ours");
    assert_eq!(web.world.host("one", "systemctl is-active imctl-packages").1, "active\n");
    web.converges("of an earlier run are still being installed");

    web.bare();
    let child = web.unpacking();
    assert_eq!(web.world.host("one", "kill -9 $(pgrep -x dpkg)").0, 0, "dpkg is at work");
    assert_eq!(child.wait_with_output().expect("it ends").status.code(), Some(5));
    web.converges("dpkg had been interrupted half way here: it is repaired");

    web.bare();
    let hold = "use Fcntl; open F, '+<', '/var/lib/dpkg/lock-frontend' or die; \
        my $l = pack 's s l! l! i', F_WRLCK, 0, 0, 0, 0; fcntl F, F_SETLK, $l or die; sleep 4";
    let hold = imctl::base::quote(hold);
    assert_eq!(web.world.host("one", &format!("systemd-run -q --collect -- perl -e {hold}")).0, 0);
    let locked = "perl -e 'exit !grep { /POSIX/ } <>' /proc/locks";
    until("the lock is held", Duration::from_secs(3), || web.world.host("one", locked).0 == 0);
    web.converges("holds dpkg's lock: waiting");

    web.bare();
    web.world.host("one", "mount -t tmpfs -o size=300k small /var/cache/imctl/apt/archives");
    let child = begun(&web.world, &web.words());
    let output = child.wait_with_output().expect("it ends");
    let said = both(&output);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("/var/cache/imctl/apt/archives has ") && said.contains("KiB left"), "{said}");
    web.world.host("one", "umount /var/cache/imctl/apt/archives");
    web.converges("is installed");
}
