//! ListTasks, DescribeTasks and StopTask.

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, filled, is_true, last_part, text, texts};
use crate::sandbox::ecs::paging;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::task::Task;

/// ListTasks: those that ECS wants to run, unless `desiredStatus` says otherwise.
pub fn list(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let cluster = ecs.cluster(input)?;
    if let Some(name) = text(input, "serviceName") {
        cluster.service(name).ok_or_else(refuse::no_service)?;
    }
    if text(input, "daemonName").is_some() {
        return Err(ApiError::part_not_modelled(
            "ecs",
            "ListTasks",
            "member daemonName",
        ));
    }
    let chosen: Vec<Value> = cluster
        .tasks
        .values()
        .filter(|task| is_chosen(task, input))
        .map(|task| json!(task.arn))
        .collect();
    Ok(paging::page(chosen, input, 100)?.answer("taskArns"))
}

fn is_chosen(task: &Task, input: &Document) -> bool {
    let asks = |key: &str, found: Option<&str>| {
        text(input, key).is_none_or(|wanted| Some(wanted) == found)
    };
    let status = match text(input, "desiredStatus").unwrap_or("RUNNING") {
        "RUNNING" => task.is_wanted(),
        "STOPPED" => !task.is_wanted(),
        _ => false, // ECS never sets a task's desired status to PENDING
    };
    let service = task.service().map(|(name, _)| name);
    status
        && text(input, "serviceName").is_none_or(|name| service == Some(last_part(name)))
        && text(input, "containerInstance")
            .is_none_or(|name| task.instance.as_deref() == Some(last_part(name)))
        && asks("family", Some(&task.family))
        && asks("startedBy", text(&task.document, "startedBy"))
        && asks("launchType", Some(&task.launch_type))
}

/// DescribeTasks: at most 100.
pub fn describe(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let names: Vec<&str> = texts(input, "tasks").collect();
    let cluster = ecs.cluster(input)?;
    if names.is_empty() {
        return Err(refuse::invalid("Tasks cannot be empty."));
    }
    if names.len() > 100 {
        return Err(refuse::invalid("Tasks can have at most 100 items."));
    }
    let shows_tags = texts(input, "include").any(|one| one == "TAGS");
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let id = id_of(name)?;
        let Some(task) = cluster.tasks.get(id) else {
            let arn = format!("{}/{id}", cluster.arn.replacen(":cluster/", ":task/", 1));
            failures.push(json!({ "arn": arn, "reason": "MISSING" }));
            continue;
        };
        let mut one = task.answer(ground.now);
        if shows_tags {
            one["tags"] = json!(task.tags);
        }
        found.push(one);
    }
    Ok(json!({ "tasks": found, "failures": failures }))
}

fn id_of(name: &str) -> Result<&str, ApiError> {
    let id = last_part(name);
    if id.len() == 32 || id.len() == 36 {
        Ok(id)
    } else {
        Err(refuse::invalid("taskId length should be one of [32,36]"))
    }
}

/// ExecuteCommand: refused as AWS refuses a task that cannot take it, and by name where AWS would open a session.
pub fn execute(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let name = filled(input, "task")
        .ok_or_else(|| refuse::invalid("Task should not be null or empty."))?;
    let id = id_of(name)?;
    let task = ecs.cluster(input)?.tasks.get(id);
    let task = task.ok_or_else(|| refuse::invalid("The referenced task was not found."))?;
    if !task.is_running() || !is_true(&task.document, "enableExecuteCommand") {
        return Err(refuse::invalid(
            "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn't running. Wait and try again or run a new task with execute command enabled and try again.",
        ));
    }
    Err(ApiError::part_not_modelled(
        "ecs",
        "ExecuteCommand",
        "sessions in containers",
    ))
}

/// StopTask.
pub fn stop(ecs: &mut Ecs, input: &Document, ground: &mut Ground<'_>) -> Result<Value, ApiError> {
    let name = filled(input, "task")
        .ok_or_else(|| refuse::invalid("Task should not be null or empty."))?;
    let reason = filled(input, "reason").unwrap_or("Task stopped by user");
    let cluster = ecs.cluster(input)?.name.clone();
    let id = id_of(name)?;
    let (_, mut fleet) = ecs.fleet(&cluster).ok_or_else(refuse::no_cluster)?;
    fleet.stop(id, "UserInitiated", reason, ground);
    let task = fleet
        .tasks
        .get(id)
        .ok_or_else(|| refuse::invalid("The referenced task was not found."))?;
    Ok(json!({ "task": task.answer(ground.now) }))
}
