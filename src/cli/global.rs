//! Options that every command takes.

use crate::base::quote;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Inventory file
    #[arg(short, long, global = true, value_name = "FILE", env = "IMCTL_INVENTORY")]
    pub inventory: Option<PathBuf>,
    /// Only these hosts: a name, @role or a glob; may be given several times
    #[arg(long, global = true, value_name = "HOST|@ROLE|GLOB")]
    pub on: Vec<String>,
    /// Hosts worked on at the same time
    #[arg(short = 'j', long, global = true, value_name = "N", default_value_t = 64)]
    pub parallel: usize,
    /// Shape of the answer on standard output
    #[arg(long, global = true, value_enum, default_value_t = Output::Human)]
    pub output: Output,
    /// Do not ask before changing; never enough for losing data
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Language of the answer: en or zh
    #[arg(long, global = true, value_name = "LANG", env = "IMCTL_LANG", default_value = "en", value_parser = ["en", "zh"])]
    pub lang: String,
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No colours (as does `NO_COLOR`)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Folder of the bundle to use
    #[arg(long, global = true, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// Limit for one connection or remote step, such as 30s
    #[arg(long, global = true, value_name = "TIME", default_value = "30s")]
    pub timeout: String,
    /// Accept and record the keys of hosts that are not known yet
    #[arg(long, global = true)]
    pub accept_new_host_keys: bool,
}

impl Global {
    /// The bundle as the operator typed it, for commands in hints.
    pub(super) fn bundle_words(&self) -> String {
        let words = |path: &PathBuf| format!(" --bundle {}", quote(&path.display().to_string()));
        self.bundle.as_ref().map(words).unwrap_or_default()
    }

    /// The shape that every command knows.
    pub fn shape(&self) -> OutputFormat {
        if self.output == Output::Json { OutputFormat::Json } else { OutputFormat::Human }
    }
}

/// Shape of the answer as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[value(alias = "table")]
    Human,
    /// For programs; carries `format: 1`
    Json,
    /// A spreadsheet, of `ports` alone
    Csv,
    /// A document, of `ports` alone
    Md,
}

/// Shape of the answer on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// For people.
    Human,
    /// For programs; carries `format: 1`.
    Json,
}
