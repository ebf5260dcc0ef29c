//! From findings to a number an area and a grade for all: each rule weighs by its danger, and one open door caps the rest.

use super::AREAS;
use crate::base::Verdict;
use crate::record::{AreaScore, Danger, Scanned};
use std::collections::{BTreeMap, BTreeSet};

const fn weight(danger: Danger) -> u32 {
    match danger {
        Danger::Critical => 10,
        Danger::High => 5,
        Danger::Medium => 2,
        Danger::Low => 1,
    }
}

/// A failed rule of that danger leaves no more than this.
const fn cap(danger: Danger) -> u32 {
    match danger {
        Danger::Critical => 39,
        Danger::High => 69,
        Danger::Medium | Danger::Low => 100,
    }
}

/// How a rule came out over all its places.
#[derive(Default)]
struct Rule {
    danger: Option<Danger>,
    judged: bool,
    failed: bool,
}

/// Every area with its score.
pub fn areas(findings: &[Scanned]) -> Vec<AreaScore> {
    AREAS
        .iter()
        .filter(|area| findings.iter().any(|it| it.area == **area))
        .map(|area| score(area, findings.iter().filter(|it| it.area == *area)))
        .collect()
}

fn score<'a>(area: &str, findings: impl Iterator<Item = &'a Scanned>) -> AreaScore {
    let mut rules: BTreeMap<&str, Rule> = BTreeMap::new();
    for it in findings {
        let rule = rules.entry(&it.finding.id).or_default();
        rule.danger = Some(it.danger);
        rule.judged |= it.finding.verdict != Verdict::NotApplicable;
        rule.failed |= fails(it);
    }
    let judged: Vec<(Danger, bool)> = rules
        .values()
        .filter(|rule| rule.judged)
        .filter_map(|rule| Some((rule.danger?, rule.failed)))
        .collect();
    let whole: u32 = judged.iter().map(|(danger, _)| weight(*danger)).sum();
    let good: u32 = judged.iter().filter(|(_, failed)| !failed).map(|(danger, _)| weight(*danger)).sum();
    let mut failed = BTreeMap::new();
    for (danger, _) in judged.iter().filter(|(_, failed)| *failed) {
        *failed.entry(*danger).or_default() += 1;
    }
    let capped = (100 * good).checked_div(whole).map(|score| score.min(ceiling(&failed)));
    AreaScore {
        area: area.to_owned(),
        score: capped,
        judged: judged.len(),
        failed,
        open: rules.len() - judged.len(),
    }
}

fn fails(it: &Scanned) -> bool {
    matches!(it.finding.verdict, Verdict::Failed | Verdict::Warning) && it.waived.is_none()
}

fn ceiling(failed: &BTreeMap<Danger, usize>) -> u32 {
    failed.keys().map(|danger| cap(*danger)).min().unwrap_or(100)
}

/// The score of all: every area counts the same, and the worst danger caps it.
pub fn total(areas: &[AreaScore]) -> Option<u32> {
    let scores: Vec<u32> = areas.iter().filter_map(|area| area.score).collect();
    let count = u32::try_from(scores.len()).unwrap_or(u32::MAX);
    let mean = scores.iter().sum::<u32>().checked_div(count)?;
    let worst: BTreeSet<Danger> = areas.iter().flat_map(|area| area.failed.keys().copied()).collect();
    Some(worst.first().map_or(mean, |danger| mean.min(cap(*danger))))
}

/// The grade that a score means.
pub fn grade(score: Option<u32>) -> &'static str {
    match score {
        None => "-",
        Some(95..) => "A",
        Some(80..) => "B",
        Some(70..) => "C",
        Some(40..) => "D",
        Some(_) => "E",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Outcome, scan_rule};
    use super::*;

    fn scanned(id: &str, outcome: &Outcome) -> Scanned {
        scan_rule(id).unwrap().scanned(None, outcome)
    }

    fn good(id: &str) -> Scanned {
        scanned(id, &Outcome::Good(String::new()))
    }

    fn bad(id: &str) -> Scanned {
        scanned(id, &Outcome::Bad(String::new()))
    }

    #[test]
    fn one_open_door_caps_everything() {
        let all = areas(&[bad("EXPO-01"), good("EXPO-02"), good("CRYPT-01")]);
        assert_eq!((all[0].score, all[1].score), (Some(39), Some(100)));
        assert_eq!((total(&all), grade(total(&all))), (Some(39), "E"));
        let high = areas(&[bad("EXPO-05"), good("EXPO-01"), good("EXPO-02")]);
        assert_eq!((high[0].score, grade(total(&high))), (Some(69), "D"));
    }

    #[test]
    fn a_rule_counts_once_however_many_hosts_fail_it() {
        let once = areas(&[good("HOST-12"), bad("HOST-05")]);
        let often = areas(&[good("HOST-12"), bad("HOST-05"), bad("HOST-05"), good("HOST-05")]);
        assert_eq!(once, often);
        assert_eq!(once[0].failed[&Danger::Medium], 1);
    }

    #[test]
    fn what_was_not_judged_is_no_pass_and_what_is_waived_counts_as_good() {
        let open = areas(&[scanned("HOST-12", &Outcome::Open("why".to_owned()))]);
        assert_eq!((open[0].score, open[0].open, total(&open)), (None, 1, None));
        let mut waived = bad("HOST-25");
        waived.waived =
            Some(crate::record::Waived { reason: "r".into(), owner: "o".into(), until: "2027-01-01".into() });
        assert_eq!(areas(&[waived])[0].score, Some(100));
    }
}
