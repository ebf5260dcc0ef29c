//! All rules of the scan: those that are code and those of stacks, in the order in which they are shown.

use super::Failure;
use super::areas::Asked;
use crate::base::{Language, nearest};
use crate::checks::{AREAS, ScanRule, Waivers, scan_rules};
use crate::inventory::Waiver;
use crate::record::{Danger, Scanned, Words};
use crate::stack::{ScanFile, ScanSpec, Stack};
use std::fmt::Write as _;

/// Rules by area, then by id.
pub(in crate::cli) struct Rules(Vec<ScanRule>);

impl Rules {
    /// Of these stacks and of the program.
    pub(in crate::cli) fn of(stacks: &[Stack]) -> Result<Self, Failure> {
        let mut all = scan_rules().to_vec();
        for stack in stacks {
            let Some(file) = &stack.file.scan else { continue };
            all.extend(stack.data::<ScanFile>(file)?.rules.iter().map(of_stack));
        }
        all.sort_by_key(|rule| (place(&rule.area), rule.id.clone()));
        Ok(Self(all))
    }

    /// The rule of that id.
    pub(in crate::cli) fn get(&self, id: &str) -> Option<&ScanRule> {
        self.0.iter().find(|rule| rule.id == id)
    }

    /// Puts findings into the order of the rules.
    pub(super) fn sort(&self, findings: &mut [Scanned]) {
        let at = |it: &Scanned| self.0.iter().position(|rule| rule.id == it.finding.id);
        findings.sort_by_key(|it| (place(&it.area), at(it)));
    }

    /// Waivers of the inventory and of the command line, for rules that there are.
    pub(super) fn waivers(&self, inventory: &[Waiver], typed: &[String]) -> Result<Waivers, Failure> {
        let waivers = Waivers::read(inventory, typed).map_err(|wrong| Failure::Usage(wrong.to_string()))?;
        if let Some(id) = waivers.ids().find(|id| self.get(id).is_none()) {
            let near = nearest(id, self.0.iter().map(|rule| rule.id.as_str()));
            let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            return Err(Failure::Usage(format!(
                "a waiver names {id}, and there is no such rule; {near}imctl scan --list"
            )));
        }
        Ok(waivers)
    }

    /// One line a rule.
    pub(super) fn list(&self, asked: &Asked, language: Language) -> String {
        let mut text = String::new();
        for rule in self.0.iter().filter(|rule| asked.area(&rule.area)) {
            let words = words(rule, language);
            let danger = danger(rule.danger);
            let _ = writeln!(text, "{:11} {danger:8} {}: {}", rule.id, words.what, words.needed);
        }
        text
    }

    /// The table of all rules for the docs.
    #[cfg(test)]
    pub(in crate::cli) fn markdown(&self) -> String {
        let mut text = String::from(include_str!("page.md"));
        for area in AREAS {
            let of_area: Vec<&ScanRule> = self.0.iter().filter(|rule| rule.area == area).collect();
            let _ = write!(
                text,
                "\n### {area}\n\n| id | danger | what is judged | needed | CIS | MLPS |\n|---|---|---|---|---|---|\n"
            );
            for rule in of_area {
                let (cell, danger) = (|text: &str| text.replace('|', "\\|"), danger(rule.danger));
                let (what, needed) = (cell(&rule.en.what), cell(&rule.en.needed));
                let _ = writeln!(
                    text,
                    "| {} | {danger} | {what} | {needed} | {} | {} |",
                    rule.id, rule.cis, rule.mlps
                );
            }
        }
        text
    }
}

/// The texts of a rule in a language.
fn words(rule: &ScanRule, language: Language) -> &Words {
    if language == Language::Zh { &rule.zh } else { &rule.en }
}

fn place(area: &str) -> usize {
    AREAS.iter().position(|it| *it == area).unwrap_or(AREAS.len())
}

/// How bad it is, in one word.
pub(in crate::cli) fn danger(danger: Danger) -> &'static str {
    match danger {
        Danger::Critical => "critical",
        Danger::High => "high",
        Danger::Medium => "medium",
        Danger::Low => "low",
    }
}

fn of_stack(spec: &ScanSpec) -> ScanRule {
    let check = &spec.check;
    let en = [&check.what, &check.needed, &check.because, &check.fix].map(Clone::clone);
    let [what, needed, because, fix] = en;
    ScanRule {
        id: check.id.clone(),
        area: spec.area.clone(),
        danger: spec.danger,
        cis: spec.cis.clone(),
        mlps: spec.mlps.clone(),
        en: Words { what, needed, because, fix },
        zh: spec.zh.clone(),
    }
}
