//! What the labs of this machine look like now.

use super::record::{Lab, Store};
use super::{LabError, host, net};
use serde::Serialize;

/// A lab with the state of its hosts.
#[derive(Debug, Clone, Serialize)]
pub struct Sight {
    /// The lab.
    #[serde(flatten)]
    pub lab: Lab,
    /// The state of each host, in the lab's order.
    pub states: Vec<State>,
}

/// How a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It runs.
    Running,
    /// It runs without its cable.
    Cut,
    /// It does not run.
    Stopped,
}

/// Looks at all labs.
pub async fn list(store: &Store) -> Result<Vec<Sight>, LabError> {
    let mut found = Vec::new();
    for lab in store.list()? {
        let mut states = Vec::new();
        for host in &lab.hosts {
            states.push(match (host::is_running(&lab, host), net::link_is_up(&lab, host).await) {
                (false, _) => State::Stopped,
                (true, false) => State::Cut,
                (true, true) => State::Running,
            });
        }
        found.push(Sight { lab, states });
    }
    Ok(found)
}
