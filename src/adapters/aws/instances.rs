//! The container instances of a cluster.

use serde_json::Value;

use super::Aws;
use super::faults::fault;
use super::observe::all;
use super::wire::Document;
use crate::core::id::Cluster;
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
