//! Rolling deployments of the ECS controller: register, one UpdateService, follow, confirm; undo when it fails.
//!
//! **Invariant:** success is said only of the deployment that this rollout started, after ECS completed it and its
//! tasks and targets were seen to serve. Whatever else ends the wait has a name of its own.

mod follow;
#[cfg(test)]
mod tests;
mod undo;
