//! Words <-> values, pure: what people write (configuration, values, templates, task definitions) becomes data, and
//! what went wrong becomes words. Nothing here reads a file, the environment or a clock.

pub mod ci;
pub mod config;
pub mod diff;
pub mod document;
pub mod event;
pub mod lines;
pub mod markdown;
pub mod plan;
pub mod record;
pub mod schema;
pub mod status;
pub mod template;
pub mod terminal;
pub mod values;

mod complaint;
mod json;
mod numbers;
mod yaml;

pub use crate::core::nearest::nearest;
pub use complaint::{Complaint, Paint, Place};
