//! Every rule is told in Chinese, and so is every sentence around it.

use super::*;
use crate::base::HostName;
use crate::checks::{LIMITS, judge_load};
use crate::record::{HostLoad, LoadResult};

fn is_chinese(text: &str) -> bool {
    text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
}

#[test]
fn every_rule_has_its_texts_and_no_text_is_of_a_rule_that_is_gone() {
    let chinese = Chinese::default();
    let code = RULES.iter().map(|rule| (rule.id, rule.needed, rule.fix));
    let known: Vec<_> = preflight_rules().map(|rule| (rule.id, rule.needed, rule.fix)).chain(code).collect();
    for (id, needed, fix) in &known {
        let words = chinese.words(id).unwrap_or_else(|| panic!("{id} has no Chinese"));
        for text in [&words.because, &words.fix] {
            assert!(is_chinese(text), "{id}: {text}");
            assert!(
                !text.ends_with(['。', '.']) && (text.contains('[') || !text.contains(", ")),
                "{id}: {text}"
            );
        }
        assert!(!words.what.is_empty() && !words.needed.is_empty(), "{id}");
        assert_eq!(words.needed.contains("LIMIT"), needed.contains("LIMIT"), "{id}");
        if fix.contains("HOST") {
            assert!(words.fix.contains("HOST"), "{id}: {}", words.fix);
        }
    }
    let ids: Vec<&str> = known.iter().map(|(id, ..)| *id).collect();
    assert_eq!(chinese.rules.keys().filter(|id| !ids.contains(&id.as_str())).count(), 0);
    assert!(LIMITS.iter().all(|limit| chinese.words(limit.id).is_some()));
}

#[test]
fn a_finding_keeps_its_numbers_its_host_and_what_was_seen() {
    let chinese = Chinese::default();
    let db1 = HostName::new("db1").unwrap();
    let rule = preflight_rules().find(|rule| rule.id == "SSH-02").unwrap();
    let english = Finding { needed: "<= 1500 ms".into(), ..rule.unmet(&db1, "2400 ms".into()) };
    let told = chinese.finding(&english).unwrap();
    assert_eq!(
        (told.seen.as_str(), told.needed.as_str(), told.what.as_str()),
        ("2400 ms", "<= 1500 ms", "登录 shell 的响应时间")
    );
    assert_eq!(told.fix, "检查 db1 上登录用户的 .bashrc 和 /etc/profile.d");
    let rule = preflight_rules().find(|rule| rule.id == "MESH-01").unwrap();
    let mut barred = rule.unmet(&db1, "app1 -> 5432/tcp: no answer".into());
    barred.fix += "; on db1 itself: nft insert rule";
    assert!(chinese.finding(&barred).unwrap().fix.ends_with("；在 db1 本机上执行：nft insert rule"));
    let own = Finding { needed: ">= 4.0".into(), ..english };
    assert_eq!(chinese.finding(&own).unwrap().needed, ">= 4.0");
}

#[test]
fn sentences_are_told_with_what_stands_in_them() {
    let chinese = Chinese::default();
    assert_eq!(chinese.said("left out: until May"), "人工跳过：until May");
    assert_eq!(chinese.said("one app node"), "只有一个 app 节点");
    assert_eq!(chinese.said("something new"), "something new");
    let numbers = chinese.phrases.iter().map(|(english, _)| english.matches("{}").count());
    for (count, (english, chinese)) in numbers.zip(&chinese.phrases) {
        assert!((1..=count).all(|at| chinese.contains(&format!("{{{at}}}"))), "{english}");
    }
}

#[test]
fn everything_that_a_load_test_is_judged_by_is_told() {
    let mut result = LoadResult::default();
    result.logins.failed.insert("refused".into(), 3);
    result.logins.broken.insert("lost".into(), 1);
    result.logins.times.p99 = 9000.0;
    result.generator.late_p99_ms = 900.0;
    let messages = &mut result.messages;
    (messages.lost, messages.unknown, messages.duplicated, messages.out_of_order) = (1, 2, 3, 4);
    messages.times.p99 = 9000.0;
    let chinese = Chinese::default();
    for used in [(99.0, 0.0, 0.0), (0.0, 99.0, 0.0), (0.0, 0.0, 99.0)] {
        let load = HostLoad { cpu: (used.0, used.0), memory: used.1, disk: used.2, ..HostLoad::default() };
        result.hosts = [("db1".to_owned(), load)].into();
        let judged = judge_load(&result);
        let all = judged.missed.into_iter().chain(judged.invalid).chain(judged.bottleneck);
        for text in all {
            assert!(is_chinese(&chinese.said(&text)), "{text}");
        }
    }
}
