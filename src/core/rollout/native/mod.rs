//! ECS's own blue/green, canary and linear shifts: ECS moves the traffic, and waits at our pauses until the gates pass.
//!
//! **Invariant:** if nobody answers a pause, ECS rolls back by itself. The record of the deployment that this rollout
//! started is pinned by its ARN, stages are read as text, and what was set on the service for its time is put back.

mod follow;
mod leave;
#[cfg(test)]
mod tests;
mod undo;
