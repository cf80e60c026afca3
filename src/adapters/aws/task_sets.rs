//! Task sets of services of the EXTERNAL controller: made with exactly the document given, promoted, deleted.

use serde_json::{Map, Value};

use super::Aws;
use super::faults::fault;
use super::perform::once;
use super::wire::Document;
use crate::core::id::{DeploymentId, ServiceKey};
use crate::core::rollout::{Fault, Receipt};

impl Aws {
    /// The document carries a client token, so that a lost answer makes no second set.
    pub(super) async fn create_task_set(
        &self,
        key: &ServiceKey,
        members: Map<String, Value>,
    ) -> Result<Receipt, Fault> {
        self.ecs
            .create_task_set()
            .cluster(key.cluster.as_str())
            .service(key.service.as_str())
            .customize()
            .config_override(once())
            .interceptor(Document::send(members))
            .send()
            .await
            .map_err(|error| fault("CreateTaskSet", &error))?;
        Ok(Receipt::Created)
    }

    pub(super) async fn promote_task_set(
        &self,
        key: &ServiceKey,
        set: &DeploymentId,
    ) -> Result<Receipt, Fault> {
        self.ecs
            .update_service_primary_task_set()
            .cluster(key.cluster.as_str())
            .service(key.service.as_str())
            .primary_task_set(set.as_str())
            .send()
            .await
            .map_err(|error| fault("UpdateServicePrimaryTaskSet", &error))?;
        Ok(Receipt::Promoted)
    }

    pub(super) async fn delete_task_set(
        &self,
        key: &ServiceKey,
        set: &DeploymentId,
    ) -> Result<Receipt, Fault> {
        self.ecs
            .delete_task_set()
            .cluster(key.cluster.as_str())
            .service(key.service.as_str())
            .task_set(set.as_str())
            .force(true)
            .send()
            .await
            .map_err(|error| fault("DeleteTaskSet", &error))?;
        Ok(Receipt::Deleted)
    }
}
