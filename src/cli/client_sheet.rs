//! `imctl client-sheet`: what to type into which client, which CA to install, which DNS records are wanted: the
//! stack's own sheet with this deployment's names.

use super::road::Road;
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::Exit;
use crate::desired::Scope;
use crate::inventory::Tls;
use crate::stack::UsersFile;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Arguments of `imctl client-sheet`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// SHA-256 of the certificate as devices show it.
fn fingerprint(pem: &str) -> Option<String> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let bytes: Vec<String> = Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect();
    Some(bytes.join(":"))
}

/// Prints the sheet. Contacts nobody.
pub(super) fn run(_args: &Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::without_bundle(global)?;
    let stack = &road.topology.stack;
    let none = || Failure::Usage(format!("the stack `{}` has no sheet for clients", road.inventory().stack));
    let users: UsersFile = stack.data(stack.file.users.as_ref().ok_or_else(none)?)?;
    let file = users.client_sheet.as_ref().ok_or_else(none)?;
    let template = stack.text(file).ok_or_else(none)?;
    let instance = road.topology.instances.first().ok_or_else(none)?;
    let private = road.inventory().tls == Tls::Private;
    let ca = road.state.read("pki/ca.pem")?.map(|pem| String::from_utf8_lossy(&pem).into_owned());
    let ca = ca.filter(|_| private);
    let records: Vec<String> = super::dns::records(&road)?.iter().map(super::dns::Record::line).collect();
    let more = json!({
        "dns_records": records,
        "private_ca": private, "inventory": road.typed(), "ca_fingerprint": ca.as_deref().and_then(fingerprint),
    });
    let text = Scope::of(&road.topology, instance).text(file, template, &more)?;
    match global.shape() {
        OutputFormat::Human => stdout::answer(&text),
        OutputFormat::Json => {
            stdout::line(&json!({ "format": 1, "sheet": text, "ca": ca }).to_string());
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_looks_as_devices_show_it() {
        let made = rcgen::generate_simple_self_signed(vec!["im.example".to_owned()]).unwrap();
        let shown = fingerprint(&made.cert.pem()).unwrap();
        assert_eq!(shown.len(), 32 * 3 - 1);
        assert!(fingerprint("no PEM").is_none());
    }
}
