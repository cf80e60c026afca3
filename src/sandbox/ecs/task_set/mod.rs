//! Task sets: how a service with the deployment controller EXTERNAL or CODE_DEPLOY runs its tasks.
//!
//! Such a service has no deployments. Whoever controls it makes task sets, each with its own task definition, network
//! and target group, scales them in percent of the service's desired count, and says which is PRIMARY. An EXTERNAL
//! service is controlled through the API (`create`, `operations`), a CODE_DEPLOY one by CodeDeploy (`drive`).
//!
//! Source: ECS developer guide, "third-party controllers"; ECS API reference, `TaskSet`.
//! **Invariant:** at most one task set is PRIMARY, and a task set never changes but in scale and status.

mod answer;
mod controller;
mod create;
pub mod drive;
mod operations;
mod schedule;
pub mod seed;
mod state;

pub use controller::{Controller, check_service, check_update};
pub use create::{create, create_first};
pub use operations::{delete, describe, promote, update};
pub use schedule::{drain, pass};
pub use state::{SetStatus, TaskSet};
