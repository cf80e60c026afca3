//! Task definitions: register, read, deregister and delete, as documents that keep what they were given.

mod attributes;
mod defaults;
mod operations;
mod rules;
mod sizes;
mod state;
#[cfg(test)]
mod tests;

pub use operations::{delete, deregister, describe, families, list, register};
pub use state::{Family, Reference, Revision};
