//! `imctl history show`: one operation with everything that its run left in the operator's folder.

use crate::base::{Exit, Language, quote};
use crate::cli::remember::{EXECUTION, PLAN};
use crate::cli::unlock::{inventory_alone, state_of};
use crate::cli::{Failure, Global, OutputFormat, stdout};
use crate::plan::Plan;
use crate::report::{self, OperationView, Style};
use crate::state::{Operation, State, StateError, operations};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Shows the operation that a line of this number belongs to.
pub(super) fn run(number: u64, global: &Global) -> Result<Exit, Failure> {
    let inventory = inventory_alone(global)?;
    let state = state_of(&inventory)?;
    let typed = quote(&inventory.path.display().to_string());
    let all = operations(state.history()?);
    let Some(operation) = all.into_iter().find(|it| it.has(number)) else {
        return Err(Failure::Usage(format!(
            "the history of `{}` has no number {number}:  imctl history -i {typed}",
            inventory.name
        )));
    };
    let full = global.verbose > 0 || global.shape() == OutputFormat::Json;
    let plan: Option<Plan> = kept(&state, &operation, PLAN)?;
    let view = OperationView {
        plan: plan.map(|plan| report::plan_view(&plan, full)),
        execution: kept(&state, &operation, EXECUTION)?,
        logs: logs(&state, &operation)?,
        operation,
        help: format!("it still runs, or was killed:  imctl lock show -i {typed}"),
        all: full,
        language: Language::of(&global.lang),
    };
    match global.shape() {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::operation(out, &view, style));
        }
    }
    Ok(Exit::Done)
}

/// A file of the run's folder; none when there is none.
fn kept<T: DeserializeOwned>(
    state: &State,
    operation: &Operation,
    name: &str,
) -> Result<Option<T>, StateError> {
    let Some(run) = &operation.first.about.run else { return Ok(None) };
    let within = format!("{run}/{name}");
    let Some(text) = state.read(&within)? else { return Ok(None) };
    let damaged = |cause: serde_json::Error| StateError::Damaged {
        path: state.path(&within),
        cause: cause.to_string(),
    };
    serde_json::from_slice(&text).map(Some).map_err(damaged)
}

/// The log of every host of the run.
fn logs(state: &State, operation: &Operation) -> Result<BTreeMap<String, Vec<String>>, StateError> {
    let Some(run) = &operation.first.about.run else { return Ok(BTreeMap::new()) };
    let mut logs = BTreeMap::new();
    for host in &operation.first.about.hosts {
        let text = state.read(format!("{run}/{host}.log"))?.unwrap_or_default();
        let lines = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        logs.insert(host.clone(), lines);
    }
    Ok(logs)
}
