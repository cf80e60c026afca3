//! The container instances of a cluster, and those that tasks run on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Aws;
use super::faults::fault;
use super::observe::all;
use super::wire::Document;
use crate::core::id::Cluster;
use crate::core::live::{INSTANCE, Task, text};
use crate::core::rollout::Fault;

/// DescribeContainerInstances takes so many at most.
const INSTANCES_PER_CALL: usize = 100;

impl Aws {
    /// The active container instances of a cluster, each as DescribeContainerInstances answers it.
    pub async fn container_instances(&self, cluster: &Cluster) -> Result<Vec<Value>, Fault> {
        let arns = self
            .ecs
            .list_container_instances()
            .cluster(cluster.as_str())
            .status(aws_sdk_ecs::types::ContainerInstanceStatus::Active)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<String>, _>>()
            .await
            .map_err(|error| fault("ListContainerInstances", &error))?;
        self.describe_instances(cluster, &arns).await
    }

    /// Tasks that are reached by a port of their EC2 instance, with that instance's id: DescribeTasks does not say it. One that
    /// does not run yet may only lack its own address.
    pub(super) async fn on_instances(
        &self,
        cluster: &Cluster,
        tasks: Vec<Task>,
    ) -> Result<Vec<Task>, Fault> {
        let needs = |task: &&Task| task.addresses().is_empty() && task.last_status() == "RUNNING";
        let arns: BTreeSet<&str> = tasks
            .iter()
            .filter(needs)
            .filter_map(Task::container_instance)
            .collect();
        let arns: Vec<String> = arns.into_iter().map(str::to_owned).collect();
        let instances = self.describe_instances(cluster, &arns).await?;
        let ids: BTreeMap<&str, &str> = instances
            .iter()
            .map(|it| (text(it, "containerInstanceArn"), text(it, INSTANCE)))
            .collect();
        let with_id = |task: Task| match task.container_instance().and_then(|arn| ids.get(arn)) {
            Some(id) => task.on_instance(id),
            None => task,
        };
        Ok(tasks.into_iter().map(with_id).collect())
    }

    async fn describe_instances(
        &self,
        cluster: &Cluster,
        arns: &[String],
    ) -> Result<Vec<Value>, Fault> {
        let mut found = Vec::new();
        for some in arns.chunks(INSTANCES_PER_CALL) {
            let answer = Document::read();
            self.ecs
                .describe_container_instances()
                .cluster(cluster.as_str())
                .set_container_instances(Some(some.to_vec()))
                .customize()
                .interceptor(answer.clone())
                .send()
                .await
                .map_err(|error| fault("DescribeContainerInstances", &error))?;
            found.extend(all(answer.answer(), "containerInstances"));
        }
        Ok(found)
    }
}
