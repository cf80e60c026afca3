//! `ecsdeploy.yml`: its shape, how it is read, and what one service of it comes to.

mod code_deploy;
mod duration;
mod gate_read;
mod gate_shape;
#[cfg(test)]
mod gate_tests;
mod journal;
mod resolve;
mod shape;
#[cfg(test)]
mod tests;
mod unheard;

pub use code_deploy::CodeDeployConfig;
pub use duration::HumanDuration;
pub use gate_shape::CanaryTasks;
pub use gate_shape::{GateConfig, GateList, StepConfig, StepList};
pub use journal::JournalPlace;
pub use resolve::{DEFAULT_TIMEOUT, Resolved, Rollout};
pub use shape::{
    Config, EnvironmentConfig, OnCancel, OnFailure, PinImages, RolloutConfig, ServiceConfig,
    StrategyName,
};
