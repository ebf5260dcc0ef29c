//! What a load test needs to know of the service: how clients come in, how accounts are made, what it has room for, who is there.

use super::super::road::Road;
use super::super::user::Keeper;
use super::super::verify::outside;
use super::Failure;
use super::size::Size;
use crate::desired::Scope;
use crate::exec::Fleet;
use crate::load::FilePlace;
use crate::probe::proof;
use crate::stack::{ChecksFile, LoadSpec, Room, Service, XmppService};
use crate::transport::Exec;
use crate::xmpp::Door;
use std::time::Duration;

/// What the stack says of its service.
pub(super) struct Words {
    pub(super) service: XmppService,
    pub(super) load: LoadSpec,
}

impl Words {
    /// Reads them.
    pub(super) fn of(road: &Road) -> Result<Self, Failure> {
        let none = || Failure::Usage("the stack does not say how clients reach it".to_owned());
        let stack = &road.topology.stack;
        let file: ChecksFile = stack.data(stack.file.checks.as_ref().ok_or_else(none)?)?;
        let Some(raw @ Service::Xmpp(_)) = &file.service else { return Err(none()) };
        Ok(Self { service: outside::words(road, raw)?.ok_or_else(none)?, load: file.load })
    }
}

/// Who makes the accounts.
pub(super) fn keeper<'a>(road: &Road, fleet: &'a Fleet) -> Result<Keeper<'a>, Failure> {
    let none = || Failure::Usage("the stack does not say how accounts are made".to_owned());
    let keeper = Keeper::of(road, fleet)?.ok_or_else(none)?;
    match keeper.elsewhere() {
        None => Ok(keeper),
        Some(elsewhere) => Err(Failure::Usage(format!(
            "accounts are kept elsewhere: {elsewhere}; a load test needs accounts that imctl can make"
        ))),
    }
}

/// Where sessions come in: with TLS from the first byte where the stack offers it.
pub(super) fn doors(service: &proof::Service) -> Vec<Door> {
    let all = || service.entrances.iter().map(|it| it.door.clone());
    let direct: Vec<Door> = all().filter(|it| it.direct_tls).collect();
    if direct.is_empty() { all().collect() } else { direct }
}

/// Where files go; none when there are to be none.
pub(super) fn file_place(service: &proof::Service, size: &Size) -> Result<Option<FilePlace>, Failure> {
    if size.rates.uploads <= 0.0 {
        return Ok(None);
    }
    let upload = service.upload.clone();
    let upload = upload.ok_or_else(|| Failure::Usage("the stack offers no files".to_owned()))?;
    let https = service.https.iter().map(|(_, place)| *place).collect();
    Ok(Some(FilePlace { service: upload, https, roots: service.roots.clone(), size: size.file }))
}

/// Refuses more sessions than the hosts they pass have room for.
pub(super) fn has_room(road: &Road, room: &[Room], sessions: u64) -> Result<(), Failure> {
    for raw in room {
        let instances: Vec<_> = road.topology.present(&raw.on).collect();
        for instance in &instances {
            let words: Room = Scope::of(&road.topology, instance).all("checks: load", raw)?;
            let most: f64 = words.sessions.trim().parse().map_err(|_| {
                Failure::Usage(format!("the stack's room of `{}` is no number: {}", raw.on, words.sessions))
            })?;
            if let Some(why) = too_many(sessions, instances.len() as u64, most) {
                return Err(Failure::Usage(format!(
                    "{} on {}: {why}; {}",
                    raw.on, instance.host, words.because
                )));
            }
        }
    }
    Ok(())
}

/// Why so many sessions do not fit, divided among so many that have room for so many each.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn too_many(sessions: u64, among: u64, most: f64) -> Option<String> {
    let each = sessions.div_ceil(among.max(1));
    (each as f64 > most)
        .then(|| format!("{sessions} sessions among {among} are {each} each, and it has room for {most:.0}"))
}

/// Real users would feel a load test: then it wants the deployment's name.
pub(super) async fn nobody_is_disturbed(
    typed: (Option<&String>, bool),
    road: &Road,
    fleet: &Fleet,
    words: &XmppService,
) -> Result<(), Failure> {
    let (confirm, stops_a_node) = typed;
    let name = &road.inventory().name;
    if confirm == Some(name) {
        return Ok(());
    }
    let who = match online(road, fleet, words).await? {
        _ if stops_a_node => "a node will be stopped".to_owned(),
        Some(0) => return Ok(()),
        Some(online) => format!("{online} sessions are online"),
        None => "nobody can say whether users are online".to_owned(),
    };
    let chaos = if stops_a_node { " --scenario reconnect --chaos" } else { "" };
    Err(Failure::Refused(format!(
        "{who}, and a load test is felt; if you mean it:  imctl load -i {}{chaos} --confirm {name}",
        road.typed()
    )))
}

/// How many sessions there are; none when it cannot be found out.
async fn online(road: &Road, fleet: &Fleet, words: &XmppService) -> Result<Option<u64>, Failure> {
    let asked = words.online.as_ref().and_then(|question| {
        let host = &road.topology.present(&question.on).next()?.host;
        Some((question, host, fleet.link(host)?))
    });
    let Some((question, host, link)) = asked else { return Ok(None) };
    let exec = Exec::new(&*question.run, Duration::from_secs(20));
    let output = link.exec(exec).await.map_err(|cause| Failure::Link(host.clone(), cause))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_divided_among_the_hosts_they_pass() {
        assert_eq!(too_many(10_000, 2, 8000.0), None);
        let said = too_many(10_000, 1, 8000.0).unwrap();
        assert_eq!(said, "10000 sessions among 1 are 10000 each, and it has room for 8000");
    }
}
