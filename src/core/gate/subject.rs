//! Who is judged: the new revision, and the old one it is compared with.

use serde::{Deserialize, Serialize};

use crate::core::id::{DeploymentId, ServiceKey, TargetGroupArn, TaskDefinitionArn};
use crate::core::live::{Place, Task};

/// Whether ECS tells of this side's tasks that they are well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// No essential container has a check, so that ECS calls the task's health UNKNOWN for good.
    #[default]
    Untold,
    /// UNKNOWN until the checks have passed or failed (ECS API reference, `Task$healthStatus`).
    Told,
}

/// The two revisions of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Names the rollout in client tokens: one-off tasks of two rollouts are not one.
    pub rollout: String,
    pub new: Side,
    /// Absent where both share a target group and nothing tells their requests apart.
    pub old: Option<Side>,
}

/// One revision, where it runs and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// `{cluster}` and `{service}` of metric dimensions.
    pub service: ServiceKey,
    pub task_definition: TaskDefinitionArn,
    /// The deployment or task set that starts its tasks (`startedBy`), where it is known.
    pub deployment: Option<DeploymentId>,
    #[serde(default)]
    pub health: Health,
    /// How many tasks it must have.
    pub tasks: u32,
    /// Where its targets are registered, shared with the other side or not.
    pub places: Vec<Place>,
    /// The target group that only this side is in, if there is one: what its requests are counted by.
    pub own: Option<Balanced>,
}

/// A target group and the load balancer in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balanced {
    /// `{target_group}`: `targetgroup/NAME/ID` of the ARN.
    pub target_group: TargetGroupArn,
    /// `{load_balancer}`: `app/NAME/ID` or `net/NAME/ID`, as CloudWatch's dimension has it.
    pub load_balancer: String,
}

impl Health {
    pub fn is_untold(&self) -> bool {
        *self == Self::Untold
    }
}

impl Side {
    /// Whether the task is well, as far as ECS tells that at all.
    pub(super) fn is_well(&self, task: &Task) -> bool {
        match self.health {
            Health::Told => task.health_status() == "HEALTHY",
            Health::Untold => task.health_status() != "UNHEALTHY",
        }
    }

    /// Whether this side started the task.
    pub(super) fn owns(&self, task: &Task) -> bool {
        match &self.deployment {
            Some(deployment) => task.deployment() == *deployment,
            None => task.task_definition() == self.task_definition.as_str(),
        }
    }

    /// `text` with each placeholder filled in; `Err` names the one that this side cannot fill.
    pub fn fill(&self, text: &str) -> Result<String, &'static str> {
        let own = self.own.as_ref();
        let group = own.map(|own| dimension(own.target_group.as_str(), "targetgroup/"));
        let balancer = own.map(|own| dimension(&own.load_balancer, "loadbalancer/"));
        let mut filled = text.to_owned();
        for (placeholder, value) in [
            ("{cluster}", Some(self.service.cluster.short())),
            ("{service}", Some(self.service.service.short())),
            ("{target_group}", group),
            ("{load_balancer}", balancer),
        ] {
            if filled.contains(placeholder) {
                filled = filled.replace(placeholder, value.ok_or(placeholder)?);
            }
        }
        Ok(filled)
    }
}

/// The part of an ARN that CloudWatch's dimension has: `arn:…:targetgroup/NAME/ID` -> `targetgroup/NAME/ID`,
/// `arn:…:loadbalancer/app/NAME/ID` -> `app/NAME/ID`.
fn dimension<'a>(arn: &'a str, kind: &str) -> &'a str {
    let resource = arn.rsplit(':').next().unwrap_or(arn);
    resource
        .strip_prefix(kind)
        .filter(|_| kind == "loadbalancer/")
        .unwrap_or(resource)
}
