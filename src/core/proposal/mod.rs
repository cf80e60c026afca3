//! A plan as it is shown and kept before it is carried out.

#[expect(
    clippy::module_inception,
    reason = "a file's main type has the file's name"
)]
mod proposal;
#[cfg(test)]
mod tests;
mod way;

pub use proposal::{Capacity, Expected, Proposal, StepGates, VERSION, World};
pub use way::Way;
