//! One normal form for task definitions that mean the same.

mod form;
mod place;
mod rules;
#[cfg(test)]
mod tests;

pub use form::{Canonical, canonical, compared, same};
pub use rules::{DEFAULTS, DefaultRule, EMPTY_OBJECTS, EmptyRule, Literal, SETS, SetRule};
