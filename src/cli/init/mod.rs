//! `imctl init`: a first inventory that fits the size of the service; it asks on a terminal, or takes flags. Nobody is
//! contacted.

mod ask;
mod layout;
mod text;

use super::size::Inputs;
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::{Exit, HostName, Role};
use crate::inventory;
use crate::sizing::{self, Amounts, Asked};
use crate::stack::{self, HostsShape, SizingFile, Stack};
use layout::{Laid, Roles, Wanted};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Arguments of `imctl init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl init                                        asks
  imctl init --name acme-im --domain im.acme.example --users 5000 --online 1500
  imctl init app1=10.20.0.11 app2=10.20.0.12 db1=10.20.0.21@database 10.20.0.31 10.20.0.32 10.20.0.33

HOST is [NAME=]ADDRESS[@ROLE,ROLE]; hosts without roles get them in the order of the template. Addresses that are not
given are written as examples, and what is to be filled in is said.")]
pub(super) struct Args {
    /// Hosts there are: [NAME=]ADDRESS[@ROLE,ROLE]
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// How the roles are laid on hosts: single, three or ha [default: what the number of hosts fits, or ha]
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Name of the deployment
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Domain of the service, the part after @ of every account
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// User that logs in to the hosts; another than root gets sudo
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Stack to install [default: the one laid into the program]
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
    /// File to write [default: NAME.yml]; it must not be there yet
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    inputs: Inputs,
}

/// Everything that an inventory is written from.
struct Draft {
    name: String,
    domain: String,
    user: Option<String>,
    stack: String,
    shape: HostsShape,
    hosts: Vec<Laid>,
    asked: Asked,
    /// What a host of each role needs.
    needs: BTreeMap<Role, Amounts>,
}

/// Asks what was not given, writes the file, says what is missing.
pub(super) fn run(mut args: Args, global: &Global) -> Result<Exit, Failure> {
    let own = stack::names().into_iter().next().unwrap_or_default().to_owned();
    let stack_name = args.stack.clone().unwrap_or(own);
    let stack = stack::load(&stack_name, Path::new("."))?;
    ask::missing(&mut args, &stack)?;
    let draft = draft(&args, &stack, stack_name)?;
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.yml", draft.name)));
    let text = text::inventory(&draft);
    // What is written is read as every command will read it.
    let whole = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
    let read = inventory::parse(&whole, &text)?;
    crate::topology::build(&read, &stack)?;
    write(&path, &text)?;
    told(&draft, &path, global);
    Ok(Exit::Done)
}

fn draft(args: &Args, stack: &Stack, stack_name: String) -> Result<Draft, Failure> {
    let known: Vec<&Role> = stack.file.roles.keys().collect();
    let wanted = args.hosts.iter().map(|it| Wanted::read(it, &known));
    let wanted = wanted.collect::<Result<Vec<Wanted>, Failure>>()?;
    let shape = shape(args, stack, wanted.len())?;
    let mut asked = Asked { ha: shape.ha, ..Asked::default() };
    args.inputs.give(&mut asked)?;
    let file: Option<SizingFile> = stack.file.sizing.as_deref().map(|file| stack.data(file)).transpose()?;
    let wrong = |cause: sizing::FormulaError| cause.of_stack(&stack.file.name);
    let machines = match &file {
        Some(file) => sizing::machines(file, &asked).map_err(wrong)?.roles,
        None => Vec::new(),
    };
    let most = |roles: &[Role]| {
        let of = machines.iter().filter(|it| roles.contains(&it.role)).map(|it| it.hosts);
        usize::try_from(of.max().unwrap_or(1)).unwrap_or(usize::MAX)
    };
    let grow = |roles: &[Role]| {
        roles.iter().all(|role| stack.file.roles.get(role).is_some_and(|spec| spec.max.is_none()))
    };
    let hosts = layout::lay(&shape, wanted, &Roles { most: &most, grow: &grow })?;
    let mut counts: BTreeMap<Role, u64> = BTreeMap::new();
    for role in hosts.iter().flat_map(|host| &host.roles) {
        *counts.entry(role.clone()).or_default() += 1;
    }
    let needs = match &file {
        Some(file) => sizing::share(file, &asked, &counts).map_err(wrong)?,
        None => BTreeMap::new(),
    };
    let name = args.name.clone().unwrap_or_else(|| "my-im".to_owned());
    let domain = args.domain.clone().unwrap_or_else(|| "im.example.org".to_owned());
    Ok(Draft { name, domain, user: args.user.clone(), stack: stack_name, shape, hosts, asked, needs })
}

fn shape(args: &Args, stack: &Stack, hosts: usize) -> Result<HostsShape, Failure> {
    let shapes = &stack.file.shapes;
    let known = || shapes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(name) = &args.template {
        let unknown = || Failure::Usage(format!("--template {name}: the stack knows {}", known()));
        return shapes.get(name).cloned().ok_or_else(unknown);
    }
    // The one with the most groups of hosts that are all there; without any host the one that bears a failure.
    let fits = |shape: &&HostsShape| match hosts {
        0 => shape.ha,
        // Two of each, where a failure is not to be felt.
        hosts => shape.groups.len() * if shape.ha { 2 } else { 1 } <= hosts,
    };
    let best = shapes.values().filter(fits).max_by_key(|shape| (shape.groups.len(), shape.ha));
    let none = || Failure::Usage(format!("the stack has no shape for so few hosts; it knows {}", known()));
    best.or_else(|| shapes.values().next()).cloned().ok_or_else(none)
}

/// A new file; one that is there is left alone.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let refused = |cause: std::io::Error| {
        let why = if cause.kind() == std::io::ErrorKind::AlreadyExists {
            "it is there already; name another with -o FILE".to_owned()
        } else {
            cause.to_string()
        };
        Failure::Usage(format!("cannot write `{}`: {why}", path.display()))
    };
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o644).open(path).map_err(refused)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(refused)
}

impl Draft {
    /// What the host's roles need together.
    fn of(&self, host: &Laid) -> Amounts {
        let need = |role: &Role| self.needs.get(role).copied().unwrap_or_default();
        host.roles.iter().map(need).fold(Amounts::default(), Amounts::and)
    }

    /// What somebody has yet to fill in.
    fn missing(&self) -> Vec<String> {
        let examples: Vec<&str> =
            self.hosts.iter().filter(|host| host.example).map(|host| host.name.as_str()).collect();
        let mut missing = Vec::new();
        if !examples.is_empty() {
            missing.push(format!("addresses of {}: those written are examples", examples.join(", ")));
        }
        if self.domain.ends_with("example.org") {
            missing
                .push("domain: the part after @ of every account, which cannot be changed later".to_owned());
        }
        if self.user.is_none() {
            missing.push("ssh: who logs in; now your own ~/.ssh/config says it".to_owned());
        }
        missing
    }
}

fn told(draft: &Draft, path: &Path, global: &Global) {
    let missing = draft.missing();
    let names: Vec<&HostName> = draft.hosts.iter().map(|host| &host.name).collect();
    if global.shape() == OutputFormat::Json {
        let value = json!({ "format": 1, "file": path, "hosts": names, "missing": missing });
        stdout::line(&value.to_string());
        return;
    }
    let file = crate::base::quote(&path.display().to_string());
    let hosts = crate::report::counted(names.len(), "host");
    let mut text = format!("Wrote {file}: {hosts}. {}\n", draft.shape.about);
    if !missing.is_empty() {
        text.push_str("To be filled in:\n");
        for what in &missing {
            let _ = writeln!(text, "  {what}");
        }
    }
    let _ = write!(
        text,
        "Next:\n  imctl size -i {file}     which machines it needs, and why\n  imctl check -i {file}    whether yours are good enough\n"
    );
    stdout::answer(&text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Words {
        #[command(flatten)]
        args: Args,
    }

    fn inventory(words: &[&str]) -> (Draft, String) {
        let args = Words::parse_from([&["init"], words].concat()).args;
        let name = stack::names().into_iter().next().unwrap().to_owned();
        let stack = stack::load(&name, Path::new(".")).unwrap();
        let draft = draft(&args, &stack, name).unwrap();
        let text = text::inventory(&draft);
        let read =
            inventory::parse(Path::new("/x/new.yml"), &text).unwrap_or_else(|it| panic!("{it}\n{text}"));
        crate::topology::build(&read, &stack).unwrap();
        assert_eq!(read.hosts.len(), draft.hosts.len());
        (draft, text)
    }

    #[test]
    fn every_template_gives_an_inventory_that_stands() {
        for template in ["single", "three", "ha"] {
            for users in ["500", "50000", "1000000"] {
                let (draft, text) = inventory(&["--template", template, "--users", users]);
                assert!(text.contains(&format!("users: {users}")), "{text}");
                assert!(draft.missing().iter().any(|it| it.starts_with("addresses of ")));
            }
        }
        let six = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "fd00::6"];
        let (draft, text) = inventory(&[&["--domain", "im.acme.cn", "--user", "ops"], &six[..]].concat());
        assert!(draft.shape.ha && draft.missing().is_empty(), "{text}");
        assert!(text.contains("file3: { address: \"fd00::6\""), "{text}");
    }
}
