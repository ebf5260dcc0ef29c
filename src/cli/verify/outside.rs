//! The proof from outside: makes two test accounts, lets the clients do their part, takes the accounts away.

use super::Road;
use crate::base::{Finding, HostName, Secret, duration};
use crate::checks::{RULES, rule};
use crate::cli::user::{Act, Credential, Keeper, PROOF_PREFIX, UserError, fresh_password, suffix};
use crate::cli::{Failure, Global};
use crate::desired::Scope;
use crate::exec::Fleet;
use crate::inventory::Tls;
use crate::probe::proof::{self, Entrance, People, Service, Whereabouts, Witness};
use crate::probe::{Door, Login, Proof, tls};
use crate::stack;
use crate::topology::Instance;
use crate::transport::{Exec, Session};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use std::net::SocketAddr;
use std::time::Duration;

/// Test accounts older than this were left behind by a run that was ended.
const FORGOTTEN: i64 = 3600;

/// Proves what clients rely on.
pub(super) async fn prove(
    road: &Road,
    global: &Global,
    fleet: &Fleet,
    raw: &stack::Service,
) -> Result<Vec<Finding>, Failure> {
    let Some(words) = words(road, raw)? else { return Ok(Vec::new()) };
    let within = duration(&global.timeout).unwrap_or(Duration::from_secs(30)).min(Duration::from_secs(15));
    let service = match service(road, &words, within).await {
        Ok(service) => service,
        Err(why) => return Ok(vec![known("TLS-01").judged::<String>(None, Err(why))]),
    };
    let Some(keeper) = Keeper::of(road, fleet)? else {
        return Ok(without_accounts("the stack does not say how accounts are made"));
    };
    if let Some(elsewhere) = keeper.elsewhere() {
        let mut findings = proof::doors(&service).await;
        findings.extend(without_accounts(&format!("accounts are kept elsewhere: {elsewhere}")));
        return Ok(findings);
    }
    let witness = words.whereabouts.as_ref().and_then(|where_| inside(road, fleet, where_));
    let witness = witness.as_ref().map(|inside| inside as &dyn Witness);
    match with_accounts(&keeper, async |people| proof::prove(&service, people, witness).await).await {
        Ok(findings) => Ok(findings),
        Err(error) => Ok(vec![known("LOGIN-01").judged(None, Err::<String, _>(error))]),
    }
}

/// Everything that needs an account, as not applicable.
fn without_accounts(why: &str) -> Vec<Finding> {
    let needs_account = RULES.iter().filter(|rule| !rule.id.starts_with("TLS"));
    needs_account.map(|rule| rule.not_applicable(why)).collect()
}

/// Does something with two fresh accounts, and takes them away again; those that an ended run left go first.
pub(in crate::cli) async fn with_accounts<T>(
    keeper: &Keeper<'_>,
    work: impl AsyncFnOnce(&People) -> T,
) -> Result<T, UserError> {
    let provision = keeper.provision()?;
    let now = Timestamp::now().as_second();
    let left: Vec<String> = provision
        .list()
        .await?
        .into_iter()
        .map(|account| account.name)
        .filter(|name| forgotten(name, now))
        .collect();
    if !left.is_empty() {
        provision.act(Act::Remove, &left).await?;
    }
    let make = || Credential {
        name: format!("{PROOF_PREFIX}{now}-{}", suffix()),
        password: Secret::new(fresh_password()),
        made: true,
        display_name: String::new(),
        ready: None,
    };
    let pair = [make(), make()];
    provision.add(&pair).await?;
    let people = People { one: login(&pair[0]), other: login(&pair[1]) };
    let done = work(&people).await;
    provision.act(Act::Remove, &pair.map(|one| one.name)).await?;
    Ok(done)
}

fn login(credential: &Credential) -> Login {
    Login {
        user: credential.name.clone(),
        proof: Proof::Password(credential.password.clone()),
        resource: format!("verify-{}", suffix()),
    }
}

/// Whether a name is of a test account made more than an hour ago: the time stands in the name.
fn forgotten(name: &str, now: i64) -> bool {
    let made = name.strip_prefix(PROOF_PREFIX).and_then(|rest| rest.split('-').next());
    made.and_then(|text| text.parse::<i64>().ok()).is_some_and(|made| now - made > FORGOTTEN)
}

