//! Metric alarms: what they watch, how they judge it, and the operations on them.

mod describe;
mod history;
mod judge;
mod look;
mod model;
mod operations;
mod settings;
mod tags;

pub use describe::{describe, describe_for_metric};
pub use history::describe as describe_history;
pub use model::{Actions, Alarm, AlarmState};
pub use operations::{add, delete, put, set_state, switch_actions};
pub use tags::{list as list_tags, tag, untag};
