//! A service deployment as DescribeServiceDeployments answers it: why ECS did what it did.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text;
use crate::core::id::ServiceDeploymentArn;

/// One element of `DescribeServiceDeployments.serviceDeployments`, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceDeployment(Value);

impl ServiceDeployment {
    pub fn new(document: Value) -> Self {
        Self(document)
    }

    pub fn arn(&self) -> ServiceDeploymentArn {
        ServiceDeploymentArn::new(text(&self.0, "serviceDeploymentArn"))
    }

    /// `PENDING`, `IN_PROGRESS`, `SUCCESSFUL`, `STOPPED`, `STOP_REQUESTED`, `ROLLBACK_REQUESTED`,
    /// `ROLLBACK_IN_PROGRESS`, `ROLLBACK_SUCCESSFUL`, `ROLLBACK_FAILED`, or one born later.
    pub fn status(&self) -> &str {
        text(&self.0, "status")
    }

    /// Whether ECS is still driving it forward, so that it can be stopped.
    pub fn is_running(&self) -> bool {
        matches!(self.status(), "PENDING" | "IN_PROGRESS")
    }

    /// Whether somebody asked ECS to stop it, or ECS is going back or went back.
    pub fn is_stopped(&self) -> bool {
        self.status().starts_with("STOP") || self.status().starts_with("ROLLBACK")
    }

    pub fn status_reason(&self) -> &str {
        text(&self.0, "statusReason")
    }

    /// The number shared by the target service revision and the deployment's id.
    pub fn revision_id(&self) -> &str {
        let arn = self
            .0
            .pointer("/targetServiceRevision/arn")
            .or_else(|| self.0.get("targetServiceRevisionArn"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        arn.rsplit('/').next().unwrap_or_default()
    }

    /// `deploymentCircuitBreaker.status`: `TRIGGERED` tells a breaker's rollback from any other.
    pub fn breaker_status(&self) -> &str {
        self.0
            .pointer("/deploymentCircuitBreaker/status")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// `alarms.triggeredAlarmNames`.
    pub fn triggered_alarms(&self) -> Vec<String> {
        self.0
            .pointer("/alarms/triggeredAlarmNames")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    }
}
