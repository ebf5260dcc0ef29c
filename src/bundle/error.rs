//! What can go wrong with a bundle, each with the exit code it means and the command that helps.

use crate::base::Exit;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a bundle could not be built, or is not to be used.
#[derive(Debug, Error)]
pub enum BundleError {
    /// There is no bundle in the folder.
    #[error("`{}` holds no bundle: `{missing}` is not there", dir.display())]
    Missing {
        /// The folder looked at.
        dir: PathBuf,
        /// The file that makes it a bundle.
        missing: &'static str,
    },
    /// A file of the bundle is not what the manifest says.
    #[error("`{file}` in bundle `{}` {what}", dir.display())]
    Damaged {
        /// The bundle.
        dir: PathBuf,
        /// The file, relative to the bundle.
        file: String,
        /// What is wrong with it, as the rest of the sentence.
        what: String,
    },
    /// Signed by nobody the inventory trusts.
    #[error("bundle `{}` is not signed by a key the inventory trusts: it is signed by `{signer}`", dir.display())]
    Untrusted {
        /// The bundle.
        dir: PathBuf,
        /// Identifier of the key that signed it.
        signer: String,
    },
    /// The inventory trusts no key at all.
    #[error("the inventory trusts no bundle key")]
    NoTrustedKeys,
    /// A line of `trusted-keys` is not a key.
    #[error("`{key}` under `bundle.trusted-keys` is not a minisign public key")]
    BadTrustedKey {
        /// The line.
        key: String,
    },
    /// The bundle is sound and made for something else.
    #[error("bundle `{}` {what}", dir.display())]
    Unfit {
        /// The bundle.
        dir: PathBuf,
        /// What does not fit, as the rest of the sentence.
        what: String,
    },
    /// The order cannot be filled as it stands.
    #[error("{0}")]
    Order(String),
    /// The signing key cannot be used.
    #[error("signing key: {0}")]
    Key(String),
    /// An artifact cannot be had.
    #[error("artifact `{name}`: {cause}")]
    Artifact {
        /// Its name.
        name: String,
        /// What happened.
        cause: String,
    },
    /// A program of this machine failed.
    #[error("`{program}` failed: {cause}")]
    Tool {
        /// The program.
        program: String,
        /// The end of what it said.
        cause: String,
    },
    /// A file of this machine cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl BundleError {
    /// Wraps what the system said about a file.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// The exit code it means.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Order(_) | Self::Key(_) | Self::BadTrustedKey { .. } => Exit::Usage,
            _ => Exit::Bundle,
        }
    }

    /// What helps, as commands or sentences.
    pub fn help(&self) -> Vec<String> {
        let line = |text: &str| vec![text.to_owned()];
        match self {
            Self::Missing { dir, .. } => vec![format!("imctl bundle build -i FILE -o {}", dir.display())],
            Self::Damaged { dir, .. } => vec![
                "nothing was contacted; copy the bundle again from where it was built, or build it anew:"
                    .to_owned(),
                format!("imctl bundle build -i FILE -o {}", dir.display()),
            ],
            Self::Untrusted { dir, .. } => vec![
                format!("look who made it:  imctl bundle inspect {}", dir.display()),
                "if you trust that key, add its public line under `bundle: trusted-keys:` of the inventory"
                    .to_owned(),
            ],
            Self::NoTrustedKeys => line(
                "build a bundle and trust its key:  imctl bundle build -i FILE -o DIR --trust   (or add the line that `imctl bundle keygen` prints under `bundle: trusted-keys:`)",
            ),
            Self::BadTrustedKey { .. } => line("a key is one line of base64 that starts with `RW`"),
            Self::Unfit { .. } => line("imctl bundle build -i FILE -o DIR   (with this inventory)"),
            Self::Artifact { name, .. } => {
                vec![format!("give a ready one:  imctl bundle build … --artifact {name}=FILE")]
            }
            Self::Order(_) | Self::Key(_) | Self::Tool { .. } | Self::Io { .. } => vec![],
        }
    }
}
