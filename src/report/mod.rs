//! Turns values into text: for people, for programs, and as a page. Beside `cli` the only room that prints; it
//! writes to what it is given and touches no host.

mod acceptance;
mod error;
mod findings;
mod history;
mod install;
mod live;
mod live_bars;
mod load;
mod page;
mod plan;
mod plan_of;
mod plan_view;
mod proof;
mod scan;
mod size;
mod status;
mod status_view;
mod style;
mod table;
#[cfg(test)]
mod tests;

pub use acceptance::{
    AcceptanceView, AreaRow, ClauseRow, FindingRow, Group, HostRow, JudgedView, Link, LoadRow, PassedOver,
    ReasonView, RunRow, ScanView, ScannedRow, SizingRow, TopologyView, Untested, acceptance,
    acceptance_lines, counts, rows, untested,
};
pub use error::{ErrorView, error};
pub use findings::{FindingsView, findings};
pub use history::{HistoryView, OperationView, history, operation};
pub use install::{InstallView, Next, Outcome, install};
pub use live::{Live, Shape};
pub use load::{LoadView, load};
pub use page::page;
pub use plan::plan;
pub use plan_of::plan_view;
pub use plan_view::{HostView, Mark, PlanView, StageView, StepView, Totals};
pub use proof::{Proof, ProofRow, ProofView, proof};
pub use scan::{ScanShow, scan, scan_line};
pub use size::{SizeView, size};
pub use status::status;
pub use status_view::{ComponentStatus, Difference, Health, HostStatus, InstanceStatus, Problem, StatusView};
pub use style::{Style, Tone, counted, padded, spoken};
