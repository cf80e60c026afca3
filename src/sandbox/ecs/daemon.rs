//! The DAEMON strategy: one task on every active container instance that meets the service's constraints.
//!
//! Source: ECS developer guide, "service scheduler concepts"; ECS API reference, `CreateService.schedulingStrategy`. The
//! old task of an instance is gone before the new one starts there, so the upper bound is 100 percent, the lower one 0
//! unless the service says otherwise.
//! **Invariant:** no instance ever holds two tasks of a DAEMON service, not even while one of them stops.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, list, member, object, text, whole};
use crate::sandbox::ecs::instances::InstanceStatus;
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::placement::Placement;
use crate::sandbox::ecs::query::Facts;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::service::Service;

/// Where a DAEMON service's tasks can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Instances that are to have a task: the desired count.
    pub wanted: u32,
    /// Of those, the ones without any task of the service.
    pub free: usize,
}

/// Counts the instances for the service's primary deployment.
pub fn reach(service: &Service, fleet: &Fleet<'_>) -> Reach {
    let revision = service.revision(service.primary().number);
    let empty = Document::new();
    let definition = fleet.definition(revision.task_definition());
    let definition = definition.map_or(&empty, |definition| &definition.document);
    let placement = Placement::read(&service.document, definition);
    let tasks = service.live.iter().filter_map(|id| fleet.tasks.get(id));
    let taken: BTreeSet<&str> = tasks
        .filter(|task| task.holds_resources())
        .filter_map(|task| task.instance.as_deref())
        .collect();
    let mut reach = Reach { wanted: 0, free: 0 };
    for instance in fleet.instances.values() {
        let facts = Facts {
            instance,
            tasks: fleet.tasks,
        };
        let is_active = instance.status == InstanceStatus::Active;
        if is_active && placement.members.iter().all(|one| one.holds(facts)) {
            reach.wanted += 1;
            reach.free += usize::from(!taken.contains(instance.id.as_str()));
        }
    }
    reach
}

pub fn is_daemon(document: &Document) -> bool {
    text(document, "schedulingStrategy") == Some("DAEMON")
}

/// Refuses what ECS refuses to a DAEMON service: `document` is the service's, `input` what was asked.
pub fn check(document: &Document, input: &Document) -> Result<(), ApiError> {
    if !is_daemon(document) {
        return Ok(());
    }
    let configuration = object(input, "deploymentConfiguration");
    let maximum = configuration.and_then(|one| whole(one, "maximumPercent"));
    let strategy = list(document, "capacityProviderStrategy").first();
    let provider = strategy.and_then(|one| one["capacityProvider"].as_str());
    let sentence = if member(input, "desiredCount").is_some() {
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again"
    } else if maximum.is_some_and(|percent| percent > 100) {
        "The daemon scheduling strategy does not support values above 100 for maximumPercent"
    } else if !list(input, "placementStrategy").is_empty() {
        "The daemon scheduling strategy does not support placement strategies"
    } else if text(document, "launchType") == Some("FARGATE") || provider.is_some() {
        "The daemon scheduling strategy does not support the Fargate launch type or capacity provider strategies" // ours
    } else {
        return Ok(());
    };
    Err(refuse::invalid(sentence))
}

/// `maximumPercent` and `minimumHealthyPercent` where a service names none.
pub fn usual_percents(document: &Document) -> (Value, Value) {
    if is_daemon(document) {
        (100.into(), 0.into())
    } else {
        (200.into(), 100.into())
    }
}
