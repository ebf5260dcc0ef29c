//! Rules that only the product can be asked: its stack's own.

use super::{Failure, Scene};
use crate::base::{Finding, Verdict};
use crate::cli::spoken::of_product;
use crate::cli::verify::ask as ask_hosts;
use crate::record::{Danger, Scanned, Words};
use crate::stack::{CheckSpec, ScanFile, ScanSpec};

/// Asks all of them that belong to the areas asked for.
pub(super) async fn ask(scene: &Scene<'_>) -> Result<Vec<Scanned>, Failure> {
    let stack = &scene.road.topology.stack;
    let Some(file) = &stack.file.scan else { return Ok(Vec::new()) };
    let mut rules = stack.data::<ScanFile>(file)?.rules;
    rules.retain(|rule| scene.asked.area(&rule.area));
    let checks: Vec<CheckSpec> =
        rules.iter().map(|rule| CheckSpec { zh: Some(rule.zh.clone()), ..rule.check.clone() }).collect();
    let findings = ask_hosts(scene.road, &scene.seen.fleet, &checks).await;
    let rule = |finding: &Finding| rules.iter().position(|rule| rule.check.id == finding.id);
    let one = |finding: Finding| {
        let at = rule(&finding)?;
        let told = of_product(&scene.road.topology, &checks[at], &finding);
        Some(scanned(&rules[at], finding, told))
    };
    Ok(findings.into_iter().filter_map(one).collect())
}

fn scanned(rule: &ScanSpec, finding: Finding, told: Finding) -> Scanned {
    // How bad it is decides, for rules that are code and for these alike.
    let verdict = match finding.verdict {
        Verdict::Failed if rule.danger > Danger::High => Verdict::Warning,
        verdict => verdict,
    };
    let Finding { what, needed, because, fix, .. } = told;
    Scanned {
        finding: Finding { verdict, ..finding },
        danger: rule.danger,
        area: rule.area.clone(),
        cis: rule.cis.clone(),
        mlps: rule.mlps.clone(),
        zh: Words { what, needed, because, fix },
        waived: None,
    }
}
