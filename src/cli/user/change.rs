//! What each verb of `imctl user` does: looks at who is there, changes only what needs it, says what was done.

use super::credential::Credential;
use super::csv::{self, Mistake, Wanted};
use super::name::prepared_name;
use super::provision::{Account, Act, Provision};
use super::{Keeper, What, handover};
use crate::cli::road::Road;
use crate::cli::{Failure, stdout};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// A list longer than this is no list of people.
const MOST_BYTES: u64 = 64 << 20;

/// Where accounts are changed.
pub(super) struct Desk<'a> {
    pub(super) keeper: &'a Keeper<'a>,
    pub(super) road: &'a Road,
    pub(super) json: bool,
}

/// Everything that can be refused without contacting a host.
pub(super) fn before_contact(what: &What, road: &Road) -> Result<(), Failure> {
    match what {
        What::Add { name, out, .. } | What::Reset { name, out } => {
            prepared_name(name).map_err(Failure::Usage)?;
            handover::possible(out.as_deref())
        }
        What::Admin { out } => handover::possible(out.as_deref()),
        What::Import { list, out } => {
            let wanted = read_list(list)?;
            match out {
                Some(_) => handover::possible(out.as_deref()),
                None if wanted.iter().any(|one| one.password.is_none()) => Err(Failure::Usage(
                    "the list leaves passwords to be made; name a new file for them with --out FILE"
                        .to_owned(),
                )),
                None => Ok(()),
            }
        }
        What::Remove { names, confirm } => {
            let deployment = &road.inventory().name;
            if confirm.as_deref() == Some(deployment.as_str()) {
                return Ok(());
            }
            let again =
                format!("imctl user remove {} -i {} --confirm {deployment}", names.join(" "), road.typed());
            let count = crate::report::counted(names.len(), "account");
            Err(Failure::Refused(format!(
                "{count} would be gone with contacts and history; if you mean it:  {again}"
            )))
        }
        What::Disable { .. } | What::Enable { .. } | What::List => Ok(()),
    }
}

