//! What the operator says of a service, with what is taken for the rest.

use super::formula::{FormulaError, Formulas};
use crate::inventory::Targets;
use crate::stack::SizingFile;
use serde::Serialize;
use std::collections::BTreeMap;

/// What can be said, in the order in which defaults are taken.
pub const INPUTS: [&str; 7] = [
    "users",
    "online",
    "messages_per_user_day",
    "message_bytes",
    "retention_days",
    "files_mb_user_day",
    "file_retention_days",
];

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Inputs that were given.
    pub given: BTreeMap<&'static str, f64>,
    /// A failure of one host may not be felt.
    pub ha: bool,
    /// A public service: far fewer are online at once.
    pub consumer: bool,
}

/// One input as it was taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Given {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Why it was taken when nobody gave it; none = it was given.
    pub because: Option<String>,
}

impl Asked {
    /// What an inventory's `targets` say.
    pub fn of(targets: &Targets, ha: bool) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
        let number = |value: Option<u64>| value.map(|value| value as f64);
        let said = [
            number(targets.users),
            number(targets.online),
            number(targets.messages_per_user_day),
            number(targets.message_bytes),
            number(targets.retention_days),
            number(targets.files_per_user_day).map(|bytes| bytes / 1e6),
            number(targets.file_retention_days),
        ];
        let given = INPUTS.into_iter().zip(said).filter_map(|(name, value)| Some((name, value?))).collect();
        Self { given, ha, consumer: false }
    }

    /// Makes every input known, given or taken.
    pub(super) fn fill(
        &self,
        file: &SizingFile,
        formulas: &mut Formulas,
    ) -> Result<Vec<Given>, FormulaError> {
        formulas.know_whether("ha", self.ha);
        formulas.know_whether("consumer", self.consumer);
        let mut all = Vec::new();
        for name in INPUTS {
            let spec = file.defaults.get(name);
            let unit = spec.map(|spec| spec.unit.clone()).unwrap_or_default();
            let (value, because) = match (self.given.get(name), spec) {
                (Some(value), _) => (*value, None),
                (None, Some(spec)) => (formulas.number(name, &spec.value)?, Some(spec.because.clone())),
                (None, None) => (0.0, Some("the stack does not use it".to_owned())),
            };
            formulas.know(name, value);
            all.push(Given { name, value, unit, because });
        }
        Ok(all)
    }
}
