//! Which part of the scan was asked for.

use super::Failure;
use crate::base::nearest;
use crate::checks::AREAS;

/// Rules that `--quick` leaves out, for the time they take.
const SLOW: [&str; 6] = ["EXPO-01", "SECRET-02", "SECRET-03", "SECRET-04", "SECRET-05", "DRIFT-02"];

/// Areas that were asked for, and whether what takes long is left out.
pub(super) struct Asked {
    only: Vec<String>,
    quick: bool,
}

impl Asked {
    /// From the command line.
    pub(super) fn read(only: &[String], quick: bool) -> Result<Self, Failure> {
        for word in only {
            if !AREAS.contains(&word.as_str()) {
                let near = nearest(word, AREAS);
                let near = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
                let all = AREAS.join(", ");
                return Err(Failure::Usage(format!("--only {word}: there is no such area{near}; {all}")));
            }
        }
        Ok(Self { only: only.to_vec(), quick })
    }

    /// All areas, without what takes long.
    pub(super) fn quick() -> Self {
        Self { only: Vec::new(), quick: true }
    }

    /// Whether that area was asked for.
    pub(super) fn area(&self, area: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|it| it == area)
    }

    /// Whether one of these areas was.
    pub(super) fn any(&self, areas: &[&str]) -> bool {
        areas.iter().any(|area| self.area(area))
    }

    /// Whether `--quick` leaves the rule out.
    pub(super) fn left_out(&self, id: &str) -> bool {
        self.quick && SLOW.contains(&id)
    }

    /// Whether everything was asked.
    pub(super) fn whole(&self) -> bool {
        self.only.is_empty() && !self.quick
    }

    /// How it was asked, for the record.
    pub(super) fn words(&self) -> Vec<String> {
        let quick = self.quick.then(|| "quick".to_owned());
        self.only.iter().cloned().chain(quick).collect()
    }
}
