//! Everything that is read from files and hosts, given what no honest file holds: never a panic, never long, never large.
//! A million inputs: `ROBUST_INPUTS=1000000 cargo test --release --test robust_parsers -- --ignored`.

#[path = "robust/damage.rs"]
mod damage;
#[path = "robust/readers.rs"]
mod readers;

use damage::{Damage, damage};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use readers::{READERS, Reader};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// So long may a small input take, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);
/// So much memory may all of it together take at any moment, in KiB.
const MOST_KIB: u64 = 2 << 20;

fn judged(reader: &Reader, input: &[u8]) -> Duration {
    let begun = Instant::now();
    (reader.read)(input);
    begun.elapsed()
}

/// A reader, and one of its good documents with some damage; every tenth time bytes that were never a document.
fn inputs() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let damaged = (0..READERS.len(), any::<prop::sample::Index>(), prop::collection::vec(damage(), 0..6))
        .prop_map(|(at, which, damages): (usize, prop::sample::Index, Vec<Damage>)| {
            let good = (READERS[at].good)();
            let mut bytes = which.get(&good).clone();
            let other = good.concat();
            for it in damages {
                it.strike(&mut bytes, &other);
            }
            (at, bytes)
        });
    prop_oneof![
        9 => damaged,
        1 => (0..READERS.len(), prop::collection::vec(any::<u8>(), 0..400)),
    ]
}

fn survive(count: u32) {
    let config =
        Config { cases: count, failure_persistence: None, max_shrink_iters: 5000, ..Config::default() };
    let result = TestRunner::new(config).run(&inputs(), |(at, input)| {
        let took = judged(&READERS[at], &input);
        prop_assert!(took < PATIENCE, "{} took {took:?}", READERS[at].name);
        Ok(())
    });
    if let Err(found) = result {
        panic!("{found}");
    }
    assert!(most_memory() < MOST_KIB, "{} KiB", most_memory());
}

/// The most memory that this process ever held, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the high-water mark");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn damaged_documents_are_read_or_refused() {
    survive(400);
}

#[test]
#[ignore = "long: ROBUST_INPUTS says how many"]
fn a_million_damaged_documents_are_read_or_refused() {
    let count = std::env::var("ROBUST_INPUTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    survive(count);
}

/// Inputs that are made to be slow, deep or large, for every reader; `size` is how large, from 1 to 10.
fn monsters(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let deep = 100_000;
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{},", level - 1).repeat(10);
        writeln!(laughs, "a{level}: &a{level} [{}]", before.trim_end_matches(','))
            .expect("a String takes all text");
    }
    let stairs: Vec<String> = (0..400 * size).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let anchors: Vec<String> = (0..5000 * size).map(|at| format!("k{at}: &k{at} v\n")).collect();
    let lists = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let maps = |depth: usize| format!("{}b{}", "{a: ".repeat(depth), "}".repeat(depth));
    let value = |inner: String| format!("name: a\nvariables: {{ a: {inner} }}\n").into_bytes();
    let default = |inner: String| {
        let settings = format!("settings: {{ a: {{ about: b, default: {inner} }} }}");
        format!("name: a\ncomponents:\n  - name: a\n    role: b\n    {settings}\n").into_bytes()
    };
    vec![
        ("a value of lists in lists", value(lists(120))),
        ("a default of lists in lists", default(lists(118))),
        ("a value of maps in maps", value(maps(120))),
        ("a default of maps in maps", default(maps(118))),
        ("pairs in pairs", value(format!("{{ {} }}", "b: ".repeat(300)))),
        ("pairs in lists in pairs", value(format!("{}c{}", "[ a: ".repeat(100), " ]".repeat(100)))),
        ("a value that holds itself", value("&a [*a]".to_owned())),
        ("a default that holds itself", default("&a {a: *a}".to_owned())),
        ("nested lists", "[".repeat(deep).into_bytes()),
        ("nested and closed lists", ["[".repeat(deep), "]".repeat(deep)].concat().into_bytes()),
        ("nested maps", "{a: ".repeat(deep).into_bytes()),
        ("nested JSON", "{\"a\":".repeat(deep).into_bytes()),
        ("nested dashes", "- ".repeat(deep).into_bytes()),
        ("nested questions", "? ".repeat(deep).into_bytes()),
        ("stairs", stairs.concat().into_bytes()),
        ("a billion laughs", laughs.into_bytes()),
        ("a long scalar", ["name: ", &"x".repeat(size << 20)].concat().into_bytes()),
        ("a long quoted scalar", ["\"", &"\\n".repeat(size << 19), "\""].concat().into_bytes()),
        ("a number of many digits", ["version: ", &"9".repeat(size << 17)].concat().into_bytes()),
        ("many empty lines", "\n".repeat(size << 17).into_bytes()),
        ("many NULs", vec![0; size << 17]),
        ("many byte order marks", "\u{feff}".repeat(size << 17).into_bytes()),
        ("many anchors", anchors.concat().into_bytes()),
        ("one key many times", "name: a\n".repeat(5000 * size).into_bytes()),
        ("many patterns", ["*a".repeat(5000 * size), " ssh-ed25519 AAAA\n".to_owned()].concat().into_bytes()),
        ("quotes without end", "a,\"\n".repeat(10_000 * size).into_bytes()),
        ("many tags", "!a ".repeat(deep).into_bytes()),
        ("many documents", "--- a\n".repeat(10_000 * size).into_bytes()),
        ("a comment without end", ["#", &"x".repeat(size << 19)].concat().into_bytes()),
    ]
}

fn outlive(size: usize) {
    let mut slow = Vec::new();
    for (what, input) in monsters(size) {
        for reader in READERS {
            let took = judged(reader, &input);
            if took > PATIENCE {
                slow.push(format!("{} took {took:?} for {what}", reader.name));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
    assert!(most_memory() < MOST_KIB, "{} KiB", most_memory());
}

#[test]
fn what_is_made_to_be_deep_or_large_is_refused_in_time() {
    outlive(1);
}

#[test]
#[ignore = "long: ten times as large"]
fn what_is_made_to_be_very_large_is_refused_in_time() {
    outlive(10);
}
