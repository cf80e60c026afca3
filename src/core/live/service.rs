//! A service as DescribeServices answers it, with views over what a rollout reads.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{TaskSet, count, list, text, time};
use crate::core::id::{DeploymentId, RuleArn, TargetGroupArn, TaskDefinitionArn};

/// One element of `DescribeServices.services`, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Service(Value);

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

/// `deploymentConfiguration.deploymentCircuitBreaker`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    Off,
    /// Fails the deployment and leaves it there.
    FailOnly,
    /// Fails the deployment and goes back to the last completed one.
    RollBack,
}

/// One element of `Service.loadBalancers` that names a target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    pub target_group: TargetGroupArn,
    pub container: String,
    pub port: u32,
}

impl Service {
    pub fn new(document: Value) -> Self {
        Self(document)
    }

    /// The service with these members in the place of its own.
    #[must_use]
    pub fn with(&self, members: &Map<String, Value>) -> Self {
        let mut document = self.0.clone();
        if let Value::Object(document) = &mut document {
            document.extend(members.clone());
        }
        Self(document)
    }

    pub fn as_value(&self) -> &Value {
        &self.0
    }

    pub fn arn(&self) -> &str {
        text(&self.0, "serviceArn")
    }

    pub fn name(&self) -> &str {
        text(&self.0, "serviceName")
    }

    /// `ACTIVE`, `DRAINING` or `INACTIVE`; only an active service can be deployed to.
    pub fn status(&self) -> &str {
        text(&self.0, "status")
    }

    pub fn is_active(&self) -> bool {
        self.status() == "ACTIVE"
    }

    pub fn desired_count(&self) -> u32 {
        count(&self.0, "desiredCount")
    }

    pub fn running_count(&self) -> u32 {
        count(&self.0, "runningCount")
    }

    pub fn pending_count(&self) -> u32 {
        count(&self.0, "pendingCount")
    }

    pub fn launch_type(&self) -> &str {
        text(&self.0, "launchType")
    }

    pub fn task_definition(&self) -> TaskDefinitionArn {
        TaskDefinitionArn::new(text(&self.0, "taskDefinition"))
    }

    /// The service's own, or of a service of the EXTERNAL controller its primary task set's.
    pub fn running_task_definition(&self) -> TaskDefinitionArn {
        match self.primary_task_set() {
            Some(set) => set.task_definition(),
            None => self.task_definition(),
        }
    }

    /// `ECS` (also when not said), `CODE_DEPLOY` or `EXTERNAL`.
    pub fn controller(&self) -> &str {
        match self.0.pointer("/deploymentController/type") {
            Some(Value::String(kind)) => kind,
            _ => "ECS",
        }
    }

    /// `ROLLING` (also when not said), `BLUE_GREEN`, `LINEAR` or `CANARY`.
    pub fn strategy(&self) -> &str {
        match self.0.pointer("/deploymentConfiguration/strategy") {
            Some(Value::String(strategy)) => strategy,
            _ => "ROLLING",
        }
    }

