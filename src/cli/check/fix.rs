//! `imctl check --fix`: what is safe to mend is put on the hosts by a plan like any other, shown first.

use super::super::change::Change;
use super::super::hold::ChangeArgs;
use super::super::road::Road;
use super::super::survey::Aim;
use super::super::{Failure, Global, OutputFormat, stdout};
use crate::base::{Finding, HostName, Verdict};
use crate::checks::remedies;
use crate::desired::REMEDIES;
use crate::report::{self, InstallView, Style};
use crate::resource::Resource;
use crate::stack::ComponentSpec;
use crate::topology;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The variable that tells a host's remedies.
const VARIABLE: &str = "imctl-remedies";

/// Mends what can be mended: what came of it, told to a person already; none when nothing was changed.
pub(super) async fn mend(global: &Global, findings: &[Finding]) -> Result<Option<InstallView>, Failure> {
    let wanted = wanted(findings);
    if wanted.is_empty() {
        stdout::note("Nothing of this is safe to mend by itself.");
        return Ok(None);
    }
    let road = road(global, &wanted)?;
    let asked = ChangeArgs { reason: Some("imctl check --fix".to_owned()), ..ChangeArgs::default() };
    let (verb, done) = ("check --fix", "mended");
    let change = Change { road: &road, global, asked: &asked, aim: Aim::Remedies, verb, done, skip: None };
    let Some(applied) = change.apply(None).await? else { return Ok(None) };
    let view = change.finish(applied, None)?;
    if global.shape() == OutputFormat::Human {
        stdout::write(|out| report::install(out, &view, Style::stdout(global.no_color)));
    }
    Ok(Some(view))
}

/// Checks that failed or warned on a host and can be mended there.
fn wanted(findings: &[Finding]) -> BTreeMap<HostName, BTreeSet<String>> {
    let remedies = remedies();
    let mut wanted: BTreeMap<HostName, BTreeSet<String>> = BTreeMap::new();
    for finding in findings {
        let bad = matches!(finding.verdict, Verdict::Failed | Verdict::Warning);
        if let (true, true, Some(host)) = (bad, remedies.contains_key(&finding.id), &finding.host) {
            wanted.entry(host.clone()).or_default().insert(finding.id.clone());
        }
    }
    wanted
}

/// The road of the inventory with remedies in the place of the stack's components.
fn road(global: &Global, wanted: &BTreeMap<HostName, BTreeSet<String>>) -> Result<Road, Failure> {
    let mut road = Road::without_bundle(global)?;
    let mut stack = road.topology.stack.clone();
    let mut inventory = road.topology.inventory.clone();
    stack.file.secrets.clear();
    stack.file.certificates.clear();
    stack.file.components = vec![component()];
    for host in &mut inventory.hosts {
        let ids: Vec<&String> = wanted.get(&host.name).into_iter().flatten().collect();
        host.variables.insert(VARIABLE.to_owned(), json!(ids));
    }
    road.topology = topology::build(&inventory, &stack)?;
    road.hosts.retain(|host| wanted.contains_key(host));
    road.sized.clear();
    Ok(road)
}

fn component() -> ComponentSpec {
    let resources = remedies().into_iter().flat_map(|(id, resources)| {
        let when = format!("'{id}' in vars.{}", VARIABLE.replace('-', "_"));
        resources.into_iter().map(move |resource| only_when(resource, &when))
    });
    let bare = json!({ "name": REMEDIES, "role": "all", "rollout": { "max-unavailable": 0 } });
    let bare: ComponentSpec = serde_json::from_value(bare).expect("this component is right");
    ComponentSpec { resources: resources.collect(), ..bare }
}

fn only_when(mut resource: Resource, when: &str) -> Resource {
    let own = match &mut resource {
        Resource::File(it) => &mut it.when,
        Resource::Command(it) => &mut it.when,
        Resource::Service(it) => &mut it.when,
        Resource::Sysctl(it) => &mut it.when,
        _ => return resource,
    };
    *own = Some(when.to_owned());
    resource
}
