//! Makes changes: one call each, with exactly the document given.

use aws_sdk_ecs::types::{DeploymentLifecycleHookAction, StopServiceDeploymentStopType};
use serde_json::{Map, Value};

use super::Aws;
use super::faults::fault;
use super::limits::{CHANGE, OnlyThrottled, within};
use super::wire::Document;
use crate::core::id::{ServiceDeploymentArn, ServiceKey, TaskArn, TaskDefinitionArn};
use crate::core::live::Service;
use crate::core::rollout::{Action, Fault, FaultKind, Observation, Receipt, Watch};
use crate::core::taskdef::TaskDefinition;
use crate::ports::Cloud;

impl Cloud for Aws {
    async fn observe(&self, watch: &Watch) -> Observation {
        self.look(watch).await
    }

    async fn perform(&self, action: &Action) -> Result<Receipt, Fault> {
        // The SDK's futures are large; on the heap they leave the stack to whoever drives.
        let change = Box::pin(self.call(action));
        within(CHANGE, action.operation(), change).await
    }
}

impl Aws {
    async fn call(&self, action: &Action) -> Result<Receipt, Fault> {
        match action {
            Action::RegisterTaskDefinition(document) => self.register(document).await,
            Action::UpdateService { key, members } => self.update(key, members.clone()).await,
            Action::CreateService { key, members } => self.create(key, members.clone()).await,
            Action::DeleteService(key) => self.delete(key).await,
            Action::Shift { rule, weights } => self.shift(rule, weights).await,
            Action::CreateTaskSet { key, members } => {
                self.create_task_set(key, members.clone()).await
            }
            Action::PromoteTaskSet { key, set } => self.promote_task_set(key, set).await,
            Action::DeleteTaskSet { key, set } => self.delete_task_set(key, set).await,
            Action::StopServiceDeployment(arn) => self.stop(arn).await,
            Action::CreateCodeDeployment { members } => {
                self.create_deployment(members.clone()).await
            }
            Action::StopCodeDeployment(id) => self.stop_deployment(id).await,
            Action::ContinueCodeDeployment(id) => self.continue_deployment(id).await,
            Action::RunTask { members } => self.run_task(members.clone()).await,
            Action::ContinueServiceDeployment { deployment, hook } => {
                self.go_on(deployment, hook).await
            }
        }
    }

    async fn register(&self, document: &TaskDefinition) -> Result<Receipt, Fault> {
        let sent = Document::send(document.as_map().clone());
        let answer = self
            .ecs
            .register_task_definition()
            .family(document.family())
            .set_container_definitions(Some(Vec::new()))
            .customize()
            .config_override(once())
            .interceptor(sent.clone())
            .send()
            .await
            .map_err(|error| fault("RegisterTaskDefinition", &error))?;
        let arn = answer
            .task_definition()
            .and_then(|made| made.task_definition_arn())
            .ok_or_else(|| empty("RegisterTaskDefinition"))?;
        Ok(Receipt::Registered(TaskDefinitionArn::new(arn)))
    }

    async fn update(
        &self,
        key: &ServiceKey,
        members: Map<String, Value>,
    ) -> Result<Receipt, Fault> {
        let sent = Document::send(members);
        self.ecs
            .update_service()
            .cluster(key.cluster.as_str())
            .service(key.service.as_str())
            .customize()
            .config_override(once())
            .interceptor(sent.clone())
            .send()
            .await
            .map_err(|error| fault("UpdateService", &error))?;
        match sent.answer().get_mut("service").map(Value::take) {
            Some(service) => Ok(Receipt::Updated(Service::new(service))),
            None => Err(empty("UpdateService")),
        }
    }

    /// The members carry no client token: the name itself is what makes it once.
    async fn create(
        &self,
        key: &ServiceKey,
        members: Map<String, Value>,
    ) -> Result<Receipt, Fault> {
        self.ecs
            .create_service()
            .cluster(key.cluster.as_str())
            .service_name(key.service.as_str())
            .customize()
            .config_override(once())
            .interceptor(Document::send(members))
            .send()
            .await
            .map_err(|error| fault("CreateService", &error))?;
        Ok(Receipt::Created)
    }

    async fn delete(&self, key: &ServiceKey) -> Result<Receipt, Fault> {
        self.ecs
            .delete_service()
            .cluster(key.cluster.as_str())
            .service(key.service.as_str())
            .force(true)
            .send()
            .await
            .map_err(|error| fault("DeleteService", &error))?;
        Ok(Receipt::Deleted)
    }

    /// A hook that went on already refuses to be told again; nothing is done twice.
    async fn go_on(&self, deployment: &ServiceDeploymentArn, hook: &str) -> Result<Receipt, Fault> {
        self.ecs
            .continue_service_deployment()
            .service_deployment_arn(deployment.as_str())
            .hook_id(hook)
            .action(DeploymentLifecycleHookAction::Continue)
            .send()
            .await
            .map_err(|error| fault("ContinueServiceDeployment", &error))?;
        Ok(Receipt::Continued)
    }

    /// The members' client token makes the task once, so the SDK may retry it: ECS answers with the task that the token
    /// started before.
    async fn run_task(&self, members: Map<String, Value>) -> Result<Receipt, Fault> {
        let text = |member: &str| members.get(member).and_then(Value::as_str);
        let token = text("clientToken").unwrap_or_default().to_owned();
        let definition = text("taskDefinition").unwrap_or_default().to_owned();
        let sent = Document::send(members);
        self.ecs
            .run_task()
            .task_definition(definition)
            .client_token(&token)
            .customize()
            .interceptor(sent.clone())
            .send()
            .await
            .map_err(|error| fault("RunTask", &error))?;
        let answer = sent.answer();
        let started = answer.pointer("/tasks/0/taskArn").and_then(Value::as_str);
        match started {
            Some(task) => Ok(Receipt::Started {
                token,
                task: TaskArn::new(task),
            }),
            None => Err(Fault {
                operation: "RunTask".to_owned(),
                kind: FaultKind::Refused,
                code: answer
                    .pointer("/failures/0/reason")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
                message: answer
                    .pointer("/failures/0/detail")
                    .and_then(Value::as_str)
                    .unwrap_or("ECS started no task")
                    .to_owned(),
            }),
        }
    }

    /// Asking again for a stop that was asked for changes nothing, so the SDK may retry it.
    async fn stop(&self, deployment: &ServiceDeploymentArn) -> Result<Receipt, Fault> {
        self.ecs
            .stop_service_deployment()
            .service_deployment_arn(deployment.as_str())
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .send()
            .await
            .map_err(|error| fault("StopServiceDeployment", &error))?;
        Ok(Receipt::Stopped)
    }
}

pub(super) fn once() -> aws_sdk_ecs::config::Builder {
    aws_sdk_ecs::config::Builder::new().retry_classifier(OnlyThrottled)
}

fn empty(operation: &str) -> Fault {
    Fault {
        operation: operation.to_owned(),
        kind: FaultKind::Unanswered,
        code: String::new(),
        message: "the answer lacks what was asked for".to_owned(),
    }
}