pub(in crate::cli) async fn service(
    road: &Road,
    words: &stack::XmppService,
    within: Duration,
) -> Result<Service, String> {
    let roots = vec![root(road)?];
    let config = tls::trusting(&[&roots[0]]).map_err(|wrong| wrong.to_string())?;
    let mut entrances = Vec::new();
    let doors =
        std::iter::once((&words.starttls, false)).chain(words.direct_tls.iter().map(|door| (door, true)));
    for (door, direct_tls) in doors {
        for (host, address) in addresses(road, door).await? {
            let door = Door { address, domain: words.domain.clone(), direct_tls, tls: config.clone() };
            entrances.push(Entrance { host, door });
        }
    }
    let https = match &words.https {
        Some(door) => addresses(road, door).await?,
        None => Vec::new(),
    };
    Ok(Service {
        domain: words.domain.clone(),
        entrances,
        https,
        roots,
        conference: words.conference.clone(),
        upload: words.upload.clone(),
        nodes: road.topology.present(&words.app).count(),
        within,
    })
}

/// The root that clients are told to trust.
fn root(road: &Road) -> Result<String, String> {
    let path = match &road.inventory().tls {
        Tls::Own { chain, .. } => chain.clone(),
        Tls::Private => road.state.path("pki/ca.pem"),
    };
    std::fs::read_to_string(&path).map_err(|cause| format!("the trusted root `{}`: {cause}", path.display()))
}

/// Where a port of a component is reached, host by host.
async fn addresses(road: &Road, door: &stack::Door) -> Result<Vec<(HostName, SocketAddr)>, String> {
    let spec =
        road.topology.stack.component(&door.component).and_then(|component| component.ports.get(&door.port));
    let spec =
        spec.ok_or_else(|| format!("the stack has no port `{}` of `{}`", door.port, door.component))?;
    let mut found = Vec::new();
    for instance in road.topology.present(&door.component) {
        let address = &road.topology.place(&instance.host).address;
        let known = crate::transport::addresses(address).await?;
        let first = known.first().ok_or_else(|| format!("`{address}` has no address"))?;
        found.push((instance.host.clone(), SocketAddr::new(*first, spec.port)));
    }
    Ok(found)
}

/// How clients reach the service, as the stack says it; none when it does not.
pub(in crate::cli) fn words(
    road: &Road,
    raw: &stack::Service,
) -> Result<Option<stack::XmppService>, Failure> {
    let stack::Service::Xmpp(raw) = raw;
    let Some(first) = road.topology.present(&raw.app).next() else { return Ok(None) };
    Ok(Some(Scope::of(&road.topology, first).all("checks: service", raw)?))
}

struct Inside<'a> {
    session: &'a dyn Session,
    script: String,
}

impl Witness for Inside<'_> {
    fn whereabouts<'a>(&'a self, users: &'a [String]) -> BoxFuture<'a, Result<Vec<Whereabouts>, String>> {
        Box::pin(async move {
            let input = (users.join("\n") + "\n").into_bytes();
            let exec = Exec::new(&*self.script, Duration::from_secs(30)).input(input);
            let output = self.session.exec(exec).await.map_err(|lost| lost.to_string())?;
            if output.status != 0 {
                return Err(format!("asking for sessions failed: {}", output.text()));
            }
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            Ok(text.lines().filter_map(session_line).collect())
        })
    }
}

fn session_line(line: &str) -> Option<Whereabouts> {
    let mut fields = line.split('\t').map(ToOwned::to_owned);
    Some(Whereabouts { user: fields.next()?, resource: fields.next()?, node: fields.next()? })
}

fn inside<'a>(road: &Road, fleet: &'a Fleet, words: &stack::Whereabouts) -> Option<Inside<'a>> {
    let instance: &Instance = road.topology.present(&words.on).next()?;
    let session = fleet.link(&instance.host)?.as_ref();
    Some(Inside { session, script: words.run.clone() })
}

fn known(id: &str) -> &'static crate::checks::Rule {
    rule(id).expect("each id named here stands in the table of rules")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_accounts_older_than_an_hour_are_swept() {
        let now = 1_800_000_000;
        assert!(forgotten("imctl-verify-1799996000-abc", now));
        assert!(!forgotten("imctl-verify-1799999000-abc", now));
        for other in ["alice", "imctl-verify-", "imctl-verify-x-1", "imctl-verify-99999999999999999999-a"] {
            assert!(!forgotten(other, now), "{other}");
        }
    }

    #[test]
    fn a_line_about_a_session_is_read() {
        let seen = session_line("a\tphone\tnode1").unwrap();
        assert_eq!((seen.user.as_str(), seen.resource.as_str(), seen.node.as_str()), ("a", "phone", "node1"));
        assert!(session_line("a\tphone").is_none());
    }
}
