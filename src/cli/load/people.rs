//! The accounts of a load test: made in bulk with one set of keys, taken away afterwards.

use super::super::user::{Act, Credential, Keeper, LOAD_PREFIX, UserError, derived, fresh_password};
use crate::base::Secret;
use crate::xmpp::{Login, Proof};

/// The people of a test.
pub(super) struct People {
    names: Vec<String>,
    proof: Proof,
}

impl People {
    /// Makes so many accounts. They share a password that nobody ever learns, and the salt, so that a login costs the generator no
    /// derivation.
    pub(super) async fn make(keeper: &Keeper<'_>, count: usize, now: i64) -> Result<Self, UserError> {
        let password = Secret::new(fresh_password());
        let (salt, keys) = derived(&password, keeper.scram());
        let names: Vec<String> = (0..count).map(|number| format!("{LOAD_PREFIX}{now}-{number}")).collect();
        let credential = |name: &String| Credential {
            name: name.clone(),
            password: password.clone(),
            made: true,
            display_name: String::new(),
            ready: Some(Secret::new((salt.clone(), keys.clone()))),
        };
        let all: Vec<Credential> = names.iter().map(credential).collect();
        keeper.provision()?.add(&all).await?;
        Ok(Self { names, proof: Proof::Keys { keys, salt, rounds: keeper.scram().iterations } })
    }

    /// What each needs to log in.
    pub(super) fn logins(&self) -> Vec<Login> {
        let login = |name: &String| Login {
            user: name.clone(),
            proof: self.proof.clone(),
            resource: "load".to_owned(),
        };
        self.names.iter().map(login).collect()
    }

    /// Their names.
    pub(super) fn names(&self) -> Vec<String> {
        self.names.clone()
    }
}

/// Accounts that an earlier test left.
pub(super) async fn left(keeper: &Keeper<'_>) -> Result<Vec<String>, UserError> {
    let accounts = keeper.provision()?.list().await?;
    Ok(accounts.into_iter().map(|it| it.name).filter(|name| name.starts_with(LOAD_PREFIX)).collect())
}

/// Takes accounts away with all that is theirs; sessions of a test that was killed ended with it.
pub(super) async fn remove(keeper: &Keeper<'_>, names: &[String]) -> Result<(), UserError> {
    if names.is_empty() {
        return Ok(());
    }
    keeper.provision()?.act(Act::Sweep, names).await
}
