//! Everything that reads: what it is given when all is well, and how it is called.

use imctl::plan::{MANIFEST_KEY, Manifest, Plan, STANDING_KEY, Standing};
use imctl::record::{Answer, LeaseSeen, Observed};
use imctl::resource::{self, Probe};
use imctl::transport::KnownHosts;
use imctl::{checks, facts, inventory, stack};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// A reader with good documents for it.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    pub(crate) good: fn() -> Vec<Vec<u8>>,
    pub(crate) read: fn(&[u8]),
}

pub(crate) const READERS: &[Reader] = &[
    Reader { name: "inventory", good: inventories, read: read_inventory },
    Reader { name: "stack", good: stacks, read: read_stack },
    Reader { name: "plan", good: plans, read: read_plan },
    Reader { name: "look", good: looks, read: |bytes| drop(resource::parse(bytes)) },
    Reader { name: "facts", good: answers, read: |bytes| drop(facts::parse(&text(bytes))) },
    Reader { name: "manifest", good: manifests, read: read_manifest },
    Reader { name: "standing", good: standings, read: read_standing },
    Reader { name: "known_hosts", good: known_hosts, read: read_known_hosts },
    Reader { name: "bundle manifest", good: bundles, read: read_bundle },
    Reader { name: "answers of checks", good: answers, read: read_answer },
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("it stands in the repository")
}

fn inventories() -> Vec<Vec<u8>> {
    static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        ["tests/fixtures/inventory/full.yml", "tests/stacks/relay.yml", "inventories/six.yml"]
            .map(file)
            .into()
    });
    GOOD.clone()
}

fn read_inventory(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // A larger file is refused before it is read.
    if text.len() > 1 << 20 {
        return;
    }
    if let Err(mistakes) = inventory::parse(Path::new("a.yml"), text) {
        assert!(
            mistakes
                .list
                .iter()
                .all(|it| it.label.as_ref().is_none_or(|it| text.get(it.span.clone()).is_some()))
        );
        assert!(mistakes.diagnostics().count() > 0);
    }
}

fn stacks() -> Vec<Vec<u8>> {
    static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        // A part of a stack is damaged as easily as the whole, and read sooner.
        let small = "name: s\ntitle: t\nversions: { \"1\": { default: true, values: { a: b }, packages: [] } }\nplatforms: []\n\
            roles: { r: { about: x, not: { 2: no } } }\ncomponents:\n  - name: c\n    role: r\n    ports: { p: { port: 80, \
            from: [clients], about: y } }\n    resources:\n      - file: { path: /a, content: b, restarts: [c.service] }\n      \
            - service: { unit: c.service }\n    hooks: { health: { about: z, script: 'true', within: 5s } }\n";
        vec![small.into(), small.into(), small.into(), file("tests/stacks/relay/stack.yml")]
    });
    GOOD.clone()
}

fn read_stack(bytes: &[u8]) {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder");
    }
    FOLDER.with(|folder| {
        std::fs::write(folder.path().join("stack.yml"), bytes).expect("written");
        if let Err(refused) = stack::load("./", folder.path()) {
            assert!(refused.to_string().len() < 1 << 20, "a message of a megabyte");
        }
    });
}

fn plans() -> Vec<Vec<u8>> {
    let hosts = r#""hosts":{"a":"00"}"#;
    let step = r#"{"on":"a","component":"c","verb":"create","kind":"file","name":"/a","summary":"","lines":["+b"],"because":null,
        "act":{"apply":{"component":"c","id":{"kind":"file","name":"/a"}}},"digest":"00"}"#;
    let gate = step.replace(
        r#"{"apply":{"component":"c","id":{"kind":"file","name":"/a"}}}"#,
        r#"{"gate":{"target":{"component":"c","host":"a","index":0},"peers":[{"component":"c","host":"b","index":1}]}}"#,
    );
    let plan = format!(
        r#"{{"format":1,"deployment":"d","stack":"s","version":"1","basis":{{"inventory":"i","stack":"s","imctl":"1","bundle":null,
        {hosts}}},"stages":[{{"title":"t","batches":[{{"lanes":[{{"host":"a","steps":[{step},{gate}],"settled":3}}]}}]}}],
        "needs":{{"c":["b"]}},"notes":["n"],"settled":{{"a":3}}}}"#
    );
    serde_json::from_str::<Plan>(&plan).expect("the good plan is one");
    vec![plan.into_bytes()]
}

fn read_plan(bytes: &[u8]) {
    let Ok(plan) = serde_json::from_slice::<Plan>(bytes) else { return };
    let text = serde_json::to_vec(&plan).expect("a plan is JSON");
    assert_eq!(serde_json::from_slice::<Plan>(&text).expect("and comes back"), plan);
    assert!(plan.stale(&plan).is_none());
    plan.steps().for_each(|step| drop(step.line()));
}

