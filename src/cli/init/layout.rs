//! Which host gets which roles.

use super::super::Failure;
use crate::base::{HostName, Role};
use crate::stack::{HostsGroup, HostsShape};

/// A host as the operator names it.
pub(super) struct Wanted {
    name: Option<HostName>,
    address: String,
    roles: Vec<Role>,
}

/// A host of the new inventory.
pub(super) struct Laid {
    pub(super) name: HostName,
    pub(super) address: String,
    pub(super) roles: Vec<Role>,
    /// Its address is an example.
    pub(super) example: bool,
}

impl Wanted {
    /// Reads `[NAME=]ADDRESS[@ROLE,ROLE]`; roles are those of the stack.
    pub(super) fn read(word: &str, known: &[&Role]) -> Result<Self, Failure> {
        let wrong = |cause: String| Failure::Usage(format!("HOST `{word}`: {cause}"));
        let (name, rest) = word.split_once('=').map_or((None, word), |(name, rest)| (Some(name), rest));
        let (address, roles) = rest.split_once('@').unwrap_or((rest, ""));
        if address.is_empty() {
            return Err(wrong("it has no address; [NAME=]ADDRESS[@ROLE,ROLE]".to_owned()));
        }
        let name = name.map(HostName::new).transpose().map_err(|cause| wrong(cause.to_string()))?;
        let roles = roles.split(',').filter(|role| !role.is_empty()).map(Role::new);
        let roles: Vec<Role> = roles.collect::<Result<_, _>>().map_err(|cause| wrong(cause.to_string()))?;
        if let Some(role) = roles.iter().find(|role| !known.contains(role)) {
            let known: Vec<&str> = known.iter().map(|role| role.as_str()).collect();
            return Err(wrong(format!("the stack has no role `{role}`; it has {}", known.join(", "))));
        }
        Ok(Self { name, address: address.to_owned(), roles })
    }
}

/// What is known of roles.
pub(super) struct Roles<'a> {
    /// How many hosts they need where a failure is not to be felt.
    pub(super) most: &'a dyn Fn(&[Role]) -> usize,
    /// Whether more hosts than needed can have them.
    pub(super) grow: &'a dyn Fn(&[Role]) -> bool,
}

/// How many hosts each group gets, besides those that come with roles of their own.
fn counts(shape: &HostsShape, wanted: &[Wanted], of: &Roles<'_>) -> Result<Vec<usize>, Failure> {
    let groups = &shape.groups;
    let mut counts: Vec<usize> =
        groups.iter().map(|group| if shape.ha { (of.most)(&group.roles) } else { 1 }).collect();
    for host in wanted.iter().filter(|host| !host.roles.is_empty()) {
        let shares = |group: &HostsGroup| host.roles.iter().any(|role| group.roles.contains(role));
        if let Some(at) = groups.iter().position(shares) {
            counts[at] = counts[at].saturating_sub(1);
        }
    }
    let bare = wanted.iter().filter(|host| host.roles.is_empty()).count();
    let total: usize = counts.iter().sum();
    if wanted.is_empty() || bare == total {
        return Ok(counts);
    }
    if bare < total {
        let needs = groups.iter().zip(&counts).filter(|(_, count)| **count > 0);
        let words: Vec<String> =
            needs.map(|(group, count)| format!("{count} for {}", roles(&group.roles))).collect();
        return Err(Failure::Usage(format!(
            "{bare} hosts without roles are given, and {total} are wanted: {}; give more, or another --template",
            words.join(", ")
        )));
    }
    // More hosts than needed carry more users.
    let Some(at) = groups.iter().position(|group| (of.grow)(&group.roles)) else {
        return Err(Failure::Usage(format!(
            "{bare} hosts are given, and this template has {total}; give fewer, or another --template"
        )));
    };
    counts[at] += bare - total;
    Ok(counts)
}

