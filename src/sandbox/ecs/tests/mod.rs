//! Whole timelines: a world, calls to it, and its seconds. Each second the bounds of every service are checked.

mod breaker;
mod code_deploy;
mod daemon;
mod detection;
mod door;
mod fargate;
mod instances;
mod limits;
mod native;
mod operations;
mod protection;
mod quiet;
pub mod stage;
mod task_set_refusals;
mod task_sets;
