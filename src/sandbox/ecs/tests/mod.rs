//! Whole timelines: a world, calls to it, and its seconds. Each second the bounds of every service are checked.

mod breaker;
mod code_deploy;
mod detection;
mod door;
mod fargate;
mod instances;
mod operations;
mod stage;
mod task_sets;
