//! Percentages that leave no room to replace a task.
//!
//! ECS rounds `minimumHealthyPercent` of the desired count up and `maximumPercent` of it down (ECS API reference,
//! `DeploymentConfiguration`), so that a small count can stand still where a large one would not.

use serde_json::Value;

use crate::core::live::Service;
use crate::core::plan::{Plan, Strategy, Survey};
use crate::core::taskdef::Finding;

pub fn check(plan: &Plan, survey: &Survey) -> Vec<Finding> {
    let service = &survey.service;
    if service.as_value().get("schedulingStrategy") == Some(&Value::from("DAEMON")) {
        return Vec::new();
    }
    let desired = plan.intent.desired_count.unwrap_or(service.desired_count());
    let bounds = Bounds::of(service, desired);
    let found = match &plan.strategy {
        Strategy::Rolling => bounds.standstill().or_else(|| bounds.exposure()),
        Strategy::Beside(beside) => bounds
            .standstill()
            .or_else(|| bounds.crowding(beside.tasks, "the canary's service")),
        Strategy::Native(_) => bounds.crowding(desired, "the other side of the shift"),
        // What task sets are limited by is not the service's percentages but the sets' own scale.
        Strategy::TaskSets(_) | Strategy::CodeDeploy(_) => None,
    };
    found.into_iter().collect()
}

/// What ECS keeps and allows.
struct Bounds {
    desired: u64,
    minimum: u64,
    maximum: u64,
    floor: u64,
    ceiling: u64,
}

impl Bounds {
    fn of(service: &Service, desired: u32) -> Self {
        let percent = |name: &str, default: u64| {
            let path = format!("/deploymentConfiguration/{name}");
            let said = service.as_value().pointer(&path).and_then(Value::as_u64);
            said.unwrap_or(default)
        };
        let desired = u64::from(desired);
        let minimum = percent("minimumHealthyPercent", 100);
        let maximum = percent("maximumPercent", 200);
        Self {
            desired,
            minimum,
            maximum,
            floor: (desired * minimum).div_ceil(100),
            ceiling: desired * maximum / 100,
        }
    }

    /// Neither may a task be started beyond the desired count nor one be stopped.
    fn standstill(&self) -> Option<Finding> {
        let Self {
            desired,
            minimum,
            maximum,
            floor,
            ceiling,
        } = self;
        let stands = *desired > 0 && ceiling <= desired && floor >= desired;
        stands.then(|| {
            Finding::error(
                "deploymentConfiguration",
                format!(
                    "minimumHealthyPercent {minimum} keeps {floor} of {desired} tasks and maximumPercent {maximum} allows {ceiling}: no task can be replaced"
                ),
            )
            .hint(
                "set maximumPercent to 200 (aws ecs update-service --deployment-configuration maximumPercent=200; \
                 Terraform: deployment_maximum_percent), or minimumHealthyPercent to 50 where there is no room for more tasks",
            )
        })
    }

    /// All tasks may be stopped before one is started.
    fn exposure(&self) -> Option<Finding> {
        (self.desired > 0 && self.floor == 0).then(|| {
            Finding::warning(
                "deploymentConfiguration.minimumHealthyPercent",
                format!(
                    "{} lets ECS stop all {} tasks before a new one runs",
                    self.minimum, self.desired
                ),
            )
            .hint("a minimumHealthyPercent above 0 keeps tasks serving")
        })
    }

    fn crowding(&self, extra: u32, of: &str) -> Option<Finding> {
        let room = self.ceiling.saturating_sub(self.desired);
        (u64::from(extra) > room).then(|| {
            Finding::warning(
                "deploymentConfiguration.maximumPercent",
                format!(
                    "{of} runs {extra} tasks beside the {} of the service, and {} allows {room} more",
                    self.desired, self.maximum
                ),
            )
            .hint("there must be room for them: in the cluster, the subnets and the account's quotas")
        })
    }
}
