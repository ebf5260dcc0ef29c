//! The commands, one file each: arguments and what they do. Besides `report` the only room that prints.

mod adopt;
mod ask;
mod backup;
mod bundle;
mod cert;
mod cert_import;
mod cert_renew;
mod change;
mod check;
mod client_sheet;
mod completions;
mod connect;
mod depot;
mod destroy;
mod dns;
mod drift;
mod errors;
mod errors_asked;
mod errors_met;
mod errors_zh;
mod explain;
mod explain_stack;
mod failure;
mod failure_view;
mod global;
mod heal;
mod history;
mod hold;
mod init;
mod install;
mod keep;
mod lab;
mod links;
mod load;
mod lock;
mod lost;
mod material;
mod mistakes;
mod offer;
mod passage;
mod plan;
mod ports;
mod reach;
mod remember;
mod renewal;
mod replace;
mod report;
mod restore;
mod road;
mod rollback;
mod rotate;
mod rotation;
mod scale;
mod scan;
mod schema;
mod secret;
mod size;
mod spoken;
mod status;
mod stdout;
mod support;
mod survey;
mod trust;
mod unlock;
mod upgrade;
mod user;
mod verify;
mod version;
mod view;
mod ways;

pub use failure::Failure;
pub use global::{Global, Output, OutputFormat};

use crate::base::Exit;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Plans, installs, proves and keeps alive a private instant-messaging service on your own servers.
#[derive(Debug, Parser)]
#[command(
    name = "imctl",
    version,
    max_term_width = 110,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Verb,
}

/// The verbs. Each is one file of this room.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Writes a first inventory that fits the size of the service.
    Init(init::Args),
    /// Tells which machines a service of a given size needs, with every number's source.
    Size(size::Args),
    /// Judges whether the hosts are good enough, before anything is touched.
    Check(check::Args),
    /// Builds, checks and shows the offline bundle that hosts are installed from.
    Bundle(bundle::Args),
    /// Shows exactly what would change on which host.
    Plan(plan::Args),
    /// Brings the hosts to what the inventory says: plan, confirmation, apply, report.
    Install(install::Args),
    /// Brings the service to another version, host by host, while it serves.
    Upgrade(upgrade::Args),
    /// Goes back to what was installed before.
    Rollback(rollback::Args),
    /// Restarts what is not well, such as a cluster that fell apart.
    Heal(heal::Args),
    /// Brings further hosts into the service, or takes hosts out of it.
    Scale(scale::Args),
    /// Puts another host in the place of one.
    Replace(replace::Args),
    /// Tells who reaches which port of which host, and the DNS records that clients need.
    Ports(ports::Args),
    /// Builds the operator's folder anew from what the hosts keep, after a control machine was lost.
    Adopt(adopt::Args),
    /// Gathers what somebody who helps needs to see, without secrets, texts and people.
    SupportBundle(support::Args),
    /// Takes away what imctl put on the hosts, and says what stays.
    Destroy(destroy::Args),
    /// Makes, lists, judges and removes backup sets of everything that only you have.
    Backup(backup::Args),
    /// Brings a backup set back, whole or a part of it, to its moment or a later one.
    Restore(restore::Args),
    /// Shows what stands where and whether it is well: versions, health, figures, drift.
    Status(status::Args),
    /// Proves the service from outside, as its users use it.
    Verify(verify::Args),
    /// Makes real sessions and messages at a rate, counts everything, judges.
    Load(load::Args),
    /// Judges how safe the service and its hosts are, from outside and from within.
    Scan(scan::Args),
    /// Makes the acceptance report of what was recorded, one page to sign.
    Report(report::Args),
    /// Makes, imports, disables and removes accounts.
    User(user::Args),
    /// Prints what users type into which client, and the DNS records wanted.
    ClientSheet(client_sheet::Args),
    /// Makes throw-away hosts on this machine to try everything on.
    Lab(lab::Args),
    /// Tells which secrets there are and who can open them, and changes them.
    Secret(secret::Args),
    /// Tells how long the certificates last, renews them, and imports your own.
    Cert(cert::Args),
    /// Shows who did what, when and why, and proves that no line of it was changed.
    History(history::Args),
    /// Shows who is changing the hosts, and releases a lock whose holder is gone.
    Lock(lock::Args),
    /// Shows, accepts and forgets the hosts' keys.
    Trust(trust::Args),
    /// Tells this program's version and the formats it speaks.
    Version(version::Args),
    /// Tells what an inventory key, an error number or a check means.
    Explain(explain::Args),
    /// Prints the inventory's JSON schema, for editors.
    Schema(schema::Args),
    /// Prints a completion script for a shell.
    Completions(completions::Args),
}

