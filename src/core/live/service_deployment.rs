//! A service deployment as DescribeServiceDeployments answers it: why ECS did what it did.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{list, text, time};
use crate::core::id::{DeploymentId, ServiceDeploymentArn};

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

    /// When it was made, in seconds since the epoch; 0 where that is not said.
    pub fn created(&self) -> f64 {
        self.0
            .get("createdAt")
            .and_then(Value::as_f64)
            .unwrap_or_default()
    }

    /// The deployment among the service's own (`ecs-svc/<digits>`) that it is the record of.
    pub fn deployment(&self) -> DeploymentId {
        DeploymentId::new(format!("ecs-svc/{}", self.revision_id()))
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

    /// Whether ECS does nothing more with it.
    pub fn has_ended(&self) -> bool {
        matches!(
            self.status(),
            "SUCCESSFUL" | "STOPPED" | "ROLLBACK_SUCCESSFUL" | "ROLLBACK_FAILED"
        )
    }

    /// Whether somebody asked ECS to stop it, or ECS is going back or went back.
    pub fn is_stopped(&self) -> bool {
        self.status().starts_with("STOP") || self.status().starts_with("ROLLBACK")
    }

    /// Where ECS's own engine is: a lifecycle stage's name, or one born later; empty for rolling deployments.
    pub fn stage(&self) -> &str {
        text(&self.0, "lifecycleStage")
    }

    /// What the deployment was started with.
    pub fn configuration(&self) -> Option<&Map<String, Value>> {
        self.0
            .get("deploymentConfiguration")
            .and_then(Value::as_object)
    }

    /// The hooks that wait for ContinueServiceDeployment.
    pub fn waiting_hooks(&self) -> Vec<&str> {
        list(&self.0, "lifecycleHookDetails")
            .iter()
            .filter(|hook| text(hook, "status") == "AWAITING_ACTION")
            .map(|hook| text(hook, "hookId"))
            .collect()
    }

    /// Where ECS's own shift stands: its stage, its traffic, and what it waits for until when.
    pub fn standing(&self) -> String {
        let mut text = self.stage().to_owned();
        if let Some(weight) = self.production_weight() {
            let _ = write!(text, ", production weight {weight} %");
        }
        let details = list(&self.0, "lifecycleHookDetails").iter();
        let mut waiting = details.filter(|hook| self::text(hook, "status") == "AWAITING_ACTION");
        if let Some(hook) = waiting.next() {
            let action = match self::text(hook, "timeoutAction") {
                "CONTINUE" => "goes on",
                _ => "rolls back",
            };
            text.push_str("; ECS waits to be told to go on");
            if let Some(at) = time(hook, "expiresAt") {
                let _ = write!(text, ", and {action} at {at:.0}");
            }
        }
        text
    }

    /// Percent of production traffic that ECS was last asked to send to the new revision.
    pub fn production_weight(&self) -> Option<f64> {
        self.0
            .pointer("/targetServiceRevision/requestedProductionTrafficWeight")
            .and_then(Value::as_f64)
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
