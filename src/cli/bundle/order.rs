//! From inventory and stack to what a bundle shall hold. Pure but for reading the stack.

use crate::base::Role;
use crate::bundle::{ArtifactOrder, ArtifactSource, Order, VersionOrder};
use crate::cli::Failure;
use crate::inventory::Inventory;
use crate::stack::{self, ArtifactSpec, Stack, Version};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads `NAME=FILE`.
pub(super) fn given(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("write it as NAME=FILE")?;
    Ok((name.to_owned(), PathBuf::from(file)))
}

/// What the inventory's bundle shall hold. `versions` is empty, `all`, or names.
pub(super) fn order(
    inventory: &Inventory,
    versions: &[String],
    ready: &[(String, PathBuf)],
) -> Result<Order, Failure> {
    let beside = inventory.path.parent().unwrap_or(Path::new("."));
    let stack = stack::load(&inventory.stack, beside).map_err(|cause| Failure::Usage(cause.to_string()))?;
    let ready: BTreeMap<&str, &PathBuf> = ready.iter().map(|(name, file)| (name.as_str(), file)).collect();
    if let Some(unknown) = ready.keys().find(|name| !stack.file.artifacts.contains_key(**name)) {
        let known: Vec<&str> = stack.file.artifacts.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Failure::Usage(format!("the stack has no artifact `{unknown}`; it has {known}")));
    }
    let mut artifacts = BTreeMap::new();
    let there = |role: &Role| inventory.hosts.iter().any(|host| host.roles.contains(role));
    for (name, spec) in &stack.file.artifacts {
        if spec.role.as_ref().is_some_and(|role| !there(role)) {
            continue;
        }
        artifacts.insert(name.clone(), artifact(&stack, spec, ready.get(name.as_str()).copied())?);
    }
    Ok(Order {
        deployment: inventory.name.clone(),
        platform: stack.file.platforms.first().cloned().unwrap_or_default(),
        versions: chosen(&stack, inventory.version.as_deref(), versions)?,
        stack: stack.file.name.clone(),
        schema: stack.file.schema.as_ref().map(|it| (it.package.clone(), it.file.clone())),
        artifacts,
        mirror: inventory.bundle.mirror.clone(),
    })
}

fn chosen(
    stack: &Stack,
    own: Option<&str>,
    wanted: &[String],
) -> Result<BTreeMap<String, VersionOrder>, Failure> {
    let packages = |version: &Version| VersionOrder {
        packages: version.packages.clone(),
        suites: version.suites.clone(),
    };
    if wanted == ["all"] {
        return Ok(stack
            .file
            .versions
            .iter()
            .map(|(name, version)| (name.clone(), packages(version)))
            .collect());
    }
    let names: Vec<Option<&str>> =
        if wanted.is_empty() { vec![own] } else { wanted.iter().map(|name| Some(name.as_str())).collect() };
    names
        .into_iter()
        .map(|name| {
            let (name, version) = stack.version(name).map_err(|cause| Failure::Usage(cause.to_string()))?;
            Ok((name.to_owned(), packages(version)))
        })
        .collect()
}

fn artifact(stack: &Stack, spec: &ArtifactSpec, ready: Option<&PathBuf>) -> Result<ArtifactOrder, Failure> {
    let source = match (ready, &spec.source) {
        (Some(file), _) => ArtifactSource::Given(file.clone()),
        (None, stack::ArtifactSource::Crate { name, features, bin }) => {
            ArtifactSource::Crate { name: name.clone(), features: features.clone(), bin: bin.clone() }
        }
        (None, stack::ArtifactSource::File(file)) => {
            let missing = || Failure::Usage(format!("the stack's folder holds no `{file}`"));
            ArtifactSource::Content(stack.text(file).ok_or_else(missing)?.as_bytes().to_vec())
        }
        (None, stack::ArtifactSource::Imctl) => {
            let own = std::env::current_exe();
            let own = own.map_err(|cause| Failure::Usage(format!("imctl does not find itself: {cause}")))?;
            ArtifactSource::Given(own)
        }
    };
    Ok(ArtifactOrder { version: spec.version.clone(), license: spec.license.clone(), source })
}
