//! AWS CodeDeploy for ECS: blue/green deployments of services whose deployment controller is CODE_DEPLOY.
//!
//! A deployment makes a green task set from its AppSpec, waits until it is steady, lets test traffic and then production
//! traffic reach it as its deployment configuration says, waits, and deletes the blue one. Hooks are Lambda functions,
//! whose answers the world file tells (`lambdas`). Traffic is shifted by the weights of every rule of the listener that
//! forwards to the pair of target groups.
//!
//! Not modelled, and refused by name: EC2 and Lambda platforms, AppSpecs in S3, triggers, and the limit on scaling a
//! service while traffic shifts. Not established, and so the sandbox's own: the weights that CodeDeploy writes (here 0 to
//! 100, with green at 0 before its task set is made), the lifecycle events of a rollback, and that what a failed deployment left behind is deleted by the next one.
//!
//! Source: CodeDeploy API reference; CodeDeploy user guide, "deployments on an ECS compute platform".
//! **Invariants:** one deployment of a group at a time; blue is deleted last, and only after green is PRIMARY; a rollback
//! is a deployment of its own.

mod api;
mod appspec;
mod deployments;
mod groups;
mod model;
mod rollback;
mod run;
mod seed;
mod shift;
mod show;
#[cfg(test)]
mod tests;

pub use api::answer;
pub use model::CodeDeploy;
pub use run::tick;
pub use seed::{CodeDeploySeed, seed};
