//! Task scale-in protection: GetTaskProtection and UpdateTaskProtection.
//!
//! Source: ECS API reference, `UpdateTaskProtection`; ECS developer guide, "protect your tasks from being terminated by
//! scale-in events": a protected task outlives scale-in and deployments until the protection ends, but not StopTask, and
//! not its own bad health.

use serde_json::{Value, json};

use crate::sandbox::ecs::document::{Document, filled, last_part, member, texts, whole};
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Cluster, Ecs, Ground};
use crate::sandbox::ecs::task::Task;
use crate::sandbox::{ApiError, Duration, Time};

/// Minutes that a protection lasts unless the call says otherwise.
const USUAL_MINUTES: i64 = 120;

impl Task {
    pub fn is_protected(&self, now: Time) -> bool {
        self.protected_until.is_some_and(|until| now < until)
    }

    fn protection(&self, now: Time) -> Value {
        let mut answer =
            json!({ "taskArn": self.arn, "protectionEnabled": self.is_protected(now) });
        if let Some(until) = self.protected_until.filter(|&until| now < until) {
            answer["expirationDate"] = until.epoch_seconds();
        }
        answer
    }
}

/// UpdateTaskProtection: at most 10 tasks.
pub fn update(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let names = named(input, 10)?;
    if names.is_empty() {
        return Err(refuse::invalid("Tasks cannot be empty."));
    }
    let enabled = member(input, "protectionEnabled").and_then(Value::as_bool);
    let enabled =
        enabled.ok_or_else(|| refuse::invalid("protectionEnabled should not be null."))?;
    let minutes = match whole(input, "expiresInMinutes") {
        None => USUAL_MINUTES,
        Some(minutes @ 1..=2880) => minutes,
        Some(_) => {
            return Err(refuse::invalid(
                "expiresInMinutes must be between 1 and 2880.",
            ));
        }
    };
    let until = enabled.then(|| ground.now + Duration::from_secs(minutes as u64 * 60));
    let cluster = cluster(ecs, input)?;
    Ok(each(cluster, &names, ground.now, |task| {
        task.protected_until = until;
    }))
}

/// GetTaskProtection: at most 100 tasks; those of all services if none is named.
pub fn get(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let names = named(input, 100)?;
    let cluster = cluster(ecs, input)?;
    if names.is_empty() {
        let tasks = cluster.tasks.values();
        let shown = tasks.filter(|task| task.is_wanted() && task.service().is_some());
        let shown: Vec<Value> = shown.map(|task| task.protection(ground.now)).collect();
        return Ok(json!({ "protectedTasks": shown, "failures": [] }));
    }
    Ok(each(cluster, &names, ground.now, |_| ()))
}

fn cluster<'a>(ecs: &'a mut Ecs, input: &Document) -> Result<&'a mut Cluster, ApiError> {
    if filled(input, "cluster").is_none() {
        return Err(refuse::invalid("Cluster should not be null or empty."));
    }
    ecs.cluster(input)
}

fn named(input: &Document, most: usize) -> Result<Vec<&str>, ApiError> {
    let names: Vec<&str> = texts(input, "tasks").collect();
    if names.len() > most {
        return Err(refuse::invalid(format!(
            "Tasks can have at most {most} items."
        )));
    }
    Ok(names)
}

fn each(cluster: &mut Cluster, names: &[&str], now: Time, change: impl Fn(&mut Task)) -> Value {
    let arns = cluster.arn.replacen(":cluster/", ":task/", 1);
    let (mut shown, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let id = last_part(name);
        let mut fail = |reason: &str| {
            failures.push(json!({ "arn": format!("{arns}/{id}"), "reason": reason }));
        };
        match cluster.tasks.get_mut(id) {
            None => fail("MISSING"),
            // Only tasks of a service can be protected; that one which stops no longer can is ours.
            Some(task) if task.service().is_none() || !task.is_wanted() => fail("TASK_NOT_VALID"),
            Some(task) => {
                change(task);
                shown.push(task.protection(now));
            }
        }
    }
    json!({ "protectedTasks": shown, "failures": failures })
}
