//! The cluster query language: which container instances a `memberOf` constraint or a list's `filter` means.
//!
//! Source: ECS developer guide, "Create expressions to define container instances for Amazon ECS tasks".
//! **Invariant:** an expression is understood whole or refused; no part of it is passed over.

mod expression;
mod pattern;
mod read;

pub use expression::{Expression, Facts};
pub use read::{Unreadable, read};
