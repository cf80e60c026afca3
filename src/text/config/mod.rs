//! `ecsdeploy.yml`: its shape, how it is read, and what one service of it comes to.

mod duration;
mod journal;
mod resolve;
mod shape;
#[cfg(test)]
mod tests;

pub use duration::HumanDuration;
pub use journal::JournalPlace;
pub use resolve::{DEFAULT_TIMEOUT, Resolved, Rollout};
pub use shape::{
    Config, EnvironmentConfig, OnCancel, OnFailure, PinImages, RolloutConfig, ServiceConfig,
    StrategyName,
};