/// What this machine answers to a real look, and the same with the packages of a small one.
fn looks() -> Vec<Vec<u8>> {
    static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let path = |path: &str| Probe::Path(path.to_owned());
        let probes = [
            path("/etc/passwd"),
            path("/etc"),
            path("/bin"),
            path("/nowhere"),
            Probe::User("root".to_owned()),
            Probe::User("nobody".to_owned()),
            Probe::Group("root".to_owned()),
            Probe::Sysctl("kernel.ostype".to_owned()),
            Probe::Script { key: "manifest".to_owned(), script: "echo '{}'; exit 3".to_owned() },
        ];
        let run = |program: String| {
            let mut sh = Command::new("sh");
            let out = sh.args(["-c", &program]).stdin(Stdio::null()).output().expect("sh runs");
            out.stdout
        };
        let answer = run(resource::program(&probes));
        resource::parse(&answer).expect("this machine answers well");
        let packages = "\nimctl-look 1 00000000-0000-0000-0000-000000000000\n\n00000000-0000-0000-0000-000000000000 begin \
            packages\nii \ta\t1\niF \tb\t2\n\n00000000-0000-0000-0000-000000000000 end 0\n\n00000000-0000-0000-0000-000000000000 \
            begin units\na.service\nb.service\n\nLoadState=loaded\nActiveState=active\n\nLoadState=not-found\nActiveState=\
            inactive\n\n00000000-0000-0000-0000-000000000000 end 0\n\n00000000-0000-0000-0000-000000000000 done 2\n";
        resource::parse(packages.as_bytes()).expect("the good answer is one");
        vec![answer, packages.into(), run(resource::contents(&["/etc/hostname"]))]
    });
    GOOD.clone()
}

fn answers() -> Vec<Vec<u8>> {
    let csv = b"# name,status,weight\na,UP,1\nb,DOWN,2\n".to_vec();
    vec![
        file("tests/fixtures/facts/bare.txt"),
        file("tests/fixtures/facts/nspawn.txt"),
        br#"{"a":[1,2.5,"x",null,{"b":true}]}"#.to_vec(),
        csv,
        b" 42\n".to_vec(),
    ]
}

fn read_answer(bytes: &[u8]) {
    use stack::Parser::{Csv, Json, Lines, Number, Status, Text};
    for parser in [Csv, Json, Lines, Number, Status, Text] {
        let _ = checks::read(parser, &text(bytes));
    }
}

fn observed(key: &str, bytes: &[u8]) -> Observed {
    let answer = Answer { status: 0, out: text(bytes) };
    Observed { scripts: [(key.to_owned(), answer)].into(), ..Observed::default() }
}

fn manifests() -> Vec<Vec<u8>> {
    let good = br#"{"format":1,"release":"relay 2","resources":[{"component":"c","resource":{"file":{"path":"/a","mode":"0644",
        "owner":"root","group":"root"}}},{"component":"c","resource":{"service":{"unit":"c.service"}}},{"component":"c",
        "resource":{"package":{"names":["a=1","b"]}}},{"component":"c","resource":{"command":{"name":"n","about":"x"}}}]}"#;
    assert_eq!(
        Manifest::read(&observed(MANIFEST_KEY, good)).expect("the good one is one").resources.len(),
        4
    );
    vec![good.to_vec()]
}

fn read_manifest(bytes: &[u8]) {
    let seen = observed(MANIFEST_KEY, bytes);
    if let Ok(manifest) = Manifest::read(&seen) {
        let both = manifest.clone().with(manifest.clone());
        assert!(both.resources.len() >= manifest.resources.len());
        for kept in &manifest.resources {
            let kind = kept.resource.kind();
            let _ = (
                kind.probes(),
                kind.removal(&seen),
                kind.diff(&seen),
                kind.actions(&seen),
                kept.resource.id(),
            );
            let _ = kept.resource.remainder(&[&kept.resource]);
        }
    }
}

fn standings() -> Vec<Vec<u8>> {
    let holder = r#"{"owner":"li@ops","operation":"install","reason":null,"started":"2026-01-02T03:04:05Z"}"#;
    vec![format!("owed restart a.service\nowed reload b.service\nlease ab.77 21 {holder}\npackages\n").into()]
}

fn read_standing(bytes: &[u8]) {
    let standing = Standing::seen(&observed(STANDING_KEY, bytes));
    if let Some(lease) = standing.lease {
        let _ = (lease.folder(), lease.keeps_out("x"));
    }
    text(bytes).lines().for_each(|line| drop(LeaseSeen::read(line)));
}

fn known_hosts() -> Vec<Vec<u8>> {
    let key = String::from_utf8(file("tests/fixtures/state/id_ed25519.pub")).expect("a key is text");
    let plain =
        format!("a,10.0.0.1 {key}\n*.example,!b.example {key}\n@revoked c {key}\n@cert-authority * {key}\n");
    vec![file("tests/fixtures/known_hosts/hashed"), plain.into_bytes()]
}

fn read_known_hosts(bytes: &[u8]) {
    let known = KnownHosts::parse(Path::new("known_hosts"), &text(bytes));
    for name in ["a", "b.example", "[10.0.0.7]:2222"] {
        let _ = known.about(name).count();
    }
}

fn bundles() -> Vec<Vec<u8>> {
    let good = br#"{"format":1,"deployment":"d","stack":"s","platform":"debian-12-amd64","created":"2026-01-02T03:04:05Z","imctl":
        "0.1.0","openpgp":"AB","versions":{"1":{"a":"1"}},"packages":[{"name":"a","version":"1","architecture":"all","suite":
        "bookworm","file":"apt/a.deb","sha256":"00"}],"artifacts":{},"files":{"apt/a.deb":{"sha256":"00","size":3}}}"#;
    vec![good.to_vec()]
}

fn read_bundle(bytes: &[u8]) {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder");
    }
    FOLDER.with(|folder| {
        std::fs::write(folder.path().join("manifest.json"), bytes).expect("written");
        std::fs::write(folder.path().join("manifest.json.minisig"), bytes).expect("written");
        if let Ok((manifest, _)) = imctl::bundle::inspect(folder.path()) {
            let _ = (manifest.aligned("1"), manifest.size());
        }
        let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3".to_owned();
        assert!(imctl::bundle::verify(folder.path(), &[key]).is_err(), "nobody signed this");
    });
}
