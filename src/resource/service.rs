//! A systemd unit that runs, or does not. Restarts and reloads that files ask for are placed by the planner.

use super::shell::line;
use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{Cmd, ResourceId, Secret, quote};
use crate::record::{Observed, UnitState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A systemd unit that runs, or does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Service {
    /// Unit with its ending, such as `chrony.service` or `purge.timer`.
    pub unit: String,
    /// Runs or not.
    #[serde(default)]
    pub state: ServiceState,
    /// Starts at boot; a unit that is to be stopped never does.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// POSIX sh in place of `systemctl reload`.
    #[serde(default)]
    pub reload: Option<String>,
    /// Condition under which the service is wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

/// Whether a service runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceState {
    /// It runs.
    #[default]
    Running,
    /// It does not run, and does not start at boot.
    Stopped,
}

fn yes() -> bool {
    true
}

fn is_active(state: &UnitState) -> bool {
    matches!(state.active.as_str(), "active" | "reloading")
}

fn is_masked(state: &UnitState) -> bool {
    state.load == "masked" || state.file.starts_with("masked")
}

fn starts_at_boot(state: &UnitState) -> bool {
    matches!(state.file.as_str(), "enabled" | "enabled-runtime")
}

/// Whether the unit has no file, or one that can be neither enabled nor disabled.
fn has_no_switch(state: &UnitState) -> bool {
    !matches!(state.file.as_str(), "" | "enabled" | "disabled" | "masked" | "masked-runtime")
}

impl Service {
    /// One act on the unit, such as `restart`, with the unit's last log lines as the reason when it fails.
    pub fn act(&self, verb: &str) -> Action {
        if let ("reload", Some(script)) = (verb, &self.reload) {
            return Action::run(script.clone());
        }
        long(format!("{REASON}{}", self.step(verb)))
    }

    fn step(&self, verb: &str) -> String {
        format!("{} || why {verb} {}\n", Cmd::new("systemctl").arg(verb).arg(&self.unit), quote(&self.unit))
    }

    /// Verbs of systemctl that make it so, in order.
    fn verbs(&self, state: &UnitState) -> Vec<&'static str> {
        let mut verbs = Vec::new();
        let unknown = state.load.is_empty() || state.load == "not-found";
        if self.state == ServiceState::Stopped {
            if !unknown && (starts_at_boot(state) && !is_masked(state)) {
                verbs.push("disable");
            }
            if is_active(state) || state.active == "activating" {
                verbs.push("stop");
            }
            return verbs;
        }
        if is_masked(state) {
            verbs.push("unmask");
        }
        if unknown || state.needs_reload || is_masked(state) {
            verbs.push("daemon-reload");
        }
        if self.enabled && !starts_at_boot(state) && !has_no_switch(state) {
            verbs.push("enable");
        }
        if !self.enabled && starts_at_boot(state) {
            verbs.push("disable");
        }
        if state.active == "failed" {
            verbs.push("reset-failed");
        }
        if !is_active(state) {
            verbs.push("start");
        }
        verbs
    }
}

fn word(verb: &str) -> Option<&'static str> {
    match verb {
        "unmask" => Some("unmasked"),
        "enable" => Some("starts at boot"),
        "disable" => Some("no longer starts at boot"),
        "start" => Some("starts"),
        "stop" => Some("stops"),
        "daemon-reload" => Some("unit file read again"),
        _ => None,
    }
}

impl Kind for Service {
    fn id(&self) -> ResourceId {
        ResourceId::new("service", &self.unit)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        vec![Probe::Unit(self.unit.clone())]
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let state = seen.units.get(&self.unit).cloned().unwrap_or_default();
        let verbs = self.verbs(&state);
        let unknown = state.load.is_empty() || state.load == "not-found";
        if verbs.is_empty() {
            return None;
        }
        let said = |verb: &&&str| !(unknown && **verb == "daemon-reload");
        let mut words: Vec<String> =
            verbs.iter().filter(said).filter_map(|verb| word(verb)).map(str::to_owned).collect();
        if state.active == "failed" {
            words.push("had failed".to_owned());
        }
        let new = unknown || (is_masked(&state) && state.since == 0);
        let kind = if new { ChangeKind::Create } else { ChangeKind::Update };
        Some(Change { kind, summary: words.join(", "), lines: Vec::new() })
    }

    fn actions(&self, seen: &Observed) -> Vec<Action> {
        let state = seen.units.get(&self.unit).cloned().unwrap_or_default();
        let verbs = self.verbs(&state);
        let mut switches = String::from("set -e\n");
        let mut moves = format!("{REASON}set -e\n");
        // What starts at boot is read with the rest, not once for each verb.
        for verb in &verbs {
            match *verb {
                "daemon-reload" => {}
                "start" | "stop" => moves.push_str(&self.step(verb)),
                "reset-failed" => line(&mut moves, Cmd::new("systemctl").args(["-q", verb, &self.unit])),
                verb => {
                    line(&mut switches, Cmd::new("systemctl").args(["-q", verb, &self.unit, "--no-reload"]));
                }
            }
        }
        let has = |some: &[&str]| verbs.iter().any(|verb| some.contains(verb));
        let mut actions = Vec::new();
        if has(&SWITCHES) {
            actions.push(Action::run(switches));
        }
        if has(&SWITCHES) || has(&["daemon-reload"]) {
            actions.push(Action::ReadUnits);
        }
        if has(&["start", "stop", "reset-failed"]) {
            actions.push(long(moves));
        }
        actions
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        let Some(state) = seen.units.get(&self.unit) else { return Vec::new() };
        if state.load.is_empty() || state.load == "not-found" {
            return Vec::new();
        }
        let unit = quote(&self.unit);
        let body = if state.file == "static" { STOP_OUR_STATIC } else { STOP };
        vec![long(format!("unit={unit}\n{body}"))]
    }
}

