//! The life of a lab: up, down, and what happens to its hosts in between.

use super::record::{Lab, LabHost, Store, free_number, private_folder};
use super::{LabError, Login, Reach, Template, at, base, cgroup, host, needs, net};
use crate::base::Sink;
use futures_util::future::try_join_all;
use std::path::{Path, PathBuf};

/// What a lab is to be.
#[derive(Debug)]
pub struct Order {
    /// Its name.
    pub name: String,
    /// The inventory whose hosts it stands in for.
    pub template: Template,
    /// Where the ready inventory is written; none = in the lab's folder.
    pub out: Option<PathBuf>,
    /// How the inventory says that hosts are reached.
    pub reach: Reach,
    /// Where the base's packages come from; none = this machine's own apt sources.
    pub mirror: Option<String>,
}

/// Makes a lab, or adds to a lab the hosts it does not have yet and starts those that do not run.
pub async fn up(store: &Store, order: Order, sink: &Sink) -> Result<Lab, LabError> {
    check_name(&order.name)?;
    needs::check(base::folder().exists())?;
    store.open()?;
    let _held = store.lock(&order.name)?;
    let base = base::ensure(order.mirror.as_deref(), store, sink).await?;
    let (mut lab, is_new) = recorded(store, &order.name, base).await?;
    let folder = store.folder(&lab.name);
    let there = lab.hosts.len();
    for name in order.template.host_names()? {
        if lab.host(name.as_str()).is_err() {
            lab.add(&name)?;
        }
    }
    lab.inventory = std::path::absolute(order.out.unwrap_or_else(|| folder.join("inventory.yml")))
        .map_err(at(&folder))?;
    store.save(&lab)?;
    if is_new {
        host::new_key(&folder.join("key"), &format!("imctl lab {}", lab.name)).await?;
        net::make_switch(&lab).await?;
    }
    sink.phase(format!("starting {}", counted(lab.hosts.len() - there)));
    try_join_all(lab.hosts[there..].iter().map(|host| add(store, &lab, host, order.reach.login))).await?;
    for host in &lab.hosts[..there] {
        restart(store, &lab, host).await?;
    }
    write_files(store, &lab, order.template, order.reach)?;
    try_join_all(lab.hosts.iter().map(|host| host::wait(store, &lab, host))).await?;
    Ok(lab)
}

/// The lab as recorded, or a new record with a number of its own; whether it is new.
async fn recorded(store: &Store, name: &str, base: PathBuf) -> Result<(Lab, bool), LabError> {
    let _held = store.lock_all()?;
    let labs = store.list()?;
    if let Some(lab) = labs.iter().find(|lab| lab.name == name) {
        let whole = store.is_open(lab);
        if !whole
            || lab.hosts.iter().any(|host| !Path::new("/run/netns").join(lab.kernel_name(host)).exists())
        {
            let why = format!("lab `{name}` is only half there: `imctl lab down --name {name}` removes it");
            return Err(LabError::Usage(why));
        }
        return Ok((lab.clone(), false));
    }
    let number = free_number(&labs, &net::used().await?);
    let number = number.ok_or_else(|| LabError::Usage("no network is left for one more lab".to_owned()))?;
    let lab = Lab::new(name, number, base);
    private_folder(&store.folder(name))?;
    store.save(&lab)?;
    Ok((lab, true))
}

async fn add(store: &Store, lab: &Lab, host: &LabHost, login: Login) -> Result<(), LabError> {
    tokio::try_join!(net::make_host(lab, host), host::prepare(store, lab, host))?;
    if login == Login::Ops {
        host::trust(store, lab, host)?;
    }
    host::launch(store, lab, host)
}

/// Writes what is needed to reach the hosts: their keys, and the inventory.
fn write_files(store: &Store, lab: &Lab, template: Template, reach: Reach) -> Result<(), LabError> {
    let folder = store.folder(&lab.name);
    let lines: Result<String, LabError> =
        lab.hosts.iter().map(|host| host::known_line(store, lab, host)).collect();
    let known = folder.join("known_hosts");
    std::fs::write(&known, lines?).map_err(at(&known))?;
    if let Some(parent) = lab.inventory.parent() {
        std::fs::create_dir_all(parent).map_err(at(parent))?;
    }
    std::fs::write(&lab.inventory, template.inventory(lab, &folder, reach)).map_err(at(&lab.inventory))
}

