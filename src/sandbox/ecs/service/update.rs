//! UpdateService: what is merged into the service, and whether that starts a deployment.
//!
//! Source: ECS API reference, `UpdateService`; ECS developer guide for the members that start a deployment.

use serde_json::{Value, json};

use super::answer::Tags;
use super::create::{desired_count, fill_network};
use super::rules;
use super::state::{Service, Status};
use crate::sandbox::ApiError;
use crate::sandbox::ecs::daemon;
use crate::sandbox::ecs::deployment::REVISION_MEMBERS;
use crate::sandbox::ecs::document::{
    Document, filled, is_true, last_part, member, text, without_nulls,
};
use crate::sandbox::ecs::images;
use crate::sandbox::ecs::native;
use crate::sandbox::ecs::placement::check_placement;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::task_set;

const STEERING: [&str; 4] = ["cluster", "service", "desiredCount", "forceNewDeployment"];

/// Changes to these wait for the next deployment; on their own they start none.
const STARTS_NONE: [&str; 1] = ["capacityProviderStrategy"];

pub fn update(ecs: &mut Ecs, input: &Document, ground: &mut Ground<'_>) -> Result<Value, ApiError> {
    let name = filled(input, "service")
        .ok_or_else(|| refuse::invalid("Service should not be null or empty."))?;
    check_placement(input, "UpdateService")?;
    let desired = desired_count(input)?;
    let definition = filled(input, "taskDefinition")
        .map(|named| ecs.definition_to_run(named).cloned())
        .transpose()?;
    let service = ecs
        .cluster(input)?
        .service(name)
        .ok_or_else(refuse::no_service)?;
    if service.status != Status::Active {
        return Err(refuse::service_not_active());
    }
    let controller = service.controller();
    task_set::check_update(controller, input)?;
    daemon::check(&service.document, input)?;
    let mut changed = service.document.clone();
    merge(&mut changed, input);
    if controller.has_task_sets() {
        service.document = changed;
        service.desired = desired.unwrap_or(service.desired);
        return answer(ecs, input, name);
    }
    if let Some(definition) = &definition {
        changed.insert("taskDefinition".into(), json!(definition.arn));
    }
    let running = text(&changed, "taskDefinition")
        .unwrap_or_default()
        .to_owned();
    let old = service.document.clone();
    let in_use = ecs
        .find_definition(&running)?
        .ok_or_else(|| refuse::client("TaskDefinition not found."))?;
    rules::check(&changed, in_use, ground)?;
    let resolved = images::resolve(in_use, ground);
    let cluster = ecs.cluster(input)?;
    let service = cluster.service(name).ok_or_else(refuse::no_service)?;
    service.document = changed;
    service.desired = desired.unwrap_or(service.desired);
    if is_true(input, "forceNewDeployment") || starts_deployment(&old, service) {
        service.deploy(resolved, ground);
    }
    answer(ecs, input, name)
}

fn answer(ecs: &mut Ecs, input: &Document, name: &str) -> Result<Value, ApiError> {
    let cluster = ecs.cluster(input)?;
    let service = &cluster.services[last_part(name)];
    Ok(json!({ "service": service.answer(&cluster.tasks, Tags::Shown) }))
}

/// Members replace what was there; `deploymentConfiguration` is merged member by member.
fn merge(document: &mut Document, input: &Document) {
    let Value::Object(given) = without_nulls(&Value::Object(input.clone())) else {
        return;
    };
    for (key, value) in given {
        if STEERING.contains(&key.as_str()) {
            continue;
        }
        match (key.as_str(), document.get_mut(&key), value) {
            ("deploymentConfiguration", Some(Value::Object(old)), Value::Object(new)) => {
                old.extend(new.clone());
                native::fill(old, &new);
            }
            (_, _, value) => {
                document.insert(key, value);
            }
        }
    }
    fill_network(document);
}

/// A revision member that was given as it already stood is no change.
fn starts_deployment(old: &Document, service: &Service) -> bool {
    let changes = |key: &&str| member(old, key) != member(&service.document, key);
    REVISION_MEMBERS
        .iter()
        .filter(|key| !STARTS_NONE.contains(key))
        .any(changes)
}