    /// Of a service of the EXTERNAL controller.
    pub fn task_sets(&self) -> impl Iterator<Item = TaskSet<'_>> {
        TaskSet::all(&self.0)
    }

    pub fn primary_task_set(&self) -> Option<TaskSet<'_>> {
        self.task_sets().find(|set| set.is_primary())
    }

    /// The value of a tag; tags are there only when they were asked for.
    pub fn tag(&self, key: &str) -> Option<&str> {
        list(&self.0, "tags")
            .iter()
            .find(|tag| text(tag, "key") == key)
            .map(|tag| text(tag, "value"))
    }

    /// `deploymentConfiguration`, whole.
    pub fn deployment_configuration(&self) -> Map<String, Value> {
        match self.0.get("deploymentConfiguration") {
            Some(Value::Object(members)) => members.clone(),
            _ => Map::new(),
        }
    }

    /// Whether each load balancer has the `advancedConfiguration` that native shifts need, and there is one.
    pub fn can_shift(&self) -> bool {
        let balancers = list(&self.0, "loadBalancers");
        !balancers.is_empty()
            && balancers
                .iter()
                .all(|balancer| balancer.get("advancedConfiguration").is_some())
    }

    /// Whether test traffic has a listener rule of its own.
    pub fn has_test_rule(&self) -> bool {
        list(&self.0, "loadBalancers").iter().any(|balancer| {
            balancer
                .pointer("/advancedConfiguration/testListenerRule")
                .is_some()
        })
    }

    /// Where ECS itself can shift: both target groups, in no particular order, and the production rule (behind a Network
    /// Load Balancer the listener) of each load balancer.
    pub fn pairs(&self) -> Vec<([TargetGroupArn; 2], RuleArn)> {
        let pairs = list(&self.0, "loadBalancers")
            .iter()
            .filter_map(|balancer| {
                let advanced = balancer.get("advancedConfiguration")?;
                let groups = [
                    text(balancer, "targetGroupArn"),
                    text(advanced, "alternateTargetGroupArn"),
                ];
                let rule = text(advanced, "productionListenerRule");
                let is_whole = !rule.is_empty() && groups.iter().all(|group| !group.is_empty());
                is_whole.then(|| (groups.map(TargetGroupArn::new), RuleArn::new(rule)))
            });
        pairs.collect()
    }

    /// Target groups that the other revision uses while a native shift runs.
    pub fn alternate_target_groups(&self) -> Vec<TargetGroupArn> {
        list(&self.0, "loadBalancers")
            .iter()
            .filter_map(|balancer| {
                balancer
                    .pointer("/advancedConfiguration/alternateTargetGroupArn")
                    .and_then(Value::as_str)
                    .map(TargetGroupArn::new)
            })
            .collect()
    }

    /// The target group of the primary task set, or of the service itself.
    pub fn serving_group(&self) -> Option<TargetGroupArn> {
        let of_set = self.primary_task_set().and_then(TaskSet::target_group);
        of_set.or_else(|| self.target_groups().into_iter().next())
    }

    /// Target groups of the service and of its other side.
    pub fn target_groups_of_all(&self) -> BTreeSet<TargetGroupArn> {
        let groups = self.target_groups().into_iter();
        let sets = self.task_sets().filter_map(TaskSet::target_group);
        groups
            .chain(self.alternate_target_groups())
            .chain(sets)
            .collect()
    }

    /// `deploymentConfiguration.alarms.alarmNames`, if they are enabled.
    pub fn deployment_alarms(&self) -> Vec<String> {
        let Some(alarms) = self.0.pointer("/deploymentConfiguration/alarms") else {
            return Vec::new();
        };
        let names = list(alarms, "alarmNames").iter().filter_map(Value::as_str);
        match alarms.get("enable").and_then(Value::as_bool) {
            Some(true) => names.map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    pub fn breaker(&self) -> Breaker {
        let flag = |name: &str| {
            self.0
                .pointer(&format!(
                    "/deploymentConfiguration/deploymentCircuitBreaker/{name}"
                ))
                .and_then(Value::as_bool)
                .unwrap_or_default()
        };
        match (flag("enable"), flag("rollback")) {
            (false, _) => Breaker::Off,
            (true, false) => Breaker::FailOnly,
            (true, true) => Breaker::RollBack,
        }
    }

    /// The fewest healthy tasks that ECS keeps during a deployment:
    /// ceil(desiredCount × minimumHealthyPercent / 100), 100 % when not said.
    pub fn healthy_floor(&self) -> u32 {
        let percent = self
            .0
            .pointer("/deploymentConfiguration/minimumHealthyPercent")
            .and_then(Value::as_u64)
            .unwrap_or(100);
        let floor = (u64::from(self.desired_count()) * percent).div_ceil(100);
        u32::try_from(floor).unwrap_or(u32::MAX)
    }

    /// Newest first, as ECS lists them.
    pub fn deployments(&self) -> impl Iterator<Item = Deployment<'_>> {
        list(&self.0, "deployments").iter().map(Deployment)
    }

    /// The deployment that ECS is driving the service towards.
    pub fn primary(&self) -> Option<Deployment<'_>> {
        self.deployments().find(|d| d.status() == "PRIMARY")
    }

    pub fn deployment(&self, id: &DeploymentId) -> Option<Deployment<'_>> {
        self.deployments().find(|d| d.id() == *id)
    }

    /// The deployment that last completed and still has its place in the list: what serves if the
    /// newest one fails.
    pub fn last_completed(&self) -> Option<Deployment<'_>> {
        self.deployments().find(|d| self.has_completed(*d))
    }

    /// Deployments older than `rolloutState` say none: the only one of a service counts as completed.
    pub fn has_completed(&self, deployment: Deployment<'_>) -> bool {
        match deployment.rollout_state() {
            RolloutState::Completed => true,
            RolloutState::Other(said) if said.is_empty() => self.deployments().count() == 1,
            _ => false,
        }
    }

    /// Target groups of the service; classic load balancers name none and are left out.
    pub fn load_balancers(&self) -> Vec<LoadBalancer> {
        list(&self.0, "loadBalancers")
            .iter()
            .filter(|lb| !text(lb, "targetGroupArn").is_empty())
            .map(|lb| LoadBalancer {
                target_group: TargetGroupArn::new(text(lb, "targetGroupArn")),
                container: text(lb, "containerName").to_owned(),
                port: count(lb, "containerPort"),
            })
            .collect()
    }

    pub fn target_groups(&self) -> Vec<TargetGroupArn> {
        self.load_balancers()
            .into_iter()
            .map(|lb| lb.target_group)
            .collect()
    }
}

impl Deployment<'_> {
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
