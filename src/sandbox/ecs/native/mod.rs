//! Native blue/green, linear and canary deployments: two revisions side by side, and traffic that moves between them.
//!
//! The new revision (green) comes up at full size in the target group that production does not use; test traffic, then
//! production traffic, is sent to it by the weights of listener rules; after a bake time the old one (blue) goes. What a
//! deployment does next follows from its [`Stage`]; hooks can hold or end each stage; until the clean-up begins, going
//! back is only a matter of weights.
//!
//! Source: ECS developer guide, "blue/green deployments", "linear deployments", "canary deployments", "lifecycle hooks";
//! ECS API reference, `ServiceDeployment`, `DeploymentLifecycleHook`.
//! **Invariant:** production is sent to green only once green is healthy at full size, and blue keeps its full size
//! until the bake time is over.

mod answer;
mod configuration;
mod hooks;
mod machine;
mod numbers;
mod operations;
mod place;
mod rollback;
mod rules;
mod shift;
mod sides;
mod stage;

pub use configuration::{Strategy, fill};
pub use machine::{Native, is_under_way, pass};
pub use operations::resume;
pub use place::{Resolved, place};
pub use rules::check;
