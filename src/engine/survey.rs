//! Looks at what is there and decides what is to be done: the task definition that is wanted, its images
//! pinned to digests, and the plan.
//!
//! **Invariant:** only looks. Whatever can be known to be wrong is found here, before anything is changed.

use super::propose::propose;
use crate::core::id::{DeploymentId, ServiceKey, TaskDefinitionArn};
use crate::core::live::{EcrImage, EcrImageDetail, Rule, Service, Tagging, TaskSet};
use crate::core::plan::{Plan, Refusal, Survey};
use crate::core::preflight::Further;
use crate::core::rollout::{Facet, Fault, Observation, Seen, Watch};
use crate::core::service::Intent;
use crate::core::taskdef::{
    Described, Digest, ImageRef, ImageRefError, OverrideError, Overrides, TaskDefinition,
};
use crate::ports::Cloud;

/// What the user wants of one service.
#[derive(Clone, Debug)]
pub struct Request {
    pub target: ServiceKey,
    pub wanted: Wanted,
    pub pinning: Pinning,
    pub intent: Intent,
}

/// Where the wanted task definition comes from.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Rendered, overrides applied.
    Document(TaskDefinition),
    /// The one that the service runs, with these overrides.
    Running(Overrides),
    /// A registered revision, by ARN, `FAMILY:REVISION` or `FAMILY` for its latest; with overrides, what comes of it.
    Revision(String, Overrides),
}

/// What is wanted and what was found.
pub type Surveyed = (TaskDefinition, Survey);

/// Whether tags of ECR images are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinning {
    Pin,
    Keep,
}