impl Verb {
    async fn run(self, global: &Global) -> Result<Exit, Failure> {
        if matches!(global.output, Output::Csv | Output::Md) && !matches!(self, Self::Ports(_)) {
            let word = if global.output == Output::Csv { "csv" } else { "md" };
            return Err(Failure::Usage(format!("--output {word} is known to `imctl ports` alone")));
        }
        match self {
            Self::Init(args) => init::run(args, global),
            Self::Size(args) => size::run(&args, global),
            Self::Check(args) => check::run(args, global).await,
            Self::Bundle(args) => bundle::run(args, global),
            Self::Plan(args) => plan::run(args, global).await,
            Self::Install(args) => Box::pin(install::run(args, global)).await,
            Self::Upgrade(args) => Box::pin(upgrade::run(args, global)).await,
            Self::Rollback(args) => Box::pin(rollback::run(args, global)).await,
            Self::Heal(args) => Box::pin(heal::run(args, global)).await,
            Self::Scale(args) => scale::run(args, global).await,
            Self::Replace(args) => replace::run(args, global).await,
            Self::Ports(args) => ports::run(&args, global),
            Self::Adopt(args) => adopt::run(args, global).await,
            Self::SupportBundle(args) => support::run(args, global).await,
            Self::Destroy(args) => destroy::run(args, global).await,
            Self::Backup(args) => backup::run(args, global).await,
            Self::Restore(args) => Box::pin(restore::run(args, global)).await,
            Self::Status(args) => status::run(&args, global).await,
            Self::Verify(args) => verify::run(args, global).await,
            Self::Load(args) => load::run(args, global).await,
            Self::Scan(args) => scan::run(args, global).await,
            Self::Report(args) => report::run(&args, global),
            Self::User(args) => user::run(args, global).await,
            Self::ClientSheet(args) => client_sheet::run(&args, global),
            Self::Lab(args) => lab::run(args, global).await,
            Self::Secret(args) => secret::run(args, global).await,
            Self::Cert(args) => cert::run(args, global).await,
            Self::History(args) => history::run(args, global).await,
            Self::Lock(args) => lock::run(args, global).await,
            Self::Trust(args) => trust::run(args, global).await,
            Self::Version(args) => version::run(&args, global),
            Self::Explain(args) => explain::run(&args, global),
            Self::Schema(args) => schema::run(&args, global),
            Self::Completions(args) => completions::run(&args, global),
        }
    }
}

/// Runs the program: arguments in, exit code out.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln_line("a TLS provider was installed twice");
        return ExitCode::from(Exit::Bug.code());
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(cause) => {
            eprintln_line(&format!("cannot start: {cause}"));
            return ExitCode::from(Exit::Bug.code());
        }
    };
    let Cli { global, command } = cli;
    let exit = match runtime.block_on(command.run(&global)) {
        Ok(exit) => exit,
        Err(failure) => {
            failure.print(&global);
            failure.exit()
        }
    };
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}

#[expect(clippy::print_stderr, reason = "this room prints")]
fn eprintln_line(line: &str) {
    eprintln!("{line}");
}
