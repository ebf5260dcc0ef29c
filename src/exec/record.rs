//! What imctl leaves on a host about itself: the manifest of what it put there, and a mirror of encrypted state.

use super::run::Run;
use crate::base::{HostName, quote};
use crate::plan::{Manifest, manifest_of, manifest_path};
use crate::transport::{Exec, Session};
use std::time::Duration;

/// Writes the manifest of a host. Before the work it holds what is and what will be, after it what is.
pub(super) async fn write(run: &Run<'_>, host: &HostName, finished: bool) -> Result<(), String> {
    let link = run.fleet.link(host).ok_or_else(|| format!("there is no connection to `{host}`"))?;
    let wanted = manifest_of(&run.release(), run.desired.on(host));
    let manifest = if finished {
        wanted
    } else {
        wanted.with(run.observed.get(host).map(Manifest::seen).unwrap_or_default())
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|cause| cause.to_string())?;
    let path = manifest_path(&run.plan.deployment);
    let folder = path.trim_end_matches("/manifest.json");
    if !finished {
        make_folder(link.as_ref(), folder).await?;
        for (name, content) in &run.mirror {
            if let Some((below, _)) = name.rsplit_once('/') {
                make_folder(link.as_ref(), &format!("{folder}/{below}")).await?;
            }
            put(link.as_ref(), &format!("{folder}/{name}"), content).await?;
        }
    }
    put(link.as_ref(), &path, &text).await
}

async fn make_folder(link: &dyn Session, folder: &str) -> Result<(), String> {
    let script = format!("umask 077; mkdir -p {0} && chmod 0700 {0}", quote(folder));
    let output =
        link.exec(Exec::new(script, Duration::from_secs(20))).await.map_err(|cause| cause.to_string())?;
    if output.status == 0 { Ok(()) } else { Err(output.text()) }
}

async fn put(link: &dyn Session, path: &str, content: &[u8]) -> Result<(), String> {
    let done = link.upload(path, content, "0600", "root", "root").await;
    done.map_err(|cause| format!("cannot write `{path}`: {cause}"))
}
