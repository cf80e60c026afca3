//! Tasks of a service, however many there are, and tasks that were run for a gate.

use aws_sdk_ecs::types::{DesiredStatus, TaskField};

use super::Aws;
use super::faults::fault;
use super::observe::{all, first};
use super::wire::Document;
use crate::core::id::{Cluster, ServiceKey, TaskArn};
use crate::core::live::Task;
use crate::core::rollout::Fault;

/// DescribeTasks takes so many at most (ECS API reference).
const TASKS_PER_CALL: usize = 100;

/// So many stopped tasks are looked at, at most. ECS lists them in no order that it names, and keeps those of a release
/// that fails for hours: without an end each look would take longer than the one before.
const MOST_STOPPED: usize = 1000;

/// ListTasks' error code for a service that it does not know.
const NO_SERVICE: &str = "ServiceNotFoundException";

impl Aws {
    /// All of them: whether a deployment serves is judged by every task.
    pub(super) async fn running_tasks(&self, key: &ServiceKey) -> Result<Option<Vec<Task>>, Fault> {
        self.tasks(key, DesiredStatus::Running, usize::MAX).await
    }

    pub(super) async fn stopped_tasks(&self, key: &ServiceKey) -> Result<Option<Vec<Task>>, Fault> {
        self.tasks(key, DesiredStatus::Stopped, MOST_STOPPED).await
    }

    async fn tasks(
        &self,
        key: &ServiceKey,
        desired: DesiredStatus,
        most: usize,
    ) -> Result<Option<Vec<Task>>, Fault> {
        let mut pages = self
            .ecs
            .list_tasks()
            .cluster(key.cluster.as_str())
            .service_name(key.service.short())
            .desired_status(desired)
            .into_paginator()
            .items()
            .send();
        let mut arns = Vec::new();
        while arns.len() < most
            && let Some(arn) = pages.next().await
        {
            match arn.map_err(|error| fault("ListTasks", &error)) {
                Ok(arn) => arns.push(arn),
                // One that was just made is not known everywhere at once; what is not known has no tasks that serve.
                Err(fault) if fault.code == NO_SERVICE => return Ok(Some(Vec::new())),
                Err(fault) => return Err(fault),
            }
        }
        let mut found = Vec::new();
        for some in arns.chunks(TASKS_PER_CALL) {
            let answer = Document::read();
            self.ecs
                .describe_tasks()
                .cluster(key.cluster.as_str())
                .set_tasks(Some(some.to_vec()))
                .include(TaskField::Tags)
                .customize()
                .interceptor(answer.clone())
                .send()
                .await
                .map_err(|error| fault("DescribeTasks", &error))?;
            found.extend(all(answer.answer(), "tasks").map(Task::new));
        }
        self.on_instances(&key.cluster, found).await.map(Some)
    }

    /// ECS forgets stopped tasks after an hour or more; it names an unknown one among `failures` only.
    pub(super) async fn one_off_task(
        &self,
        cluster: &Cluster,
        task: &TaskArn,
    ) -> Result<Option<Task>, Fault> {
        let answer = Document::read();
        self.ecs
            .describe_tasks()
            .cluster(cluster.as_str())
            .tasks(task.as_str())
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| fault("DescribeTasks", &error))?;
        Ok(first(answer.answer(), "tasks").map(Task::new))
    }
}
