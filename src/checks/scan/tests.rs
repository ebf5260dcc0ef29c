//! The table of rules: complete, unique, in both languages.

use super::*;
use std::collections::BTreeSet;

#[test]
fn every_rule_is_complete_in_both_languages_and_belongs_to_an_area() {
    let mut ids = BTreeSet::new();
    for rule in scan_rules() {
        assert!(ids.insert(rule.id.as_str()), "{} stands twice", rule.id);
        assert!(AREAS.contains(&rule.area.as_str()), "{}: {}", rule.id, rule.area);
        for words in [&rule.en, &rule.zh] {
            assert!(
                [&words.what, &words.needed, &words.because, &words.fix].iter().all(|it| !it.is_empty()),
                "{}",
                rule.id
            );
        }
        assert!(rule.zh.what.chars().any(|c| c as u32 > 0x2e80), "{} has no Chinese", rule.id);
        let known = crate::checks::rule(&rule.id).is_some()
            || crate::checks::preflight_rules().any(|it| it.id == rule.id);
        assert!(!known, "{} is the id of another command's rule", rule.id);
    }
    assert!(ids.len() >= 90, "{}", ids.len());
}

#[test]
fn a_finding_that_fails_names_its_host_in_the_fix_and_danger_decides_how_it_counts() {
    let host = HostName::new("db1").unwrap();
    let high = scan_rule("HOST-03").unwrap().scanned(Some(&host), &Outcome::Bad("yes".to_owned()));
    assert_eq!(high.finding.verdict, Verdict::Failed);
    assert!(high.finding.fix.contains("of db1") && high.zh.fix.contains("db1"));
    let medium = scan_rule("HOST-05").unwrap().scanned(Some(&host), &Outcome::Bad("yes".to_owned()));
    assert_eq!(medium.finding.verdict, Verdict::Warning);
    let open = scan_rule("HOST-05").unwrap().scanned(Some(&host), &Outcome::Open("why".to_owned()));
    assert_eq!((open.finding.verdict, open.finding.because.as_str()), (Verdict::NotApplicable, "why"));
    let unknown = scan_rule("HOST-03").unwrap().scanned(None, &Outcome::Unknown("nobody".to_owned()));
    assert_eq!(unknown.finding.verdict, Verdict::Warning);
    assert!(unknown.finding.fix.contains("imctl verify") && unknown.zh.fix.contains("imctl verify"));
}
