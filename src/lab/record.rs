//! What a lab is, written down before anything of it is made, and the folder where labs are recorded.

use super::{LabError, at};
use crate::base::HostName;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// Where labs live.
const ROOT: &str = "/var/lib/imctl-lab";
/// The record of a lab; hosts start only while it is there.
const RECORD: &str = "lab.json";
/// The record of a lab that is going down.
const CLOSED: &str = "lab.json.down";
/// Lab number N has the network A.B.N.0/24 of the first of these that this machine does not use; the last is the
/// range set aside for measurements (RFC 2544).
const NETWORKS: [[u8; 2]; 3] = [[10, 213], [172, 27], [198, 18]];
/// The first host's number in its network.
const FIRST: u8 = 11;
/// As many hosts as a lab's network holds below the client.
const MOST: usize = 200;
/// The number of the client, a machine that is no peer.
const CLIENT: u8 = 250;

/// A lab as recorded in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lab {
    /// Its name.
    pub name: String,
    /// Its number, which all names in the kernel follow from.
    pub number: u8,
    /// Its network.
    pub network: Ipv4Net,
    /// The folder of the base its hosts stand on.
    pub base: PathBuf,
    /// Its hosts.
    pub hosts: Vec<LabHost>,
    /// The inventory written for it.
    pub inventory: PathBuf,
}

/// A host of a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LabHost {
    /// Its name in the inventory.
    pub name: HostName,
    /// Its place in the lab, from 1.
    pub index: u8,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its IPv6 address.
    pub address6: Ipv6Addr,
}

impl Lab {
    /// A lab without hosts.
    pub(super) fn new(name: &str, (number, network): (u8, Ipv4Net), base: PathBuf) -> Self {
        Self { name: name.to_owned(), number, network, base, hosts: vec![], inventory: PathBuf::new() }
    }

    /// Adds a host that is not there yet; too many are refused.
    pub(super) fn add(&mut self, name: &HostName) -> Result<(), LabError> {
        if self.hosts.len() >= MOST {
            return Err(LabError::Usage(format!("a lab holds at most {MOST} hosts")));
        }
        let last = self.hosts.iter().map(|host| host.index).max().unwrap_or(0);
        let index = last + 1;
        let address = self.address(FIRST - 1 + index);
        let address6 =
            Ipv6Addr::new(0xfdc0, 0x1ab, self.number.into(), 0, 0, 0, 0, (FIRST - 1 + index).into());
        self.hosts.push(LabHost { name: name.clone(), index, address, address6 });
        Ok(())
    }

    /// The host of that name.
    pub fn host(&self, name: &str) -> Result<&LabHost, LabError> {
        self.hosts.iter().find(|host| host.name.as_str() == name).ok_or_else(|| {
            let names: Vec<&str> = self.hosts.iter().map(|host| host.name.as_str()).collect();
            LabError::Unknown(format!(
                "lab `{}` has no host `{name}`; its hosts are {}",
                self.name,
                names.join(", ")
            ))
        })
    }

    /// This machine's own address in the lab.
    pub fn gateway(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// The address of the client, which is no peer.
    pub fn client_address(&self) -> Ipv4Addr {
        self.address(CLIENT)
    }

    /// The interface that leads from this machine into the lab.
    pub fn interface(&self) -> String {
        format!("imlab{}", self.number)
    }

    /// The network namespace that holds the bridge.
    pub fn switch(&self) -> String {
        format!("imlab{}", self.number)
    }

    /// The network namespace of the client.
    pub fn client(&self) -> String {
        format!("imlab{}-client", self.number)
    }

    /// What a host is called in the kernel: its network namespace, control group and machine name.
    pub fn kernel_name(&self, host: &LabHost) -> String {
        format!("imlab{}-{}", self.number, host.index)
    }

    fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c, _] = self.network.network().octets();
        Ipv4Addr::new(a, b, c, last)
    }
}

/// The folder where labs are recorded.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Default for Store {
    fn default() -> Self {
        Self { root: PathBuf::from(ROOT) }
    }
}

impl Store {
    /// A lab's folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A host's folder.
    pub fn host_folder(&self, lab: &Lab, host: &LabHost) -> PathBuf {
        self.folder(&lab.name).join("hosts").join(host.index.to_string())
    }

