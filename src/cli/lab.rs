//! `imctl lab`: throw-away hosts on this machine, to try everything on.

use super::{Failure, Global, OutputFormat};
use crate::base::{Event, Exit, Sink};
use crate::lab::{self, Lab, LabError, Login, Order, Reach, Sight, State, Store, Template};
use serde_json::json;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Arguments of `imctl lab`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The lab; may be left out when there is only one
    #[arg(long, global = true, value_name = "NAME")]
    name: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Makes hosts and writes an inventory of them; adds to a lab the hosts it lacks
    Up(Up),
    /// Removes a lab, whole or half made
    Down,
    /// Shows the labs and their hosts
    List,
    /// Logs in to a host over SSH, or runs a command there
    Ssh {
        /// The host
        host: String,
        /// Who logs in: root or ops
        #[arg(long, default_value = "root")]
        user: String,
        /// The command
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Runs a command in a host past the network; in `client`, which is no peer, with this machine's programs
    Exec {
        /// The host, or client
        host: String,
        /// The command
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Pulls a host's network cable, or parts two hosts
    Cut {
        /// The host
        host: String,
        /// Only from this host; all others still reach it
        #[arg(long, value_name = "HOST")]
        from: Option<String>,
    },
    /// Puts a host's network cable back, and brings parted hosts together
    Heal {
        /// The host
        host: String,
        /// Only with this host
        #[arg(long, value_name = "HOST")]
        from: Option<String>,
    },
    /// Ends a host at once, as a power cut does
    Kill {
        /// The host
        host: String,
    },
    /// Starts a host that was killed or switched off
    Start {
        /// The host
        host: String,
    },
}

#[derive(Debug, clap::Args)]
struct Up {
    /// Hosts without a plan of ours: host1, host2 and so on, each with every role
    #[arg(short = 'n', value_name = "N", conflicts_with = "template", value_parser = clap::value_parser!(u8).range(1..=200))]
    hosts: Option<u8>,
    /// The inventory whose hosts are made: single, three, six or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "three")]
    template: String,
    /// Where the ready inventory goes; the lab's own folder when left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Who logs in to the hosts: root, or ops with sudo
    #[arg(long, default_value = "root", value_parser = ["root", "ops"])]
    user: String,
    /// Name the hosts by their IPv6 addresses in the inventory
    #[arg(long)]
    ipv6: bool,
    /// Debian mirror of the base; this machine's own when left out
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

/// Runs `imctl lab`.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let store = Store::default();
    let name = args.name.as_deref();
    match args.verb {
        Verb::Up(wanted) => up(&store, name, wanted, global).await?,
        Verb::Down => {
            let lab = lab::down(&store, name).await?;
            let text = format!("Lab {} is gone.", lab.name);
            say(global, &text, json!({ "lab": lab.name, "hosts": lab.hosts.len() }));
        }
        Verb::List => list(&lab::list(&store).await?, global),
        Verb::Ssh { host, user, command } => {
            let mut ssh = lab::login(&store, name, &user, &host)?;
            ssh.args(command);
            return Err(become_it(ssh).into());
        }
        Verb::Exec { host, command } => {
            return Err(become_it(lab::enter(&store, name, &host, &command)?).into());
        }
        Verb::Cut { host, from } => {
            lab::cut(&store, name, &host, from.as_deref()).await?;
            changed(
                global,
                &host,
                &from.map_or("is cut off".to_owned(), |from| format!("is cut off from {from}")),
            );
        }
        Verb::Heal { host, from } => {
            lab::heal(&store, name, &host, from.as_deref()).await?;
            changed(
                global,
                &host,
                &from.map_or("is connected".to_owned(), |from| format!("reaches {from} again")),
            );
        }
        Verb::Kill { host } => {
            lab::kill(&store, name, &host).await?;
            changed(global, &host, "is off");
        }
        Verb::Start { host } => {
            lab::start(&store, name, &host).await?;
            changed(global, &host, "runs");
        }
    }
    Ok(Exit::Done)
}

async fn up(store: &Store, name: Option<&str>, wanted: Up, global: &Global) -> Result<(), LabError> {
    let started = Instant::now();
    let template = match wanted.hosts {
        Some(hosts) => Template::plain(hosts)?,
        None => Template::load(&wanted.template)?,
    };
    let login = if wanted.user == "ops" { Login::Ops } else { Login::Root };
    let order = Order {
        name: name.unwrap_or("lab").to_owned(),
        template,
        out: wanted.out,
        reach: Reach { login, ipv6: wanted.ipv6 },
        mirror: wanted.mirror,
    };
    let made = lab::up(store, order, &phases()).await?;
    let took = started.elapsed().as_secs_f64();
    let text = format!(
        "Lab {}: {} up after {took:.1} s, network {}\n{}\n\
         Inventory  {}\nLook in    imctl lab ssh --name {} {}\nRemove     imctl lab down --name {}",
        made.name,
        counted(made.hosts.len()),
        made.network,
        hosts(&made),
        made.inventory.display(),
        made.name,
        made.hosts[0].name,
        made.name
    );
    let value = serde_json::to_value(&made).expect("a record of plain values is JSON");
    say(global, &text, json!({ "lab": value, "seconds": took }));
    Ok(())
}

/// One line a host.
fn hosts(lab: &Lab) -> String {
    let width =
        lab.hosts.iter().map(|host| console::measure_text_width(host.name.as_str())).max().unwrap_or(0);
    let line = |host: &lab::LabHost| {
        let name = console::pad_str(host.name.as_str(), width, console::Alignment::Left, None);
        format!("  {name}  {}", host.address)
    };
    lab.hosts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn list(labs: &[Sight], global: &Global) {
    if labs.is_empty() {
        return say(global, "There is no lab. `imctl lab up` makes one.", json!({ "labs": [] }));
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["lab", "host", "address", "state"]);
    for sight in labs {
        for (host, state) in sight.lab.hosts.iter().zip(&sight.states) {
            let state = match state {
                State::Running => "running",
                State::Cut => "cut off",
                State::Stopped => "off",
            };
            table.add_row([&sight.lab.name, host.name.as_str(), &host.address.to_string(), state]);
        }
    }
    say(global, &table.trim_fmt(), json!({ "labs": labs }));
}

fn changed(global: &Global, host: &str, state: &str) {
    say(global, &format!("{host} {state}."), json!({ "host": host, "state": state }));
}

/// Becomes another program; comes back only when that cannot be.
fn become_it(mut command: Command) -> LabError {
    let program = command.get_program().to_string_lossy().into_owned();
    let cause = command.exec();
    LabError::Program { command: program, said: cause.to_string() }
}

/// Says on standard error what takes long.
#[expect(clippy::print_stderr, reason = "this room prints")]
fn phases() -> Sink {
    Sink::new(|event| {
        if let Event::Phase { what } = event {
            eprintln!("{what}");
        }
    })
}

#[expect(clippy::print_stdout, reason = "this room prints")]
fn say(global: &Global, text: &str, mut value: serde_json::Value) {
    match global.shape() {
        OutputFormat::Human => println!("{text}"),
        OutputFormat::Json => {
            value["format"] = json!(1);
            println!("{value}");
        }
    }
}

fn counted(hosts: usize) -> String {
    if hosts == 1 { "1 host".to_owned() } else { format!("{hosts} hosts") }
}
