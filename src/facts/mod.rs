//! What a host is: one probe script and the reader of its answer. What could not be found out is none,
//! never 0. It does not know how the script gets to the host.

mod deep;
mod disk;
mod guard;
mod hunt;
mod listener;
mod logins;
mod mesh;
mod reach;
mod read;
mod sample;
mod script;

pub use deep::{DEEP_KEY, DeepFacts, Room, deep_script, parse_deep};
pub use disk::{DISK_WITHIN, DiskSpeed, DiskSpeeds, disk_script, parse_disk};
pub use guard::{GUARD_WITHIN, GuardFacts, guard_script, parse_guard};
pub use hunt::{HUNT_WITHIN, Hunted, hunt_script, parse_hunt};
pub use listener::{Listener, Transport};
pub use logins::{LOGINS_KEY, LastLogin, Login, logins_script, parse_logins};
pub use mesh::{Answer, Call, Called, Listening, MESH_WITHIN, MeshSaid, Way, mesh_script, parse_mesh};
pub use reach::{parse_reach, reach_script, reach_within};
pub use read::parse;
pub use sample::{Busy, parse_samples, sample_script};
pub use script::{KEY, script, script_with_listeners};

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What one host is and has, at the moment of the look.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct HostFacts {
    /// `ID` of os-release, such as `debian`.
    pub os_id: Option<String>,
    /// `VERSION_ID` of os-release, such as `12`.
    pub os_version: Option<String>,
    /// `PRETTY_NAME` of os-release.
    pub os_name: Option<String>,
    /// dpkg's architecture, such as `amd64`.
    pub arch: Option<String>,
    /// Release of the running kernel.
    pub kernel: Option<String>,
    /// Name of process 1, such as `systemd`.
    pub init: Option<String>,
    /// Version of systemd, such as `252`.
    pub systemd: Option<u32>,
    /// What systemd says it runs in: `none`, `kvm`, `systemd-nspawn`.
    pub virtualization: Option<String>,
    /// The host's own name.
    pub hostname: Option<String>,
    /// `/etc/machine-id`.
    pub machine_id: Option<String>,
    /// Differs after each boot.
    pub boot_id: Option<String>,
    /// Seconds since the boot.
    pub uptime_s: Option<u64>,
    /// Processors that may be used.
    pub cpus: Option<u32>,
    /// Memory that may be used, in MiB: the machine's, or the control group's where that is less.
    pub memory_mib: Option<u64>,
    /// Memory available without swapping, in MiB.
    pub available_mib: Option<u64>,
    /// Swap in MiB; 0 = there is none.
    pub swap_mib: Option<u64>,
    /// Load average of the last minute.
    pub load: Option<f64>,
    /// Local file systems.
    pub mounts: Vec<Mount>,
    /// Addresses without loopback and link-local ones.
    pub addresses: Vec<IpAddr>,
    /// Network interfaces without loopback.
    pub interfaces: Vec<Interface>,
    /// Sockets that listen; none when they could not be read.
    pub listeners: Option<Vec<Listener>>,
    /// Our own connection as sshd sees it.
    pub ssh: Option<SshEnds>,
    /// Seconds since 1970 on the host's clock.
    pub time: Option<f64>,
    /// Time zone, such as `Asia/Shanghai`.
    pub time_zone: Option<String>,
    /// Whether the kernel holds the clock to be synchronised.
    pub clock_synced: Option<bool>,
    /// `LANG` of the system.
    pub locale: Option<String>,
}

/// A local file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mount {
    /// Where it is mounted.
    pub path: String,
    /// Kind, such as `ext4`.
    pub kind: String,
    /// Size in bytes.
    pub size: u64,
    /// Bytes that a service may still write.
    pub free: u64,
    /// Inodes left; none where the file system has no fixed number.
    pub free_inodes: Option<u64>,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Largest packet in bytes.
    pub mtu: Option<u32>,
    /// Mbit/s; none where the driver does not say.
    pub speed: Option<u32>,
    /// Whether it is up.
    pub up: bool,
}

/// Both ends of our connection as sshd sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SshEnds {
    /// Where we come from.
    pub client: IpAddr,
    /// The address we reached.
    pub server: IpAddr,
    /// The port we reached.
    pub port: u16,
}

impl HostFacts {
    /// The file system that a path is on or will be on.
    pub fn mount(&self, path: &str) -> Option<&Mount> {
        let holds = |mount: &&Mount| {
            mount.path == "/"
                || path.strip_prefix(&mount.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.mounts.iter().filter(holds).max_by_key(|mount| mount.path.len())
    }
}
