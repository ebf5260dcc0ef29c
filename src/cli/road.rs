//! The first part of the road, before any host is contacted: inventory, stack, topology, bundle, state.

use super::renewal::{Placing, Renewal};
use super::{Failure, Global, offer};
use crate::base::HostName;
use crate::bundle::{self, Verified};
use crate::desired::Leaving;
use crate::inventory::{self, Edit, Inventory};
use crate::plan::Pace;
use crate::sizing;
use crate::stack::{self, Stack};
use crate::state::State;
use crate::topology::{self, Topology};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What is known without contacting anybody.
pub(super) struct Road {
    /// Who stands where; holds inventory and stack.
    pub(super) topology: Topology,
    /// Hosts this command is about.
    pub(super) hosts: Vec<HostName>,
    /// Hosts that the operator declares lost.
    pub(super) lost: Vec<HostName>,
    /// The operator's folder beside the inventory.
    pub(super) state: State,
    /// The bundle, checked; none when none is named.
    pub(super) bundle: Option<Verified>,
    /// The inventory file.
    pub(super) text: String,
    /// SHA-256 of the inventory file.
    pub(super) inventory_digest: String,
    /// Settings that follow from the size of the service, in words.
    pub(super) sized: Vec<String>,
    /// How a change of version rolls.
    pub(super) pace: Pace,
    /// Going back to an older version is meant.
    pub(super) back: bool,
    /// What comes after the last host has changed is done also when nothing else is left.
    pub(super) finishes: bool,
    /// How the deployment goes where it is destroyed.
    pub(super) going: Leaving,
    /// What is not well is restarted.
    pub(super) heals: bool,
    /// A change of the inventory file that belongs to it; written when the hosts are ours, or at the end when hosts leave: until
    /// they are gone, it names them.
    pub(super) edit: Option<Edit>,
    /// The service as it was, with hosts that leave for good; none when none does.
    pub(super) before: Option<Topology>,
    /// What is made anew although what there is would serve.
    pub(super) renewal: Renewal,
    /// Files of the operator's that belong to it; put in place with the inventory's change.
    pub(super) placing: Vec<Placing>,
}

impl Road {
    /// Walks it.
    pub(super) fn open(global: &Global) -> Result<Self, Failure> {
        let mut road = Self::without_bundle(global)?;
        road.bundle = bundle_of(global, &road.topology, &road.state)?;
        Ok(road)
    }

    /// The same for commands that install nothing and so need no bundle.
    pub(super) fn without_bundle(global: &Global) -> Result<Self, Failure> {
        let road = Self::whatever_happened(global)?;
        road.state.intact()?;
        Ok(road)
    }

    /// The same for a command that judges the past itself, whether or not it reads as it was written.
    pub(super) fn whatever_happened(global: &Global) -> Result<Self, Failure> {
        let path = inventory_path(global)?;
        let inventory = inventory::load(&path)?;
        let text = std::fs::read_to_string(&path)
            .map_err(|cause| Failure::Usage(format!("cannot read `{}`: {cause}", path.display())))?;
        Self::of(global, &inventory, &text)
    }

    /// The road of the file alone: keys and certificates that it names are not looked at, and no bundle.
    pub(super) fn of_file(global: &Global) -> Result<Self, Failure> {
        let path = inventory_path(global)?;
        let inventory = inventory::load_alone(&path)?;
        let text = std::fs::read_to_string(&path)
            .map_err(|cause| Failure::Usage(format!("cannot read `{}`: {cause}", path.display())))?;
        let road = Self::of(global, &inventory, &text)?;
        road.state.intact()?;
        Ok(road)
    }

    /// The same with the bundle.
    pub(super) fn open_file(global: &Global) -> Result<Self, Failure> {
        let mut road = Self::of_file(global)?;
        road.bundle = bundle_of(global, &road.topology, &road.state)?;
        Ok(road)
    }

    /// The road of an inventory as it will be after an edit.
    pub(super) fn after(global: &Global, edit: Edit) -> Result<Self, Failure> {
        let inventory = inventory::parse(edit.path(), edit.after())?;
        let mut road = Self::of(global, &inventory, edit.after())?;
        road.state.intact()?;
        road.bundle = bundle_of(global, &road.topology, &road.state)?;
        road.edit = Some(edit);
        Ok(road)
    }

