//! Seeing: all of a host's probes in one exec, all hosts at once.

use super::Fleet;
use crate::base::HostName;
use crate::record::Observed;
use crate::resource::{self, LookError, Probe};
use crate::transport::{Exec, LinkError, Session};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::time::Duration;
use thiserror::Error;

/// How long a look may take: probes are bounded themselves, this is for a host that hangs.
const LOOK: Duration = Duration::from_mins(2);

/// Why a host could not be seen.
#[derive(Debug, Error)]
pub enum LookFailure {
    /// The connection failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The answer cannot be read.
    #[error("the look at the host came back broken")]
    Answer(#[from] LookError),
    /// There is no connection.
    #[error("there is no connection to the host")]
    NoLink,
}

/// Looks at one host.
pub(super) async fn look_at(link: &dyn Session, probes: &[Probe]) -> Result<Observed, LookFailure> {
    if probes.is_empty() {
        return Ok(Observed::default());
    }
    let output = link.exec(Exec::new(resource::program(probes), LOOK)).await?;
    Ok(resource::parse(&output.stdout)?)
}

/// Looks at all hosts at once.
pub async fn look(
    fleet: &Fleet,
    probes: &BTreeMap<HostName, Vec<Probe>>,
) -> BTreeMap<HostName, Result<Observed, LookFailure>> {
    let one = |(host, probes): (&HostName, &Vec<Probe>)| {
        let (host, probes, link) = (host.clone(), probes.clone(), fleet.link(host).cloned());
        async move {
            let seen = match link {
                Some(link) => look_at(link.as_ref(), &probes).await,
                None => Err(LookFailure::NoLink),
            };
            (host, seen)
        }
    };
    join_all(probes.iter().map(one)).await.into_iter().collect()
}

/// Fetches the contents of files that will be shown as a diff.
pub async fn contents(
    fleet: &Fleet,
    wanted: &BTreeMap<HostName, Vec<String>>,
) -> Result<BTreeMap<HostName, BTreeMap<String, String>>, (HostName, LookFailure)> {
    let one = |(host, paths): (&HostName, &Vec<String>)| {
        let (host, paths, link) = (host.clone(), paths.clone(), fleet.link(host).cloned());
        async move {
            let Some(link) = link else { return Err((host, LookFailure::NoLink)) };
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let output = link.exec(Exec::new(resource::contents(&paths), LOOK)).await;
            let output = output.map_err(|cause| (host.clone(), cause.into()))?;
            let seen = resource::parse(&output.stdout).map_err(|cause| (host.clone(), cause.into()))?;
            Ok((host, seen.contents))
        }
    };
    join_all(wanted.iter().map(one)).await.into_iter().collect()
}
