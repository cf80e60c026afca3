//! The changes that turn one document into another.

mod change;
mod identity;
#[cfg(test)]
mod tests;
mod walk;

pub use change::{Change, Kind, Path, Step};
pub(in crate::core) use identity::names;
pub use walk::diff;
