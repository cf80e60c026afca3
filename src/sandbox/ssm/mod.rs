//! SSM Parameter Store, with the atomic create that deployment locks are made of.
//!
//! Modelled: values with their versions, tiers, tags, and reads by name and by path. Not modelled, and refused by name:
//! labels, policies, sharing, intelligent tiering, and filters other than those of `DescribeParameters` by name and type.
//! A secure string is kept as it is, and shown as an opaque text when it is read without decryption.

mod api;
mod model;
mod put;
#[cfg(test)]
mod tests;

pub use api::answer;
pub use model::Ssm;
