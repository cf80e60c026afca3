//! What a turn may ask of the world, and what comes back.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::core::id::{
    DeploymentId, RuleArn, ServiceDeploymentArn, ServiceKey, TargetGroupArn, TaskArn,
    TaskDefinitionArn,
};
use crate::core::live::Service;
use crate::core::taskdef::TaskDefinition;

/// One change. Each may be repeated: whoever takes the turn again looks first.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// RegisterTaskDefinition with exactly this document.
    RegisterTaskDefinition(TaskDefinition),
    /// UpdateService with exactly these members beside `cluster` and `service`.
    UpdateService {
        key: ServiceKey,
        members: Map<String, Value>,
    },
    /// CreateService with exactly these members beside `cluster` and `serviceName`.
    CreateService {
        key: ServiceKey,
        members: Map<String, Value>,
    },
    /// DeleteService, its tasks with it.
    DeleteService(ServiceKey),
    /// ModifyRule (ModifyListener for a default rule): these weights in its forward action, all else kept.
    Shift {
        rule: RuleArn,
        weights: BTreeMap<TargetGroupArn, u32>,
    },
    /// CreateTaskSet with exactly these members beside `cluster` and `service`.
    CreateTaskSet {
        key: ServiceKey,
        members: Map<String, Value>,
    },
    /// UpdateServicePrimaryTaskSet.
    PromoteTaskSet { key: ServiceKey, set: DeploymentId },
    /// DeleteTaskSet, its tasks with it.
    DeleteTaskSet { key: ServiceKey, set: DeploymentId },
    /// StopServiceDeployment: ECS itself goes back to the last completed deployment, whose tasks are still
    /// there to serve.
    StopServiceDeployment(ServiceDeploymentArn),
    /// ContinueServiceDeployment: the deployment waits at a PAUSE hook and may go on.
    ContinueServiceDeployment {
        deployment: ServiceDeploymentArn,
        hook: String,
    },
    /// CodeDeploy's CreateDeployment with exactly these members.
    CreateCodeDeployment { members: Map<String, Value> },
    /// CodeDeploy's StopDeployment with `autoRollbackEnabled`: it goes back by a deployment of its own.
    StopCodeDeployment(DeploymentId),
    /// CodeDeploy's ContinueDeployment of one that waits (`READY_WAIT`) before it moves traffic.
    ContinueCodeDeployment(DeploymentId),
    /// RunTask with exactly these members; their `clientToken` makes the task once.
    RunTask { members: Map<String, Value> },
}

/// AWS's answer to an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Receipt {
    Registered(TaskDefinitionArn),
    Updated(Service),
    Created,
    Deleted,
    Shifted,
    Promoted,
    Stopped,
    Continued,
    /// The deployment that CodeDeploy made.
    CodeDeployment(DeploymentId),
    /// The task that RunTask started, now or when it was asked before under this client token.
    Started {
        token: String,
        task: TaskArn,
    },
}

impl Receipt {
    /// Whether it is AWS's answer to such an action.
    pub fn answers(&self, action: &Action) -> bool {
        match (self, action) {
            (Self::Updated(service), Action::UpdateService { key, .. }) => {
                service.name() == key.service.short()
            }
            (Self::Registered(_), Action::RegisterTaskDefinition(_))
            | (Self::Created, Action::CreateService { .. } | Action::CreateTaskSet { .. })
            | (Self::Deleted, Action::DeleteService(_) | Action::DeleteTaskSet { .. })
            | (Self::Shifted, Action::Shift { .. })
            | (Self::Promoted, Action::PromoteTaskSet { .. })
            | (Self::Stopped, Action::StopServiceDeployment(_) | Action::StopCodeDeployment(_))
            | (
                Self::Continued,
                Action::ContinueServiceDeployment { .. } | Action::ContinueCodeDeployment(_),
            )
            | (Self::CodeDeployment(_), Action::CreateCodeDeployment { .. })
            | (Self::Started { .. }, Action::RunTask { .. }) => true,
            _ => false,
        }
    }
}

impl Action {
    /// The AWS operation's name.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::RegisterTaskDefinition(_) => "RegisterTaskDefinition",
            Self::UpdateService { .. } => "UpdateService",
            Self::CreateService { .. } => "CreateService",
            Self::DeleteService(_) => "DeleteService",
            Self::Shift { .. } => "ModifyRule",
            Self::CreateTaskSet { .. } => "CreateTaskSet",
            Self::PromoteTaskSet { .. } => "UpdateServicePrimaryTaskSet",
            Self::DeleteTaskSet { .. } => "DeleteTaskSet",
            Self::StopServiceDeployment(_) => "StopServiceDeployment",
            Self::ContinueServiceDeployment { .. } => "ContinueServiceDeployment",
            Self::CreateCodeDeployment { .. } => "CreateDeployment",
            Self::StopCodeDeployment(_) => "StopDeployment",
            Self::ContinueCodeDeployment(_) => "ContinueDeployment",
            Self::RunTask { .. } => "RunTask",
        }
    }
}
