//! Amazon ECS: clusters, task definitions, services with rolling deployments or task sets, tasks, container instances.
//!
//! The pretence in one paragraph: operations only write down what is wanted and read what is; once a virtual second
//! [`tick`] lets every task live one second on (`life`), tells each service what happened, and lets its scheduler
//! (`scheduler`, with the arithmetic in `rolling`) stop and start tasks and settle deployments (`deployment`).
//!
//! **Invariants:** documents are kept as JSON and echoed with the members that nobody knows yet; an operation, or a part
//! of one that would change a deployment, is modelled or refused by name; numbers and switches live in `defaults`.

mod alarms;
mod api;
mod capacity;
mod cause;
mod cluster;
mod containers;
mod daemon;
mod defaults;
mod deployment;
mod document;
mod early;
mod events;
mod health;
mod hearing;
mod images;
mod instances;
mod judgement;
mod launch;
mod life;
mod native;
mod paging;
mod placement;
mod poke;
mod protection;
mod query;
mod quiet;
mod refuse;
mod rolling;
mod run_task;
mod scheduler;
mod seed;
mod service;
mod service_deployment;
mod service_revision;
mod state;
mod tags;
mod task;
mod task_answer;
mod task_definition;
mod task_operations;
mod task_set;
#[cfg(test)]
mod tests;
mod types;

pub use api::{answer, probe, reach, tick};
pub use defaults::{
    AlarmAtStart, BlueIs, Crash, LinearRest, RollbackHook, StopOld, Switches, WeightScale,
};
pub use poke::{Running, behave};
pub use seed::seed;
pub use state::Ecs;
pub use task_set::drive as task_sets;