/// Verbs that change which files systemd reads.
const SWITCHES: [&str; 3] = ["unmask", "enable", "disable"];

const STOP: &str = "systemctl -q unmask \"$unit\" || true\nsystemctl -q disable \"$unit\" || true\nsystemctl stop \"$unit\"\n";

/// A static unit that came with the system, such as the journal's, ran before us and runs on.
const STOP_OUR_STATIC: &str = "case $(systemctl show -p FragmentPath --value -- \"$unit\") in\n\
    /etc/systemd/system/*) systemctl stop \"$unit\" ;;\nesac\n";

/// A start may take as long as the unit's own limit allows; three minutes cover those of a stack.
fn long(script: String) -> Action {
    Action::Run { script, input: Secret::new(Vec::new()), within: Duration::from_mins(3) }
}

const REASON: &str = "why() {\n  echo \"$2 did not $1:\" >&2\n  \
    systemctl --no-pager -l -n 20 status -- \"$2\" >&2\n  exit 1\n}\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn service(state: ServiceState) -> Service {
        Service { unit: "relay.service".to_owned(), state, enabled: true, reload: None, when: None }
    }

    fn seen(load: &str, file: &str, active: &str) -> Observed {
        let own = |text: &str| text.to_owned();
        let unit =
            UnitState { load: own(load), file: own(file), active: own(active), ..UnitState::default() };
        Observed { units: [("relay.service".to_owned(), unit)].into(), ..Observed::default() }
    }

    fn said(state: ServiceState, seen: &Observed) -> Option<(ChangeKind, String)> {
        service(state).diff(seen).map(|change| (change.kind, change.summary))
    }

    #[test]
    fn a_running_service_absent_same_different_broken() {
        use ChangeKind::{Create, Update};
        let cases = [
            (("not-found", "", "inactive"), Some((Create, "starts at boot, starts"))),
            (("loaded", "enabled", "active"), None),
            (("loaded", "static", "active"), None),
            (("loaded", "disabled", "active"), Some((Update, "starts at boot"))),
            (("loaded", "enabled", "failed"), Some((Update, "starts, had failed"))),
            (
                ("masked", "masked", "inactive"),
                Some((Create, "unmasked, unit file read again, starts at boot, starts")),
            ),
        ];
        for ((load, file, active), wanted) in cases {
            let wanted = wanted.map(|(kind, words)| (kind, words.to_owned()));
            assert_eq!(
                said(ServiceState::Running, &seen(load, file, active)),
                wanted,
                "{load} {file} {active}"
            );
        }
    }

    #[test]
    fn a_stopped_service_is_stopped_and_kept_from_starting() {
        let words =
            |load, file, active| said(ServiceState::Stopped, &seen(load, file, active)).map(|said| said.1);
        assert_eq!(words("not-found", "", "inactive"), None);
        assert_eq!(words("masked", "masked", "inactive"), None);
        assert_eq!(words("loaded", "disabled", "inactive"), None);
        assert_eq!(words("loaded", "enabled", "active").as_deref(), Some("no longer starts at boot, stops"));
    }

    #[test]
    fn removal_stops_and_disables_but_leaves_the_systems_own_static_units_running() {
        let script =
            |file| match service(ServiceState::Running).removal(&seen("loaded", file, "active")).pop() {
                Some(Action::Run { script, .. }) => script,
                other => panic!("{other:?}"),
            };
        assert!(script("enabled").ends_with("disable \"$unit\" || true\nsystemctl stop \"$unit\"\n"));
        assert!(script("static").contains("/etc/systemd/system/*) systemctl stop"));
        assert!(service(ServiceState::Running).removal(&seen("not-found", "", "inactive")).is_empty());
    }

    #[test]
    fn actions_come_in_the_order_that_systemd_needs() {
        let actions = service(ServiceState::Running).actions(&seen("masked", "masked", "failed"));
        let [Action::Run { script: switches, .. }, Action::ReadUnits, Action::Run { script: moves, .. }] =
            actions.as_slice()
        else {
            panic!("{actions:?}")
        };
        let lines: Vec<&str> =
            [switches, moves].iter().flat_map(|it| it.split_once("set -e\n").unwrap().1.lines()).collect();
        let wanted = [
            "systemctl -q unmask relay.service --no-reload",
            "systemctl -q enable relay.service --no-reload",
            "systemctl -q reset-failed relay.service",
            "systemctl start relay.service || why start relay.service",
        ];
        assert_eq!(lines, wanted);
        let running = seen("loaded", "enabled", "inactive");
        assert!(matches!(service(ServiceState::Running).actions(&running).as_slice(), [Action::Run { .. }]));
    }
}