/// Why no plan came of the look.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SurveyError {
    #[error("there is no service {} in cluster {}", .0.service, .0.cluster)]
    NoService(ServiceKey),
    #[error("no earlier completed deployment of {0} is known")]
    NoPrevious(ServiceKey),
    #[error(
        "there is nothing to turn back: the service went back to {} from {} already", .running.short(), .left.short()
    )]
    CameBack {
        running: TaskDefinitionArn,
        left: TaskDefinitionArn,
        /// What completed before the running one.
        further: Option<TaskDefinitionArn>,
    },
    #[error(
        "deployment {deployment} of CodeDeploy's is under way, no run of ecsdeploy drives it, and {} still serves", .serves.short()
    )]
    CodeDeployMoves {
        deployment: DeploymentId,
        serves: TaskDefinitionArn,
    },
    #[error("what served before {} is not known: ECS keeps no history of task sets", .serving.short())]
    NoHistory { serving: TaskDefinitionArn },
    #[error("there is no active task definition {0}")]
    NoTaskDefinition(String),
    #[error("container {container} wants the image {image}, and ECR has none of that name in account {}, region {}", .ecr.account, .ecr.region)]
    NoImage {
        container: String,
        image: String,
        ecr: Box<EcrImage>,
    },
    #[error(
        "container {container} wants the image {image}, which is {status} in ECR and cannot be pulled"
    )]
    ImageNotActive {
        container: String,
        image: String,
        status: String,
    },
    #[error(transparent)]
    Image(#[from] ImageRefError),
    #[error(transparent)]
    Override(#[from] OverrideError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Looks at the service, and plans.
pub async fn look(request: Request, cloud: &impl Cloud) -> Result<(Plan, Survey), SurveyError> {
    let (target, intent) = (request.target, request.intent);
    let (wanted, mut survey) = compare(&target, request.wanted, request.pinning, cloud).await?;
    let plan = propose(&target, &wanted, intent, &mut survey, cloud).await?;
    Ok((plan, survey))
}

/// Looks at the service: what is wanted of it, images pinned, and what is there.
pub async fn compare(
    target: &ServiceKey,
    wanted: Wanted,
    pinning: Pinning,
    cloud: &impl Cloud,
) -> Result<Surveyed, SurveyError> {
    let mut watch = Watch::from([Facet::Service(target.clone())]);
    if let Wanted::Document(document) = &wanted {
        watch.insert(Facet::TaskDefinition(document.family().to_owned()));
        watch.extend(image_facets(document, pinning)?);
    }
    let mut seen = cloud.observe(&watch).await;
    let service = service(&mut seen, target)?;
    let running =
        task_definition(&mut seen, service.running_task_definition().as_str(), cloud).await?;
    let wanted = match wanted {
        Wanted::Document(document) => pin_seen(document, pinning, &seen)?,
        Wanted::Running(overrides) => {
            changed(running.definition.clone(), &overrides, pinning, cloud).await?
        }
        Wanted::Revision(name, overrides) if overrides == Overrides::default() => {
            let named = task_definition(&mut seen, &name, cloud).await?;
            let wanted = named.definition.clone();
            let rules = rules(&service, cloud).await?;
            let latest = Some(named);
            return Ok((
                wanted,
                Survey {
                    service,
                    running,
                    latest,
                    rules,
                    code_deploy: None,
                    further: Further::default(),
                },
            ));
        }
        Wanted::Revision(name, overrides) => {
            let named = task_definition(&mut seen, &name, cloud).await?;
            changed(named.definition, &overrides, pinning, cloud).await?
        }
    };
    let latest = latest(&mut seen, wanted.family(), cloud).await?;
    let rules = rules(&service, cloud).await?;
    let survey = Survey {
        service,
        running,
        latest,
        rules,
        code_deploy: None,
        further: Further::default(),
    };
    Ok((wanted, survey))
}

/// What is wanted of no service in particular; `None` where only the running one can tell.
pub async fn document_of(
    wanted: Wanted,
    pinning: Pinning,
    cloud: &impl Cloud,
) -> Result<Option<TaskDefinition>, SurveyError> {
    match wanted {
        Wanted::Document(document) => pin(document, pinning, cloud).await.map(Some),
        Wanted::Revision(name, overrides) => {
            let mut nothing_seen = Observation::default();
            let named = task_definition(&mut nothing_seen, &name, cloud).await?;
            let document = changed(named.definition, &overrides, pinning, cloud).await?;
            Ok(Some(document))
        }
        Wanted::Running(_) => Ok(None),
    }
}

async fn changed(
    mut document: TaskDefinition,
    overrides: &Overrides,
    pinning: Pinning,
    cloud: &impl Cloud,
) -> Result<TaskDefinition, SurveyError> {
    overrides.apply(&mut document)?;
    pin(document, pinning, cloud).await
}

/// Replaces each ECR tag of the document by `tag@digest`.
pub async fn pin(
    document: TaskDefinition,
    pinning: Pinning,
    cloud: &impl Cloud,
) -> Result<TaskDefinition, SurveyError> {
    let watch = image_facets(&document, pinning)?;
    let seen = if watch.is_empty() {
        Observation::default()
    } else {
        cloud.observe(&watch).await
    };
    pin_seen(document, pinning, &seen)
}

fn service(seen: &mut Observation, key: &ServiceKey) -> Result<Service, SurveyError> {
    match std::mem::take(&mut seen.service) {
        Seen::Is(service) if service.status() != "INACTIVE" => Ok(service),
        Seen::Unreadable(fault) => Err(fault.into()),
        _ => Err(SurveyError::NoService(key.clone())),
    }
}

/// One task definition, from what was seen already or by another look.
async fn task_definition(
    seen: &mut Observation,
    name: &str,
    cloud: &impl Cloud,
) -> Result<Described, SurveyError> {
    let there = seen.task_definitions.values().find_map(Seen::is);
    if let Some(described) = there.filter(|d| d.arn.as_str() == name) {
        return Ok(described.clone());
    }
    read_task_definition(name, cloud)
        .await?
        .ok_or_else(|| SurveyError::NoTaskDefinition(name.to_owned()))
}

/// The rules that share traffic between task sets; other controllers leave rules alone, or to ECS or CodeDeploy.
async fn rules(service: &Service, cloud: &impl Cloud) -> Result<Vec<Rule>, SurveyError> {
    if service.controller() != "EXTERNAL" {
        return Ok(Vec::new());
    }
    let group = service.primary_task_set().and_then(TaskSet::target_group);
    let Some(group) = group else {
        return Ok(Vec::new());
    };
    let seen = cloud
        .observe(&Watch::from([Facet::RulesAround(group)]))
        .await;
    match seen.rules_around {
        Seen::Is(rules) => Ok(rules),
        Seen::Unreadable(fault) => Err(fault.into()),
        Seen::Absent | Seen::NotAsked => Ok(Vec::new()),
    }
}

async fn latest(
    seen: &mut Observation,
    family: &str,
    cloud: &impl Cloud,
) -> Result<Option<Described>, SurveyError> {
    match seen.task_definitions.remove(family) {
        Some(found) => known(found),
        None => read_task_definition(family, cloud).await,
    }
}

async fn read_task_definition(
    name: &str,
    cloud: &impl Cloud,
) -> Result<Option<Described>, SurveyError> {
    let facet = Facet::TaskDefinition(name.to_owned());
    let mut seen = cloud.observe(&Watch::from([facet])).await;
    known(seen.task_definitions.remove(name).unwrap_or_default())
}

fn known(found: Seen<Described>) -> Result<Option<Described>, SurveyError> {
    match found {
        Seen::Is(described) => Ok(Some(described)),
        Seen::Absent | Seen::NotAsked => Ok(None),
        Seen::Unreadable(fault) => Err(fault.into()),
    }
}

fn image_facets(document: &TaskDefinition, pinning: Pinning) -> Result<Watch, SurveyError> {
    let images = wanted_images(document, pinning)?;
    Ok(images
        .into_iter()
        .map(|(_, _, ecr)| Facet::Image(ecr))
        .collect())
}

/// The images that are to be pinned: those in ECR that have no digest yet.
fn wanted_images(
    document: &TaskDefinition,
    pinning: Pinning,
) -> Result<Vec<(String, ImageRef, EcrImage)>, SurveyError> {
    if pinning == Pinning::Keep {
        return Ok(Vec::new());
    }
    let mut images = Vec::new();
    for container in document.containers() {
        let Some(image) = container.image() else {
            continue;
        };
        let image: ImageRef = image.parse()?;
        if let Some(ecr) = in_ecr(&image) {
            images.push((container.name().to_owned(), image, ecr));
        }
    }
    Ok(images)
}

fn in_ecr(image: &ImageRef) -> Option<EcrImage> {
    if image.is_pinned() {
        return None;
    }
    let repository = image.ecr()?;
    Some(EcrImage {
        account: repository.account.to_string(),
        region: repository.region,
        repository: repository.repository,
        tagging: Tagging::Tag(image.tag().unwrap_or("latest").to_owned()),
    })
}

fn pin_seen(
    mut document: TaskDefinition,
    pinning: Pinning,
    seen: &Observation,
) -> Result<TaskDefinition, SurveyError> {
    for (container, image, ecr) in wanted_images(&document, pinning)? {
        let detail = match seen.images.get(&ecr) {
            Some(Seen::Is(detail)) => active(detail, &container, &image)?,
            Some(Seen::Unreadable(fault)) => return Err(fault.clone().into()),
            _ => {
                return Err(SurveyError::NoImage {
                    container,
                    image: image.to_string(),
                    ecr: Box::new(ecr),
                });
            }
        };
        let digest: Digest = detail.digest.parse()?;
        document
            .set_image(&container, &image.with_digest(digest).to_string())
            .expect("the container was just read from this document");
    }
    Ok(document)
}

fn active<'a>(
    detail: &'a EcrImageDetail,
    container: &str,
    image: &ImageRef,
) -> Result<&'a EcrImageDetail, SurveyError> {
    if matches!(detail.status.as_str(), "" | "ACTIVE") {
        return Ok(detail);
    }
    Err(SurveyError::ImageNotActive {
        container: container.to_owned(),
        image: image.to_string(),
        status: detail.status.clone(),
    })
}
