//! `imctl cert import`: the operator's own certificate for the names that clients see, checked, put where the inventory names
//! it, and brought to the hosts.

use super::change::Change;
use super::hold::ChangeArgs;
use super::renewal::Placing;
use super::road::Road;
use super::survey::Aim;
use super::{Failure, Global, OutputFormat, install, stdout};
use crate::base::Exit;
use crate::desired::wants;
use crate::inventory::{Edit, Inventory, Tls};
use crate::state::{OwnFiles, State, StateError, own_certificate_mistakes, split_certificates};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// Where the files are looked at before they are agreed to, within the state folder.
const STAGED: [&str; 3] = ["import/certificate.pem", "import/key.pem", "import/chain.pem"];

/// Arguments of `imctl cert import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  imctl cert import im.crt im.key chain.crt -i acme.yml\n  \
        imctl cert import fullchain.pem privkey.pem -i acme.yml     the issuers stand in the first file\n\n\
        The files are copied to where `tls:` of the inventory says; without such a key it is added.")]
pub(super) struct ImportArgs {
    /// The certificate, PEM; its issuers may follow in the same file
    certificate: PathBuf,
    /// Its private key, PEM, readable by its owner only
    key: PathBuf,
    /// The issuers up to the root that clients trust, PEM
    chain: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Checks, plans, asks, puts in place, proves, tells.
pub(super) async fn run(args: ImportArgs, global: &Global) -> Result<Exit, Failure> {
    let mut road = Road::of_file(global)?;
    let staged = stage(&args, &road.state)?;
    let whole = Box::pin(imported(&args, global, &mut road, &staged)).await;
    for file in staged.iter().filter(|file| file.exists()) {
        std::fs::remove_file(file).map_err(|source| StateError::Io {
            doing: "remove",
            path: file.clone(),
            source,
        })?;
    }
    whole
}

async fn imported(
    args: &ImportArgs,
    global: &Global,
    road: &mut Road,
    staged: &[PathBuf; 3],
) -> Result<Exit, Failure> {
    serves(args, road, staged)?;
    let (places, edit) = places(road.inventory())?;
    let mut road = match edit {
        Some(edit) => {
            if global.shape() == OutputFormat::Human {
                stdout::line(edit.diff().trim_end());
            }
            Road::after(global, edit)?
        }
        None => Road::open_file(global)?,
    };
    road = road.without(&args.change.lost)?;
    let [certificate, key, chain] = staged.clone();
    road.topology.inventory.tls = Tls::Own { certificate, key, chain };
    let modes = [0o644, 0o600, 0o644];
    let files = staged.iter().cloned().zip(places).zip(modes);
    road.placing = files.map(|((from, to), mode)| Placing { from, to, mode }).collect();
    let change = Change {
        road: &road,
        global,
        asked: &args.change,
        aim: Aim::Inventory,
        verb: "cert import",
        done: "on your certificate",
        skip: None,
    };
    let Some(applied) = change.apply(None).await? else {
        // The hosts have it already; the files beside the inventory may not.
        super::renewal::place(&road.placing)?;
        if let Some(edit) = &road.edit {
            edit.write()?;
        }
        return Ok(Exit::Done);
    };
    install::prove_and_tell(&change, applied).await
}

/// Copies of the three files in the state folder, 0600: what is agreed to is what was looked at.
fn stage(args: &ImportArgs, state: &State) -> Result<[PathBuf; 3], Failure> {
    crate::state::must_be_private(&args.key)?;
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| StateError::Io {
            doing: "read",
            path: path.to_owned(),
            source,
        })
    };
    let (leaf, more) = split_certificates(&args.certificate, &read(&args.certificate)?)?;
    let chain = match &args.chain {
        Some(chain) => format!("{more}{}", read(chain)?),
        None => more,
    };
    if chain.trim().is_empty() {
        return Err(Failure::Usage(format!(
            "`{}` holds no issuer: name the chain too, up to the root that clients trust:  imctl cert import CERT KEY CHAIN",
            args.certificate.display()
        )));
    }
    let key = zeroize::Zeroizing::new(read(&args.key)?);
    for (name, text) in STAGED.iter().zip([leaf.as_str(), key.as_str(), chain.as_str()]) {
        state.write(name, text.as_bytes())?;
    }
    Ok(STAGED.map(|name| state.path(name)))
}

/// Refuses a certificate that does not serve every name that clients see, with all that is wrong with it.
fn serves(args: &ImportArgs, road: &Road, staged: &[PathBuf; 3]) -> Result<(), Failure> {
    let wants = wants(&road.topology)?;
    let mut names: Vec<String> = Vec::new();
    for name in wants.certificates.into_iter().filter(|want| want.public).flat_map(|want| want.names) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let [certificate, key, chain] = staged;
    let files = OwnFiles { certificate, key, chain };
    let mistakes = own_certificate_mistakes(&files, &names, Timestamp::now())?;
    if mistakes.is_empty() {
        return Ok(());
    }
    // What it is called where the operator has it.
    let given = |text: String| text.replace(&key.display().to_string(), &args.key.display().to_string());
    Err(Failure::Refused(format!(
        "`{}` does not serve, nothing was changed: {}; it has to be for {}",
        args.certificate.display(),
        given(mistakes.join("; ")),
        names.join(" ")
    )))
}

/// Where the inventory has its certificate, key and chain, with the change of it that says so where it does not yet.
fn places(inventory: &Inventory) -> Result<([PathBuf; 3], Option<Edit>), Failure> {
    if let Tls::Own { certificate, key, chain } = &inventory.tls {
        return Ok(([certificate.clone(), key.clone(), chain.clone()], None));
    }
    let names = ["crt", "key", "chain.crt"].map(|end| format!("tls/{}.{end}", inventory.name));
    let edit = Some(Edit::own_tls(&inventory.path, &names)?);
    let beside = inventory.path.parent().unwrap_or(Path::new(""));
    Ok((names.map(|name| beside.join(name)), edit))
}
