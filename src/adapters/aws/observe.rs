//! Looks at facets: one function each, nothing decided.
//!
//! **Invariant:** a facet that was asked for is always answered in the observation, if only with the fault.

use aws_sdk_ecr::types::ImageIdentifier;
use aws_sdk_ecs::types::{DesiredStatus, ServiceField, TaskDefinitionField, TaskField};
use serde_json::Value;

use super::Aws;
use super::faults::fault;
use super::wire::Document;
use crate::core::id::{
    Cluster, DeploymentId, ServiceDeploymentArn, ServiceKey, TargetGroupArn, TaskArn,
};
use crate::core::live::{
    EcrImage, EcrImageDetail, Service, ServiceDeployment, Tagging, Target, TargetState, Task,
};
use crate::core::rollout::{Facet, Fault, Observation, Seen, Watch};
use crate::core::taskdef::Described;

/// DescribeTasks takes so many at most; the newest are what matters of a service's stopped tasks.
const TASKS_PER_CALL: usize = 100;

impl Aws {
    pub(super) async fn look(&self, watch: &Watch) -> Observation {
        let mut seen = Observation::default();
        for facet in watch {
            // The SDK's futures are large; on the heap they leave the stack to whoever drives.
            Box::pin(self.look_at(facet, &mut seen)).await;
        }
        seen
    }

    async fn look_at(&self, facet: &Facet, seen: &mut Observation) {
        match facet {
            Facet::Service(key) => seen.service = self.service(key).await.into(),
            Facet::Beside(key) => seen.beside = self.service(key).await.into(),
            Facet::TaskDefinition(name) => {
                let found = self.task_definition(name).await.into();
                seen.task_definitions.insert(name.clone(), found);
            }
            Facet::RunningTasks(key) => {
                seen.running_tasks = self.tasks(key, DesiredStatus::Running).await.into();
            }
            Facet::StoppedTasks(key) => {
                seen.stopped_tasks = self.tasks(key, DesiredStatus::Stopped).await.into();
            }
            Facet::Targets(group) => {
                let found = self.targets(group).await.into();
                seen.targets.insert(group.clone(), found);
            }
            Facet::NewestServiceDeployment(key) => {
                seen.service_deployment = self.newest_service_deployment(key).await.into();
            }
            Facet::ServiceDeployment(key, id) => {
                seen.service_deployment = self.service_deployment(key, id).await.into();
            }
            Facet::Record(arn) => seen.service_deployment = self.record(arn).await.into(),
            Facet::Rule(arn) => {
                let found = self.rule(arn).await.into();
                seen.rules.insert(arn.clone(), found);
            }
            Facet::RulesAround(group) => seen.rules_around = self.rules_around(group).await.into(),
            Facet::Alarms(names) => seen.alarms.extend(self.alarms(names).await),
            Facet::Metrics(request) => {
                let found = self.metrics(request).await.map(Some).into();
                seen.metrics.insert(request.clone(), found);
            }
            Facet::OneOffTask(cluster, task) => {
                let found = self.one_off_task(cluster, task).await.into();
                seen.one_off_tasks.insert(task.clone(), found);
            }
            Facet::Http(probe) => {
                let fault = Fault::unasked("GET", "AWS sends no probes");
                seen.replies.insert(probe.clone(), Seen::Unreadable(fault));
            }
            Facet::Approval(ask) => {
                let fault = Fault::unasked("approval", "AWS knows no approvals");
                seen.approvals.insert(ask.clone(), Seen::Unreadable(fault));
            }
            Facet::TargetGroups(arns) => {
                seen.target_groups = self.target_group_kinds(arns).await.map(Some).into();
            }
            Facet::ScalingPolicies(key) => {
                seen.policies = self.scaling_policies(key).await.map(Some).into();
            }
            Facet::CodeDeployGroup(search) => {
                seen.code_deploy_group = self.code_deploy_group(search).await.into();
            }
            Facet::CodeDeployments(key, since) => {
                let found = self.code_deployments(key, *since).await;
                seen.code_deployments = found.map(Some).into();
            }
            Facet::CodeDeployment(id) => {
                let found = self.code_deployment(id).await.into();
                seen.code_deployment.insert(id.clone(), found);
            }
            Facet::Image(image) => {
                let found = self.image(image).await.into();
                seen.images.insert(image.clone(), found);
            }
        }
    }

