//! CreateTaskSet, and the task sets that CodeDeploy and a CODE_DEPLOY service's creation make.
//!
//! Source: ECS API reference, `CreateTaskSet`: only EXTERNAL services take it; without `scale` a set begins at 0 percent.

use serde_json::{Value, json};

use super::controller::Controller;
use super::operations::managed;
use super::state::{SetStatus, Stability, TaskSet};
use crate::sandbox::ecs::deployment::{ServiceRevision, Throttle};
use crate::sandbox::ecs::document::{
    Document, default_to, filled, list, member, object, text, without_nulls,
};
use crate::sandbox::ecs::images::{self, ResolvedImage};
use crate::sandbox::ecs::service::{self, Service, Tags};
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::{defaults, refuse, tags};
use crate::sandbox::{ApiError, ids};

/// Members that steer the call and are no part of the set's document.
const STEERING: [&str; 6] = [
    "cluster",
    "service",
    "scale",
    "externalId",
    "clientToken",
    "tags",
];

/// Who makes a task set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// A caller of CreateTaskSet.
    Caller,
    CodeDeploy,
}

impl Maker {
    fn controller(self) -> Controller {
        match self {
            Self::Caller => Controller::External,
            Self::CodeDeploy => Controller::CodeDeploy,
        }
    }

    fn started_by(self) -> Option<&'static str> {
        (self == Self::CodeDeploy).then_some("CODE_DEPLOY")
    }
}

/// CreateTaskSet.
pub fn create(ecs: &mut Ecs, input: &Document, ground: &mut Ground<'_>) -> Result<Value, ApiError> {
    if let Some(number) = repeated(ecs, input)? {
        return answer(ecs, input, number);
    }
    let number = create_in(ecs, input, Maker::Caller, ground)?;
    answer(ecs, input, number)
}

fn answer(ecs: &mut Ecs, input: &Document, number: u64) -> Result<Value, ApiError> {
    let name = text(input, "service").unwrap_or_default();
    let cluster = ecs.cluster(input)?;
    let service = cluster
        .services
        .get(crate::sandbox::ecs::document::last_part(name))
        .ok_or_else(refuse::no_service)?;
    let found = service.task_sets.iter().find(|set| set.number() == number);
    let set = found.ok_or_else(super::state::no_task_set)?;
    Ok(json!({ "taskSet": set.answer(service, &cluster.tasks, Tags::Shown) }))
}

/// The set that the same call has made already, known by its client token.
fn repeated(ecs: &mut Ecs, input: &Document) -> Result<Option<u64>, ApiError> {
    let Some(token) = filled(input, "clientToken") else {
        return Ok(None);
    };
    if token.len() > 36 {
        return Err(refuse::invalid(
            "clientToken can have at most 36 characters.",
        ));
    }
    let service = managed(ecs, input, Maker::Caller.controller())?;
    let same_token = |set: &&TaskSet| set.request["clientToken"] == token;
    match service.task_sets.iter().find(same_token) {
        None => Ok(None),
        Some(set) if set.request == without_nulls(&Value::Object(input.clone())) => {
            Ok(Some(set.number()))
        }
        // In the manner of "Creation of service was not idempotent."; ours.
        Some(_) => Err(refuse::invalid("Creation of task set was not idempotent.")),
    }
}

