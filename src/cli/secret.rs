//! `imctl secret`: which secrets there are, and who can open them.

use super::unlock::{inventory_alone, state_of, unlocker};
use super::{Failure, Global, OutputFormat, rotate, stdout};
use crate::base::{Exit, Secret};
use crate::state::{Means, NewRecipient, Phase, Question, Recipient, State, StateError, Vault};
use jiff::Timestamp;
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Arguments of `imctl secret`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  imctl secret list -i acme.yml\n  imctl secret rotate -i acme.yml upload-slot\n  imctl secret recipients add -i acme.yml --ssh-key bob.pub bob@desk"
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Lists names and shapes, never values
    List,
    /// Shows one value, on a terminal only
    Show {
        /// Name of the secret
        name: String,
        /// Show it even where the output is no terminal
        #[arg(long)]
        reveal: bool,
    },
    /// Gives secrets new values while the service serves
    Rotate(rotate::Args),
    /// Who can open the secrets
    Recipients {
        #[command(subcommand)]
        what: OfRecipients,
    },
}

#[derive(Debug, clap::Subcommand)]
enum OfRecipients {
    /// Lists who can open the secrets
    List,
    /// Lets somebody else open them: with an SSH key file, or a passphrase
    Add {
        /// Name of the recipient, such as bob@desk
        label: String,
        /// Their SSH public key (ed25519 or RSA), a .pub file
        #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
        ssh_key: Option<PathBuf>,
        /// File with the new passphrase (0600); without either option it is asked for
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Shuts somebody out: the secrets are written anew under a new identity
    Remove {
        /// Name of the recipient
        label: String,
    },
}

/// Runs the command.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    match args.what {
        What::Rotate(args) => Box::pin(rotate::run(args, global)).await,
        what => of_folder(&what, global),
    }
}

/// What concerns the operator's folder alone.
fn of_folder(what: &What, global: &Global) -> Result<Exit, Failure> {
    let inventory = inventory_alone(global)?;
    let state = state_of(&inventory)?;
    let open = || -> Result<Vault, Failure> { opened(&state, &unlocker(&inventory)) };
    match what {
        What::Rotate(_) => {}
        What::List => list(&open()?, global),
        What::Show { name, reveal } => {
            // Before it is seen: who cannot write it down does not see it.
            let shown = || state.remember(&format!("secret show {name}"), "done", Timestamp::now());
            show(&open, (name, *reveal), global, &shown)?;
        }
        What::Recipients { what: OfRecipients::List } => recipients(&state.recipients()?, global),
        What::Recipients { what: OfRecipients::Add { label, ssh_key, passphrase_file } } => {
            let ask = unlocker(&inventory).ask;
            let new = match (ssh_key, passphrase_file) {
                (Some(path), _) => NewRecipient::SshKey(text_of(path)?.trim().to_owned()),
                (None, Some(path)) => {
                    let text = Zeroizing::new(text_of(path)?);
                    NewRecipient::Passphrase(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
                }
                (None, None) => {
                    let question = Question::NewPassphrase { deployment: inventory.name.clone() };
                    let refused =
                        || Failure::Usage("give --ssh-key FILE or --passphrase-file FILE".to_owned());
                    NewRecipient::Passphrase(ask(&question).ok_or_else(refused)?)
                }
            };
            let _lock = state.lock("secret recipients add")?;
            open()?.add_recipient(label, &new)?;
            state.remember(&format!("secret recipients add {label}"), "done", Timestamp::now())?;
            recipients(&state.recipients()?, global);
        }
        What::Recipients { what: OfRecipients::Remove { label } } => {
            let _lock = state.lock("secret recipients remove")?;
            open()?.remove_recipient(label)?;
            state.remember(&format!("secret recipients remove {label}"), "done", Timestamp::now())?;
            recipients(&state.recipients()?, global);
            note(
                "what was copied before can still be opened with the old key: docs/security.md says what to change",
            );
        }
    }
    Ok(Exit::Done)
}

/// Opens secrets that are there; makes none.
fn opened(state: &State, unlocker: &crate::state::Unlocker) -> Result<Vault, Failure> {
    there_are_some(state)?;
    Ok(state.vault(unlocker)?)
}

/// Refuses a deployment that has no secrets yet.
pub(super) fn there_are_some(state: &State) -> Result<(), Failure> {
    if state.recipients()?.is_empty() {
        return Err(Failure::Usage(format!(
            "there are no secrets of `{}` yet; the first plan or install makes them",
            state.deployment()
        )));
    }
    Ok(())
}

fn list(vault: &Vault, global: &Global) {
    let names = vault.names();
    let (phase, turning) =
        vault.under_way().map_or((None, Vec::new()), |(phase, names)| (Some(phase), names));
    let changing = |name: &String| phase.filter(|_| turning.contains(name)).map(Phase::word);
    if global.shape() == OutputFormat::Json {
        let secrets: Vec<_> = names
            .iter()
            .map(|(name, shape, made)| {
                json!({ "name": name, "shape": shape, "made": made.to_string(), "changing": changing(name) })
            })
            .collect();
        return stdout::answer(&format!("{}\n", json!({ "format": 1, "secrets": secrets })));
    }
    let longest = names.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let shapes = names.iter().map(|(_, shape, _)| shape.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, shape, made) in &names {
        let under_way = changing(name).map(|word| format!("  being changed: {word}")).unwrap_or_default();
        let _ = writeln!(text, "{name:longest$}  {shape:shapes$}  made {}{under_way}", made.strftime("%F"));
    }
    if phase.is_some() {
        let _ = writeln!(
            text,
            "A change is under way; the same command ends it:  imctl secret rotate {}",
            turning.join(" ")
        );
    }
    stdout::answer(&text);
}

fn show(
    open: &dyn Fn() -> Result<Vault, Failure>,
    (name, reveal): (&str, bool),
    global: &Global,
    recorded: &dyn Fn() -> Result<(), StateError>,
) -> Result<(), Failure> {
    if !reveal && !console::user_attended() {
        let text = "the output is no terminal; add --reveal to have the secret written there all the same";
        return Err(Failure::Refused(text.to_owned()));
    }
    let value = open()?.reveal(name)?;
    let text = match global.shape() {
        OutputFormat::Human => format!("{}\n", value.expose().trim_end()),
        OutputFormat::Json => format!("{}\n", json!({ "format": 1, "name": name, "value": value.expose() })),
    };
    recorded()?;
    stdout::answer(&Zeroizing::new(text));
    Ok(())
}

fn recipients(all: &[Recipient], global: &Global) {
    let word = |means: Means| match means {
        Means::Passphrase => "passphrase",
        Means::SshKey => "SSH key",
    };
    if global.shape() == OutputFormat::Json {
        let list: Vec<_> = all
            .iter()
            .map(|it| json!({ "label": it.label, "means": word(it.means), "public": it.public }))
            .collect();
        return stdout::answer(&format!("{}\n", json!({ "format": 1, "recipients": list })));
    }
    let longest = all.iter().map(|it| it.label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for it in all {
        let public: String = it.public.chars().take(60).collect();
        let _ = writeln!(text, "{:longest$}  {:10}  {public}", it.label, word(it.means));
    }
    stdout::answer(&text);
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let read = std::fs::read_to_string(path);
    read.map_err(|source| StateError::Io { doing: "read", path: path.to_owned(), source }.into())
}

#[expect(clippy::print_stderr, reason = "this room prints")]
fn note(text: &str) {
    eprintln!("Note: {text}");
}
