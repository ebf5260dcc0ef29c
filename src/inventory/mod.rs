//! The operator's inventory: schema, loading, validation with every mistake at once, host selection.
//! It does not know the hosts' real state.

mod against;
mod edit;
#[cfg(test)]
mod edit_tests;
mod keys;
mod keys_zh;
mod load;
mod mistake;
mod model;
mod places;
mod read;
mod reference;
#[cfg(test)]
mod robust_tests;
mod rules;
mod scalar;
mod select;
mod shape;
#[cfg(test)]
mod tests;
mod tree;

pub use against::{Offer, RoleOffer, check_against};
pub use edit::{Edit, EditError, NewHost};
pub use load::{load, load_alone, parse};
pub use mistake::{Label, Mistake, MistakeDiagnostic, Mistakes, line_and_column};
pub use model::{Bundle, Host, Inventory, Secrets, Ssh, Sudo, Targets, Tls, Waiver};
pub use places::Places;
pub use reference::{KeyReference, json_schema, reference, reference_markdown};
pub use select::{SelectError, select};
