//! Brings packages of a verified bundle onto hosts over their open connections: through a remote forward, or by
//! uploading exactly the files apt asks for where the host allows no forwarding.

use super::change::{BUSY, NOTE, WAIT, free_script, install_program, install_script, wait_script};
use super::host::{Install, Source, setup_script, wanted, wanted_script};
use super::manifest::REPOSITORY;
use super::serve::{Served, serve};
use super::{BundleError, Verified};
use crate::base::{Event, HostName, Sink, quote};
use crate::transport::{Exec, Forward, LinkError, Output, Session};
use std::time::Duration;

/// Port on the host's loopback that leads to the bundle; fixed, so that apt's lists there stay of use.
const PORT: u16 = 41_277;
/// How long fetching and one run of apt may take: a slow disk and a slow line, not a hang.
const WITHIN: Duration = Duration::from_mins(40);

/// A bundle ready to be installed from, for one version of the stack.
pub struct Supply {
    verified: Verified,
    served: Served,
    version: String,
    sink: Sink,
}

impl Supply {
    /// Starts serving a verified bundle on this machine's loopback.
    pub async fn open(verified: Verified, version: &str, sink: &Sink) -> Result<Self, BundleError> {
        let served = serve(&verified).await?;
        Ok(Self { verified, served, version: version.to_owned(), sink: sink.clone() })
    }

    /// The bundle.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Installs packages (`name` or `name=version`) on a host in one run of apt that starts nothing; units are masked
    /// before they come. Where packages are being installed already, it says so and waits. What changes the host goes on
    /// when the connection is lost. The error is what the operator must know.
    pub async fn install(
        &self,
        host: &HostName,
        link: &dyn Session,
        names: &[String],
        masks: &[String],
    ) -> Result<(), String> {
        let install = Install {
            names: names.to_vec(),
            masks: masks.to_vec(),
            aligned: self.verified.manifest().aligned(&self.version),
        };
        let site = Site { host, link, sink: &self.sink };
        match self.forward(link).await {
            Ok(forward) => self.run(site, &Source::Forward(forward.port), &install).await,
            Err(LinkError::NotAllowed { .. }) => {
                site.note("forwarding is off here: the packages are uploaded");
                self.by_upload(site, &install).await
            }
            Err(cause) => Err(cause.to_string()),
        }
    }

    /// The fixed port when it is free on the host, any other when not.
    async fn forward(&self, link: &dyn Session) -> Result<Forward, LinkError> {
        match link.forward(PORT, self.served.addr).await {
            Err(LinkError::NotAllowed { .. }) => link.forward(0, self.served.addr).await,
            other => other,
        }
    }

    /// Sends the index, asks the host's apt what it wants, sends that. It stays until the unit has ended.
    async fn by_upload(&self, site: Site<'_>, install: &Install) -> Result<(), String> {
        let root = Source::UPLOADS;
        let source = Source::Folder(root.to_owned());
        let folders = [format!("{root}/{REPOSITORY}/{}", self.version), format!("{root}/{REPOSITORY}/pool")];
        let folders: Vec<String> = folders.iter().map(|folder| quote(folder)).collect();
        let make = format!("{}umask 022; mkdir -p {}", free_script(), folders.join(" "));
        site.when_free(Exec::new(make, WITHIN)).await?;
        for name in ["InRelease", "Packages.gz", "Packages"] {
            self.upload(site.link, &format!("{REPOSITORY}/{}/{name}", self.version)).await?;
        }
        let asked = self.setup(&source)? + &wanted_script(install);
        let asked = site.exec(Exec::new(asked, WITHIN)).await?;
        for path in wanted(&String::from_utf8_lossy(&asked.stdout)) {
            self.upload(site.link, &path).await?;
        }
        self.run(site, &source, install).await
    }

    async fn upload(&self, link: &dyn Session, path: &str) -> Result<(), String> {
        let content = self.verified.read(path).map_err(|cause| cause.to_string())?;
        let place = format!("{}/{path}", Source::UPLOADS);
        link.upload(&place, &content, "0644", "root", "root").await.map_err(|cause| cause.to_string())
    }

    /// Points apt at the source and installs, in one execution.
    async fn run(&self, site: Site<'_>, source: &Source, install: &Install) -> Result<(), String> {
        let script = install_script(&self.setup(source)?, install);
        let exec = Exec::new(script, WITHIN).input(install_program(install, source));
        let output = site.when_free(exec).await?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            if let Some(text) = line.strip_prefix(NOTE) {
                site.note(text);
            }
        }
        Ok(())
    }

    fn setup(&self, source: &Source) -> Result<String, String> {
        let keyring = self.verified.keyring().map_err(|cause| cause.to_string())?;
        Ok(setup_script(&keyring, &self.version, source))
    }
}

/// One host and who hears about it.
#[derive(Clone, Copy)]
struct Site<'a> {
    host: &'a HostName,
    link: &'a dyn Session,
    sink: &'a Sink,
}

impl Site<'_> {
    fn note(&self, text: &str) {
        self.sink.send(Event::Note { host: Some(self.host.clone()), text: text.to_owned() });
    }

    /// Runs what wants the host's packages for itself; waits for others first, and says so.
    async fn when_free(&self, exec: Exec) -> Result<Output, String> {
        loop {
            let output = self.link.exec(exec.clone()).await.map_err(|cause| cause.to_string())?;
            let said = String::from_utf8_lossy(&output.stdout);
            match said.strip_prefix(WAIT) {
                Some(who) if output.status == BUSY => {
                    self.note(who.trim_end());
                    self.exec(Exec::new(wait_script(), WITHIN)).await?;
                }
                _ => return succeeded(output),
            }
        }
    }

    async fn exec(&self, exec: Exec) -> Result<Output, String> {
        succeeded(self.link.exec(exec).await.map_err(|cause| cause.to_string())?)
    }
}

