//! A task set as its operations and DescribeServices show it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::state::TaskSet;
use crate::sandbox::ecs::document::Document;
use crate::sandbox::ecs::service::{Service, Tags};
use crate::sandbox::ecs::service_deployment::count;
use crate::sandbox::ecs::task::Task;

impl TaskSet {
    /// The `TaskSet` structure; `tags` is empty unless they were asked for.
    pub fn answer(&self, service: &Service, tasks: &BTreeMap<String, Task>, tags: Tags) -> Value {
        let counts = count(tasks, service, Some(self.number()));
        let mut answer = Document::new();
        let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
        put("id", json!(self.id()));
        put("taskSetArn", json!(self.revision.arn));
        put("serviceArn", json!(service.arn));
        put("clusterArn", json!(service.cluster_arn));
        if let Some(who) = self.started_by {
            put("startedBy", json!(who));
        }
        if let Some(id) = &self.external_id {
            put("externalId", json!(id));
        }
        put("status", json!(self.status.text()));
        put("computedDesiredCount", json!(self.computed));
        put("pendingCount", json!(counts.pending));
        put("runningCount", json!(counts.running));
        put("createdAt", self.revision.created_at.epoch_seconds());
        put("updatedAt", self.updated_at.epoch_seconds());
        put("scale", json!({ "value": self.scale, "unit": "PERCENT" }));
        put("stabilityStatus", json!(self.stability.text()));
        put("stabilityStatusAt", self.stability_at.epoch_seconds());
        let shown = match tags {
            Tags::Shown => self.tags.as_slice(),
            Tags::Hidden => &[],
        };
        put("tags", json!(shown));
        for (key, value) in &self.revision.document {
            put(key, value.clone());
        }
        Value::Object(answer)
    }
}

impl Service {
    /// The members `taskSets` of a service's answer.
    pub fn answer_task_sets(&self, tasks: &BTreeMap<String, Task>) -> Value {
        let each = self.task_sets.iter();
        each.map(|set| set.answer(self, tasks, Tags::Hidden))
            .collect()
    }
}
