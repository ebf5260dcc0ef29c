//! From the inventory's words about SSH to ways to its hosts, and the operator at the terminal who answers what
//! comes up while connecting.

use super::{Failure, Global};
use crate::base::{HostName, Secret, duration};
use crate::inventory::{Host, Inventory, Sudo};
use crate::transport::{self, Asker, ConfigError, Nobody, Options, Target, Wish};
use dialoguer::Password;
use std::io::{IsTerminal, Write as _, stdin};
use std::path::Path;
use std::sync::Arc;

/// What the inventory wishes for a host's connection.
pub(super) fn wish(host: &Host) -> Wish {
    let ssh = &host.ssh;
    Wish {
        address: host.address.clone(),
        user: ssh.user.clone(),
        port: ssh.port,
        key: ssh.key.clone(),
        agent: ssh.agent,
        password_file: ssh.password_file.clone(),
        jump: ssh.jump.clone(),
        sudo: match &ssh.sudo {
            Sudo::No => transport::Sudo::No,
            Sudo::Passwordless => transport::Sudo::Passwordless,
            Sudo::PasswordFile(file) => transport::Sudo::PasswordFile(file.clone()),
            Sudo::Ask => transport::Sudo::Ask,
        },
        known_hosts: ssh.known_hosts.clone(),
        config: ssh.config,
    }
}

/// The ways to hosts, with the operator's SSH configuration asked for all of them at once.
pub(super) async fn ways(
    inventory: &Inventory,
    hosts: &[HostName],
) -> Result<Vec<(HostName, Target)>, Failure> {
    let chosen = inventory.hosts.iter().filter(|host| hosts.contains(&host.name));
    let found = futures_util::future::join_all(chosen.map(async |host| {
        let way = wish(host).target().await;
        way.map(|target| (host.name.clone(), target)).map_err(|error| (host.name.clone(), error))
    }));
    let way = |(host, error): (HostName, ConfigError)| Failure::Way(host, error);
    found.await.into_iter().collect::<Result<_, _>>().map_err(way)
}

/// How to connect, as the command line says.
pub(super) fn options(global: &Global) -> Result<Options, Failure> {
    let within = duration(&global.timeout).map_err(|error| Failure::Usage(format!("--timeout: {error}")))?;
    let somebody = stdin().is_terminal() && std::io::stderr().is_terminal();
    let asker: Arc<dyn Asker> = if somebody { Arc::new(Operator) } else { Arc::new(Nobody) };
    Ok(Options::new(within, global.accept_new_host_keys, asker))
}

/// The operator at the terminal.
struct Operator;

impl Asker for Operator {
    fn trust(&self, host: &str, kind: &str, fingerprint: &str) -> bool {
        confirm(&format!(
            "{host} is not known yet. It shows this {kind} key:\n  {fingerprint}\nCompare it with the host's console. Trust it and record it?"
        ))
    }

    fn passphrase(&self, key: &Path) -> Option<Secret<String>> {
        ask(&format!("Passphrase of {}", key.display()))
    }

    fn password(&self, what: &str) -> Option<Secret<String>> {
        ask(what)
    }
}

fn ask(what: &str) -> Option<Secret<String>> {
    // No answer, such as Ctrl-C, is an answer: nothing.
    Password::new().with_prompt(what).allow_empty_password(true).interact().ok().map(Secret::new)
}

/// Asks a question that only the whole word `yes` answers with yes; no when nobody is there.
#[expect(clippy::print_stderr, reason = "this room prints")]
pub(super) fn confirm(question: &str) -> bool {
    if !stdin().is_terminal() {
        return false;
    }
    eprint!("{question} [yes/no] ");
    let mut answer = String::new();
    let read = std::io::stderr().flush().and_then(|()| stdin().read_line(&mut answer));
    read.is_ok() && answer.trim().eq_ignore_ascii_case("yes")
}
