//! `imctl scale`: brings further hosts into the service that stands, and takes hosts out of it without losing what they keep.

use super::change::Change;
use super::hold::ChangeArgs;
use super::road::{Road, inventory_path, stack_of};
use super::survey::Aim;
use super::{Failure, Global, OutputFormat, install, stdout};
use crate::base::{Exit, HostName, Role};
use crate::inventory::{self, Edit, Inventory, NewHost};
use crate::plan::{keeps_data, refusals};
use crate::sizing;
use crate::stack::Stack;
use crate::state::State;
use crate::topology;
use std::path::Path;

/// Arguments of `imctl scale`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    way: Way,
}

#[derive(Debug, clap::Subcommand)]
enum Way {
    /// Brings hosts in: checks them, adds them to the inventory, installs them, lets them join.
    Out(OutArgs),
    /// Takes hosts out: moves load and data away, cleans them, removes them from the inventory.
    In(InArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  imctl scale out app3=10.0.0.13 --role app,balancer -i acme.yml\n  \
        imctl scale out file2=10.0.0.22 file3=10.0.0.23 --role files -i acme.yml   several at once\n  \
        imctl scale out app3 -i acme.yml                    a host that stands in the inventory already")]
struct OutArgs {
    /// The new hosts: NAME=ADDRESS, or the NAME of one that stands in the inventory already
    #[arg(required = true, value_name = "NAME=ADDRESS")]
    hosts: Vec<String>,
    #[command(flatten)]
    what: WhatArgs,
    /// Leave a check of the hosts out, with the reason, which is recorded; may be given several times
    #[arg(long, value_name = "ID=REASON")]
    skip: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// What new hosts are.
#[derive(Debug, Default, clap::Args)]
struct WhatArgs {
    /// What the new hosts do; several with commas, or given several times
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    role: Vec<String>,
    /// SSH port of the new hosts, where it differs from the others'
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// What the new hosts cannot do, such as `clock`; several with commas
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    limit: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  imctl scale in app3 -i acme.yml\n  \
        imctl scale in file4 -i acme.yml --confirm acme             its files are whole elsewhere before it goes\n  \
        imctl scale in --lost app2 -i acme.yml --confirm acme       it is dead: the others forget it")]
struct InArgs {
    /// Hosts that leave
    #[arg(required_unless_present = "lost", value_name = "HOST")]
    hosts: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Brings hosts in or takes them out.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    match args.way {
        Way::Out(args) => out(args, global).await,
        Way::In(args) => leave(args, global).await,
    }
}

/// The inventory as it is, its stack, and the operator's folder.
pub(super) struct Standing {
    pub(super) inventory: Inventory,
    pub(super) stack: Stack,
    pub(super) state: State,
}

impl Standing {
    /// Opens it. Whoever scales means the whole service.
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        if !global.on.is_empty() {
            return Err(Failure::Usage("hosts come and go for all others: leave --on out".to_owned()));
        }
        let inventory = inventory::load(&inventory_path(global)?)?;
        let stack = stack_of(&inventory)?;
        let state = State::open(&inventory.path, &inventory.name)?;
        Ok(Self { inventory, stack, state })
    }

    pub(super) fn path(&self) -> &Path {
        &self.inventory.path
    }

    /// The inventory after an edit, when the stack lets its hosts become those.
    pub(super) fn after(&self, edit: Option<&Edit>) -> Result<Inventory, Failure> {
        let Some(edit) = edit else { return Ok(self.inventory.clone()) };
        let after = inventory::parse(edit.path(), edit.after())?;
        match refusals(&self.stack.file, &self.inventory, &after) {
            why if why.is_empty() => Ok(after),
            why => Err(Failure::Refused(format!(
                "`{}` was not changed: {}",
                self.path().display(),
                why.join("; ")
            ))),
        }
    }

    /// Those of the hosts that the inventory names. One that it does not name must have been there once.
    pub(super) fn named(&self, hosts: &[String]) -> Result<Vec<HostName>, Failure> {
        let mut found = Vec::new();
        for name in hosts {
            let name = host_name(name)?;
            if self.inventory.host(&name).is_some() {
                found.push(name);
            } else if self.once(&name)? {
                stdout::note(&format!("`{name}` has left `{}` already", self.path().display()));
            } else {
                let known: Vec<&str> = self.inventory.hosts.iter().map(|host| host.name.as_str()).collect();
                return Err(Failure::Usage(format!(
                    "`{}` has no host `{name}`; hosts are {}",
                    self.path().display(),
                    known.join(", ")
                )));
            }
        }
        Ok(found)
    }

    fn once(&self, name: &HostName) -> Result<bool, Failure> {
        Ok(self
            .state
            .releases()?
            .iter()
            .any(|release| release.hosts.iter().any(|host| host == name.as_str())))
    }

    /// The new host, or none when it stands in the inventory like that.
    pub(super) fn new_host(&self, new: NewHost) -> Result<Option<NewHost>, Failure> {
        let Some(known) = self.inventory.host(&new.name) else { return Ok(Some(new)) };
        if known.address == new.address {
            return Ok(None);
        }
        Err(Failure::Usage(format!(
            "`{}` names `{}` already, at {}: give the new host another name",
            self.path().display(),
            new.name,
            known.address
        )))
    }
}

pub(super) fn host_name(text: &str) -> Result<HostName, Failure> {
    HostName::new(text).map_err(|cause| Failure::Usage(format!("`{text}` is no host's name: {cause}")))
}

/// Brings hosts in.
async fn out(args: OutArgs, global: &Global) -> Result<Exit, Failure> {
    let standing = Standing::open(global)?;
    let mut add = Vec::new();
    for word in &args.hosts {
        match word.split_once('=') {
            Some((name, address)) => {
                add.extend(standing.new_host(new_host((name, address), &args.what)?)?);
            }
            None => drop(inventory::select(&standing.inventory, std::slice::from_ref(word))?),
        }
    }
    let verb = spoken_out(&args);
    Box::pin(join(global, &standing, (&add, &verb), (&args.change, &args.skip))).await
}

fn new_host((name, address): (&str, &str), what: &WhatArgs) -> Result<NewHost, Failure> {
    let role =
        |role: &String| Role::new(role).map_err(|cause| Failure::Usage(format!("--role {role}: {cause}")));
    let roles = what.role.iter().map(role).collect::<Result<Vec<Role>, _>>()?;
    if roles.is_empty() {
        return Err(Failure::Usage(format!("say what `{name}` is to do: --role app, for example")));
    }
    Ok(NewHost {
        name: host_name(name)?,
        address: address.to_owned(),
        roles,
        port: what.port,
        limits: what.limit.clone(),
    })
}

fn spoken_out(args: &OutArgs) -> String {
    let role =
        if args.what.role.is_empty() { None } else { Some(format!("--role {}", args.what.role.join(","))) };
    let limit = if args.what.limit.is_empty() {
        None
    } else {
        Some(format!("--limit {}", args.what.limit.join(",")))
    };
    let port = args.what.port.map(|port| format!("--port {port}"));
    let words = ["scale out".to_owned()].into_iter().chain(args.hosts.iter().cloned());
    words.chain(role).chain(port).chain(limit).collect::<Vec<_>>().join(" ")
}

/// Installs the service as it is with new hosts; they are judged first, like before an installation.
pub(super) async fn join(
    global: &Global,
    standing: &Standing,
    (add, verb): (&[NewHost], &str),
    (asked, skip): (&ChangeArgs, &[String]),
) -> Result<Exit, Failure> {
    let edit = Edit::hosts(standing.path(), add, &[])?;
    standing.after(edit.as_ref())?;
    let road = match edit {
        Some(edit) => Road::after(global, edit)?,
        None => Road::open(global)?,
    };
    let road = road.without(&asked.lost)?;
    let (aim, done, skip) = (Aim::Inventory, "scaled out", Some(skip));
    let change = Change { road: &road, global, asked, aim, verb, done, skip };
    let Some(applied) = change.apply(None).await? else { return Ok(Exit::Done) };
    install::prove_and_tell(&change, applied).await
}

/// Takes hosts out.
async fn leave(args: InArgs, global: &Global) -> Result<Exit, Failure> {
    let standing = Standing::open(global)?;
    let hosts = standing.named(&args.hosts)?;
    let lost = standing.named(&args.change.lost)?;
    let verb = ["scale in".to_owned()].into_iter().chain(args.hosts.iter().cloned());
    let verb: Vec<String> = verb.collect();
    Box::pin(farewell(global, &standing, (&hosts, &lost), (&args.change, &verb.join(" ")))).await
}

/// Takes hosts out, those that are `lost` without asking them.
pub(super) async fn farewell(
    global: &Global,
    standing: &Standing,
    (hosts, lost): (&[HostName], &[HostName]),
    (asked, verb): (&ChangeArgs, &str),
) -> Result<Exit, Failure> {
    let all: Vec<HostName> = hosts.iter().chain(lost).cloned().collect();
    let Some(edit) = Edit::hosts(standing.path(), &[], &all)? else {
        match global.shape() {
            OutputFormat::Json => stdout::line(&serde_json::json!({ "format": 1, "changes": 0 }).to_string()),
            OutputFormat::Human => stdout::line("Nothing to do: nobody is left to take out."),
        }
        return Ok(Exit::Done);
    };
    standing.after(Some(&edit))?;
    sure(standing, hosts, asked)?;
    let mut stack = standing.stack.clone();
    sizing::settle(&mut stack, &standing.inventory)?;
    let mut before = topology::build(&standing.inventory, &stack)?;
    before.leaving = all.iter().cloned().collect();
    before.lost = lost.iter().cloned().collect();
    let road = Road::after(global, edit)?.leaving(before);
    let change =
        Change { road: &road, global, asked, aim: Aim::Inventory, verb, done: "scaled in", skip: None };
    let Some(applied) = change.apply(None).await? else { return Ok(Exit::Done) };
    install::prove_and_tell(&change, applied).await
}

/// Data of users leaves a host only by a typed confirmation.
pub(super) fn sure(standing: &Standing, hosts: &[HostName], asked: &ChangeArgs) -> Result<(), Failure> {
    let name = &standing.inventory.name;
    let data = keeps_data(&standing.stack.file, &standing.inventory, hosts);
    if data.is_empty() || asked.confirm.as_ref() == Some(name) {
        return Ok(());
    }
    let hosts: Vec<String> = data.iter().map(|host| format!("`{host}`")).collect();
    Err(Failure::Refused(format!(
        "{} keeps data of users, which moves to the others and is deleted there; say so with --confirm {name}",
        hosts.join(", ")
    )))
}
