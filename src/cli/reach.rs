//! Hosts that could not be reached or seen: all of them at once, each with its cause.

use super::links;
use super::survey::Unseen;
use crate::base::{Exit, HostName};
use crate::exec::LookFailure;
use crate::report::ErrorView;
use crate::transport::LinkError;

/// A host that could not be reached.
#[derive(Debug)]
pub struct Unreached {
    /// The host.
    pub host: HostName,
    /// Why.
    pub cause: LinkError,
}

/// One line a host.
pub(super) fn unreached(hosts: &[Unreached]) -> String {
    let lines: Vec<String> = hosts.iter().map(|it| format!("{}: {}", it.host, it.cause)).collect();
    lines.join("\n")
}

/// One line a host.
pub(super) fn unseen(hosts: &[Unseen]) -> String {
    let text = |it: &Unseen| match &it.cause {
        LookFailure::Link(cause) => format!("{}: {cause}", it.host),
        other => format!("{}: {}", it.host, ErrorView::new("", other, vec![]).message),
    };
    hosts.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// The exit code of the first.
pub(super) fn exit(hosts: &[Unreached]) -> Exit {
    hosts.first().map_or(Exit::Unreachable, |it| links::exit(&it.cause))
}

/// The number of the first.
pub(super) fn number(hosts: &[Unreached]) -> &'static str {
    hosts.first().map_or("IM3101", |it| links::number(&it.cause))
}

/// What helps, each once.
pub(super) fn help(hosts: &[Unreached]) -> Vec<String> {
    let mut help = Vec::new();
    for line in hosts.iter().flat_map(|it| links::help(&it.host, &it.cause)) {
        if !help.contains(&line) {
            help.push(line);
        }
    }
    help
}