/// Removes everything of a lab that there is, whole or half made.
pub async fn down(store: &Store, name: Option<&str>) -> Result<Lab, LabError> {
    needs::check(true)?;
    let name = store.find(name)?.name;
    let _held = store.lock(&name)?;
    // Read again: it may have grown, or gone, before it was held.
    let lab = store.find(Some(&name)).inspect_err(|_| store.forget_lock(&name))?;
    let folder = store.folder(&lab.name);
    store.close(&lab)?;
    sweep(&lab).await?;
    tokio::fs::remove_dir_all(&folder).await.map_err(at(&folder))?;
    store.forget_lock(&lab.name);
    Ok(lab)
}

async fn sweep(lab: &Lab) -> Result<(), LabError> {
    let names: Vec<String> = lab.hosts.iter().map(|host| lab.kernel_name(host)).collect();
    try_join_all(names.iter().map(|name| cgroup::remove(name))).await?;
    net::remove(lab).await
}

/// Ends a host as a power cut does.
pub async fn kill(store: &Store, name: Option<&str>, host: &str) -> Result<(), LabError> {
    let (lab, _held) = hold(store, name)?;
    let host = lab.host(host)?;
    // First the cable: a machine without power says goodbye to nobody.
    net::set_link(&lab, host, false).await?;
    cgroup::remove(&lab.kernel_name(host)).await
}

/// Starts a host that was killed or switched off, and waits for its SSH server.
pub async fn start(store: &Store, name: Option<&str>, host: &str) -> Result<(), LabError> {
    let (lab, _held) = hold(store, name)?;
    let host = lab.host(host)?;
    restart(store, &lab, host).await?;
    host::wait(store, &lab, host).await
}

/// Starts a host that does not run, with its cable in.
async fn restart(store: &Store, lab: &Lab, host: &LabHost) -> Result<(), LabError> {
    if host::is_running(lab, host) {
        return Ok(());
    }
    net::set_link(lab, host, true).await?;
    host::launch(store, lab, host)
}

/// Pulls a host's cable; with `from`, only parts the two.
pub async fn cut(store: &Store, name: Option<&str>, host: &str, from: Option<&str>) -> Result<(), LabError> {
    let (lab, _held) = hold(store, name)?;
    let host = lab.host(host)?;
    let Some(from) = from else { return net::set_link(&lab, host, false).await };
    needs::check_filter()?;
    net::part(&lab, host, apart(&lab, host, from)?).await
}

/// Puts a host's cable back and lets it reach all others again; with `from`, only that one.
pub async fn heal(store: &Store, name: Option<&str>, host: &str, from: Option<&str>) -> Result<(), LabError> {
    let (lab, _held) = hold(store, name)?;
    let host = lab.host(host)?;
    if let Some(from) = from {
        needs::check_filter()?;
        return net::join(&lab, host, &[apart(&lab, host, from)?]).await;
    }
    net::set_link(&lab, host, true).await?;
    let others: Vec<&LabHost> = lab.hosts.iter().filter(|other| other.index != host.index).collect();
    if others.is_empty() || needs::check_filter().is_err() {
        return Ok(());
    }
    net::join(&lab, host, &others).await
}

/// The other one of two hosts; a host is never parted from itself.
fn apart<'a>(lab: &'a Lab, host: &LabHost, from: &str) -> Result<&'a LabHost, LabError> {
    let other = lab.host(from)?;
    if other.index == host.index {
        return Err(LabError::Usage(format!("`{from}` cannot be parted from itself")));
    }
    Ok(other)
}

fn hold(store: &Store, name: Option<&str>) -> Result<(Lab, std::fs::File), LabError> {
    needs::check(true)?;
    let lab = store.find(name)?;
    let held = store.lock(&lab.name)?;
    Ok((lab, held))
}

/// A lab's name is a folder and a part of commands.
fn check_name(name: &str) -> Result<(), LabError> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain && !name.is_empty() && name.len() <= 40 && !name.starts_with('-') {
        return Ok(());
    }
    Err(LabError::Usage(format!("`{name}` is no name for a lab: letters, digits and `-`, at most 40")))
}

fn counted(hosts: usize) -> String {
    if hosts == 1 { "1 host".to_owned() } else { format!("{hosts} hosts") }
}
