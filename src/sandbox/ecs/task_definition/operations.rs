//! The operations on task definitions.

use serde_json::{Value, json};

use super::state::{Family, Reference, Revision, Status};
use super::{defaults, rules};
use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, filled, text, texts, without_nulls};
use crate::sandbox::ecs::paging;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::tags;

/// RegisterTaskDefinition: always a new revision, however like the last one it is.
pub fn register(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let Value::Object(mut document) = without_nulls(&Value::Object(input.clone())) else {
        return Err(refuse::client("Family should not be null or empty."));
    };
    let tags = tags::read(&document)?;
    document.shift_remove("tags");
    rules::check_types(&document)?;
    let document = defaults::fill(document, ground.account);
    rules::check(&document, &ecs.switches)?;
    let name = text(&document, "family").unwrap_or_default().to_owned();
    let family = ecs.families.entry(name.clone()).or_default();
    family.last_number += 1;
    let number = family.last_number;
    let revision = Revision {
        arn: ground.arn(&format!("task-definition/{name}:{number}")),
        family: name,
        number,
        document,
        tags,
        status: Status::Active,
        registered_at: ground.now,
        registered_by: ground.caller(),
        deregistered_at: None,
        delete_requested_at: None,
    };
    let answer = with_tags(&revision);
    family.revisions.insert(number, revision);
    Ok(answer)
}

fn with_tags(revision: &Revision) -> Value {
    let mut answer = json!({ "taskDefinition": revision.answer() });
    if !revision.tags.is_empty() {
        answer["tags"] = json!(revision.tags);
    }
    answer
}

/// DescribeTaskDefinition.
pub fn describe(ecs: &Ecs, input: &Document) -> Result<Value, ApiError> {
    let name = filled(input, "taskDefinition")
        .ok_or_else(|| refuse::client("TaskDefinition should not be null or empty."))?;
    let found = ecs
        .find_definition(name)?
        .ok_or_else(|| refuse::client("Unable to describe task definition."))?;
    if texts(input, "include").any(|one| one == "TAGS") {
        return Ok(json!({ "taskDefinition": found.answer(), "tags": found.tags }));
    }
    Ok(json!({ "taskDefinition": found.answer() }))
}

/// ListTaskDefinitions: `familyPrefix` is a whole family's name here, whatever it is called.
pub fn list(ecs: &Ecs, input: &Document) -> Result<Value, ApiError> {
    let wanted = text(input, "status").unwrap_or("ACTIVE");
    let families = ecs.families.iter().filter(|(name, _)| {
        text(input, "familyPrefix").is_none_or(|family| family == name.as_str())
    });
    let all = families.flat_map(|(_, family)| family.revisions.values());
    let mut arns: Vec<Value> = all
        .filter(|revision| revision.status.text() == wanted)
        .map(|revision| json!(revision.arn))
        .collect();
    if text(input, "sort") == Some("DESC") {
        arns.reverse();
    }
    Ok(paging::page(arns, input, 100)?.answer("taskDefinitionArns"))
}

/// ListTaskDefinitionFamilies.
pub fn families(ecs: &Ecs, input: &Document) -> Result<Value, ApiError> {
    let prefix = text(input, "familyPrefix").unwrap_or_default();
    let fits = |family: &Family| match text(input, "status") {
        Some("ACTIVE") => family.latest_active().is_some(),
        Some("INACTIVE") => family.latest_active().is_none(),
        _ => true,
    };
    let chosen = ecs
        .families
        .iter()
        .filter(|(name, family)| name.starts_with(prefix) && fits(family));
    Ok(paging::page(chosen.map(|(name, _)| json!(name)), input, 100)?.answer("families"))
}

/// DeregisterTaskDefinition: what runs on the revision goes on running.
pub fn deregister(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let name = filled(input, "taskDefinition")
        .ok_or_else(|| refuse::client("TaskDefinition should not be null or empty."))?;
    let revision = ecs.named_revision(name)?;
    if revision.status == Status::Active {
        revision.status = Status::Inactive;
        revision.deregistered_at = Some(ground.now);
    }
    Ok(json!({ "taskDefinition": revision.answer() }))
}

/// DeleteTaskDefinitions: at most 10, all inactive.
pub fn delete(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let names: Vec<&str> = texts(input, "taskDefinitions").collect();
    if names.is_empty() || names.len() > 10 {
        return Err(refuse::invalid(
            "taskDefinitions must have between 1 and 10 items.",
        ));
    }
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let Ok(revision) = ecs.named_revision(name) else {
            failures.push(json!({ "arn": name, "reason": "The specified task definition does not exist. Specify a valid task definition and try again." }));
            continue;
        };
        if revision.status == Status::Active {
            failures.push(json!({ "arn": revision.arn, "reason": "The specified task definition is still in ACTIVE status. Please deregister the target and try again." }));
            continue;
        }
        revision.status = Status::DeleteInProgress;
        revision.delete_requested_at.get_or_insert(ground.now);
        deleted.push(revision.answer());
    }
    Ok(json!({ "taskDefinitions": deleted, "failures": failures }))
}

impl Ecs {
    /// A revision that must be named by its number.
    fn named_revision(&mut self, name: &str) -> Result<&mut Revision, ApiError> {
        let Reference { family, number } = Reference::parse(name)?;
        let number = number.ok_or_else(|| refuse::client("Revision is missing."))?;
        let family = self.families.get_mut(&family);
        family
            .and_then(|family| family.revision_mut(number))
            .ok_or_else(|| refuse::client("Unable to describe task definition."))
    }

    /// Forgets deleted revisions that nothing refers to any more.
    pub fn purge_definitions(&mut self) {
        let services = self
            .clusters
            .values()
            .flat_map(|cluster| cluster.services.values());
        let of_services = services.flat_map(|service| {
            service
                .deployments
                .iter()
                .map(|d| service.revision(d.number).task_definition())
        });
        let tasks = self
            .clusters
            .values()
            .flat_map(|cluster| cluster.tasks.values());
        let in_use: std::collections::BTreeSet<String> = of_services
            .chain(tasks.map(|task| task.definition_arn.as_str()))
            .map(str::to_owned)
            .collect();
        for family in self.families.values_mut() {
            family.revisions.retain(|_, revision| {
                revision.status != Status::DeleteInProgress || in_use.contains(&revision.arn)
            });
        }
    }
}
