//! Which hosts a command is about: names, `@role`, globs.

use super::model::{Host, Inventory};
use crate::base::{HostName, nearest};
use thiserror::Error;

/// Why a selection is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectError {
    /// No host is called so.
    #[error("host `{asked}` is not defined")]
    NoHost {
        /// As the operator wrote it.
        asked: String,
        /// What helps.
        help: String,
    },
    /// No host has that role.
    #[error("no host has the role `{asked}`")]
    NoRole {
        /// As the operator wrote it, without `@`.
        asked: String,
        /// What helps.
        help: String,
    },
    /// The glob fits no host.
    #[error("`{asked}` fits no host")]
    NoMatch {
        /// As the operator wrote it.
        asked: String,
        /// What helps.
        help: String,
    },
}

impl SelectError {
    /// What helps.
    pub fn help(&self) -> &str {
        match self {
            Self::NoHost { help, .. } | Self::NoRole { help, .. } | Self::NoMatch { help, .. } => help,
        }
    }
}

/// The hosts that a command is about, in the order of the file; all of them when nothing is asked for.
pub fn select(inventory: &Inventory, asked: &[String]) -> Result<Vec<HostName>, SelectError> {
    let mut chosen = vec![asked.is_empty(); inventory.hosts.len()];
    for asked in
        asked.iter().flat_map(|asked| asked.split(',')).map(str::trim).filter(|asked| !asked.is_empty())
    {
        let mut found = false;
        for (chosen, host) in chosen.iter_mut().zip(&inventory.hosts) {
            if fits(asked, host) {
                *chosen = true;
                found = true;
            }
        }
        if !found {
            return Err(unknown(inventory, asked));
        }
    }
    let named = inventory.hosts.iter().zip(chosen);
    Ok(named.filter(|(_, chosen)| *chosen).map(|(host, _)| host.name.clone()).collect())
}

fn fits(asked: &str, host: &Host) -> bool {
    match asked.strip_prefix('@') {
        Some(role) => host.roles.iter().any(|own| glob(role, own.as_str())),
        None => glob(asked, host.name.as_str()),
    }
}

fn unknown(inventory: &Inventory, asked: &str) -> SelectError {
    let hosts: Vec<&str> = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
    let mut roles: Vec<&str> =
        inventory.hosts.iter().flat_map(|host| host.roles.iter().map(crate::base::Role::as_str)).collect();
    roles.sort_unstable();
    roles.dedup();
    let help = |what: &str, sign: &str, asked: &str, known: &[&str]| {
        let meant =
            nearest(asked, known.iter().copied()).map(|near| format!(". Did you mean `{sign}{near}`?"));
        format!("{what} are {}{}", known.join(", "), meant.unwrap_or_default())
    };
    match asked.strip_prefix('@') {
        Some(role) => SelectError::NoRole { asked: role.to_owned(), help: help("roles", "@", role, &roles) },
        None if asked.contains(['*', '?']) => {
            SelectError::NoMatch { asked: asked.to_owned(), help: help("hosts", "", asked, &hosts) }
        }
        None => SelectError::NoHost { asked: asked.to_owned(), help: help("hosts", "", asked, &hosts) },
    }
}

/// Whether a pattern with `*` (any text) and `?` (one character) fits a whole name.
fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        if at < pattern.len() && pattern[at] == '*' {
            star = Some((at, seen));
            at += 1;
        } else if at < pattern.len() && (pattern[at] == '?' || pattern[at] == name[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((after, taken)) = star {
            star = Some((after, taken + 1));
            at = after + 1;
            seen = taken + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&sign| sign == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn chosen(asked: &[&str]) -> Result<String, String> {
        let text = "name: a\ndomain: a.example\nstack: s\nhosts:\n  \
                    app1: { address: 10.0.0.1, roles: [app] }\n  app2: { address: 10.0.0.2, roles: [app, balancer] }\n  \
                    数据库1: { address: 10.0.0.3, roles: [database] }\n";
        let inventory = super::super::parse(Path::new("a.yml"), text).expect("it is right");
        let asked: Vec<String> = asked.iter().map(|&word| word.to_owned()).collect();
        match select(&inventory, &asked) {
            Ok(hosts) => Ok(hosts.iter().map(HostName::as_str).collect::<Vec<_>>().join(" ")),
            Err(error) => Err(format!("{error}; {}", error.help())),
        }
    }

    #[test]
    fn names_roles_and_globs_choose_hosts_in_the_order_of_the_file() {
        assert_eq!(chosen(&[]), Ok("app1 app2 数据库1".to_owned()));
        assert_eq!(chosen(&["app2", "app1"]), Ok("app1 app2".to_owned()));
        assert_eq!(chosen(&["@balancer"]), Ok("app2".to_owned()));
        assert_eq!(chosen(&["app*,数?库1"]), Ok("app1 app2 数据库1".to_owned()));
        assert_eq!(chosen(&["*2"]), Ok("app2".to_owned()));
    }

    #[test]
    fn what_fits_nothing_is_an_error_with_the_nearest_name() {
        assert_eq!(
            chosen(&["app3"]),
            Err("host `app3` is not defined; hosts are app1, app2, 数据库1. Did you mean `app1`?".to_owned())
        );
        assert_eq!(
            chosen(&["app1", "@databse"]),
            Err("no host has the role `databse`; roles are app, balancer, database. Did you mean `@database`?".to_owned())
        );
        assert!(chosen(&["web*"]).is_err());
    }
}
