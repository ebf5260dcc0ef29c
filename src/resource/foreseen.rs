//! What a look will see of a resource once it is right: for a plan whose later stages begin where the earlier ones end. Only
//! for kinds that may differ between such stages, which are those that can hold a secret, and services.

use super::path::sha256;
use super::{Command, File, Resource, Service, ServiceState};
use crate::record::{Answer, Observed, PathKind, PathState, UnitState};

impl Resource {
    /// Writes into `seen` what a look will see once this is right.
    pub fn foresee(&self, seen: &mut Observed) {
        match self {
            Self::File(file) => drop(seen.paths.insert(file.path.clone(), path_of(file))),
            Self::Command(command) => after(command, seen),
            Self::Service(service) if self.kind().diff(seen).is_some() => {
                seen.units.insert(service.unit.clone(), unit_of(service));
            }
            _ => {}
        }
    }
}

fn path_of(file: &File) -> PathState {
    let text = file.content.as_deref().unwrap_or_default();
    plain(text, &file.mode, (&file.owner, &file.group))
}

fn plain(text: &str, mode: &str, (owner, group): (&str, &str)) -> PathState {
    PathState {
        kind: PathKind::File,
        mode: format!("{mode:0>4}"),
        owner: owner.to_owned(),
        group: group.to_owned(),
        size: text.len() as u64,
        sha256: Some(sha256(text.as_bytes())),
        target: None,
    }
}

fn after(command: &Command, seen: &mut Observed) {
    if command.unless.is_some() {
        seen.scripts.insert(command.key(), Answer::default());
    } else {
        seen.paths.insert(command.mark(), plain(&command.mark_text(), "0600", ("root", "root")));
    }
}

fn unit_of(service: &Service) -> UnitState {
    let (active, sub) = match service.state {
        ServiceState::Running => ("active", "running"),
        ServiceState::Stopped => ("inactive", "dead"),
    };
    let boot = if service.enabled && service.state == ServiceState::Running { "enabled" } else { "disabled" };
    UnitState {
        load: "loaded".to_owned(),
        active: active.to_owned(),
        sub: sub.to_owned(),
        file: boot.to_owned(),
        ..UnitState::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(text: &str) -> Resource {
        serde_yaml::from_str(text).expect("the sample is a resource")
    }

    #[test]
    fn what_is_foreseen_needs_no_change() {
        let all = [
            "!file { path: /etc/relay, content: \"new\\n\", mode: \"0640\", group: relay }",
            "!command { name: key, about: the key is known, script: \"echo key\" }",
            "!command { name: role, about: the role exists, script: \"echo role\", unless: \"false\" }",
            "!service { unit: relay.service }",
            "!service { unit: epmd.socket, state: stopped }",
        ];
        for text in all {
            let resource = resource(text);
            let mut seen = Observed::default();
            resource.foresee(&mut seen);
            assert_eq!(resource.kind().diff(&seen), None, "{text}");
        }
    }
}
