//! Throw-away hosts on this machine, to try everything on: systemd and sshd in containers, a network of their own.
//! It knows how to make and remove them, and how to write an inventory of them; stacks mean nothing to it.
//!
//! Every name in the kernel (interfaces, network namespaces, control groups) follows from the lab's number, so what
//! a killed `imctl` left half made is found and removed from the record alone.

mod base;
mod cgroup;
mod enter;
mod host;
mod inventory;
mod life;
mod look;
mod mirror;
mod needs;
mod net;
mod record;
mod run;

pub use enter::{CLIENT, enter, login};
pub use inventory::{Login, Reach, Template};
pub use life::{Order, cut, down, heal, kill, start, up};
pub use look::{Sight, State, list};
pub use record::{Lab, LabHost, Store};

use std::path::PathBuf;
use thiserror::Error;

/// Why the lab could not do what was asked.
#[derive(Debug, Error)]
pub enum LabError {
    /// The machine cannot hold a lab at all.
    #[error("a lab needs {0}")]
    Unfit(&'static str),
    /// Programs are missing.
    #[error("a lab needs {}, not found here", .programs.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
    Missing {
        /// The programs.
        programs: Vec<&'static str>,
        /// The packages that bring them.
        packages: Vec<&'static str>,
    },
    /// A lab or a host of that name does not exist.
    #[error("{0}")]
    Unknown(String),
    /// Something in the request does not fit.
    #[error("{0}")]
    Usage(String),
    /// Another imctl works on this lab.
    #[error("another imctl is working on lab `{0}`")]
    Busy(String),
    /// No apt source of this machine names the distribution.
    #[error("no apt source of this machine serves `{0}`")]
    NoMirror(&'static str),
    /// A program that the lab runs failed.
    #[error("`{command}` failed: {said}")]
    Program {
        /// The command as typed.
        command: String,
        /// Its last words.
        said: String,
    },
    /// A host did not come up.
    #[error("lab host `{host}` {what}; its console is in `{}`", .console.display())]
    Host {
        /// The host.
        host: String,
        /// What it did not do.
        what: String,
        /// Where its console is kept.
        console: PathBuf,
    },
    /// A file of the lab could not be read or written.
    #[error("`{}`", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A template inventory is not one.
    #[error("template `{name}`: {why}")]
    Template {
        /// Its name or file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

impl LabError {
    /// What helps, as commands or sentences.
    pub fn help(&self) -> Vec<String> {
        match self {
            Self::Unfit("root rights") => vec!["sudo imctl lab ...".to_owned()],
            Self::Missing { packages, .. } => vec![format!("apt-get install -y {}", packages.join(" "))],
            Self::Unknown(_) | Self::Usage(_) => vec!["imctl lab list".to_owned()],
            Self::NoMirror(_) => vec!["imctl lab up --mirror URL".to_owned()],
            Self::Host { .. } => vec!["imctl lab down   removes it; then imctl lab up".to_owned()],
            _ => vec![],
        }
    }
}

/// Wraps an error of a file with its path.
fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> LabError + '_ {
    move |cause| LabError::File { path: path.to_owned(), cause }
}
