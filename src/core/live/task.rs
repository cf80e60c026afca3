//! A task as DescribeTasks answers it, with views over its state and how it ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{list, text, time};
use crate::core::id::{DeploymentId, TaskArn};

/// One element of `DescribeTasks.tasks`, whole; of a task on an EC2 instance with that instance's id beside it, in the
/// member [`INSTANCE`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Task(Value);

/// `ec2InstanceId`, as DescribeContainerInstances answers it for the task's `containerInstanceArn`.
pub const INSTANCE: &str = "ec2InstanceId";

/// How one container of a stopped task ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerExit {
    pub container: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// ECS's words, empty when it gave none.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub reason: String,
}

impl Task {
    pub fn new(document: Value) -> Self {
        Self(document)
    }

    pub fn as_value(&self) -> &Value {
        &self.0
    }

    pub fn arn(&self) -> TaskArn {
        TaskArn::new(text(&self.0, "taskArn"))
    }

    /// The deployment that started it, when a service did (`startedBy`).
    pub fn deployment(&self) -> DeploymentId {
        DeploymentId::new(text(&self.0, "startedBy"))
    }

    pub fn last_status(&self) -> &str {
        text(&self.0, "lastStatus")
    }

    pub fn desired_status(&self) -> &str {
        text(&self.0, "desiredStatus")
    }

    pub fn health_status(&self) -> &str {
        text(&self.0, "healthStatus")
    }

    pub fn task_definition(&self) -> &str {
        text(&self.0, "taskDefinitionArn")
    }

    pub fn started_at(&self) -> Option<Timestamp> {
        time(&self.0, "startedAt")
    }

    /// `TaskFailedToStart`, `EssentialContainerExited`, `ServiceSchedulerInitiated`, `UserInitiated`,
    /// `SpotInterruption`, `TerminationNotice`, `InfrastructureHealth`, or one born later.
    pub fn stop_code(&self) -> &str {
        text(&self.0, "stopCode")
    }

    pub fn stopped_reason(&self) -> &str {
        text(&self.0, "stoppedReason")
    }

    pub fn exits(&self) -> Vec<ContainerExit> {
        list(&self.0, "containers")
            .iter()
            .map(|container| ContainerExit {
                container: text(container, "name").to_owned(),
                exit_code: container.get("exitCode").and_then(Value::as_i64),
                reason: text(container, "reason").to_owned(),
            })
            .collect()
    }

    /// Private addresses of its network interfaces: what an `ip` target group knows it by.
    pub fn addresses(&self) -> Vec<&str> {
        let attached = list(&self.0, "attachments")
            .iter()
            .flat_map(|attachment| list(attachment, "details"))
            .filter(|detail| text(detail, "name") == "privateIPv4Address")
            .map(|detail| text(detail, "value"));
        let bound = list(&self.0, "containers")
            .iter()
            .flat_map(|container| list(container, "networkInterfaces"))
            .flat_map(|it| [text(it, "privateIpv4Address"), text(it, "ipv6Address")]);
        let mut addresses: Vec<&str> = attached.chain(bound).filter(|a| !a.is_empty()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// The container instance that it runs on; Fargate has none.
    pub fn container_instance(&self) -> Option<&str> {
        self.0.get("containerInstanceArn")?.as_str()
    }

    /// The EC2 instance that it runs on: what an `instance` target group knows it by, with one of [`Self::host_ports`].
    pub fn instance(&self) -> Option<&str> {
        self.0.get(INSTANCE)?.as_str()
    }

    /// Ports of its instance that are bound to its containers; none if it has the network of the instance itself.
    pub fn host_ports(&self) -> Vec<u32> {
        let containers = list(&self.0, "containers").iter();
        containers
            .flat_map(|container| list(container, "networkBindings"))
            .filter_map(|binding| binding.get("hostPort")?.as_u64())
            .filter_map(|port| u32::try_from(port).ok())
            .collect()
    }

    #[must_use]
    pub fn on_instance(mut self, id: &str) -> Self {
        self.0[INSTANCE] = id.into();
        self
    }
}