/// Makes a task set as `maker`; answers its number. The scheduler fills it.
pub fn create_in(
    ecs: &mut Ecs,
    input: &Document,
    maker: Maker,
    ground: &mut Ground<'_>,
) -> Result<u64, ApiError> {
    let named = filled(input, "taskDefinition")
        .ok_or_else(|| refuse::invalid("TaskDefinition can not be blank."))?;
    let scale = read_scale(input)?.unwrap_or(0.0);
    let tags = tags::read(input)?;
    let service = managed(ecs, input, maker.controller())?;
    if service.task_sets.len() >= defaults::TASK_SETS_LIMIT {
        return Err(refuse::invalid(format!(
            "{} deployments exist on the service. Unable to create new TaskSet since this exceeds the maximum limit.",
            service.task_sets.len()
        )));
    }
    let cluster = ecs.cluster(input)?;
    let usual_strategy = list(&cluster.document, "defaultCapacityProviderStrategy").to_vec();
    let definition = ecs.definition_to_run(named)?;
    let document = with_defaults(input, &definition.arn, &usual_strategy);
    if list(&document, "loadBalancers").len() > 1 {
        return Err(refuse::invalid(
            "CreateTaskSet cannot have more than 1 load balancer.",
        ));
    }
    service::check_revision(&document, definition, ground)?;
    let images = images::resolve(definition, ground);
    let service = managed(ecs, input, maker.controller())?;
    let revision = revision(service, document, images, ground);
    let number = revision.number;
    let mut set = TaskSet::new(revision, scale, tags);
    set.started_by = maker.started_by();
    set.external_id = filled(input, "externalId").map(str::to_owned);
    set.request = without_nulls(&Value::Object(input.clone()));
    service.task_sets.push(set);
    Ok(number)
}

/// The task set with which a CODE_DEPLOY service begins: PRIMARY, at full scale.
pub fn create_first(service: &mut Service, images: Vec<ResolvedImage>, ground: &mut Ground<'_>) {
    let document = service.revision_members();
    let revision = revision(service, document, images, ground);
    let mut set = TaskSet::new(revision, 100.0, Vec::new());
    set.status = SetStatus::Primary;
    service.task_sets.push(set);
}

fn revision(
    service: &Service,
    document: Document,
    images: Vec<ResolvedImage>,
    ground: &mut Ground<'_>,
) -> ServiceRevision {
    let number = ids::digits(ground.rng, 19)
        .parse()
        .expect("19 digits fit into 64 bits");
    let (cluster, name) = (&service.cluster, &service.name);
    ServiceRevision {
        number,
        arn: ground.arn(&format!("task-set/{cluster}/{name}/ecs-svc/{number}")),
        document,
        images,
        created_at: ground.now,
        resolved: Vec::new(),
    }
}

impl TaskSet {
    fn new(revision: ServiceRevision, scale: f64, tags: Vec<Value>) -> Self {
        let now = revision.created_at;
        Self {
            status: SetStatus::Active,
            revision,
            started_by: None,
            external_id: None,
            scale,
            computed: 0,
            stability: Stability::Stabilizing,
            stability_at: now,
            updated_at: now,
            tags,
            throttle: Throttle::default(),
            request: Value::Null,
            owed: 0,
        }
    }
}

/// `scale.value`, if `scale` is given.
pub fn read_scale(input: &Document) -> Result<Option<f64>, ApiError> {
    let Some(scale) = object(input, "scale") else {
        return Ok(None);
    };
    if text(scale, "unit").is_some_and(|unit| unit != "PERCENT") {
        return Err(refuse::invalid("Scale unit must be PERCENT.")); // ours, as the next
    }
    match member(scale, "value").and_then(Value::as_f64) {
        Some(value) if (0.0..=100.0).contains(&value) => Ok(Some(value)),
        _ => Err(refuse::invalid("Scale value must be between 0 and 100.")),
    }
}

fn with_defaults(input: &Document, definition_arn: &str, usual_strategy: &[Value]) -> Document {
    let Value::Object(mut document) = without_nulls(&Value::Object(input.clone())) else {
        return Document::new();
    };
    for key in STEERING {
        document.shift_remove(key);
    }
    document.insert("taskDefinition".into(), json!(definition_arn));
    service::choose_launch_type(&mut document, usual_strategy);
    if text(&document, "platformVersion") == Some("LATEST") {
        document.insert("platformVersion".into(), json!(defaults::FARGATE_PLATFORM));
    }
    for key in ["loadBalancers", "serviceRegistries"] {
        default_to(&mut document, key, || json!([]));
    }
    service::fill_network(&mut document);
    document
}
