//! Services: what they are, and the operations that create, change, read and delete them.

mod answer;
mod create;
mod launch;
mod operations;
mod rules;
mod state;
mod update;

pub use answer::Tags;
pub use create::{choose_launch_type, create, create_in, fill_network};
pub use launch::launch;
pub use operations::{delete, describe, list};
pub use rules::check as check_revision;
pub use state::{Service, Status};
pub use update::update;
