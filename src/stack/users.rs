//! `users.yml` of a stack: how accounts are kept. It does not know who wants which account.

use crate::base::Component;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `users.yml`. String leaves are templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UsersFile {
    /// Component whose first instance runs the scripts.
    #[schemars(with = "String")]
    pub on: Component,
    /// Domain of the accounts.
    pub domain: String,
    /// Template expression; when it is false accounts are kept elsewhere and imctl changes none.
    #[serde(default)]
    pub when: Option<String>,
    /// Where accounts are kept when `when` is false.
    #[serde(default)]
    pub elsewhere: Option<String>,
    /// How credentials are derived from passwords.
    pub scram: ScramSpec,
    /// Prints `name TAB active|disabled TAB created TAB display name`, a line an account, in COPY text format.
    pub list: ListScript,
    /// Adds accounts; an existing one is left as it is.
    pub add: RowScript,
    /// Gives accounts new credentials.
    pub reset: RowScript,
    /// Keeps accounts from logging in, with everything of theirs in place.
    pub disable: RowScript,
    /// Lets them in again with their old credentials.
    pub enable: RowScript,
    /// Removes accounts with all that is theirs in the database.
    pub remove: RowScript,
    /// Told after each change, with the names on standard input: forget caches, end sessions.
    #[serde(default)]
    pub applied: Option<AppliedScript>,
    /// The account that the product's own rules make administrator.
    pub admin: String,
    /// Template of the client sheet.
    #[serde(default)]
    pub client_sheet: Option<String>,
}

/// SCRAM-SHA-256 as the product stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScramSpec {
    /// Rounds of PBKDF2; RFC 7677 asks for 4096 at least.
    pub iterations: u32,
    /// Random bytes of salt.
    pub salt_bytes: usize,
    /// What stands before the stored key.
    #[serde(default)]
    pub stored_key_prefix: String,
}

/// A script without rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ListScript {
    /// POSIX sh, run as root.
    pub run: String,
}

/// A script that reads rows on its standard input: tab-separated, in COPY text format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RowScript {
    /// What stands in a row, in order.
    pub columns: Vec<Column>,
    /// POSIX sh, run as root.
    pub run: String,
}

/// A column of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Column {
    /// Account name without domain.
    Name,
    /// Domain.
    Domain,
    /// SCRAM stored key, base64, with its prefix.
    StoredKey,
    /// SCRAM server key, base64.
    ServerKey,
    /// Salt, base64.
    Salt,
    /// Rounds.
    Iterations,
    /// Name shown to people; empty when there is none.
    DisplayName,
}

/// A script told after each change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AppliedScript {
    /// Component whose first instance runs it.
    #[schemars(with = "String")]
    pub on: Component,
    /// POSIX sh, run as root; account names on standard input, a line each; `$1` = add, reset, disable, enable or remove.
    pub run: String,
}
