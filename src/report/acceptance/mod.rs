//! The acceptance report: one page that a customer signs, made of recorded results alone. It opens without a network and
//! prints on A4. No script stands in it, and it may not load anything.

mod bars;
mod charts;
mod drawing;
mod render;
mod topology;
mod view;
mod words;

pub use render::{acceptance, acceptance_lines};
pub use view::{
    AcceptanceView, AreaRow, ClauseRow, FindingRow, Group, HostRow, JudgedView, Link, LoadRow, PassedOver,
    ReasonView, RunRow, ScanView, ScannedRow, SizingRow, TopologyView, Untested, counts, rows, untested,
};

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
