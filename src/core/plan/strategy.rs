//! How a plan's revision comes to serve, with all that carries it out.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::CodeDeploy;
use crate::core::id::{DeploymentId, RuleArn, ServiceKey, TargetGroupArn};

/// How the new revision comes to serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The ECS controller replaces tasks within its percentages.
    Rolling,
    /// ECS's own blue/green, canary or linear shift, with our pauses in it.
    Native(Native),
    /// A few tasks of the new revision as a second service beside the first, then rolling.
    Beside(Beside),
    /// Two task sets and one listener rule whose weights are moved.
    TaskSets(TaskSets),
    /// A deployment by AWS CodeDeploy, which moves the traffic between two task sets.
    CodeDeploy(CodeDeploy),
}

/// The two sets, and how the traffic moves from one to the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSets {
    /// The rule of the production traffic.
    pub rule: RuleArn,
    /// The rule of the test traffic, moved whole before the first step.
    pub test_rule: Option<RuleArn>,
    /// The target group that serves, and the one that the new set gets.
    pub blue: TargetGroupArn,
    pub green: TargetGroupArn,
    /// Percent of production traffic for the new set, step by step; the last is 100.
    pub steps: Vec<u32>,
    /// How long each step is held.
    pub hold: Duration,
    /// How long the side without traffic is kept at most, before it is removed.
    pub drain: Duration,
    /// The set that serves.
    pub old: DeploymentId,
    /// CreateTaskSet's members beside `cluster`, `service`, `taskDefinition`, `scale`, `externalId` and `clientToken`.
    pub members: Map<String, Value>,
}

/// The second service: a copy of the first in all but name, count and revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    pub key: ServiceKey,
    pub tasks: u32,
    /// CreateService's members beside `cluster`, `serviceName`, `taskDefinition` and `desiredCount`.
    pub members: Map<String, Value>,
    /// How long the tasks must run well before the first service is rolled out.
    pub bake: Duration,
}

/// What a native shift changes on the service for its own time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Native {
    /// `deploymentConfiguration` for this deployment.
    pub during: Map<String, Value>,
    /// The service's own, put back when the deployment has ended.
    pub after: Map<String, Value>,
    /// What ECS moves the traffic between, one for each load balancer whose rule could be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sides: Vec<Sides>,
}

/// Two target groups that share the traffic of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sides {
    pub rule: RuleArn,
    /// The one that serves before the rollout.
    pub blue: TargetGroupArn,
    pub green: TargetGroupArn,
}
