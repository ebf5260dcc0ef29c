//! The bundle as the executor's source of packages and artifacts: served through each host's own connection, or
//! uploaded where forwarding is off.

use super::Failure;
use crate::base::{HostName, Sink};
use crate::bundle::{self, BundleError, Install, Served, Source, Verified};
use crate::exec::Depot;
use crate::transport::{Exec, LinkError, Output, Session};
use futures_util::future::BoxFuture;
use std::time::Duration;

/// Apt's own limit for one run: a slow disk may need minutes for a hundred packages.
const APT: Duration = Duration::from_mins(30);
/// Port on the host's loopback that leads to the bundle; fixed, so that apt's lists stay of use.
const PORT: u16 = 41_277;

/// A verified bundle being served, or none.
pub(super) struct Shop {
    bundle: Option<(Verified, Served)>,
    version: String,
    sink: Sink,
}

impl Shop {
    /// Opens it.
    pub(super) async fn open(bundle: Option<&Verified>, version: &str, sink: &Sink) -> Result<Self, Failure> {
        let bundle = match bundle {
            Some(verified) => Some((verified.clone(), bundle::serve(verified).await?)),
            None => None,
        };
        Ok(Self { bundle, version: version.to_owned(), sink: sink.clone() })
    }

    async fn install(
        &self,
        host: &HostName,
        link: &dyn Session,
        (names, mask): (&[String], &[String]),
    ) -> Result<(), String> {
        let Some((verified, served)) = &self.bundle else {
            return Err("packages are wanted and no bundle is at hand: build one with `imctl bundle build`, name it with --bundle DIR".to_owned());
        };
        let keyring = verified.keyring().map_err(|cause| cause.to_string())?;
        let aligned = verified.manifest().aligned(&self.version);
        let install = Install { names: names.to_vec(), masks: mask.to_vec(), aligned };
        let (source, forward) = match self.forward(link, served).await {
            Ok(forward) => (Source::Forward(forward.port), Some(forward)),
            Err(LinkError::NotAllowed { .. }) => {
                self.upload(host, link, (verified, names)).await?;
                (Source::Folder(Source::UPLOADS.to_owned()), None)
            }
            Err(cause) => return Err(cause.to_string()),
        };
        let setup = bundle::setup_script(&keyring, &self.version, &source);
        let done = run(link, setup).await;
        let done = match done {
            Ok(()) => run(link, bundle::install_script(&install)).await,
            failed => failed,
        };
        drop(forward);
        if matches!(source, Source::Folder(_)) {
            // What was uploaded has served; a folder that cannot be removed only costs room.
            let _ = run(link, format!("rm -rf {}", Source::UPLOADS)).await;
        }
        done
    }

    /// The fixed port when it is free, any other when not.
    async fn forward(
        &self,
        link: &dyn Session,
        served: &Served,
    ) -> Result<crate::transport::Forward, LinkError> {
        match link.forward(PORT, served.addr).await {
            Ok(forward) => Ok(forward),
            Err(LinkError::NotAllowed { .. }) => link.forward(0, served.addr).await,
            Err(cause) => Err(cause),
        }
    }

    async fn upload(
        &self,
        host: &HostName,
        link: &dyn Session,
        (verified, names): (&Verified, &[String]),
    ) -> Result<(), String> {
        let said = |cause: BundleError| cause.to_string();
        let files = bundle::closure(verified, &self.version, names).map_err(said)?;
        self.sink.send(crate::base::Event::Note {
            host: Some(host.clone()),
            text: format!("forwarding is off here: {} files of the bundle are uploaded", files.len()),
        });
        let mut folders: Vec<String> = files
            .iter()
            .filter_map(|file| file.rsplit_once('/'))
            .map(|(folder, _)| crate::base::quote(&format!("{}/{folder}", Source::UPLOADS)))
            .collect();
        folders.sort();
        folders.dedup();
        run(link, format!("umask 022; mkdir -p {}", folders.join(" "))).await?;
        for file in files {
            let content = verified.read(&file).map_err(said)?;
            let path = format!("{}/{file}", Source::UPLOADS);
            link.upload(&path, &content, "0644", "root", "root").await.map_err(|cause| cause.to_string())?;
        }
        Ok(())
    }
}

impl Depot for Shop {
    fn packages<'a>(
        &'a self,
        host: &'a HostName,
        link: &'a dyn Session,
        names: &'a [String],
        mask: &'a [String],
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(self.install(host, link, (names, mask)))
    }

    fn artifact(&self, name: &str) -> Result<Vec<u8>, String> {
        let Some((verified, _)) = &self.bundle else {
            return Err(format!(
                "`{name}` comes out of a bundle and none is at hand; name it with --bundle DIR"
            ));
        };
        verified.artifact(name).map_err(|cause| cause.to_string())
    }
}

async fn run(link: &dyn Session, script: String) -> Result<(), String> {
    let output: Output = link.exec(Exec::new(script, APT)).await.map_err(|cause| cause.to_string())?;
    if output.status == 0 { Ok(()) } else { Err(last_lines(&output.text())) }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
