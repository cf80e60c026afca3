//! A deployment of a service of the ECS controller, as it stands in `Service.deployments`.

use jiff::Timestamp;
use serde_json::Value;

use super::{count, list, text, time};
use crate::core::id::{DeploymentId, TaskDefinitionArn};

/// One element of `Service.deployments`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deployment<'a>(&'a Value);

/// `Deployment.rolloutState`; ECS says it for the `ECS` deployment controller only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolloutState {
    InProgress,
    Completed,
    Failed,
    /// A value this program does not know, or none at all (empty).
    Other(String),
}

impl<'a> Deployment<'a> {
    pub(super) fn all(service: &'a Value) -> impl Iterator<Item = Self> {
        list(service, "deployments").iter().map(Self)
    }

    pub fn id(&self) -> DeploymentId {
        DeploymentId::new(text(self.0, "id"))
    }

    /// `PRIMARY` (the newest), `ACTIVE` (being replaced) or `INACTIVE`.
    pub fn status(&self) -> &str {
        text(self.0, "status")
    }

    pub fn is_primary(&self) -> bool {
        self.status() == "PRIMARY"
    }

    pub fn task_definition(&self) -> TaskDefinitionArn {
        TaskDefinitionArn::new(text(self.0, "taskDefinition"))
    }

    pub fn desired_count(&self) -> u32 {
        count(self.0, "desiredCount")
    }

    pub fn running_count(&self) -> u32 {
        count(self.0, "runningCount")
    }

    pub fn pending_count(&self) -> u32 {
        count(self.0, "pendingCount")
    }

    /// Tasks of this deployment that failed in a row; ECS sets it to 0 once one runs well.
    pub fn failed_tasks(&self) -> u32 {
        count(self.0, "failedTasks")
    }

    pub fn created_at(&self) -> Option<Timestamp> {
        time(self.0, "createdAt")
    }

    pub fn updated_at(&self) -> Option<Timestamp> {
        time(self.0, "updatedAt")
    }

    pub fn rollout_state(&self) -> RolloutState {
        match text(self.0, "rolloutState") {
            "IN_PROGRESS" => RolloutState::InProgress,
            "COMPLETED" => RolloutState::Completed,
            "FAILED" => RolloutState::Failed,
            other => RolloutState::Other(other.to_owned()),
        }
    }

    pub fn rollout_state_reason(&self) -> &str {
        text(self.0, "rolloutStateReason")
    }
}

impl std::fmt::Display for RolloutState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Other(said) => said,
        })
    }
}
