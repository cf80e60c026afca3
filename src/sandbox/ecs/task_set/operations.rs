//! UpdateTaskSet, DeleteTaskSet, DescribeTaskSets and UpdateServicePrimaryTaskSet.

use serde_json::{Value, json};

use super::controller::Controller;
use super::create::read_scale;
use super::schedule;
use super::state::{SetStatus, TaskSet, no_task_set};
use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, filled, is_true, last_part, texts};
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::service::{Service, Status, Tags};
use crate::sandbox::ecs::state::{Ecs, Ground};

/// The active service that the input names; its controller must be `wanted`.
pub fn managed<'a>(
    ecs: &'a mut Ecs,
    input: &Document,
    wanted: Controller,
) -> Result<&'a mut Service, ApiError> {
    let service = active(ecs, input)?;
    if service.controller() == wanted {
        return Ok(service);
    }
    Err(refuse::invalid(
        "Amazon ECS only supports task set management on services configured to use external deployment controllers.",
    ))
}

fn active<'a>(ecs: &'a mut Ecs, input: &Document) -> Result<&'a mut Service, ApiError> {
    let name = filled(input, "service")
        .ok_or_else(|| refuse::invalid("Service should not be null or empty."))?;
    if filled(input, "cluster").is_none() {
        return Err(refuse::invalid("Cluster should not be null or empty."));
    }
    let service = ecs.cluster(input)?.service(name);
    let service = service.ok_or_else(refuse::no_service)?;
    if service.status == Status::Active {
        Ok(service)
    } else {
        Err(refuse::service_not_active())
    }
}

/// The number of the task set that the member `key` names; a set that drains is gone already.
fn named(service: &mut Service, input: &Document, key: &str) -> Result<u64, ApiError> {
    let name = filled(input, key)
        .ok_or_else(|| refuse::invalid("TaskSet should not be null or empty."))?;
    let set = service.task_set(name).ok_or_else(no_task_set)?;
    Ok(set.number())
}

fn answer(ecs: &mut Ecs, input: &Document, number: u64) -> Result<Value, ApiError> {
    let name = last_part(filled(input, "service").unwrap_or_default()).to_owned();
    let cluster = ecs.cluster(input)?;
    let service = &cluster.services[&name];
    let found = service.task_sets.iter().find(|set| set.number() == number);
    let set = found.ok_or_else(no_task_set)?;
    Ok(json!({ "taskSet": set.answer(service, &cluster.tasks, Tags::Hidden) }))
}

/// UpdateTaskSet: the scale, and nothing else.
pub fn update(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let scale = read_scale(input)?.ok_or_else(|| refuse::invalid("Scale should not be null."))?;
    let service = managed(ecs, input, Controller::External)?;
    let number = named(service, input, "taskSet")?;
    let set = service.set_numbered(number).ok_or_else(no_task_set)?;
    refuse_draining(set)?;
    set.set_scale(scale, ground.now);
    answer(ecs, input, number)
}

fn refuse_draining(set: &TaskSet) -> Result<(), ApiError> {
    if set.is_draining() {
        // Ours: a set that is being deleted can be neither scaled nor promoted.
        return Err(refuse::invalid("The TaskSet is DRAINING."));
    }
    Ok(())
}

/// DeleteTaskSet: the tasks stop and the set drains. One that is PRIMARY, or not scaled to 0, needs `force`.
pub fn delete(ecs: &mut Ecs, input: &Document, ground: &mut Ground<'_>) -> Result<Value, ApiError> {
    let is_forced = is_true(input, "force");
    let service = managed(ecs, input, Controller::External)?;
    let name = service.name.clone();
    let number = named(service, input, "taskSet")?;
    let set = service.set_numbered(number).ok_or_else(no_task_set)?;
    if set.status == SetStatus::Primary && !is_forced {
        return Err(refuse::invalid("Primary TaskSet cannot be deleted"));
    }
    if set.scale > 0.0 && !is_forced {
        // Ours: the rule is documented, the words are not.
        return Err(refuse::invalid(
            "The TaskSet cannot be deleted while it is scaled above 0.",
        ));
    }
    let cluster = ecs.cluster(input)?.name.clone();
    let (services, mut fleet) = ecs.fleet(&cluster).ok_or_else(refuse::no_cluster)?;
    let service = services.get_mut(&name).ok_or_else(refuse::no_service)?;
    schedule::drain(service, number, &mut fleet, ground);
    answer(ecs, input, number)
}

/// UpdateServicePrimaryTaskSet.
pub fn promote(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let service = managed(ecs, input, Controller::External)?;
    let number = named(service, input, "primaryTaskSet")?;
    refuse_draining(service.set_numbered(number).ok_or_else(no_task_set)?)?;
    service.promote(number, ground.now);
    answer(ecs, input, number)
}

/// DescribeTaskSets: those that are named, or all; of a CODE_DEPLOY service too.
pub fn describe(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let tags = if texts(input, "include").any(|one| one == "TAGS") {
        Tags::Shown
    } else {
        Tags::Hidden
    };
    let service = active(ecs, input)?;
    if !service.controller().has_task_sets() {
        managed(ecs, input, Controller::External)?;
    }
    let service_name = last_part(filled(input, "service").unwrap_or_default()).to_owned();
    let cluster = ecs.cluster(input)?;
    let service = &cluster.services[&service_name];
    let names: Vec<&str> = texts(input, "taskSets").collect();
    if names.is_empty() {
        let all = service.task_sets.iter();
        let found: Vec<Value> = all
            .map(|set| set.answer(service, &cluster.tasks, tags))
            .collect();
        return Ok(json!({ "taskSets": found, "failures": [] }));
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let number = last_part(name).parse::<u64>().ok();
        let mut sets = service.task_sets.iter();
        match sets.find(|set| Some(set.number()) == number) {
            Some(set) => found.push(set.answer(service, &cluster.tasks, tags)),
            None => failures.push(json!({ "arn": arn_of(service, name), "reason": "MISSING" })),
        }
    }
    Ok(json!({ "taskSets": found, "failures": failures }))
}

fn arn_of(service: &Service, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    format!(
        "{}/{name}",
        service.arn.replacen(":service/", ":task-set/", 1)
    )
}
