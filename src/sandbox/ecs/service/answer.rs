//! A service as CreateService, UpdateService, DescribeServices and DeleteService show it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::state::Service;
use crate::sandbox::ecs::service_deployment::{RolloutStatus, count};
use crate::sandbox::ecs::task::Task;

/// Members of the document that only deployments and service revisions show.
const NOT_SHOWN: [&str; 3] = [
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// Whether an answer carries tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    Shown,
    Hidden,
}

impl Service {
    pub fn answer(&self, tasks: &BTreeMap<String, Task>, tags: Tags) -> Value {
        let mut answer = self.document.clone();
        for key in NOT_SHOWN {
            answer.shift_remove(key);
        }
        let counts = count(tasks, self, None);
        let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
        put("serviceArn", json!(self.arn));
        put("serviceName", json!(self.name));
        put("clusterArn", json!(self.cluster_arn));
        put("status", json!(self.status.text()));
        put("desiredCount", json!(self.desired));
        put("runningCount", json!(counts.running));
        put("pendingCount", json!(counts.pending));
        put("createdAt", self.created_at.epoch_seconds());
        put("createdBy", json!(self.created_by));
        put("events", self.events.answer());
        let each = self
            .deployments
            .iter()
            .enumerate()
            .map(|(place, deployment)| {
                let counts = count(tasks, self, Some(deployment.number));
                deployment.answer(self.revision(deployment.number), place == 0, &counts)
            });
        put("deployments", each.collect());
        let revisions = self.deployments.iter().map(|deployment| {
            let counts = count(tasks, self, Some(deployment.number));
            self.revision(deployment.number).summary(self, &counts)
        });
        if self.controller().has_task_sets() {
            put("taskSets", self.answer_task_sets(tasks));
        } else {
            put("currentServiceRevisions", revisions.collect());
        }
        if let Some(rollout) = self
            .rollouts
            .first()
            .filter(|rollout| rollout.status != RolloutStatus::Pending)
        {
            put("currentServiceDeployment", json!(rollout.arn));
        }
        if tags == Tags::Shown && !self.tags.is_empty() {
            put("tags", json!(self.tags));
        }
        Value::Object(answer)
    }
}