fn succeeded(output: Output) -> Result<Output, String> {
    if output.status == 0 { Ok(output) } else { Err(output.text()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::build::small;
    use crate::bundle::{SigningKey, verify};
    use crate::transport::{Call, Fake, Fence};
    use futures_util::future::BoxFuture;
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use tempfile::TempDir;

    async fn supply() -> (TempDir, Supply) {
        let dir = tempfile::tempdir().unwrap();
        let (key, _) = SigningKey::generate().unwrap();
        small(&key, dir.path(), "2026-01-01T00:00:00Z");
        let verified = verify(&dir.path().join("b"), &[key.public_line()]).unwrap();
        let supply = Supply::open(verified, "1.0", &Sink::none()).await.unwrap();
        (dir, supply)
    }

    fn host() -> HostName {
        HostName::new("h").unwrap()
    }

    /// A host that forwards nothing.
    struct NoForward(Fake);

    impl Session for NoForward {
        fn exec(&self, exec: Exec) -> BoxFuture<'_, Result<Output, LinkError>> {
            self.0.exec(exec)
        }
        fn upload<'a>(
            &'a self,
            path: &'a str,
            content: &'a [u8],
            mode: &'a str,
            owner: &'a str,
            group: &'a str,
        ) -> BoxFuture<'a, Result<(), LinkError>> {
            self.0.upload(path, content, mode, owner, group)
        }
        fn forward(&self, _: u16, _: SocketAddr) -> BoxFuture<'_, Result<Forward, LinkError>> {
            Box::pin(async { Err(LinkError::NotAllowed { address: "h".into(), what: "forwarding".into() }) })
        }
        fn again(&self) -> BoxFuture<'_, Result<Box<dyn Session>, LinkError>> {
            self.0.again()
        }
        fn fenced(&self, fence: Fence) -> Arc<dyn Session> {
            self.0.fenced(fence)
        }
        fn close(&self) -> BoxFuture<'_, ()> {
            self.0.close()
        }
    }

    #[tokio::test]
    async fn packages_come_through_a_forward_in_one_execution() {
        let (_dir, supply) = supply().await;
        let fake = Fake::new();
        supply.install(&host(), &fake, &["server".into()], &["server.service".into()]).await.unwrap();
        assert!(matches!(fake.calls()[..], [Call::Forward(PORT), Call::Exec { .. }]), "{:?}", fake.calls());
        let script = &fake.scripts()[0];
        assert!(
            script.contains("http://127.0.0.1:41277/apt 1.0/") && script.contains("set -- server\n"),
            "{script}"
        );
        let Some(Call::Exec { input, .. }) = fake.calls().pop() else { panic!("no execution") };
        let program = String::from_utf8(input).unwrap();
        assert!(program.contains("for unit in server.service; do") && program.contains("set -- server\n"));
    }

    #[tokio::test]
    async fn what_apt_said_is_the_reason_of_a_failure() {
        let (_dir, supply) = supply().await;
        let fake = Fake::new().answer("apt-get", 1, "E: Unable to locate package server\n");
        let said = supply.install(&host(), &fake, &["server".into()], &[]).await.unwrap_err();
        assert_eq!(said, "E: Unable to locate package server");
    }

    #[tokio::test]
    async fn without_forwarding_only_what_apt_wants_is_sent() {
        let (_dir, supply) = supply().await;
        let pool = "apt/pool/server_1.0+b~c_amd64.deb";
        let asked =
            format!("'file:{}/apt/pool/server_1.0%2bb%7ec_amd64.deb' server_1.0.deb 15 \n", Source::UPLOADS);
        let link = NoForward(Fake::new().answer("--print-uris", 0, asked));
        supply.install(&host(), &link, &["server".into()], &[]).await.unwrap();
        let sent: Vec<String> = link
            .0
            .calls()
            .into_iter()
            .filter_map(|call| match call {
                Call::Upload { path, .. } => {
                    path.strip_prefix("/var/cache/imctl/bundle/").map(ToOwned::to_owned)
                }
                _ => None,
            })
            .collect();
        assert_eq!(sent, ["apt/1.0/InRelease", "apt/1.0/Packages.gz", "apt/1.0/Packages", pool]);
        let Some(Call::Exec { input, .. }) = link.0.calls().pop() else { panic!("no execution") };
        assert!(String::from_utf8(input).unwrap().contains("sweep\nrm -rf /var/cache/imctl/bundle\n"));
    }

    #[tokio::test]
    async fn packages_of_an_earlier_run_are_waited_for_and_that_is_said() {
        let (_dir, mut supply) = supply().await;
        let (told, asked) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let hear = Arc::clone(&told);
        supply.sink = Sink::new(move |event| {
            if let Event::Note { text, .. } = event {
                hear.lock().unwrap().push(text);
            }
        });
        let counted = Arc::clone(&asked);
        let fake =
            Fake::new().answer_with("systemd-run", move |_| match counted.fetch_add(1, Ordering::Relaxed) {
                0 => Output {
                    status: BUSY,
                    stdout: b"imctl wait: somebody: waiting\n".into(),
                    stderr: Vec::new(),
                },
                _ => Output { stdout: b"imctl note: repaired\n1 upgraded\n".into(), ..Output::default() },
            });
        supply.install(&host(), &fake, &["server".into()], &[]).await.unwrap();
        assert_eq!(*told.lock().unwrap(), ["somebody: waiting", "repaired"]);
        assert_eq!(fake.scripts()[1], wait_script());
    }
}
