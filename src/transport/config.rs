//! What the operator's own SSH configuration says about a host: asked of `ssh -G` where there is an `ssh`, since it
//! alone applies `Match` rightly; else read by a small parser that refuses `Match`.

use super::config_file;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why the operator's SSH configuration cannot be followed.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// `ssh -G` said no.
    #[error("`ssh -G {host}` fails: {cause}")]
    Asked {
        /// The host.
        host: String,
        /// What ssh said.
        cause: String,
    },
    /// The configuration wants what imctl does not do.
    #[error(
        "the SSH configuration for `{host}` uses {what}, which imctl does not follow; set `config: false` in the inventory's ssh settings, or name a jump host there"
    )]
    Unsupported {
        /// The host.
        host: String,
        /// The keyword.
        what: String,
    },
    /// A file cannot be read, or a line in it not be understood.
    #[error("{place}: {cause}")]
    Line {
        /// File, or file and line.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// A jump host that cannot be understood.
    #[error("`{0}` is not a jump host; write `[user@]host[:port]`")]
    Jump(String),
    /// Nobody knows who logs in.
    #[error("no login user for `{0}`: name one in the inventory's ssh settings")]
    NoUser(String),
}

/// What the configuration says about one host. `None` and empty = nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) hostname: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) identity_files: Vec<PathBuf>,
    pub(super) identities_only: bool,
    /// `none`, a path, or `SSH_AUTH_SOCK`.
    pub(super) identity_agent: Option<String>,
    pub(super) proxy_jump: Option<String>,
    pub(super) known_hosts: Vec<PathBuf>,
    pub(super) strict: bool,
    pub(super) alias: Option<String>,
}

impl Said {
    /// Takes one keyword; the first value counts, identity files add up.
    pub(super) fn take(&mut self, keyword: &str, value: &str, host: &str) -> Result<(), ConfigError> {
        let value = value.trim();
        let set = |field: &mut Option<String>| {
            field.get_or_insert_with(|| value.to_owned());
        };
        match keyword {
            "hostname" => set(&mut self.hostname),
            "user" => set(&mut self.user),
            "port" => self.port = self.port.or(value.parse().ok()),
            "identityfile" if value != "none" => self.identity_files.push(home(value)),
            "identitiesonly" => self.identities_only |= value == "yes",
            "identityagent" => set(&mut self.identity_agent),
            "proxyjump" => set(&mut self.proxy_jump),
            "hostkeyalias" => set(&mut self.alias),
            "stricthostkeychecking" => self.strict |= matches!(value, "yes" | "true"),
            "userknownhostsfile" | "globalknownhostsfile" => {
                self.known_hosts.extend(value.split_whitespace().filter(|file| *file != "none").map(home));
            }
            "proxycommand" if value != "none" => {
                return Err(ConfigError::Unsupported {
                    host: host.to_owned(),
                    what: "`ProxyCommand`".to_owned(),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// Asks `ssh -G`, or reads the files where there is no `ssh`.
pub(super) async fn said(host: &str, user: Option<&str>, port: Option<u16>) -> Result<Said, ConfigError> {
    let mut ssh = tokio::process::Command::new("ssh");
    ssh.arg("-G").stdin(std::process::Stdio::null()).kill_on_drop(true);
    if let Some(user) = user {
        ssh.args(["-l", user]);
    }
    if let Some(port) = port {
        ssh.args(["-p", &port.to_string()]);
    }
    let failed = |cause: String| ConfigError::Asked { host: host.to_owned(), cause };
    match tokio::time::timeout(std::time::Duration::from_secs(20), ssh.args(["--", host]).output()).await {
        Err(_) => Err(failed("no answer within 20 s".to_owned())),
        Ok(Err(cause)) if cause.kind() == std::io::ErrorKind::NotFound => config_file::said(host),
        Ok(Err(cause)) => Err(failed(cause.to_string())),
        Ok(Ok(output)) if output.status.success() => answer(&String::from_utf8_lossy(&output.stdout), host),
        Ok(Ok(output)) => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

/// Reads the answer of `ssh -G`: a keyword and its value a line.
fn answer(text: &str, host: &str) -> Result<Said, ConfigError> {
    let mut said = Said::default();
    // The user's own files come first, whatever the order of the answer.
    let (last, first): (Vec<_>, Vec<_>) =
        text.lines().partition(|line| line.starts_with("globalknownhostsfile"));
    for (keyword, value) in first.into_iter().chain(last).filter_map(|line| line.split_once(' ')) {
        said.take(keyword, value, host)?;
    }
    Ok(said)
}

/// `~` at the beginning of a path, as a shell would put it.
pub(super) fn home(path: &str) -> PathBuf {
    let path = path.trim_matches('"');
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => Path::new(path).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_ssh_is_read() {
        let text = "host db\nuser ops\nhostname 10.0.0.9\nport 2222\nidentitiesonly yes\nidentityfile /k/a\nidentityfile /k/b\n\
                    globalknownhostsfile /etc/ssh/ssh_known_hosts\nuserknownhostsfile /k/known /k/known2\n\
                    stricthostkeychecking accept-new\nproxyjump ops@bastion:2200\n";
        let said = answer(text, "db").unwrap();
        assert_eq!(
            (said.user.as_deref(), said.hostname.as_deref(), said.port),
            (Some("ops"), Some("10.0.0.9"), Some(2222))
        );
        assert_eq!(said.identity_files, [PathBuf::from("/k/a"), PathBuf::from("/k/b")]);
        assert_eq!(said.known_hosts[0], PathBuf::from("/k/known"));
        assert!(said.identities_only && !said.strict);
        assert!(answer("proxycommand nc %h %p\n", "db").is_err());
    }
}
