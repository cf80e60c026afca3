//! A task set of a service of the EXTERNAL controller, as it stands in `Service.taskSets`.

use jiff::Timestamp;
use serde_json::Value;

use super::{count, list, text};
use crate::core::id::{DeploymentId, TargetGroupArn, TaskDefinitionArn};

/// How the `externalId` of every task set begins that ecsdeploy makes.
pub const OURS: &str = "ecsdeploy-";

/// One element of `Service.taskSets`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskSet<'a>(&'a Value);

impl<'a> TaskSet<'a> {
    pub(super) fn all(service: &'a Value) -> impl Iterator<Item = Self> {
        list(service, "taskSets").iter().map(Self)
    }

    /// `ecs-svc/<digits>`: also `startedBy` of its tasks.
    pub fn id(self) -> DeploymentId {
        DeploymentId::new(text(self.0, "id"))
    }

    pub fn external_id(self) -> &'a str {
        text(self.0, "externalId")
    }

    /// Whether a rollout of ecsdeploy made it: others' have another `externalId` or none.
    pub fn is_ours(self) -> bool {
        self.external_id().starts_with(OURS)
    }

    /// `PRIMARY`, `ACTIVE` or `DRAINING`.
    pub fn status(self) -> &'a str {
        text(self.0, "status")
    }

    /// `STABILIZING` or `STEADY_STATE`.
    pub fn stability(self) -> &'a str {
        text(self.0, "stabilityStatus")
    }

    /// How many of the service's desired tasks it is to run: `100 %`.
    pub fn scale(self) -> String {
        let value = self.0.pointer("/scale/value").and_then(Value::as_f64);
        value.map_or("not said".to_owned(), |percent| format!("{percent} %"))
    }

    pub fn task_definition(self) -> TaskDefinitionArn {
        TaskDefinitionArn::new(text(self.0, "taskDefinition"))
    }

    /// When it was made.
    pub fn created(self) -> Option<Timestamp> {
        let seconds = self.0.get("createdAt").and_then(Value::as_f64)?;
        Timestamp::from_second(seconds as i64).ok()
    }

    pub fn is_primary(self) -> bool {
        self.status() == "PRIMARY"
    }

    pub fn is_draining(self) -> bool {
        self.status() == "DRAINING"
    }

    /// Running as many as computed, none pending, all of them healthy wherever health is checked.
    pub fn is_steady(self) -> bool {
        self.stability() == "STEADY_STATE"
    }

    pub fn running_count(self) -> u32 {
        count(self.0, "runningCount")
    }

    pub fn pending_count(self) -> u32 {
        count(self.0, "pendingCount")
    }

    pub fn computed_count(self) -> u32 {
        count(self.0, "computedDesiredCount")
    }

    pub fn target_group(self) -> Option<TargetGroupArn> {
        list(self.0, "loadBalancers")
            .iter()
            .map(|balancer| text(balancer, "targetGroupArn"))
            .find(|arn| !arn.is_empty())
            .map(TargetGroupArn::new)
    }

    /// The members of CreateTaskSet that make another of its kind, target group apart.
    pub fn member(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}