fn read_list(path: &Path) -> Result<Vec<Wanted>, Failure> {
    let failed = |cause: std::io::Error| Failure::Usage(format!("cannot read `{}`: {cause}", path.display()));
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MOST_BYTES {
        return Err(Failure::Usage(format!("`{}` is larger than {} MiB", path.display(), MOST_BYTES >> 20)));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    csv::read(&bytes).map_err(|mistakes| Failure::Usage(all_mistakes(path, &mistakes)))
}

/// All mistakes of a list, a line each, and that nothing was done.
fn all_mistakes(path: &Path, mistakes: &[Mistake]) -> String {
    const SHOWN: usize = 50;
    let mut text = format!(
        "{} in `{}`; nothing was changed",
        crate::report::counted(mistakes.len(), "mistake"),
        path.display()
    );
    for mistake in mistakes.iter().take(SHOWN) {
        let _ = write!(text, "\n  line {}: {}", mistake.line, mistake.what);
    }
    if mistakes.len() > SHOWN {
        let _ = write!(text, "\n  and {} more", mistakes.len() - SHOWN);
    }
    text
}

impl Desk<'_> {
    /// Makes one account.
    pub(super) async fn add(
        &self,
        name: &str,
        display_name: String,
        out: Option<&Path>,
    ) -> Result<(), Failure> {
        let name = prepared_name(name).map_err(Failure::Usage)?;
        let provision = self.keeper.provision()?;
        if accounts(&provision).await?.contains_key(&name) {
            let typed = self.road.typed();
            return Err(Failure::Usage(format!(
                "`{name}` exists already; a fresh password for it:  imctl user reset {name} -i {typed}"
            )));
        }
        let one = [Credential::of(Wanted { name, password: None, display_name })];
        if let Some(path) = out {
            handover::write(path, &one)?;
        }
        provision.add(&one).await?;
        self.hand_over(&one[0], out, "added");
        Ok(())
    }

    /// Gives an account a fresh password.
    pub(super) async fn reset(&self, name: &str, out: Option<&Path>) -> Result<(), Failure> {
        let names = self.known(&[name.to_owned()]).await?;
        let provision = self.keeper.provision()?;
        let wanted = names.into_iter().map(|(name, account)| Wanted {
            name,
            password: None,
            display_name: account.display_name,
        });
        let credentials: Vec<Credential> = wanted.map(Credential::of).collect();
        if let Some(path) = out {
            handover::write(path, &credentials)?;
        }
        provision.reset(&credentials).await?;
        if let Some(one) = credentials.first() {
            self.hand_over(one, out, "given a fresh password");
        }
        Ok(())
    }

    /// Makes the accounts of a list that are not there yet.
    pub(super) async fn import(&self, list: &Path, out: Option<&Path>) -> Result<(), Failure> {
        let provision = self.keeper.provision()?;
        let there = accounts(&provision).await?;
        let (known, new): (Vec<Wanted>, Vec<Wanted>) =
            read_list(list)?.into_iter().partition(|one| there.contains_key(&one.name));
        let credentials: Vec<Credential> = new.into_iter().map(Credential::of).collect();
        let made = credentials.iter().filter(|one| one.made).count();
        if let (Some(path), 1..) = (out, made) {
            handover::write(path, &credentials)?;
        }
        if !credentials.is_empty() {
            provision.add(&credentials).await?;
        }
        if self.json {
            let answer = json!({ "format": 1, "added": credentials.len(), "existed": known.len(), "passwords-made": made });
            stdout::line(&answer.to_string());
            return Ok(());
        }
        let count = |number: usize| crate::report::counted(number, "account");
        stdout::line(&format!(
            "{} added, {} existed already and stay as they were.",
            count(credentials.len()),
            count(known.len())
        ));
        if let (Some(path), 1..) = (out, made) {
            stdout::line(&format!(
                "The passwords made are in {} (0600): hand them over and remove it.",
                path.display()
            ));
        }
        Ok(())
    }

    /// Disables, enables or removes accounts; those that are so already are left alone.
    pub(super) async fn act(&self, act: Act, names: &[String]) -> Result<(), Failure> {
        let known = self.known(names).await?;
        let needs = |account: &Account| match act {
            Act::Disable => account.active,
            Act::Enable => !account.active,
            Act::Remove | Act::Sweep => true,
        };
        let concerned: Vec<String> =
            known.into_iter().filter(|(_, account)| needs(account)).map(|(name, _)| name).collect();
        if !concerned.is_empty() {
            self.keeper.provision()?.act(act, &concerned).await?;
        }
        let word = match act {
            Act::Disable => "disabled",
            Act::Enable => "enabled",
            Act::Remove | Act::Sweep => "removed",
        };
        if self.json {
            stdout::line(&json!({ "format": 1, word: concerned }).to_string());
            return Ok(());
        }
        let left = names.len().saturating_sub(concerned.len());
        let rest = if left == 0 { String::new() } else { format!("; {left} already were") };
        stdout::line(&format!("{} {word}{rest}.", crate::report::counted(concerned.len(), "account")));
        Ok(())
    }

    /// These accounts as they are; one that is not there is an error that names all that are not.
    async fn known(&self, names: &[String]) -> Result<BTreeMap<String, Account>, Failure> {
        let wanted: BTreeSet<String> =
            names.iter().map(|name| prepared_name(name)).collect::<Result<_, _>>().map_err(Failure::Usage)?;
        let mut there = accounts(&self.keeper.provision()?).await?;
        let missing: Vec<&str> =
            wanted.iter().filter(|name| !there.contains_key(*name)).map(String::as_str).collect();
        if !missing.is_empty() {
            let (what, domain) = (missing.join("`, `"), self.keeper.domain());
            return Err(Failure::Usage(format!(
                "there is no account `{what}` at {domain}; nothing was changed"
            )));
        }
        there.retain(|name, _| wanted.contains(name));
        Ok(there)
    }

    fn hand_over(&self, one: &Credential, out: Option<&Path>, done: &str) {
        let address = format!("{}@{}", one.name, self.keeper.domain());
        match (out, self.json) {
            (Some(path), true) => {
                let path = path.display().to_string();
                stdout::line(&json!({ "format": 1, "account": address, "password-file": path }).to_string());
            }
            (Some(path), false) => {
                stdout::line(&format!("{address} {done}; the password is in {} (0600).", path.display()));
            }
            (None, _) => handover::show(one, self.keeper.domain()),
        }
    }
}

async fn accounts(provision: &Provision<'_>) -> Result<BTreeMap<String, Account>, Failure> {
    let all = provision.list().await?;
    Ok(all.into_iter().map(|account| (account.name.clone(), account)).collect())
}
