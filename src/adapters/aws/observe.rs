//! Looks at facets: one function each, nothing decided.
//!
//! **Invariant:** a facet that was asked for is always answered in the observation, if only with the fault.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::pin::Pin;

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

/// One look, on the heap: the SDK's futures are large, and what is polled through many hands outgrows small stacks.
type Look<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Looks, and puts what was seen where it belongs.
fn put<'a, T>(
    look: impl Future<Output = Result<Option<T>, Fault>> + 'a,
    place: impl FnOnce(Seen<T>) + 'a,
) -> Look<'a> {
    Box::pin(async move { place(look.await.into()) })
}

impl Aws {
    pub(super) async fn look(&self, watch: &Watch) -> Observation {
        let seen = RefCell::default();
        let look = |facet| self.look_at(facet, &seen);
        stream::iter(watch)
            .for_each_concurrent(SIDE_BY_SIDE, look)
            .await;
        seen.into_inner()
    }

    fn look_at<'a>(&'a self, facet: &'a Facet, to: &'a RefCell<Observation>) -> Look<'a> {
        let seen = || to.borrow_mut();
        match facet {
            Facet::Service(key) => put(self.service(key), move |it| seen().service = it),
            Facet::Beside(key) => put(self.service(key), move |it| seen().beside = it),
            Facet::TaskDefinition(name) => put(self.task_definition(name), move |it| {
                seen().task_definitions.insert(name.clone(), it);
            }),
            Facet::RunningTasks(key) => put(self.running_tasks(key), move |it| {
                seen().running_tasks = it;
            }),
            Facet::StoppedTasks(key) => put(self.stopped_tasks(key), move |it| {
                seen().stopped_tasks = it;
            }),
            Facet::Targets(group) => put(self.targets(group), move |it| {
                seen().targets.insert(group.clone(), it);
            }),
            Facet::NewestServiceDeployment(key) => {
                put(self.newest_service_deployment(key), move |it| {
                    seen().service_deployment = it;
                })
            }
            Facet::ServiceDeployment(key, id) => put(self.service_deployment(key, id), move |it| {
                seen().service_deployment = it;
            }),
            Facet::Record(arn) => put(self.record(arn), move |it| seen().service_deployment = it),
            Facet::Rule(arn) => put(self.rule(arn), move |it| {
                seen().rules.insert(arn.clone(), it);
            }),
            Facet::RulesAround(group) => put(self.rules_around(group), move |it| {
                seen().rules_around = it;
            }),
            Facet::OneOffTask(cluster, task) => put(self.one_off_task(cluster, task), move |it| {
                seen().one_off_tasks.insert(task.clone(), it);
            }),
            Facet::Image(image) => put(self.image(image), move |it| {
                seen().images.insert(image.clone(), it);
            }),
            other => self.look_further(other, to),
        }
    }

    /// Beyond ECS, its images and the balancers' rules.
    fn look_further<'a>(&'a self, facet: &'a Facet, to: &'a RefCell<Observation>) -> Look<'a> {
        let seen = || to.borrow_mut();
        match facet {
            Facet::Alarms(names) => Box::pin(async move {
                let found = self.alarms(names).await;
                seen().alarms.extend(found);
            }),
            Facet::Metrics(request) => put(some(self.metrics(request)), move |it| {
                seen().metrics.insert(request.clone(), it);
            }),
            Facet::TargetGroups(arns) => put(some(self.target_group_kinds(arns)), move |it| {
                seen().target_groups = it;
            }),
            Facet::ScalingPolicies(key) => put(some(self.scaling_policies(key)), move |it| {
                seen().policies = it;
            }),
            Facet::CodeDeployGroup(search) => put(self.code_deploy_group(search), move |it| {
                seen().code_deploy_group = it;
            }),
            Facet::CodeDeployments(key, since) => {
                put(some(self.code_deployments(key, *since)), move |it| {
                    seen().code_deployments = it;
                })
            }
            Facet::CodeDeployment(id) => put(self.code_deployment(id), move |it| {
                seen().code_deployment.insert(id.clone(), it);
            }),
            Facet::Http(probe) => put(unasked("GET", "AWS sends no probes"), move |it| {
                seen().replies.insert(probe.clone(), it);
            }),
            Facet::Approval(ask) => put(unasked("approval", "AWS knows no approvals"), move |it| {
                seen().approvals.insert(ask.clone(), it);
            }),
            Facet::Service(_)
            | Facet::Beside(_)
            | Facet::TaskDefinition(_)
            | Facet::RunningTasks(_)
            | Facet::StoppedTasks(_)
            | Facet::Targets(_)
            | Facet::NewestServiceDeployment(_)
            | Facet::ServiceDeployment(..)
            | Facet::Record(_)
            | Facet::Rule(_)
            | Facet::RulesAround(_)
            | Facet::OneOffTask(..)
            | Facet::Image(_) => unreachable!("these were looked at before"),
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

async fn some<T>(look: impl Future<Output = Result<T, Fault>>) -> Result<Option<T>, Fault> {
    look.await.map(Some)
}

fn unasked<T>(operation: &str, message: &str) -> Ready<Result<Option<T>, Fault>> {
    ready(Err(Fault::unasked(operation, message)))
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
