//! Rules over what imctl put on a host: who may read its secrets, where else they turn up, and what has become of the rest.

use super::{Outcome, Said};
use crate::base::HostName;
use crate::facts::Hunted;
use crate::record::PathState;

/// A file with a secret, as it should be and as it is.
#[derive(Debug, Clone)]
pub struct SecretFile {
    /// Its path.
    pub path: String,
    /// Who should own it.
    pub owner: String,
    /// How it stands; none when it is not there.
    pub now: Option<PathState>,
}

/// What is known of a host's secrets and of what was changed on it.
#[derive(Debug, Clone)]
pub struct KeptSeen {
    /// Files with secrets.
    pub files: Vec<SecretFile>,
    /// Where else secrets were found; else what stands for that.
    pub hunted: Result<Hunted, Outcome>,
    /// What differs from what imctl would put there.
    pub changed: Vec<String>,
}

/// Judges one host.
pub fn kept(host: &HostName, seen: &KeptSeen) -> Vec<Said> {
    let open: Vec<String> = seen.files.iter().filter_map(readable).collect();
    let hunted = |places: fn(&Hunted) -> &Vec<String>| match &seen.hunted {
        Err(outcome) => outcome.clone(),
        Ok(hunted) if places(hunted).is_empty() && !hunted.whole => {
            Outcome::Unknown("the search did not come to its end".to_owned())
        }
        Ok(hunted) => Outcome::none_of(places(hunted), "none"),
    };
    let files = match seen.files.len() {
        0 => Outcome::Open("no file of this host holds a secret".to_owned()),
        count => Outcome::none_of(&open, format!("{count} files, closed")),
    };
    let outcomes = [
        ("SECRET-01", files),
        ("SECRET-02", hunted(|it| &it.arguments)),
        ("SECRET-03", hunted(|it| &it.readable)),
        ("SECRET-04", hunted(|it| &it.logs)),
        ("SECRET-05", hunted(|it| &it.histories)),
        ("DRIFT-01", Outcome::none_of(&seen.changed, "as installed")),
    ];
    outcomes.into_iter().map(|(id, outcome)| Said::of(id, host, outcome)).collect()
}

/// Why a file is open to others; none when it is closed, or not there.
fn readable(file: &SecretFile) -> Option<String> {
    let now = file.now.as_ref()?;
    let bits = u32::from_str_radix(&now.mode, 8).unwrap_or(0o7777);
    let said = format!("{} {} {}", file.path, now.mode, now.owner);
    (bits & 0o007 != 0 || now.owner != file.owner).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PathKind;

    fn file(mode: &str, owner: &str) -> SecretFile {
        let now = PathState {
            kind: PathKind::File,
            mode: mode.to_owned(),
            owner: owner.to_owned(),
            group: "chat".to_owned(),
            size: 3,
            sha256: None,
            target: None,
        };
        SecretFile { path: "/etc/chat/key".to_owned(), owner: "root".to_owned(), now: Some(now) }
    }

    fn fired(seen: &KeptSeen) -> Vec<String> {
        let said = kept(&HostName::new("db1").unwrap(), seen);
        said.into_iter().filter(|it| matches!(it.outcome, Outcome::Bad(_))).map(|it| it.id).collect()
    }

    #[test]
    fn a_secret_is_closed_to_others_and_keeps_its_owner() {
        let whole = Hunted { whole: true, ..Hunted::default() };
        let seen = |file| KeptSeen { files: vec![file], hunted: Ok(whole.clone()), changed: Vec::new() };
        assert!(fired(&seen(file("0640", "root"))).is_empty());
        assert!(fired(&seen(SecretFile { now: None, ..file("0640", "root") })).is_empty());
        for bad in [file("0644", "root"), file("0600", "games"), file("0642", "root")] {
            assert_eq!(fired(&seen(bad)), ["SECRET-01"]);
        }
    }

    #[test]
    fn what_was_found_counts_although_the_search_was_cut_and_the_rest_is_unknown() {
        let hunted = Hunted { logs: vec!["/var/log/a".to_owned()], ..Hunted::default() };
        let seen = KeptSeen { files: Vec::new(), hunted: Ok(hunted), changed: vec!["/etc/x".to_owned()] };
        assert_eq!(fired(&seen), ["SECRET-04", "DRIFT-01"]);
        let said = kept(&HostName::new("db1").unwrap(), &seen);
        assert!(matches!(said[1].outcome, Outcome::Unknown(_)));
    }
}
