//! What was said, put together: one finding a rule and host, in the order of the rules.

use super::{Outcome, Said, scan_rules};
use crate::base::{Finding, HostName, Language, Verdict};
use crate::checks::Chinese;
use crate::record::Scanned;

/// The findings of all rules that are code; `missing` tells why a rule was not asked at all.
pub fn scanned(said: &[Said], missing: impl Fn(&str) -> String) -> Vec<Scanned> {
    let mut all = Vec::new();
    for rule in scan_rules() {
        let of_rule: Vec<&Said> = said.iter().filter(|it| it.id == rule.id).collect();
        if of_rule.is_empty() {
            all.push(rule.scanned(None, &Outcome::Open(missing(&rule.id))));
        }
        let mut hosts: Vec<Option<&HostName>> = of_rule.iter().map(|it| it.host.as_ref()).collect();
        hosts.dedup();
        let mut told = Vec::new();
        for host in hosts {
            if told.contains(&host) {
                continue;
            }
            told.push(host);
            let outcomes = of_rule.iter().filter(|it| it.host.as_ref() == host).map(|it| &it.outcome);
            all.push(rule.scanned(host, &together(&outcomes.collect::<Vec<_>>())));
        }
    }
    all
}

/// A finding in a language; what was seen stays as it was recorded.
pub fn in_language(language: Language, it: &Scanned) -> Finding {
    if language == Language::En || it.zh.what.is_empty() {
        return it.finding.clone();
    }
    let (own, words) = (&it.finding, &it.zh);
    Finding {
        what: words.what.clone(),
        needed: words.needed.clone(),
        because: match own.verdict {
            Verdict::NotApplicable => Chinese::default().said(&own.because),
            _ => words.because.clone(),
        },
        fix: if own.fix.is_empty() { String::new() } else { words.fix.clone() },
        ..own.clone()
    }
}

/// Several answers at one place: the worst counts, with all that was seen of its kind.
fn together(outcomes: &[&Outcome]) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Bad(_) => 0,
        Outcome::Unknown(_) => 1,
        Outcome::Good(_) => 2,
        Outcome::Open(_) => 3,
    };
    let worst = outcomes.iter().map(|it| rank(it)).min().unwrap_or(3);
    let mut words: Vec<&str> = Vec::new();
    for outcome in outcomes.iter().filter(|it| rank(it) == worst) {
        let (Outcome::Bad(text) | Outcome::Unknown(text) | Outcome::Good(text) | Outcome::Open(text)) =
            outcome;
        if !words.contains(&text.as_str()) {
            words.push(text);
        }
    }
    let text = words.join("; ");
    match worst {
        0 => Outcome::Bad(text),
        1 => Outcome::Unknown(text),
        2 => Outcome::Good(text),
        _ => Outcome::Open(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_worst_answer_of_a_place_counts_and_a_rule_never_asked_is_told() {
        let host = HostName::new("app1").unwrap();
        let said = [
            Said::of("AUTH-01", &host, Outcome::Good("port 5222".to_owned())),
            Said::of("AUTH-01", &host, Outcome::Bad("port 5223".to_owned())),
            Said::of_service("AUTH-06", Outcome::Good("refused".to_owned())),
            Said::of_service("AUTH-06", Outcome::Unknown("nobody gets in".to_owned())),
        ];
        let all = scanned(&said, |_| "nobody asked".to_owned());
        let of = |id: &str| all.iter().filter(|it| it.finding.id == id).collect::<Vec<_>>();
        assert_eq!((of("AUTH-01").len(), of("AUTH-01")[0].finding.seen.as_str()), (1, "port 5223"));
        assert_eq!(of("AUTH-06")[0].finding.verdict, Verdict::Warning);
        let silent = of("EXPO-01")[0];
        assert_eq!(
            (silent.finding.verdict, silent.finding.because.as_str()),
            (Verdict::NotApplicable, "nobody asked")
        );
        assert_eq!(all.len(), scan_rules().len());
    }
}
