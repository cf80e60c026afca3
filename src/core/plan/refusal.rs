//! Why no plan can be made.

use crate::core::id::{DeploymentId, TaskDefinitionArn};
use crate::core::live::GroupKey;
use crate::core::said;
use crate::core::service_document::ServiceDocumentError;
use crate::core::taskdef::Finding;

/// What stands in the way of every plan, found before anything was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the service is {status}, and only an ACTIVE one can be deployed to")]
    NotActive { status: String },
    #[error("the service's deployment controller is {controller}, which no strategy drives")]
    Controller { controller: String },
    #[error("the rollout cannot succeed as things are")]
    Unfit { findings: Vec<Finding> },
    #[error("no deployment group of CodeDeploy deploys the service")]
    NoGroup { tried: GroupKey },
    #[error(transparent)]
    Managed(#[from] ServiceDocumentError),
    #[error(
        "the service document changes {members}, and ECS changes them only for services of the deployment controller ECS"
    )]
    Unmanageable { members: String },
    #[error("the service cannot do {asked}: {lacks}")]
    Strategy {
        asked: &'static str,
        lacks: String,
        change: Vec<String>,
    },
    #[error("{} does not go with {strategy}", said.option)]
    Unheard {
        said: said::Said,
        strategy: &'static str,
        why: String,
    },
    #[error("--detach does not work with {strategy}: {why}")]
    HandOver {
        strategy: &'static str,
        why: &'static str,
    },
    #[error(
        "nothing can be watched: the service's task sets are driven by whoever made them, and ECS knows of no deployment"
    )]
    Unwatchable,
    #[error(
        "deployment {deployment} of {task_definition} is running, and this run did not start it"
    )]
    Busy {
        deployment: DeploymentId,
        task_definition: TaskDefinitionArn,
    },
}
