//! What is tried from outside: a walk along every TLS endpoint, then what somebody without an account and two users with one can do.

use super::{Failure, Scene};
use crate::base::{HostName, duration};
use crate::checks::{Outcome, Said, encryption, endpoint_name, scan_rules};
use crate::cli::user::Keeper;
use crate::cli::verify::outside;
use crate::probe::abuse::{NEED_ACCOUNTS, with_accounts, without_accounts};
use crate::probe::proof::Service;
use crate::probe::tls;
use crate::probe::walk::{Begin, Endpoint, walk};
use crate::record::Walk;
use crate::stack::ChecksFile;
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Areas that are tried over the service's own doors.
const TRIED: [&str; 4] = ["encryption", "accounts", "chat", "files"];

/// Walks and tries, as far as it was asked for.
pub(super) async fn try_all(scene: &Scene<'_>) -> Result<Vec<Said>, Failure> {
    let road = scene.road;
    let Some(file) = road.topology.stack.file.checks.as_ref().filter(|_| scene.asked.any(&TRIED)) else {
        return Ok(Vec::new());
    };
    let checks: ChecksFile = road.topology.stack.data(file)?;
    let Some(words) = checks.service.map(|raw| outside::words(road, &raw)).transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    let within =
        duration(&scene.global.timeout).unwrap_or(Duration::from_secs(30)).min(Duration::from_secs(15));
    let mut service = match outside::service(road, &words, within).await {
        Ok(service) => service,
        Err(why) => return Ok(untried(&why)),
    };
    service.entrances.retain(|entrance| road.hosts.contains(&entrance.host));
    service.https.retain(|(host, _)| road.hosts.contains(host));
    let mut said = Vec::new();
    if scene.asked.area("encryption") {
        said.extend(walks(&service).await?);
    }
    said.extend(without_accounts(&service).await);
    if scene.global.on.is_empty() && scene.asked.any(&["accounts", "chat", "files"]) {
        said.extend(accounts(scene, &service).await?);
    }
    Ok(said)
}

/// Everything that is tried over the doors, when they cannot be found.
fn untried(why: &str) -> Vec<Said> {
    let tried = scan_rules().iter().filter(|rule| TRIED.contains(&rule.area.as_str()));
    tried.map(|rule| Said::of_service(&rule.id, Outcome::Unknown(why.to_owned()))).collect()
}

/// Everything that needs accounts.
async fn accounts(scene: &Scene<'_>, service: &Service) -> Result<Vec<Said>, Failure> {
    let all =
        |outcome: Outcome| NEED_ACCOUNTS.iter().map(|id| Said::of_service(id, outcome.clone())).collect();
    let Some(keeper) = Keeper::of(scene.road, &scene.seen.fleet)? else {
        return Ok(all(Outcome::Open("the stack does not say how accounts are made".to_owned())));
    };
    if let Some(elsewhere) = keeper.elsewhere() {
        return Ok(all(Outcome::Open(format!("accounts are kept elsewhere: {elsewhere}"))));
    }
    match outside::with_accounts(&keeper, async |people| with_accounts(service, people).await).await {
        Ok(said) => Ok(said),
        Err(cause) => Ok(all(Outcome::Unknown(format!("no test accounts could be made: {cause}")))),
    }
}

/// Walks along the endpoints of every host, all at once, and judges each host.
async fn walks(service: &Service) -> Result<Vec<Said>, Failure> {
    let roots: Vec<&str> = service.roots.iter().map(String::as_str).collect();
    let roots = Arc::new(tls::roots(&roots).map_err(|wrong| Failure::Usage(wrong.to_string()))?);
    let mut endpoints: Vec<(HostName, Endpoint)> = Vec::new();
    for entrance in &service.entrances {
        endpoints.push((entrance.host.clone(), Endpoint::of_door(&entrance.door, &roots)));
    }
    for (host, address) in &service.https {
        let names = std::iter::once(service.domain.clone()).chain(service.files_name());
        endpoints.extend(names.map(|name| {
            let (begin, roots) = (Begin::AtOnce, Arc::clone(&roots));
            (host.clone(), Endpoint { address: *address, name, begin, roots })
        }));
    }
    let one = |(host, endpoint): (HostName, Endpoint)| async move {
        let walked = walk(&endpoint).await;
        (host, endpoint, walked)
    };
    let mut hosts: BTreeMap<HostName, Vec<(String, Walk)>> = BTreeMap::new();
    for (host, endpoint, walked) in join_all(endpoints.into_iter().map(one)).await {
        let name = endpoint_name(endpoint.address.port(), &endpoint.name, &service.domain);
        hosts.entry(host).or_default().push((name, walked));
    }
    let now = Timestamp::now().as_second();
    Ok(hosts.iter().flat_map(|(host, walks)| encryption(host, walks, now)).collect())
}
