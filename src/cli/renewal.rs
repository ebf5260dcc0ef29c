//! Making anew what would serve still: secrets and certificates that an operator wants changed. Planned in the vault, where
//! nobody uses them; they take the old ones' place when the plan is agreed.

use super::Failure;
use super::material::{Made, shape};
use super::road::Road;
use crate::base::HostName;
use crate::desired::{CertificateWant, Wants};
use crate::inventory::Tls;
use crate::state::{Phase, StateError, Vault};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What is made anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Renewal {
    /// Only what must be.
    #[default]
    Nothing,
    /// Certificates by the private CA.
    Certificates(Certificates),
    /// Secrets by name; those that are being changed already go on to the end.
    Secrets(Vec<String>),
}

/// Which certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Certificates {
    /// Names in the stack; empty = all.
    pub(super) names: Vec<String>,
    /// Only those that end within so many days.
    pub(super) within_days: Option<i64>,
}

/// A file that is put in place when the plan is agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placing {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    /// Permission bits.
    pub(super) mode: u32,
}

impl Renewal {
    /// Plans new secrets in the vault, and drops certificates that were issued for a plan that nobody agreed to.
    pub(super) fn prepare(&self, road: &Road, wants: &Wants, vault: &mut Vault) -> Result<(), Failure> {
        if let Self::Certificates(_) = self {
            let renewed = wants.certificates.iter().filter(|want| self.renews(road, vault, want));
            let renewed: Vec<(&str, &HostName)> =
                renewed.map(|want| (want.name.as_str(), &want.host)).collect();
            vault.drop_renewed(|name, host| renewed.contains(&(name, host)));
        }
        let Self::Secrets(names) = self else { return Ok(()) };
        if let Some((_, under_way)) = vault.under_way() {
            let stranger = names.iter().find(|name| !under_way.contains(name));
            if let Some(stranger) = stranger.filter(|_| !under_way.iter().any(|it| names.contains(it))) {
                return Err(Failure::Refused(format!(
                    "`{stranger}` cannot be changed yet: a change of {} is under way; end it first:  imctl secret rotate -i {} {}",
                    under_way.join(", "),
                    road.typed(),
                    under_way.join(" ")
                )));
            }
            return Ok(());
        }
        let chosen = wants.secrets.iter().filter(|want| names.contains(&want.name));
        let chosen: Vec<_> = chosen.map(|want| (want.name.clone(), shape(want))).collect();
        Ok(vault.plan_turn(&chosen)?)
    }

    /// Whether a certificate is to be issued anew.
    pub(super) fn renews(&self, road: &Road, vault: &Vault, want: &CertificateWant) -> bool {
        let Self::Certificates(which) = self else { return false };
        let own = want.public && matches!(road.inventory().tls, Tls::Own { .. });
        let named = which.names.is_empty() || which.names.contains(&want.name);
        let soon = which.within_days.is_none_or(|days| {
            let last = Timestamp::now() + SignedDuration::from_hours(24 * days);
            vault.until(&want.name, &want.host).is_none_or(|until| until < last)
        });
        !own && named && soon && road.hosts.contains(&want.host)
    }

    /// The plan is agreed: the vault holds from now on what the hosts will.
    pub(super) fn agreed(&self, road: &Road, made: &mut Made) -> Result<(), Failure> {
        let Some(vault) = &mut made.vault else { return Ok(()) };
        match self {
            Self::Nothing => return Ok(()),
            Self::Certificates(_) => vault.agree(),
            Self::Secrets(_) => vault.enter(Phase::Accept),
        }
        vault.save()?;
        made.mirror = road.state.mirror()?;
        Ok(())
    }

    /// No host has anything to do: then nothing keeps the old ones.
    pub(super) fn nothing_to_do(&self, road: &Road, made: &mut Made) -> Result<(), Failure> {
        self.agreed(road, made)?;
        if let (Self::Secrets(_), Some(vault)) = (self, &mut made.vault) {
            vault.forget_old();
            vault.save()?;
        }
        Ok(())
    }
}

/// The phases that a plan leads through, the first of them always there; `Planned` where no secret is being changed.
pub(super) fn phases(renewal: &Renewal, vault: &Vault) -> Vec<Phase> {
    let now = vault.turning().map(|(phase, _)| phase);
    match (renewal, now) {
        (Renewal::Secrets(_), Some(now)) => Phase::ALL.into_iter().filter(|phase| *phase >= now).collect(),
        (_, now) => vec![now.unwrap_or(Phase::Planned)],
    }
}

/// Puts the operator's files in place, each whole or not at all; a file that was there stays beside it as `FILE.bak`.
pub(super) fn place(files: &[Placing]) -> Result<(), Failure> {
    for file in files {
        put(file).map_err(|source| StateError::Io { doing: "write", path: file.to.clone(), source })?;
    }
    Ok(())
}

fn put(file: &Placing) -> std::io::Result<()> {
    let content = zeroize::Zeroizing::new(fs::read(&file.from)?);
    if let Some(folder) = file.to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let beside = |end: &str| PathBuf::from(format!("{}{end}", file.to.display()));
    if let Ok(old) = fs::read(&file.to).map(zeroize::Zeroizing::new) {
        written(&beside(".bak"), &old, file.mode)?;
    }
    let fresh = beside(".new");
    written(&fresh, &content, file.mode)?;
    fs::rename(&fresh, &file.to)
}

/// Writes a file that has its mode from the first byte.
fn written(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    out.write_all(content)?;
    out.sync_all()
}
