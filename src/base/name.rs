//! Names as types: a host, a role, a component, a resource are never plain strings.

use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Why a name is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing is left to call it by.
    #[error("a name cannot be empty")]
    Empty,
    /// Longer than a host name may be.
    #[error("`{0}` is longer than 63 characters")]
    TooLong(String),
    /// A character that would be trouble in paths, tables or shells.
    #[error(
        "`{name}` contains `{bad}`; letters of any script, digits, `-`, `_` and `.` are allowed, and it starts with a letter or digit"
    )]
    BadCharacter {
        /// The whole name.
        name: String,
        /// The first character that is not allowed.
        bad: char,
    },
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Accepts letters of any script, digits, `-`, `_` and `.`; at most 63 characters.
            pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
                checked(name.into()).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A host's name in the inventory, such as `app1` or `数据库1`; not its DNS name.
    HostName
);
name!(
    /// A role that the inventory gives to hosts, such as `app`.
    Role
);
name!(
    /// A component of a stack, such as `server`.
    Component
);

fn checked(name: String) -> Result<String, NameError> {
    let first = name.chars().next().ok_or(NameError::Empty)?;
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let bad = if first.is_alphanumeric() { name.chars().find(|&c| !allowed(c)) } else { Some(first) };
    if let Some(bad) = bad {
        return Err(NameError::BadCharacter { name, bad });
    }
    if name.chars().count() > 63 {
        return Err(NameError::TooLong(name));
    }
    Ok(name)
}

/// What a resource is on its host: kind and name, such as `file /etc/hosts`; equal means the same thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId {
    /// The kind, such as `file`.
    pub kind: String,
    /// The name within the kind, such as a path.
    pub name: String,
}

impl ResourceId {
    /// Names a resource.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into() }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_name_is_a_name_and_a_slash_is_not() {
        assert!(HostName::new("数据库1").is_ok());
        assert_eq!(HostName::new("a/b"), Err(NameError::BadCharacter { name: "a/b".into(), bad: '/' }));
        assert_eq!(HostName::new(""), Err(NameError::Empty));
        assert!(HostName::new("-rf").is_err());
    }
}
