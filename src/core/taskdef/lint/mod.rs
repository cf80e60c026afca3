//! What `RegisterTaskDefinition`, or the launch, will refuse: found before anything is changed.

mod containers;
mod fargate;
mod finding;
mod members;
mod network;
mod roles;
mod seek;
mod shape;
mod sizes;
#[cfg(test)]
mod tests;

pub use finding::{Finding, Launch, Severity, lint};
pub use members::unknown;
