//! Looks at facets: one function each, nothing decided.
//!
//! **Invariant:** a facet that was asked for is always answered in the observation, if only with the fault.

use std::cell::RefCell;

use aws_sdk_ecr::types::ImageIdentifier;
use aws_sdk_ecs::types::{ServiceField, TaskDefinitionField};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::Aws;
use super::faults::fault;
use super::wire::Document;
use crate::core::id::{DeploymentId, ServiceDeploymentArn, ServiceKey, TargetGroupArn};
use crate::core::live::{
    EcrImage, EcrImageDetail, Service, ServiceDeployment, Tagging, Target, TargetState,
};
use crate::core::rollout::{Facet, Fault, Observation, Seen, Watch};
use crate::core::taskdef::Described;

/// So many facets are looked at side by side, so that a slow answer holds up no other. They are begun in order: a world
/// that answers at once is asked for one after the other.
const SIDE_BY_SIDE: usize = 8;

impl Aws {
    pub(super) async fn look(&self, watch: &Watch) -> Observation {
        let seen = RefCell::default();
        // The SDK's futures are large; on the heap they leave the stack to whoever drives.
        let look = |facet| Box::pin(self.look_at(facet, &seen));
        stream::iter(watch)
            .for_each_concurrent(SIDE_BY_SIDE, look)
            .await;
        seen.into_inner()
    }

    async fn look_at(&self, facet: &Facet, seen: &RefCell<Observation>) {
        match facet {
            Facet::Service(key) => seen.borrow_mut().service = self.service(key).await.into(),
            Facet::Beside(key) => seen.borrow_mut().beside = self.service(key).await.into(),
            Facet::TaskDefinition(name) => {
                let found = self.task_definition(name).await.into();
                seen.borrow_mut()
                    .task_definitions
                    .insert(name.clone(), found);
            }
            Facet::RunningTasks(key) => {
                seen.borrow_mut().running_tasks = self.running_tasks(key).await.into();
            }
            Facet::StoppedTasks(key) => {
                seen.borrow_mut().stopped_tasks = self.stopped_tasks(key).await.into();
            }
            Facet::Targets(group) => {
                let found = self.targets(group).await.into();
                seen.borrow_mut().targets.insert(group.clone(), found);
            }
            Facet::ServiceDeployment(key, id) => {
                seen.borrow_mut().service_deployment =
                    self.service_deployment(key, id).await.into();
            }
            Facet::Record(arn) => {
                seen.borrow_mut().service_deployment = self.record(arn).await.into()
            }
            Facet::Rule(arn) => {
                let found = self.rule(arn).await.into();
                seen.borrow_mut().rules.insert(arn.clone(), found);
            }
            Facet::RulesAround(group) => {
                seen.borrow_mut().rules_around = self.rules_around(group).await.into()
            }
            Facet::Alarms(names) => {
                let found = self.alarms(names).await;
                seen.borrow_mut().alarms.extend(found);
            }
            Facet::Metrics(request) => {
                let found = self.metrics(request).await.map(Some).into();
                seen.borrow_mut().metrics.insert(request.clone(), found);
            }
            Facet::OneOffTask(cluster, task) => {
                let found = self.one_off_task(cluster, task).await.into();
                seen.borrow_mut().one_off_tasks.insert(task.clone(), found);
            }
            Facet::Http(probe) => {
                let fault = Fault::unasked("GET", "AWS sends no probes");
                seen.borrow_mut()
                    .replies
                    .insert(probe.clone(), Seen::Unreadable(fault));
            }
            Facet::Approval(ask) => {
                let fault = Fault::unasked("approval", "AWS knows no approvals");
                seen.borrow_mut()
                    .approvals
                    .insert(ask.clone(), Seen::Unreadable(fault));
            }
            Facet::TargetGroups(arns) => {
                seen.borrow_mut().target_groups =
                    self.target_group_kinds(arns).await.map(Some).into();
            }
            Facet::ScalingPolicies(key) => {
                seen.borrow_mut().policies = self.scaling_policies(key).await.map(Some).into();
            }
            Facet::CodeDeployGroup(search) => {
                seen.borrow_mut().code_deploy_group = self.code_deploy_group(search).await.into();
            }
            Facet::CodeDeployments(key, since) => {
                let found = self.code_deployments(key, *since).await;
                seen.borrow_mut().code_deployments = found.map(Some).into();
            }
            Facet::CodeDeployment(id) => {
                let found = self.code_deployment(id).await.into();
                seen.borrow_mut().code_deployment.insert(id.clone(), found);
            }
            Facet::Image(image) => {
                let found = self.image(image).await.into();
                seen.borrow_mut().images.insert(image.clone(), found);
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
        let ours = all(listed.answer(), "serviceDeployments")
            .map(ServiceDeployment::new)
            .find(|deployment| deployment.revision_id() == id.short());
        match ours {
            Some(ours) => self.record(&ours.arn()).await,
            None => Ok(None),
        }
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

pub(super) fn first(answer: Value, member: &str) -> Option<Value> {
    all(answer, member).next()
}
