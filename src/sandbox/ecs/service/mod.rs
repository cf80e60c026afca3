//! Services: what they are, and the operations that create, change, read and delete them.

mod answer;
mod create;
mod launch;
mod operations;
mod rules;
mod state;
mod update;

pub use create::{create, create_in};
pub use launch::launch;
pub use operations::{delete, describe, list};
pub use state::{Service, Status};
pub use update::update;
