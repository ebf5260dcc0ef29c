//! What mends a host that a check failed on, where that is safe: resources, put there by an ordinary plan.

use crate::resource::Resource;
use std::collections::BTreeMap;

/// Resources by the check that wants them.
pub fn remedies() -> BTreeMap<String, Vec<Resource>> {
    serde_yaml::from_str(include_str!("remedies.yml")).expect("a test reads it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::preflight_rules;

    #[test]
    fn every_remedy_belongs_to_a_check() {
        let remedies = remedies();
        assert!(remedies.len() > 4);
        for id in remedies.keys() {
            assert!(preflight_rules().any(|rule| rule.id == id), "{id}");
        }
    }
}
