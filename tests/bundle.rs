//! A real bundle from this machine's own package sources: what is taken from backports is a golden list.

use imctl::base::Sink;
use imctl::bundle::{Order, SigningKey, VersionOrder, Workbench, build, verify};
use std::collections::BTreeMap;
use std::path::PathBuf;

const BASE: [&str; 6] = ["haproxy", "nginx-light", "nftables", "socat", "curl", "ca-certificates"];

fn version(server: &[&str], suites: BTreeMap<String, Vec<String>>) -> VersionOrder {
    let packages = server.iter().chain(&BASE).map(|name| (*name).to_owned()).collect();
    VersionOrder { packages, suites }
}

#[test]
fn only_the_named_packages_come_from_backports() {
    let globs = ["ejabberd", "erlang-jose", "erlang-p1-*"].map(ToOwned::to_owned).to_vec();
    let server = ["ejabberd", "erlang-p1-pgsql", "postgresql-15"];
    let order = Order {
        deployment: "golden".into(),
        stack: "ejabberd".into(),
        platform: "debian-12-amd64".into(),
        versions: BTreeMap::from([
            ("23.01".into(), version(&server, BTreeMap::new())),
            ("24.12".into(), version(&server, BTreeMap::from([("backports".into(), globs)]))),
        ]),
        artifacts: BTreeMap::new(),
        schema: None,
        mirror: None,
    };
    let cache =
        std::env::var_os("IMCTL_CACHE").map_or_else(|| PathBuf::from("/var/cache/imctl"), PathBuf::from);
    let bench = Workbench { cache, now: "2026-01-01T00:00:00Z".parse().unwrap() };
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("bundle");
    let (key, _) = SigningKey::generate().unwrap();
    let built = build(&order, &key, &target, &bench, &Sink::none()).unwrap_or_else(|error| panic!("{error}"));
    assert!(built.changed);
    let verified = verify(&target, &[key.public_line()]).unwrap();
    let manifest = verified.manifest();

    let backports: Vec<&str> = manifest
        .packages
        .iter()
        .filter(|package| package.suite == "bookworm-backports")
        .map(|package| package.name.as_str())
        .collect();
    let golden = include_str!("golden/backports.txt");
    assert_eq!(backports.join("\n") + "\n", golden, "packages taken from backports");
    let aligned = manifest.aligned("23.01");
    assert_eq!(aligned.keys().map(String::as_str).collect::<Vec<_>>().join("\n") + "\n", golden);
    assert!(
        manifest.versions.values().all(|packages| packages.contains_key("libc6")),
        "the closure reaches libc"
    );

    let again = build(&order, &key, &target, &bench, &Sink::none()).unwrap_or_else(|error| panic!("{error}"));
    assert!(!again.changed, "an unchanged rebuild rewrites nothing");
}
