//! `imctl cert`: how long the certificates last, the private CA's own, and the doors to new ones.

use super::unlock::{inventory_alone, state_of};
use super::{Failure, Global, OutputFormat, cert_import, cert_renew, stdout};
use crate::base::{Exit, Finding, HostName, Verdict};
use crate::inventory::{Inventory, Tls};
use crate::report::{FindingsView, Style, findings};
use crate::state::{Published, State, StateError, due, read_certificate};
use jiff::Timestamp;
use std::time::Instant;

/// Fewer days left than this are worth a warning.
const WARN_DAYS: i64 = 60;

/// Arguments of `imctl cert`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  imctl cert status -i acme.yml\n  imctl cert renew --due 90 -i acme.yml\n  imctl cert import im.crt im.key chain.crt -i acme.yml"
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Judges how long each certificate lasts; warns at 60 days
    Status,
    /// Prints the private CA's certificate, for clients to trust
    Ca,
    /// Issues certificates anew and brings them to the hosts, without a restart
    Renew(cert_renew::RenewArgs),
    /// Brings your own certificate for the names that clients see
    Import(cert_import::ImportArgs),
}

/// Runs the command.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    match args.what {
        What::Status => status(global),
        What::Ca => ca(global),
        What::Renew(args) => Box::pin(cert_renew::run(args, global)).await,
        What::Import(args) => Box::pin(cert_import::run(args, global)).await,
    }
}

/// Prints the CA. It opens no secret and contacts nobody.
fn ca(global: &Global) -> Result<Exit, Failure> {
    let inventory = inventory_alone(global)?;
    let state = state_of(&inventory)?;
    let text = state.read("pki/ca.pem")?.ok_or_else(|| none_yet(&inventory.name))?;
    read_certificate(&state.path("pki/ca.pem"), &text, "ca")?;
    stdout::answer(&String::from_utf8_lossy(&text));
    Ok(Exit::Done)
}

/// Judges the certificates. It opens no secret and contacts nobody.
fn status(global: &Global) -> Result<Exit, Failure> {
    let inventory = inventory_alone(global)?;
    let state = state_of(&inventory)?;
    let began = Instant::now();
    let now = Timestamp::now();
    let all = in_use(&inventory, &state)?;
    if all.is_empty() {
        return Err(none_yet(&inventory.name));
    }
    let again = format!("imctl cert renew --due {WARN_DAYS} -i {}", inventory.path.display());
    let judged = all.iter().map(|it| judge(it, &again, now)).collect();
    let hosts: std::collections::BTreeSet<_> =
        all.iter().map(|it| &it.host).filter(|host| !host.is_empty()).collect();
    let view = FindingsView {
        language: crate::base::Language::En,
        command: "cert status".into(),
        findings: judged,
        hosts: hosts.len(),
        took: began.elapsed(),
        all: true,
    };
    let mut text = Vec::new();
    match global.shape() {
        OutputFormat::Human => {
            findings(&mut text, &view, Style::stdout(global.no_color))
                .expect("writing to memory cannot fail");
        }
        OutputFormat::Json => text = format!("{}\n", view.json()).into_bytes(),
    }
    stdout::answer(&String::from_utf8_lossy(&text));
    Ok(view.exit(false))
}

/// Certificates that serve somebody.
pub(super) fn in_use(inventory: &Inventory, state: &State) -> Result<Vec<Published>, StateError> {
    let mut all = state.published()?;
    // Certificates of hosts that have left lie there still and serve nobody.
    all.retain(|it| it.host.is_empty() || inventory.hosts.iter().any(|host| host.name.as_str() == it.host));
    if let Tls::Own { certificate, .. } = &inventory.tls {
        let text = std::fs::read(certificate).map_err(|source| StateError::Io {
            doing: "read",
            path: certificate.clone(),
            source,
        })?;
        all.push(read_certificate(certificate, &text, "own")?);
    }
    Ok(all)
}

fn none_yet(name: &str) -> Failure {
    Failure::Usage(format!("there are no certificates of `{name}` yet; the first install makes them"))
}

/// How long one certificate lasts, as a finding.
pub(super) fn judge(it: &Published, again: &str, now: Timestamp) -> Finding {
    let days = (it.until.as_second() - now.as_second()).div_euclid(86_400);
    let verdict = match days {
        ..0 => Verdict::Failed,
        0..WARN_DAYS => Verdict::Warning,
        _ => Verdict::Passed,
    };
    let (id, what, fix) = match it.name.as_str() {
        "ca" => ("CERT-01", "private CA".to_owned(), "docs/security.md says how to change the CA".to_owned()),
        "own" => (
            "CERT-03",
            format!("own certificate of {}", it.common_name),
            "imctl cert import CERT KEY CHAIN".to_owned(),
        ),
        name => ("CERT-02", format!("certificate {name}"), again.to_owned()),
    };
    let renewed = id == "CERT-02" && due(it.from, it.until, now);
    Finding {
        id: id.to_owned(),
        verdict,
        host: HostName::new(it.host.clone()).ok(),
        what,
        seen: format!("{days} days, until {}", it.until.strftime("%F")),
        needed: format!(">= {WARN_DAYS} days"),
        because: if renewed { "due: the next install renews it".to_owned() } else { it.names.join(" ") },
        fix: if verdict == Verdict::Passed { String::new() } else { fix },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_warns_at_sixty_days_and_fails_when_it_has_ended() {
        let day = jiff::SignedDuration::from_hours(24);
        let from = Timestamp::UNIX_EPOCH;
        let it = Published {
            name: "server".into(),
            host: "app1".into(),
            common_name: "app1".into(),
            names: vec!["im.example".into()],
            from,
            until: from + day * 397,
        };
        let verdict = |days: i32| judge(&it, "imctl install", from + day * days).verdict;
        assert_eq!(verdict(330), Verdict::Passed);
        assert_eq!(verdict(338), Verdict::Warning);
        assert_eq!(verdict(398), Verdict::Failed);
        assert!(judge(&it, "imctl install", from + day * 300).because.starts_with("due"));
    }
}
