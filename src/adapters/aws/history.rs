//! What was deployed before: ECS keeps a record of each service deployment for 90 days, CodeDeploy of its own deployments.
//!
//! **Invariant:** a deployment has completed only where AWS says that it succeeded. What still runs, and a way back that
//! failed, says nothing of what serves.

use serde_json::Value;

use super::Aws;
use super::faults::fault;
use super::observe::all;
use super::wire::Document;
use crate::core::id::{DeploymentId, ServiceKey, TaskDefinitionArn};
use crate::core::live::{Service, TaskSet};
use crate::core::past::{Ended, Past};
use crate::core::rollout::{Fault, GroupSearch};
use crate::ports::History;

/// DescribeServiceRevisions takes so many at most (ECS API reference).
const REVISIONS_PER_CALL: usize = 20;

impl History for Aws {
    async fn past(&self, key: &ServiceKey, service: &Service) -> Result<Vec<Past>, Fault> {
        // The SDK's futures are large; on the heap they leave the stack to whoever asks.
        match service.controller() {
            "CODE_DEPLOY" => Box::pin(self.past_of_code_deploy(key, service)).await,
            _ => Box::pin(self.past_of_ecs(key)).await,
        }
    }
}

impl Aws {
    async fn past_of_ecs(&self, key: &ServiceKey) -> Result<Vec<Past>, Fault> {
        let ended = self.ended(key).await?;
        if ended.is_empty() {
            return Ok(Vec::new());
        }
        let revisions = ended.iter().map(|(revision, _)| revision.clone()).collect();
        let answer = Document::read();
        self.ecs
            .describe_service_revisions()
            .set_service_revision_arns(Some(revisions))
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| fault("DescribeServiceRevisions", &error))?;
        let described: Vec<Value> = all(answer.answer(), "serviceRevisions").collect();
        let past = ended.into_iter().filter_map(|(arn, ended)| {
            let revision = described
                .iter()
                .find(|revision| revision["serviceRevisionArn"] == arn.as_str())?;
            let task_definition = TaskDefinitionArn::new(revision["taskDefinition"].as_str()?);
            Some(Past {
                task_definition,
                ended,
            })
        });
        Ok(past.collect())
    }

    /// ECS keeps no record of CodeDeploy's deployments; the deployment group does.
    async fn past_of_code_deploy(
        &self,
        key: &ServiceKey,
        service: &Service,
    ) -> Result<Vec<Past>, Fault> {
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
        let known = self.ended_deployments(&group.key()).await?;
        let past = known.iter().filter_map(|deployment| {
            let task_definition = TaskDefinitionArn::new(deployment.task_definition()?);
            let ended = match deployment.status() {
                "Succeeded" => Ended::Completed,
                _ => Ended::TakenBack,
            };
            Some(Past {
                task_definition,
                ended,
            })
        });
        Ok(past.collect())
    }

    /// Target service revisions of deployments that have ended, newest first.
    async fn ended(&self, key: &ServiceKey) -> Result<Vec<(String, Ended)>, Fault> {
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
        let mut listed: Vec<Value> = all(listed.answer(), "serviceDeployments").collect();
        listed.sort_by(|a, b| created(b).total_cmp(&created(a)));
        let ended = listed.iter().filter_map(|deployment| {
            let revision = deployment["targetServiceRevisionArn"].as_str()?;
            let ended = match deployment["status"].as_str()? {
                "SUCCESSFUL" => Ended::Completed,
                "ROLLBACK_SUCCESSFUL" | "STOPPED" => Ended::TakenBack,
                _ => return None,
            };
            Some((revision.to_owned(), ended))
        });
        Ok(ended.take(REVISIONS_PER_CALL).collect())
    }
}

fn created(deployment: &Value) -> f64 {
    deployment["createdAt"].as_f64().unwrap_or_default()
}
