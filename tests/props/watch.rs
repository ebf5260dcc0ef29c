//! Watches what happens in the pretended world and remembers every rule that was broken.

use super::host::Host;
use imctl::base::HostName;
use std::collections::{BTreeMap, BTreeSet};

/// Something that happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    /// A step began in a host's lane.
    Began(HostName),
    /// A step of a host's lane ended.
    Ended(HostName),
    /// The lease was asked for on a host, with the answer.
    Asked(HostName, bool),
    /// A program or an upload changed something on a host.
    Act(HostName),
    /// The operator pressed Ctrl-C.
    Stop,
}

/// What a component is promised.
#[derive(Debug, Clone, Default)]
pub(crate) struct Promise {
    /// So many instances may be disturbed at the same time; 0 = all.
    pub(crate) at_once: usize,
    /// Whether it can be asked for its health.
    pub(crate) health: bool,
    /// Hosts that move its load away before it is disturbed.
    pub(crate) drains_on: BTreeSet<HostName>,
    /// Hosts that carry it.
    pub(crate) hosts: BTreeSet<HostName>,
}

/// The watch over one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    pub(crate) promises: BTreeMap<String, Promise>,
    pub(crate) happened: Vec<Happened>,
    pub(crate) broken: Vec<String>,
    disturbed: BTreeSet<(String, HostName)>,
    drained: BTreeSet<(String, HostName, HostName)>,
    died: BTreeSet<(String, HostName)>,
}

fn component(unit: &str) -> &str {
    unit.trim_end_matches(".service")
}

impl Watch {
    pub(crate) fn new(promises: BTreeMap<String, Promise>) -> Self {
        Self { promises, ..Self::default() }
    }

    pub(crate) fn note(&mut self, happened: Happened) {
        self.happened.push(happened);
    }

    pub(crate) fn died(&mut self, host: &HostName, unit: &str) {
        self.died.insert((component(unit).to_owned(), host.clone()));
    }

    pub(crate) fn well(&mut self, component: &str, host: &HostName) {
        self.disturbed.remove(&(component.to_owned(), host.clone()));
    }

    pub(crate) fn drained(&mut self, component: &str, target: &HostName, at: &HostName) {
        self.drained.insert((component.to_owned(), target.clone(), at.clone()));
    }

    pub(crate) fn undrained(&mut self, component: &str, target: &HostName) {
        self.drained.retain(|(name, host, _)| name != component || host != target);
    }

    /// A unit that ran stopped or began anew; `well` says whether it answered until then.
    pub(crate) fn disturbed(
        &mut self,
        (host, unit): (&HostName, &str),
        well: bool,
        hosts: &BTreeMap<HostName, Host>,
    ) {
        let name = component(unit);
        // What leaves a host is no longer part of its component.
        let Some(promise) = self.promises.get(name).filter(|it| it.hosts.contains(host)).cloned() else {
            return;
        };
        for at in &promise.drains_on {
            if !self.drained.contains(&(name.to_owned(), host.clone(), at.clone())) {
                self.broken.push(format!("{name} on {host} was disturbed and {at} had not drained it"));
            }
        }
        if !well {
            return;
        }
        let pair = (name.to_owned(), host.clone());
        if promise.health {
            self.disturbed.insert(pair.clone());
        }
        let count = self.disturbed.iter().filter(|(it, _)| it == name).count();
        if promise.at_once > 0 && count > promise.at_once {
            self.broken
                .push(format!("{count} instances of {name} are disturbed, {} may be", promise.at_once));
        }
        let is_down = |peer: &&HostName| {
            let of = (name.to_owned(), (*peer).clone());
            let it = hosts.get(*peer);
            let is_member = it.and_then(|it| it.units.get(unit)).is_some_and(|unit| !unit.read.is_empty());
            let well = it.is_some_and(|it| it.is_well(unit));
            is_member && !well && !self.disturbed.contains(&of) && !self.died.contains(&of)
        };
        let down: Vec<_> = promise.hosts.iter().filter(|peer| *peer != host).filter(is_down).collect();
        if promise.health && promise.at_once > 0 && !down.is_empty() {
            self.broken.push(format!("{name} on {host} was disturbed while it is down on {down:?}"));
        }
    }
}
