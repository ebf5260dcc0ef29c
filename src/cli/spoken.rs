//! Findings in the language that was asked for: rules that are code have their own texts, product checks those of their
//! stack. What was seen stays as it is.

use super::Failure;
use super::road::Road;
use super::verify::Words;
use crate::base::{Finding, Language};
use crate::checks::{Chinese, in_chinese};
use crate::desired::Scope;
use crate::stack::{CheckSpec, ChecksFile};
use crate::topology::{Instance, Topology};

/// The same findings in a language.
pub(super) fn findings(
    road: &Road,
    findings: &[Finding],
    language: Language,
) -> Result<Vec<Finding>, Failure> {
    if language == Language::En {
        return Ok(findings.to_vec());
    }
    let stack = &road.topology.stack;
    let checks: Vec<CheckSpec> = match &stack.file.checks {
        Some(file) => stack.data::<ChecksFile>(file)?.checks,
        None => Vec::new(),
    };
    let chinese = Chinese::default();
    let one = |finding: &Finding| {
        let of_stack = || checks.iter().find(|check| check.id == finding.id);
        match (chinese.finding(finding), of_stack()) {
            (Some(told), _) => told,
            (None, Some(check)) => of_product(&road.topology, check, finding),
            (None, None) => finding.clone(),
        }
    };
    Ok(findings.iter().map(one).collect())
}

/// The finding of a product check in Chinese, on its host.
pub(super) fn of_product(topology: &Topology, check: &CheckSpec, finding: &Finding) -> Finding {
    let on = |it: &&Instance| finding.host.as_ref().is_none_or(|host| it.host == *host);
    // A host that is no longer in the inventory is spoken of as another of its kind.
    let instance = topology.of(&check.on).find(on).or_else(|| topology.of(&check.on).next());
    let Some(instance) = instance else { return finding.clone() };
    let scope = Scope::of(topology, instance);
    in_chinese(check, finding, &Words { scope: &scope, place: format!("check `{}`", check.id) })
}

#[cfg(test)]
mod tests {
    use crate::stack::{self, ChecksFile};
    use std::path::Path;

    #[test]
    fn every_check_of_a_stack_that_comes_with_imctl_is_told_in_chinese() {
        let mut told = 0;
        for name in stack::names() {
            let stack = stack::load(name, Path::new(".")).unwrap();
            let Some(file) = &stack.file.checks else { continue };
            for check in stack.data::<ChecksFile>(file).unwrap().checks {
                let words = check.zh.unwrap_or_else(|| panic!("{name}: {} has no Chinese", check.id));
                let all = [words.what, words.needed, words.because, words.fix];
                assert!(all.iter().all(|text| !text.is_empty()), "{}", check.id);
                assert_eq!(check.not_applicable.is_some(), check.zh_not_applicable.is_some(), "{}", check.id);
                told += 1;
            }
        }
        assert!(told > 5);
    }
}