    async fn service(&self, key: &ServiceKey) -> Result<Option<Service>, Fault> {
        let answer = Document::read();
        self.ecs
            .describe_services()
            .cluster(key.cluster.as_str())
            .services(key.service.as_str())
            .include(ServiceField::Tags)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| fault("DescribeServices", &error))?;
        Ok(first(answer.answer(), "services").map(Service::new))
    }

    async fn task_definition(&self, name: &str) -> Result<Option<Described>, Fault> {
        let answer = Document::read();
        let sent = self
            .ecs
            .describe_task_definition()
            .task_definition(name)
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await;
        match sent {
            Ok(_) => Described::from_value(answer.answer())
                .map(Some)
                .map_err(|error| unreadable("DescribeTaskDefinition", &error.to_string())),
            // ECS answers an unknown family or revision with a ClientException of these words.
            Err(error) => match fault("DescribeTaskDefinition", &error) {
                absent
                    if absent
                        .message
                        .starts_with("Unable to describe task definition") =>
                {
                    Ok(None)
                }
                fault => Err(fault),
            },
        }
    }

    async fn tasks(
        &self,
        key: &ServiceKey,
        desired: DesiredStatus,
    ) -> Result<Option<Vec<Task>>, Fault> {
        let listed = self
            .ecs
            .list_tasks()
            .cluster(key.cluster.as_str())
            .service_name(key.service.short())
            .desired_status(desired)
            .send()
            .await
            .map_err(|error| fault("ListTasks", &error))?;
        let arns: Vec<String> = listed
            .task_arns()
            .iter()
            .take(TASKS_PER_CALL)
            .cloned()
            .collect();
        if arns.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let answer = Document::read();
        self.ecs
            .describe_tasks()
            .cluster(key.cluster.as_str())
            .set_tasks(Some(arns))
            .include(TaskField::Tags)
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| fault("DescribeTasks", &error))?;
        let tasks = all(answer.answer(), "tasks").map(Task::new).collect();
        self.on_instances(&key.cluster, tasks).await.map(Some)
    }

    /// ECS forgets stopped tasks after an hour or more; it names an unknown one among `failures` only.
    async fn one_off_task(&self, cluster: &Cluster, task: &TaskArn) -> Result<Option<Task>, Fault> {
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

    async fn targets(&self, group: &TargetGroupArn) -> Result<Option<Vec<Target>>, Fault> {
        let described = self
            .elb
            .describe_target_health()
            .target_group_arn(group.as_str())
            .send()
            .await
            .map_err(|error| fault("DescribeTargetHealth", &error))?;
        let targets = described.target_health_descriptions().iter().map(|entry| {
            let target = entry.target();
            let health = entry.target_health();
            Target {
                id: target.and_then(|t| t.id()).unwrap_or_default().to_owned(),
                port: target
                    .and_then(aws_sdk_elasticloadbalancingv2::types::TargetDescription::port)
                    .and_then(|port| u32::try_from(port).ok())
                    .unwrap_or_default(),
                state: TargetState::read(
                    health
                        .and_then(|h| h.state())
                        .map_or("", |state| state.as_str()),
                ),
                reason: health
                    .and_then(|h| h.reason())
                    .map_or_else(String::new, |reason| reason.as_str().to_owned()),
                description: health
                    .and_then(|h| h.description())
                    .unwrap_or_default()
                    .to_owned(),
            }
        });
        Ok(Some(targets.collect()))
    }

    /// The newest service deployments hold the one whose target revision has the deployment's number.
    async fn service_deployment(
        &self,
        key: &ServiceKey,
        id: &DeploymentId,
    ) -> Result<Option<ServiceDeployment>, Fault> {
        let mut listed = self.service_deployments(key).await?.into_iter();
        match listed.find(|deployment| deployment.revision_id() == id.short()) {
            Some(ours) => self.record(&ours.arn()).await,
            None => Ok(None),
        }
    }

    async fn newest_service_deployment(
        &self,
        key: &ServiceKey,
    ) -> Result<Option<ServiceDeployment>, Fault> {
        let listed = self.service_deployments(key).await?.into_iter();
        Ok(listed.max_by(|a, b| a.created().total_cmp(&b.created())))
    }

    /// In brief, the first page.
    async fn service_deployments(&self, key: &ServiceKey) -> Result<Vec<ServiceDeployment>, Fault> {
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
        let listed = all(listed.answer(), "serviceDeployments");
        Ok(listed.map(ServiceDeployment::new).collect())
    }

    async fn record(&self, arn: &ServiceDeploymentArn) -> Result<Option<ServiceDeployment>, Fault> {
        let answer = Document::read();
        self.ecs
            .describe_service_deployments()
            .service_deployment_arns(arn.as_str())
            .customize()
            .interceptor(answer.clone())
            .send()
            .await
            .map_err(|error| fault("DescribeServiceDeployments", &error))?;
        Ok(first(answer.answer(), "serviceDeployments").map(ServiceDeployment::new))
    }

    async fn image(&self, image: &EcrImage) -> Result<Option<EcrImageDetail>, Fault> {
        let id = match &image.tagging {
            Tagging::Tag(tag) => ImageIdentifier::builder().image_tag(tag),
            Tagging::Digest(digest) => ImageIdentifier::builder().image_digest(digest),
        };
        // The registry may be in another region than the service.
        let there = aws_sdk_ecr::config::Builder::new()
            .region(aws_sdk_ecr::config::Region::new(image.region.clone()));
        let sent = self
            .ecr
            .describe_images()
            .registry_id(&image.account)
            .repository_name(&image.repository)
            .image_ids(id.build())
            .customize()
            .config_override(there)
            .send()
            .await;
        match sent {
            Ok(described) => Ok(described
                .image_details()
                .first()
                .map(|detail| EcrImageDetail {
                    digest: detail.image_digest().unwrap_or_default().to_owned(),
                    status: detail
                        .image_status()
                        .map_or_else(String::new, |status| status.as_str().to_owned()),
                })),
            Err(error) => match fault("DescribeImages", &error) {
                absent if absent.code == "ImageNotFoundException" => Ok(None),
                fault => Err(fault),
            },
        }
    }
}

pub(super) fn unreadable(operation: &str, message: &str) -> Fault {
    Fault {
        operation: operation.to_owned(),
        kind: crate::core::rollout::FaultKind::Unanswered,
        code: String::new(),
        message: message.to_owned(),
    }
}

pub fn all(mut answer: Value, member: &str) -> impl Iterator<Item = Value> + use<> {
    let list = match answer.get_mut(member).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    list.into_iter()
}

fn first(answer: Value, member: &str) -> Option<Value> {
    all(answer, member).next()
}
