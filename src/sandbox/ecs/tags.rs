//! Tags: TagResource, UntagResource, ListTagsForResource, and the tags that come with other calls.
//!
//! Source: ECS developer guide, "tagging": at most 50, keys to 128 characters, values to 256, `aws:` reserved.

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, filled, last_part, objects, text, texts};
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::Ecs;

/// The `tags` of an input.
pub fn read(input: &Document) -> Result<Vec<Value>, ApiError> {
    let mut tags = Vec::new();
    for tag in objects(input, "tags") {
        let key = filled(tag, "key")
            .ok_or_else(|| refuse::invalid("Tag key should not be null or empty."))?;
        let value = text(tag, "value").unwrap_or_default();
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(refuse::invalid(
                "Tag keys can have at most 128 characters, values 256.",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(refuse::invalid(
                "Tag keys that start with 'aws:' are reserved.",
            ));
        }
        put(&mut tags, key, value);
    }
    if tags.len() > 50 {
        return Err(refuse::invalid("A resource can have at most 50 tags."));
    }
    Ok(tags)
}

fn put(tags: &mut Vec<Value>, key: &str, value: &str) {
    tags.retain(|tag| tag["key"] != key);
    tags.push(json!({ "key": key, "value": value }));
}

/// TagResource.
pub fn tag(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let new = read(input)?;
    let tags = of_resource(ecs, input)?;
    for tag in &new {
        put(
            tags,
            tag["key"].as_str().unwrap_or_default(),
            tag["value"].as_str().unwrap_or_default(),
        );
    }
    if tags.len() > 50 {
        return Err(refuse::invalid("A resource can have at most 50 tags."));
    }
    Ok(json!({}))
}

/// UntagResource.
pub fn untag(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let keys: Vec<&str> = texts(input, "tagKeys").collect();
    of_resource(ecs, input)?.retain(|tag| !keys.iter().any(|key| tag["key"] == *key));
    Ok(json!({}))
}

/// ListTagsForResource.
pub fn list(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    Ok(json!({ "tags": of_resource(ecs, input)? }))
}

/// The tags of the resource that `resourceArn` names.
fn of_resource<'a>(ecs: &'a mut Ecs, input: &Document) -> Result<&'a mut Vec<Value>, ApiError> {
    let arn = filled(input, "resourceArn")
        .ok_or_else(|| refuse::invalid("resourceArn should not be null or empty."))?;
    let missing = || {
        ApiError::client(
            "ResourceNotFoundException",
            format!("The specified resource {arn} was not found."),
        )
    };
    let kind = arn
        .split(':')
        .nth(5)
        .and_then(|resource| resource.split('/').next())
        .unwrap_or_default();
    if kind == "task-definition" {
        let (family, number) = last_part(arn).rsplit_once(':').ok_or_else(missing)?;
        let number = number.parse().map_err(|_| missing())?;
        let revision = ecs
            .families
            .get_mut(family)
            .and_then(|family| family.revision_mut(number));
        return revision
            .map(|revision| &mut revision.tags)
            .ok_or_else(missing);
    }
    let cluster_name = match kind {
        "cluster" => last_part(arn),
        // The id of a task set has two parts of its own.
        "task-set" => arn.rsplit('/').nth(3).unwrap_or_default(),
        _ => arn.rsplit('/').nth(1).unwrap_or_default(),
    };
    let cluster = ecs
        .clusters
        .get_mut(cluster_name)
        .filter(|cluster| cluster.active)
        .ok_or_else(refuse::no_cluster)?;
    match kind {
        "cluster" => Some(&mut cluster.tags),
        "task-set" => {
            let service = cluster.service(arn.rsplit('/').nth(2).unwrap_or_default());
            let set = service.and_then(|service| service.task_set(arn));
            set.map(|set| &mut set.tags)
        }
        "service" => cluster.service(arn).map(|service| &mut service.tags),
        "task" => cluster
            .tasks
            .get_mut(last_part(arn))
            .map(|task| &mut task.tags),
        "container-instance" => cluster
            .instances
            .get_mut(last_part(arn))
            .map(|instance| &mut instance.tags),
        _ => None,
    }
    .ok_or_else(missing)
}
