//! What served before: ECS keeps a record of each service deployment for 90 days, CodeDeploy of its own deployments.
//!
//! **Invariant:** only deployments that succeeded count; one that was rolled back never served.

use serde_json::Value;

use super::Aws;
use super::faults::fault;
use super::observe::all;
use super::wire::Document;
use crate::core::id::{DeploymentId, ServiceKey, TaskDefinitionArn};
use crate::core::live::{CodeDeployment, Service, TaskSet};
use crate::core::rollout::{Fault, GroupSearch};
use crate::ports::History;

/// DescribeServiceRevisions takes so many at most (ECS API reference).
const REVISIONS_PER_CALL: usize = 20;

impl History for Aws {
    async fn completed(
        &self,
        key: &ServiceKey,
        service: &Service,
    ) -> Result<Vec<TaskDefinitionArn>, Fault> {
        // The SDK's futures are large; on the heap they leave the stack to whoever asks.
        match service.controller() {
            "CODE_DEPLOY" => Box::pin(self.completed_by_code_deploy(key, service)).await,
            _ => Box::pin(self.completed_by_ecs(key)).await,
        }
    }
}

impl Aws {
    async fn completed_by_ecs(&self, key: &ServiceKey) -> Result<Vec<TaskDefinitionArn>, Fault> {
        let revisions = self.successful(key).await?;
        if revisions.is_empty() {
            return Ok(Vec::new());
        }
        let answer = Document::read();
        self.ecs
            .describe_service_revisions()
            .set_service_revision_arns(Some(revisions.clone()))
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| fault("DescribeServiceRevisions", &error))?;
        let described: Vec<Value> = all(answer.answer(), "serviceRevisions").collect();
        let of = |arn: &String| {
            let revision = described
                .iter()
                .find(|revision| revision["serviceRevisionArn"] == arn.as_str())?;
            revision["taskDefinition"]
                .as_str()
                .map(TaskDefinitionArn::new)
        };
        let mut brought: Vec<TaskDefinitionArn> = revisions.iter().filter_map(of).collect();
        brought.dedup();
        Ok(brought)
    }

    /// ECS keeps no record of CodeDeploy's deployments; the deployment group does.
    async fn completed_by_code_deploy(
        &self,
        key: &ServiceKey,
        service: &Service,
    ) -> Result<Vec<TaskDefinitionArn>, Fault> {
        let mut made_by = service.task_sets().map(TaskSet::external_id);
        let search = GroupSearch {
            key: key.clone(),
            application: None,
            group: None,
            deployment: made_by
                .find(|id| id.starts_with("d-"))
                .map(DeploymentId::new),
        };
        let Some(group) = self.code_deploy_group(&search).await? else {
            return Ok(Vec::new());
        };
        let succeeded = self.succeeded_deployments(&group.key()).await?;
        let mut brought: Vec<TaskDefinitionArn> = succeeded
            .iter()
            .filter_map(CodeDeployment::task_definition)
            .map(TaskDefinitionArn::new)
            .collect();
        brought.dedup();
        Ok(brought)
    }

    /// Target service revisions of the deployments that succeeded, newest first.
    async fn successful(&self, key: &ServiceKey) -> Result<Vec<String>, Fault> {
        let listed = Document::read();
        self.ecs
            .list_service_deployments()
            .cluster(key.cluster.as_str())
            .service(key.service.as_str())
            .customize()
            .interceptor(listed.clone())
            .send()
            .await
            .map_err(|error| fault("ListServiceDeployments", &error))?;
        let mut succeeded: Vec<Value> = all(listed.answer(), "serviceDeployments")
            .filter(|deployment| deployment["status"] == "SUCCESSFUL")
            .collect();
        succeeded.sort_by(|a, b| created(b).total_cmp(&created(a)));
        Ok(succeeded
            .iter()
            .filter_map(|deployment| deployment["targetServiceRevisionArn"].as_str())
            .take(REVISIONS_PER_CALL)
            .map(str::to_owned)
            .collect())
    }
}

fn created(deployment: &Value) -> f64 {
    deployment["createdAt"].as_f64().unwrap_or_default()
}