    /// All labs, by name.
    pub fn list(&self) -> Result<Vec<Lab>, LabError> {
        let Ok(entries) = std::fs::read_dir(&self.root) else { return Ok(vec![]) };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|entry| record_in(&entry.path()).is_some())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names.iter().map(|name| self.load(name)).collect()
    }

    /// The lab of that name; without a name the only one there is.
    pub fn find(&self, name: Option<&str>) -> Result<Lab, LabError> {
        if let Some(name) = name {
            return self.load(name);
        }
        let mut labs = self.list()?;
        match labs.len() {
            0 => Err(LabError::Unknown("there is no lab; `imctl lab up` makes one".to_owned())),
            1 => Ok(labs.remove(0)),
            _ => {
                let names: Vec<String> = labs.into_iter().map(|lab| lab.name).collect();
                Err(LabError::Usage(format!("say which lab with --name: {}", names.join(", "))))
            }
        }
    }

    fn load(&self, name: &str) -> Result<Lab, LabError> {
        let unknown = || LabError::Unknown(format!("there is no lab `{name}`"));
        let path = record_in(&self.folder(name)).ok_or_else(unknown)?;
        let text = std::fs::read_to_string(&path).map_err(at(&path))?;
        serde_json::from_str(&text).map_err(|cause| at(&path)(std::io::Error::other(cause)))
    }

    /// Writes a lab down, whole or not at all.
    pub(super) fn save(&self, lab: &Lab) -> Result<(), LabError> {
        let path = self.folder(&lab.name).join(RECORD);
        let text = serde_json::to_string_pretty(lab).expect("a record of plain values is JSON");
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, text).map_err(at(&fresh))?;
        std::fs::rename(&fresh, &path).map_err(at(&path))
    }

    /// Whether a lab is not going down.
    pub(super) fn is_open(&self, lab: &Lab) -> bool {
        self.folder(&lab.name).join(RECORD).exists()
    }

    /// Marks a lab as going down: from here on none of its hosts starts any more.
    pub(super) fn close(&self, lab: &Lab) -> Result<(), LabError> {
        let folder = self.folder(&lab.name);
        let record = folder.join(RECORD);
        if !record.exists() {
            return Ok(());
        }
        std::fs::rename(&record, folder.join(CLOSED)).map_err(at(&record))
    }

    /// Makes the folder of all labs, for root alone.
    pub(super) fn open(&self) -> Result<(), LabError> {
        private_folder(&self.root)
    }

    /// Holds back every other imctl that wants a number for a new lab, until the answer is dropped.
    pub(super) fn lock_all(&self) -> Result<File, LabError> {
        let path = self.root.join(".lock");
        let file = File::create(&path).map_err(at(&path))?;
        file.lock().map_err(at(&path))?;
        Ok(file)
    }

    /// Holds one lab until the answer is dropped; refused when another imctl holds it.
    pub(super) fn lock(&self, name: &str) -> Result<File, LabError> {
        use std::os::unix::fs::MetadataExt;
        let path = self.lock_path(name);
        loop {
            let file = File::create(&path).map_err(at(&path))?;
            file.try_lock().map_err(|_| LabError::Busy(name.to_owned()))?;
            let held = file.metadata().map_err(at(&path))?.ino();
            // A `down` that ended between the two lines above took the file away: then this lock holds nothing.
            if std::fs::metadata(&path).is_ok_and(|now| now.ino() == held) {
                return Ok(file);
            }
        }
    }

    /// Removes a lab's lock file; the holder calls it last.
    pub(super) fn forget_lock(&self, name: &str) {
        // It holds nothing; one left behind is taken again by name.
        let _ = std::fs::remove_file(self.lock_path(name));
    }

    fn lock_path(&self, name: &str) -> PathBuf {
        self.root.join(format!(".{name}.lock"))
    }
}

/// The record in a lab's folder, of a lab that is up or of one whose `down` was cut short.
fn record_in(folder: &Path) -> Option<PathBuf> {
    [RECORD, CLOSED].iter().map(|name| folder.join(name)).find(|path| path.exists())
}

/// Makes a folder that only root may enter.
pub(super) fn private_folder(path: &Path) -> Result<(), LabError> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path).map_err(at(path))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(at(path))
}

/// The smallest number that no lab has, with a network that no route or address of this machine touches.
pub(super) fn free_number(labs: &[Lab], used: &[Ipv4Net]) -> Option<(u8, Ipv4Net)> {
    let taken = |number: u8| labs.iter().any(|lab| lab.number == number);
    (1..=250).filter(|&number| !taken(number)).find_map(|number| {
        let networks =
            NETWORKS.iter().map(|[a, b]| Ipv4Net::new_assert(Ipv4Addr::new(*a, *b, number, 0), 24));
        let touched =
            |network: &Ipv4Net| used.iter().any(|other| other.contains(network) || network.contains(other));
        networks.into_iter().find(|network| !touched(network)).map(|network| (number, network))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_whose_network_the_machine_uses_is_not_given() {
        let net = |text: &str| text.parse::<Ipv4Net>().expect("a network");
        let lab = Lab::new("one", (1, net("10.213.1.0/24")), PathBuf::new());
        assert_eq!(free_number(&[], &[]), Some((1, net("10.213.1.0/24"))));
        assert_eq!(
            free_number(std::slice::from_ref(&lab), &[net("10.213.2.128/25")]),
            Some((2, net("172.27.2.0/24")))
        );
        assert_eq!(
            free_number(&[lab], &[net("10.0.0.0/8"), net("172.16.0.0/12")]),
            Some((2, net("198.18.2.0/24")))
        );
        assert_eq!(free_number(&[], &[net("0.0.0.0/0")]), None);
    }

    #[test]
    fn hosts_get_addresses_in_order_and_keep_their_place() {
        let mut lab = Lab::new("one", (7, "10.213.7.0/24".parse().expect("a network")), PathBuf::new());
        for name in ["app1", "数据库1"] {
            lab.add(&HostName::new(name).expect("a name")).expect("room");
        }
        let second = lab.host("数据库1").expect("it was added");
        assert_eq!(second.address, Ipv4Addr::new(10, 213, 7, 12));
        assert_eq!(second.address6.to_string(), "fdc0:1ab:7::c");
        assert_eq!(lab.kernel_name(second), "imlab7-2");
        assert!(lab.host("app9").expect_err("unknown").to_string().contains("app1, 数据库1"));
    }
}
