//! A task set, and what a service knows of its own.

use serde_json::Value;

use crate::sandbox::ecs::deployment::{ServiceRevision, Throttle, deployment_id};
use crate::sandbox::ecs::document::last_part;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::{ApiError, Time};

use super::controller::Controller;

/// One task set. It is numbered like a deployment, and its tasks name it where others name their deployment.
#[derive(Clone, Debug)]
pub struct TaskSet {
    pub status: SetStatus,
    /// Its number and ARN, task definition, launch type, network, target group and resolved images.
    pub revision: ServiceRevision,
    /// `CODE_DEPLOY` if CodeDeploy made it.
    pub started_by: Option<&'static str>,
    pub external_id: Option<String>,
    /// `scale.value`: percent of the service's desired count, 0 to 100.
    pub scale: f64,
    /// Tasks wanted; 0 until the scheduler has seen the set.
    pub computed: u32,
    pub stability: Stability,
    /// Since when.
    pub stability_at: Time,
    pub updated_at: Time,
    pub tags: Vec<Value>,
    pub throttle: Throttle,
    /// The CreateTaskSet input, for a repeated client token.
    pub request: Value,
    /// Unhealthy tasks whose replacement is still to be started.
    pub owed: usize,
}

/// `TaskSet.status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetStatus {
    /// Serves production traffic, as its controller says.
    Primary,
    Active,
    /// Deleted, with tasks still stopping.
    Draining,
}

/// `stabilityStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stability {
    Stabilizing,
    SteadyState,
}

impl SetStatus {
    pub fn text(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

impl Stability {
    pub fn text(self) -> &'static str {
        match self {
            Self::Stabilizing => "STABILIZING",
            Self::SteadyState => "STEADY_STATE",
        }
    }
}

impl TaskSet {
    pub fn number(&self) -> u64 {
        self.revision.number
    }

    /// `ecs-svc/<19 digits>`.
    pub fn id(&self) -> String {
        deployment_id(self.number())
    }

    /// Its share of the service's desired count, rounded up (ECS API reference, `TaskSet.computedDesiredCount`).
    pub fn share_of(&self, desired: u32) -> u32 {
        (f64::from(desired) * self.scale / 100.0).ceil() as u32
    }

    pub fn is_draining(&self) -> bool {
        self.status == SetStatus::Draining
    }

    pub fn set_stability(&mut self, stability: Stability, now: Time) {
        if self.stability != stability {
            self.stability = stability;
            self.stability_at = now;
        }
    }

    pub fn set_scale(&mut self, scale: f64, now: Time) {
        self.scale = scale;
        self.updated_at = now;
    }
}

impl Service {
    pub fn controller(&self) -> Controller {
        Controller::of(&self.document)
            .expect("the controller was checked when the service was made")
    }

    /// The task set that a caller means: its id or its ARN.
    pub fn task_set(&mut self, name: &str) -> Option<&mut TaskSet> {
        let number: u64 = last_part(name).parse().ok()?;
        self.set_numbered(number)
    }

    pub fn set_numbered(&mut self, number: u64) -> Option<&mut TaskSet> {
        self.task_sets.iter_mut().find(|set| set.number() == number)
    }

    pub fn primary_set(&self) -> Option<&TaskSet> {
        self.task_sets
            .iter()
            .find(|set| set.status == SetStatus::Primary)
    }

    /// Who an event about a task of this deployment or task set is told by: what stands after `(service `.
    pub fn voice(&self, number: u64) -> String {
        if self.controller().has_task_sets() {
            format!("{}, taskSet {}", self.name, deployment_id(number))
        } else {
            self.name.clone()
        }
    }

    /// The throttle of a deployment or task set.
    pub fn throttle(&mut self, number: u64) -> Option<&mut Throttle> {
        if self.controller().has_task_sets() {
            self.set_numbered(number).map(|set| &mut set.throttle)
        } else {
            self.deployment(number)
                .map(|deployment| &mut deployment.throttle)
        }
    }

    /// An unhealthy task of this deployment or task set is to be replaced.
    pub fn owe(&mut self, number: u64) {
        match self.set_numbered(number) {
            Some(set) => set.owed += 1,
            None => self.owed += 1,
        }
    }

    /// Of `started` tasks, how many replace unhealthy ones of this deployment or task set.
    pub fn repay(&mut self, number: u64, started: usize) -> usize {
        let owed = match self.set_numbered(number) {
            Some(set) => &mut set.owed,
            None => &mut self.owed,
        };
        let replaced = started.min(*owed);
        *owed -= replaced;
        replaced
    }

    /// What the tasks of a deployment or task set are made from.
    pub fn made_from(&self, number: u64) -> &ServiceRevision {
        let set = self.task_sets.iter().find(|set| set.number() == number);
        set.map_or_else(|| self.revision(number), |set| &set.revision)
    }

    /// Makes a task set PRIMARY: its parameters become the service's, the one that was PRIMARY becomes ACTIVE.
    pub fn promote(&mut self, number: u64, now: Time) {
        for set in &mut self.task_sets {
            let status = match (set.number() == number, set.status) {
                (true, _) => SetStatus::Primary,
                (false, SetStatus::Primary) => SetStatus::Active,
                (false, other) => other,
            };
            if set.status != status {
                set.status = status;
                set.updated_at = now;
            }
        }
        self.show_primary();
    }

    /// The service shows its primary task set's members as its own.
    fn show_primary(&mut self) {
        let Some(primary) = self.primary_set() else {
            return;
        };
        let members = primary.revision.document.clone();
        self.put_members(&members);
    }
}

/// The answer to the name of a task set that is not there. The sentence is ours.
pub fn no_task_set() -> ApiError {
    ApiError::client("TaskSetNotFoundException", "TaskSet not found.")
}