    fn of(global: &Global, inventory: &Inventory, text: &str) -> Result<Self, Failure> {
        let hosts = inventory::select(inventory, &global.on)?;
        let mut stack = stack_of(inventory)?;
        offer::hold(inventory, &stack.file)?;
        let sized = sizing::settle(&mut stack, inventory)?;
        let topology = topology::build(inventory, &stack)?;
        let state = State::open(&inventory.path, &inventory.name)?;
        Ok(Self {
            topology,
            hosts,
            lost: Vec::new(),
            state,
            bundle: None,
            text: text.to_owned(),
            inventory_digest: hex::encode(Sha256::digest(text)),
            sized,
            pace: Pace::default(),
            back: false,
            finishes: false,
            going: Leaving::Whole,
            heals: false,
            edit: None,
            before: None,
            renewal: Renewal::Nothing,
            placing: Vec::new(),
        })
    }

    /// The same road without hosts that the operator declares lost.
    pub(super) fn without(mut self, lost: &[String]) -> Result<Self, Failure> {
        if lost.is_empty() {
            return Ok(self);
        }
        self.lost = inventory::select(self.inventory(), lost)?;
        self.hosts.retain(|host| !self.lost.contains(host));
        let bare = |components: Vec<crate::base::Component>| {
            let names: Vec<String> = components.iter().map(|name| format!("`{name}`")).collect();
            Failure::Refused(format!(
                "no host would be left for {}: put another host into the inventory first",
                names.join(", ")
            ))
        };
        self.topology = self.topology.without(self.lost.iter().cloned().collect()).map_err(bare)?;
        Ok(self)
    }

    /// The same road with the service as it was before hosts leave; those declared lost are not asked.
    pub(super) fn leaving(mut self, before: Topology) -> Self {
        self.lost.extend(before.lost.iter().filter(|host| before.leaving.contains(*host)).cloned());
        self.hosts.extend(before.leaving.difference(&before.lost).cloned());
        self.before = Some(before);
        self
    }

    /// The inventory with hosts that leave, for reaching them.
    pub(super) fn everyone(&self) -> &Inventory {
        self.before.as_ref().map_or(self.inventory(), |before| &before.inventory)
    }

    /// All hosts of the inventory that are not declared lost.
    pub(super) fn present(&self) -> Vec<HostName> {
        let hosts = self.inventory().hosts.iter().map(|host| host.name.clone());
        hosts.filter(|host| !self.lost.contains(host)).collect()
    }

    /// The inventory.
    pub(super) fn inventory(&self) -> &Inventory {
        &self.topology.inventory
    }

    /// The inventory as the operator typed it, for commands in hints.
    pub(super) fn typed(&self) -> String {
        crate::base::quote(&self.inventory().path.display().to_string())
    }
}

/// SHA-256 of an inventory file.
pub(super) fn digest_of(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read(path)
        .map_err(|cause| Failure::Usage(format!("cannot read `{}`: {cause}", path.display())))?;
    Ok(hex::encode(Sha256::digest(text)))
}

/// The inventory that the operator names.
pub(super) fn inventory_path(global: &Global) -> Result<PathBuf, Failure> {
    let missing = "no inventory is named: give its file with `-i FILE` or in IMCTL_INVENTORY";
    global.inventory.clone().ok_or_else(|| Failure::Usage(missing.to_owned()))
}

/// The stack of an inventory.
pub(super) fn stack_of(inventory: &Inventory) -> Result<Stack, Failure> {
    let beside = inventory.path.parent().unwrap_or(Path::new("."));
    Ok(stack::load(&inventory.stack, beside)?)
}

/// The bundle that is named, else the deployment's own when it was built. Every file of it is checked here.
fn bundle_of(global: &Global, topology: &Topology, state: &State) -> Result<Option<Verified>, Failure> {
    let inventory = &topology.inventory;
    let own = state.path("bundle");
    let named = global.bundle.as_ref().or(inventory.bundle.path.as_ref());
    let Some(dir) = named.or(own.exists().then_some(&own)) else { return Ok(None) };
    let verified = bundle::verify(dir, &inventory.bundle.trusted_keys)?;
    let platform = topology.stack.file.platforms.first().map(String::as_str).unwrap_or_default();
    verified.fits(&topology.stack.file.name, &topology.version, platform)?;
    Ok(Some(verified))
}
