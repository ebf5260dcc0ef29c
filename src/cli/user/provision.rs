//! Accounts on the hosts: runs the stack's scripts over a session, rows and names over standard input. It does not
//! know who wants which account.

use super::credential::{Credential, from_copy_text, name_rows, rows};
use crate::base::{Exit, HostName};
use crate::stack::{RowScript, UsersFile};
use crate::transport::{Exec, LinkError, Output, Session};
use std::time::Duration;

/// Bulk work may take its time; a stuck database is noticed all the same.
const WITHIN: Duration = Duration::from_mins(10);

/// Why accounts could not be seen or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The connection.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The host that is needed is not among those connected to.
    #[error("`{0}` keeps the accounts and is not among the hosts chosen with --on")]
    NotConnected(HostName),
    /// A script of the stack failed.
    #[error("{what} failed on the host: {said}")]
    Script {
        /// What was to be done.
        what: &'static str,
        /// What the host said.
        said: String,
    },
    /// A script's answer cannot be read.
    #[error("the host's answer to `{0}` cannot be read")]
    Answer(&'static str),
}

impl UserError {
    /// How the command ends.
    pub(in crate::cli) fn exit(&self) -> Exit {
        match self {
            Self::Link(_) => Exit::Unreachable,
            Self::NotConnected(_) => Exit::Usage,
            Self::Script { .. } | Self::Answer(_) => Exit::HostFailed,
        }
    }
}

/// An account as the service has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Account {
    /// Name without domain.
    pub(in crate::cli) name: String,
    /// False when it cannot log in.
    pub(in crate::cli) active: bool,
    /// When it was made, as the database prints it.
    pub(in crate::cli) created: String,
    /// Name shown to people.
    pub(in crate::cli) display_name: String,
}

/// What is done to accounts that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Act {
    /// Keep from logging in.
    Disable,
    /// Let in again.
    Enable,
    /// Take away.
    Remove,
    /// Take away accounts of a test that nobody uses any more: no session of theirs has to be ended.
    Sweep,
}

/// The stack's way of keeping accounts, with the sessions it needs.
pub(in crate::cli) struct Provision<'a> {
    /// `users.yml`, rendered.
    pub(in crate::cli) users: &'a UsersFile,
    /// The host that keeps accounts.
    pub(in crate::cli) keeper: &'a dyn Session,
    /// The host that is told after each change.
    pub(in crate::cli) told: Option<&'a dyn Session>,
}

impl Provision<'_> {
    /// All accounts, ordered by name.
    pub(in crate::cli) async fn list(&self) -> Result<Vec<Account>, UserError> {
        let output = run(self.keeper, "listing accounts", Exec::new(&*self.users.list.run, WITHIN)).await?;
        let text = String::from_utf8(output.stdout).map_err(|_| UserError::Answer("list"))?;
        text.lines()
            .filter(|line| !line.is_empty())
            .map(|line| account(line).ok_or(UserError::Answer("list")))
            .collect()
    }

    /// Adds accounts; those that exist stay as they are.
    pub(in crate::cli) async fn add(&self, credentials: &[Credential]) -> Result<(), UserError> {
        self.with_keys("add", "adding accounts", &self.users.add, credentials).await
    }

    /// Gives accounts new passwords; disabled ones stay disabled.
    pub(in crate::cli) async fn reset(&self, credentials: &[Credential]) -> Result<(), UserError> {
        self.with_keys("reset", "setting passwords", &self.users.reset, credentials).await
    }

    /// Disables, enables or removes accounts.
    pub(in crate::cli) async fn act(&self, act: Act, names: &[String]) -> Result<(), UserError> {
        let (word, what, script) = match act {
            Act::Disable => ("disable", "disabling accounts", &self.users.disable),
            Act::Enable => ("enable", "enabling accounts", &self.users.enable),
            Act::Remove => ("remove", "removing accounts", &self.users.remove),
            Act::Sweep => ("sweep", "removing accounts", &self.users.remove),
        };
        let input = name_rows(names, &script.columns, &self.users.domain);
        run(self.keeper, what, Exec::new(&*script.run, WITHIN).input(input)).await?;
        self.tell(word, names).await
    }

    async fn with_keys(
        &self,
        word: &str,
        what: &'static str,
        script: &RowScript,
        credentials: &[Credential],
    ) -> Result<(), UserError> {
        let (owned, columns) = (credentials.to_vec(), script.columns.clone());
        let (domain, scram) = (self.users.domain.clone(), self.users.scram.clone());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let derive = move || rows(&owned, &columns, &domain, &scram, workers);
        let input = tokio::task::spawn_blocking(derive).await.map_err(|_| UserError::Answer("rows"))?;
        run(self.keeper, what, Exec::new(&*script.run, WITHIN).input(input)).await?;
        let names: Vec<String> = credentials.iter().map(|credential| credential.name.clone()).collect();
        self.tell(word, &names).await
    }

    async fn tell(&self, word: &str, names: &[String]) -> Result<(), UserError> {
        let (Some(session), Some(applied)) = (self.told, &self.users.applied) else { return Ok(()) };
        let script = format!("set -- {word}\n{}", applied.run);
        let input = (names.join("\n") + "\n").into_bytes();
        run(session, "telling the service", Exec::new(script, WITHIN).input(input)).await.map(|_| ())
    }
}

async fn run(session: &dyn Session, what: &'static str, exec: Exec) -> Result<Output, UserError> {
    let output = session.exec(exec).await?;
    if output.status == 0 {
        return Ok(output);
    }
    let said: String = String::from_utf8_lossy(&output.stderr).trim().chars().take(600).collect();
    let said = if said.is_empty() { format!("status {}", output.status) } else { said };
    Err(UserError::Script { what, said })
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split('\t').map(from_copy_text);
    let (name, state) = (fields.next()?, fields.next()?);
    let active = match state.as_str() {
        "active" => true,
        "disabled" => false,
        _ => return None,
    };
    let (created, display_name) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    Some(Account { name, active, created, display_name })
}
