//! Handing passwords over: once on a terminal, or into a new file that its owner alone can read. Never both, never
//! to a pipe or a log.

use super::credential::Credential;
use crate::cli::{Failure, stdout};
use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Refuses before anything is changed when a password could not be handed over.
pub(super) fn possible(out: Option<&Path>) -> Result<(), Failure> {
    match out {
        Some(path) if path.exists() => Err(Failure::Usage(format!(
            "`{}` exists already and may hold passwords; name a new file with --out",
            path.display()
        ))),
        None if !std::io::stdout().is_terminal() => Err(Failure::Usage(
            "a password is shown on a terminal only; name a new file for it with --out FILE".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Writes the passwords that were made, before the accounts are: a password lost is worse than one never used.
pub(super) fn write(path: &Path, credentials: &[Credential]) -> Result<(), Failure> {
    let failed = |cause: std::io::Error| match cause.kind() {
        ErrorKind::AlreadyExists => Failure::Usage(format!("`{}` exists already", path.display())),
        _ => Failure::Usage(format!("cannot write `{}`: {cause}", path.display())),
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    let mut text = String::from("name,password,display name\n");
    for one in credentials.iter().filter(|one| one.made) {
        text.push_str(&line(one));
    }
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

fn line(one: &Credential) -> String {
    let shown = one.display_name.replace('"', "\"\"");
    format!("{},{},\"{shown}\"\n", one.name, one.password.expose())
}

/// Shows one password on the terminal, once.
pub(super) fn show(one: &Credential, domain: &str) {
    stdout::line(&format!("account   {}@{domain}", one.name));
    stdout::line(&format!("password  {}", one.password.expose()));
    stdout::line("It is not kept anywhere and not shown again.");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use std::os::unix::fs::PermissionsExt as _;

    fn credential(name: &str, made: bool) -> Credential {
        let password = Secret::new(format!("password-of-{name}"));
        Credential { name: name.to_owned(), password, made, display_name: "A \"B\"".to_owned(), ready: None }
    }

    #[test]
    fn passwords_made_here_go_to_a_new_private_file_and_given_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords.csv");
        write(&path, &[credential("alice", true), credential("bob", false)]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "name,password,display name\nalice,password-of-alice,\"A \"\"B\"\"\"\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write(&path, &[]).is_err(), "an old file is never overwritten");
        assert!(possible(Some(&path)).is_err());
    }

    #[test]
    fn what_was_handed_over_can_be_imported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords.csv");
        write(&path, &[credential("alice", true)]).unwrap();
        let read = crate::cli::user::csv::read(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(read[0].display_name, "A \"B\"");
        assert_eq!(read[0].password.as_ref().unwrap().expose(), "password-of-alice");
    }
}
