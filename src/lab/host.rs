//! One host: its folder on top of the base, its start in a container, and the proof that it answers.

use super::record::{Lab, LabHost, Store, private_folder};
use super::run::run;
use super::{LabError, at, cgroup};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// The loop that keeps a host running through its reboots.
const KEEPER: &str = include_str!("host.sh");
/// User and group of `ops`: the first account that the base makes.
const OPS: u32 = 1000;

/// Writes what is a host's own: names, keys, logins.
pub(super) async fn prepare(store: &Store, lab: &Lab, host: &LabHost) -> Result<(), LabError> {
    let folder = store.host_folder(lab, host);
    let upper = folder.join("upper");
    for part in ["upper/etc/ssh", "scratch", "root"] {
        let part = folder.join(part);
        fs::create_dir_all(&part).map_err(at(&part))?;
    }
    // The root of the host is the upper folder: others must be able to enter it.
    fs::set_permissions(&upper, fs::Permissions::from_mode(0o755)).map_err(at(&upper))?;
    let name = host_name(host);
    let hosts =
        format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{} {name}\n", host.address);
    put(&upper.join("etc/hosts"), &hosts)?;
    put(&upper.join("etc/hostname"), &format!("{name}\n"))?;
    put(&upper.join("etc/machine-id"), &format!("{:032x}\n", rand::random::<u128>()))?;
    new_key(&upper.join("etc/ssh/ssh_host_ed25519_key"), &name).await?;
    let login = store.folder(&lab.name).join("key.pub");
    let login = fs::read_to_string(&login).map_err(at(&login))?;
    for (home, owner) in [("root", 0), ("home/ops", OPS)] {
        let home = upper.join(home);
        private_folder(&home)?;
        private_folder(&home.join(".ssh"))?;
        put(&home.join(".ssh/authorized_keys"), &login)?;
        for path in [home.clone(), home.join(".ssh"), home.join(".ssh/authorized_keys")] {
            chown(&path, Some(owner), Some(owner)).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// Lets `ops` do everything without a password, as the account that imctl logs in with must.
pub(super) fn trust(store: &Store, lab: &Lab, host: &LabHost) -> Result<(), LabError> {
    let folder = store.host_folder(lab, host).join("upper/etc/sudoers.d");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).map_err(at(&folder))?;
    let path = folder.join("ops");
    put(&path, "ops ALL=(ALL) NOPASSWD: ALL\n")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).map_err(at(&path))
}

/// Makes an SSH key pair.
pub(super) async fn new_key(path: &Path, comment: &str) -> Result<(), LabError> {
    let file = path.to_string_lossy();
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", &file]).await.map(drop)
}

/// The line of `known_hosts` for a host.
pub(super) fn known_line(store: &Store, lab: &Lab, host: &LabHost) -> Result<String, LabError> {
    let path = store.host_folder(lab, host).join("upper/etc/ssh/ssh_host_ed25519_key.pub");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let key: Vec<&str> = text.split_whitespace().take(2).collect();
    Ok(format!("{},{} {}\n", host.address, host.address6, key.join(" ")))
}

/// Starts a host that is not running; it goes on without this imctl.
pub(super) fn launch(store: &Store, lab: &Lab, host: &LabHost) -> Result<(), LabError> {
    let folder = store.host_folder(lab, host);
    let machine = lab.kernel_name(host);
    cgroup::make(&machine)?;
    let console = folder.join("console");
    let log = File::create(&console).map_err(at(&console))?;
    let errors = log.try_clone().map_err(at(&console))?;
    Command::new("setsid")
        .args(["unshare", "--mount", "--propagation", "private", "sh", "-c", KEEPER, "imctl-lab"])
        .arg(&folder)
        .args([&machine, &host_name(host)])
        .arg(&lab.base)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map(drop)
        .map_err(|cause| LabError::Program { command: "setsid".to_owned(), said: cause.to_string() })
}

/// Waits until a host's SSH server greets.
pub(super) async fn wait(store: &Store, lab: &Lab, host: &LabHost) -> Result<(), LabError> {
    let console = store.host_folder(lab, host).join("console");
    let failed = |what: &str| LabError::Host {
        host: host.name.to_string(),
        what: what.to_owned(),
        console: console.clone(),
    };
    let started = Instant::now();
    while !greets(host).await {
        let age = started.elapsed();
        if age > Duration::from_secs(2) && !is_running(lab, host) {
            return Err(failed("stopped while it was starting"));
        }
        if age > Duration::from_secs(90) {
            return Err(failed("does not answer on port 22 after 90 s"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn greets(host: &LabHost) -> bool {
    use tokio::io::AsyncReadExt;
    let attempt = async {
        let mut stream = tokio::net::TcpStream::connect((host.address, 22)).await?;
        let mut greeting = [0; 4];
        stream.read_exact(&mut greeting).await.map(|_| greeting == *b"SSH-")
    };
    matches!(tokio::time::timeout(Duration::from_secs(1), attempt).await, Ok(Ok(true)))
}

/// Whether anything of a host is running.
pub(super) fn is_running(lab: &Lab, host: &LabHost) -> bool {
    !cgroup::processes(&lab.kernel_name(host)).is_empty()
}

/// The first process of a running host, as this machine numbers it.
pub(super) fn leader(lab: &Lab, host: &LabHost) -> Option<u32> {
    let is_first = |process: &u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
        let ids: Vec<&str> = ids.split_whitespace().collect();
        ids.len() > 1 && ids.last() == Some(&"1")
    };
    cgroup::processes(&lab.kernel_name(host)).into_iter().find(is_first)
}

/// The name a host calls itself: its inventory name where that is a host name, else its place in the lab.
fn host_name(host: &LabHost) -> String {
    let name = host.name.as_str();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain { name.to_ascii_lowercase() } else { format!("host{}", host.index) }
}

fn put(path: &Path, text: &str) -> Result<(), LabError> {
    File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(at(path))
}
