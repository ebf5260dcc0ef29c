//! Which machines a service of a given size needs, by the formulas of its stack. Pure: it asks nobody and prints nothing.

mod asked;
mod derived;
mod formula;
mod machines;

pub use asked::{Asked, Given, INPUTS};
pub use derived::{Derived, derived, settle};
pub use formula::FormulaError;
pub use machines::{Amounts, Machines, Resource, TermValue, Worked, machines, share};
