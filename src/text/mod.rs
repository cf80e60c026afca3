//! Words <-> values, pure: what people write (configuration, values, templates, task definitions) becomes data, and
//! what went wrong becomes words. Nothing here reads a file, the environment or a clock.

mod complaint;
mod nearest;

pub use complaint::{Complaint, Paint, Place};
pub use nearest::nearest;