/// Lays a shape on hosts.
pub(super) fn lay(shape: &HostsShape, wanted: Vec<Wanted>, of: &Roles<'_>) -> Result<Vec<Laid>, Failure> {
    let counts = counts(shape, &wanted, of)?;
    let given = !wanted.is_empty();
    let mut places: Vec<(&str, &[Role])> = Vec::new();
    for (group, count) in shape.groups.iter().zip(counts) {
        places.extend(std::iter::repeat_n((group.name.as_str(), group.roles.as_slice()), count));
    }
    if !given {
        return places.iter().enumerate().map(|(at, place)| example(at, place, &places)).collect();
    }
    let mut places = places.into_iter();
    let mut laid: Vec<Laid> = Vec::new();
    for host in wanted {
        let (prefix, own) = if host.roles.is_empty() {
            places.next().map_or(("host", Vec::new()), |(name, roles)| (name, roles.to_vec()))
        } else {
            let group = shape.groups.iter().find(|it| host.roles.iter().any(|role| it.roles.contains(role)));
            (group.map_or("host", |group| group.name.as_str()), host.roles)
        };
        let name = match host.name {
            Some(name) => name,
            None => free(prefix, &laid)?,
        };
        laid.push(Laid { name, address: host.address, roles: own, example: false });
    }
    Ok(laid)
}

fn roles(roles: &[Role]) -> String {
    roles.iter().map(Role::as_str).collect::<Vec<_>>().join(" and ")
}

/// A host whose address is one of those kept for examples.
fn example(at: usize, (name, roles): &(&str, &[Role]), all: &[(&str, &[Role])]) -> Result<Laid, Failure> {
    let number = all[..=at].iter().filter(|(other, _)| other == name).count();
    let name = host_name(format!("{name}{number}"))?;
    let address = format!("192.0.2.{}", 11 + at);
    Ok(Laid { name, address, roles: roles.to_vec(), example: true })
}

fn free(prefix: &str, laid: &[Laid]) -> Result<HostName, Failure> {
    let taken = |name: &str| laid.iter().any(|host| host.name.as_str() == name);
    let number = (1..10_000).find(|number| !taken(&format!("{prefix}{number}"))).unwrap_or(1);
    host_name(format!("{prefix}{number}"))
}

fn host_name(name: String) -> Result<HostName, Failure> {
    HostName::new(name).map_err(|cause| Failure::Usage(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(ha: bool) -> HostsShape {
        let group = |name: &str, roles: &[&str]| HostsGroup {
            name: name.to_owned(),
            roles: roles.iter().map(|role| Role::new(*role).unwrap()).collect(),
        };
        let groups = vec![group("app", &["app", "balancer"]), group("db", &["database"])];
        HostsShape { about: String::new(), ha, groups }
    }

    fn laid(ha: bool, words: &[&str]) -> Result<Vec<String>, String> {
        let known = ["app", "balancer", "database"].map(|role| Role::new(role).unwrap());
        let known: Vec<&Role> = known.iter().collect();
        assert!(
            Wanted::read("10.0.0.1@dba", &known).is_err_and(|it| it.to_string().contains("no role `dba`"))
        );
        let wanted = words.iter().map(|word| Wanted::read(word, &known).unwrap()).collect();
        let most = |roles: &[Role]| if roles[0].as_str() == "app" { 3 } else { 1 };
        let grow = |roles: &[Role]| roles[0].as_str() == "app";
        let hosts = lay(&shape(ha), wanted, &Roles { most: &most, grow: &grow })
            .map_err(|failure| failure.to_string())?;
        let line = |host: &Laid| format!("{} {} {}", host.name, host.address, roles(&host.roles));
        Ok(hosts.iter().map(line).collect())
    }

    #[test]
    fn hosts_get_roles_in_order_and_keep_those_they_have() {
        let two = ["app1 10.0.0.1 app and balancer", "db1 10.0.0.2 database"];
        assert_eq!(laid(false, &["10.0.0.1", "10.0.0.2"]).unwrap(), two);
        let own = ["main 10.0.0.2 database", "app1 fd00::1 app and balancer"];
        assert_eq!(laid(false, &["main=10.0.0.2@database", "fd00::1"]).unwrap(), own);
        let more = laid(false, &["10.0.0.1", "10.0.0.2", "10.0.0.3"]).unwrap();
        assert_eq!(more[1], "app2 10.0.0.2 app and balancer");
    }

    #[test]
    fn without_hosts_there_are_examples_and_too_few_are_told() {
        let examples = laid(true, &[]).unwrap();
        assert_eq!((examples.len(), examples[3].as_str()), (4, "db1 192.0.2.14 database"));
        let few = laid(true, &["10.0.0.1", "10.0.0.2"]).unwrap_err();
        assert!(
            few.contains(
                "2 hosts without roles are given, and 4 are wanted: 3 for app and balancer, 1 for database"
            ),
            "{few}"
        );
    }
}
