//! From wishes to targets: the inventory's own words win, then the operator's SSH configuration, then defaults.

use super::config::{ConfigError, Said, home, said};
use super::target::{Auth, Hop, Target, Wish};
use std::path::PathBuf;

/// Jump hosts on one way, as a brake on configurations that point at each other.
const HOPS: usize = 8;

/// The keys tried when nobody names one.
const USUAL: [&str; 3] = ["~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"];

impl Wish {
    /// Decides everything about the way to a host.
    pub async fn target(&self) -> Result<Target, ConfigError> {
        let said = self.said(&self.address, self.user.as_deref(), self.port).await?;
        let mut hops = vec![self.hop(&self.address, self.user.clone(), self.port, &said)?];
        let mut jump = self.jump.clone().or(said.proxy_jump);
        while let Some(list) = jump.take().filter(|list| list != "none") {
            let mut words: Vec<&str> = list.split(',').collect();
            if words.len() + hops.len() > HOPS {
                return Err(ConfigError::Jump(list.clone()));
            }
            // The last is nearest to the host. Only the first may itself need a jump host.
            while let Some(word) = words.pop() {
                let (user, host, port) = jump_host(word).ok_or_else(|| ConfigError::Jump(word.to_owned()))?;
                let said = self.said(&host, user.as_deref(), port).await?;
                hops.insert(0, self.hop(&host, user, port, &said)?);
                if words.is_empty() {
                    jump = said.proxy_jump;
                }
            }
        }
        Ok(Target { hops, sudo: self.sudo.clone() })
    }

    async fn said(&self, host: &str, user: Option<&str>, port: Option<u16>) -> Result<Said, ConfigError> {
        if self.config { said(host, user, port).await } else { Ok(Said::default()) }
    }

    fn hop(
        &self,
        host: &str,
        user: Option<String>,
        port: Option<u16>,
        said: &Said,
    ) -> Result<Hop, ConfigError> {
        let local = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
        let user = user.or_else(|| said.user.clone()).or_else(local);
        let (keys, named) = match &self.key {
            Some(key) => (vec![home(&key.to_string_lossy())], true),
            None if said.identity_files.is_empty() => (USUAL.map(home).to_vec(), false),
            None => (said.identity_files.clone(), false),
        };
        let known_hosts = match &self.known_hosts {
            Some(file) => vec![home(&file.to_string_lossy())],
            None if said.known_hosts.is_empty() => {
                vec![home("~/.ssh/known_hosts"), PathBuf::from("/etc/ssh/ssh_known_hosts")]
            }
            None => said.known_hosts.clone(),
        };
        let address = said.hostname.clone().unwrap_or_else(|| host.to_owned());
        Ok(Hop {
            address: address.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: port.or(said.port).unwrap_or(22),
            user: user.ok_or_else(|| ConfigError::NoUser(host.to_owned()))?,
            auth: Auth {
                only: named || said.identities_only,
                keys,
                named,
                agent: if self.agent { agent(said.identity_agent.as_deref()) } else { None },
                password_file: self.password_file.as_ref().map(|file| home(&file.to_string_lossy())),
            },
            known_hosts,
            alias: said.alias.clone(),
            strict: said.strict,
        })
    }
}

fn agent(said: Option<&str>) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match said {
        Some("none") => None,
        None | Some("SSH_AUTH_SOCK") => variable("SSH_AUTH_SOCK"),
        Some(other) => match other.strip_prefix('$') {
            Some(name) => variable(name.trim_matches(['{', '}'])),
            None => Some(home(other)),
        },
    }
}

/// Reads `[user@]host[:port]`, also `[user@][fd00::1]:2222` and `ssh://...`.
fn jump_host(word: &str) -> Option<(Option<String>, String, Option<u16>)> {
    let word = word.trim().trim_start_matches("ssh://");
    let (user, rest) = match word.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, word),
    };
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':')?)),
        None if rest.matches(':').count() == 1 => {
            rest.split_once(':').map(|(host, port)| (host, Some(port)))?
        }
        None => (rest, None),
    };
    if host.is_empty() || host.starts_with('-') || user.as_ref().is_some_and(String::is_empty) {
        return None;
    }
    let port = match port {
        Some(port) => Some(port.parse().ok()?),
        None => None,
    };
    Some((user, host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jump_hosts_are_read_as_ssh_reads_them() {
        let host = |text| {
            jump_host(text).map(|(user, host, port)| (user.unwrap_or_default(), host, port.unwrap_or(0)))
        };
        for (text, user, name, port) in [
            ("bastion", "", "bastion", 0),
            ("ops@bastion:2200", "ops", "bastion", 2200),
            ("ops@[fd00::1]:22", "ops", "fd00::1", 22),
            ("fd00::1", "", "fd00::1", 0),
        ] {
            assert_eq!(host(text), Some((user.to_owned(), name.to_owned(), port)), "{text}");
        }
        for wrong in ["", "@b", "-oProxyCommand=x", "b:x"] {
            assert_eq!(jump_host(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn without_the_operators_configuration_the_wish_alone_counts() {
        let wish = Wish {
            address: "fd00::1".to_owned(),
            user: Some("ops".to_owned()),
            port: Some(2222),
            key: Some("/k".into()),
            jump: Some("a@one,b@two:22".to_owned()),
            ..Wish::default()
        };
        let target = wish.target().await.unwrap();
        let ways: Vec<String> =
            target.hops.iter().map(|hop| format!("{}@{}", hop.user, hop.label())).collect();
        assert_eq!(ways, ["a@one:22", "b@two:22", "ops@[fd00::1]:2222"]);
        assert!(target.last().auth.only && target.last().auth.agent.is_none());
        assert_eq!(target.last().known_as(), "[fd00::1]:2222");
    }
}
