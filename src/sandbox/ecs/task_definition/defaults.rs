//! What ECS fills in when a task definition is registered, so that the answer differs from the request as AWS's does.
//!
//! Source: answers of RegisterTaskDefinition and DescribeTaskDefinition; a member not named here stays absent.
//! **Invariant:** a member that is present is never changed, except to its normal form (`cpu`, `memory`, role names).

use serde_json::{Value, json};

use super::sizes;
use crate::sandbox::ecs::document::{Document, default_to, text};

/// The container list members that are `[]` when absent.
const EMPTY_LISTS: [&str; 5] = [
    "portMappings",
    "environment",
    "mountPoints",
    "volumesFrom",
    "systemControls",
];

/// The document as ECS keeps it.
pub fn fill(mut document: Document, account: &str) -> Document {
    if !is_windows(&document) {
        default_to(&mut document, "networkMode", || json!("bridge"));
    }
    default_to(&mut document, "volumes", || json!([]));
    default_to(&mut document, "placementConstraints", || json!([]));
    normalise(&mut document, "cpu", sizes::cpu_units);
    normalise(&mut document, "memory", sizes::memory_mib);
    for role in ["taskRoleArn", "executionRoleArn"] {
        name_role_in_full(&mut document, role, account);
    }
    let mode = text(&document, "networkMode")
        .unwrap_or("bridge")
        .to_owned();
    for container in members_of(&mut document, "containerDefinitions") {
        fill_container(container, &mode);
    }
    for volume in members_of(&mut document, "volumes") {
        fill_volume(volume);
    }
    document
}

/// `RegisterTaskDefinition$networkMode`: bridge is the default on Linux; Windows has a default of its own without a name.
fn is_windows(document: &Document) -> bool {
    let platform = document.get("runtimePlatform").and_then(Value::as_object);
    let system = platform.and_then(|platform| text(platform, "operatingSystemFamily"));
    system.is_some_and(|system| system.starts_with("WINDOWS"))
}

fn members_of<'a>(document: &'a mut Document, key: &str) -> impl Iterator<Item = &'a mut Document> {
    document
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

fn normalise(document: &mut Document, key: &str, parse: fn(&str) -> Option<u32>) {
    if let Some(number) = text(document, key).and_then(parse) {
        document.insert(key.to_owned(), json!(number.to_string()));
    }
}

fn name_role_in_full(document: &mut Document, key: &str, account: &str) {
    if let Some(name) = text(document, key).filter(|role| !role.starts_with("arn:")) {
        let arn = format!("arn:aws:iam::{account}:role/{name}");
        document.insert(key.to_owned(), json!(arn));
    }
}

fn fill_container(container: &mut Document, network_mode: &str) {
    default_to(container, "cpu", || json!(0));
    default_to(container, "essential", || json!(true));
    for key in EMPTY_LISTS {
        default_to(container, key, || json!([]));
    }
    for mapping in members_of(container, "portMappings") {
        fill_port(mapping, network_mode);
    }
    if let Some(check) = container
        .get_mut("healthCheck")
        .and_then(Value::as_object_mut)
    {
        default_to(check, "interval", || json!(30));
        default_to(check, "timeout", || json!(5));
        default_to(check, "retries", || json!(3));
    }
}

fn fill_port(mapping: &mut Document, network_mode: &str) {
    default_to(mapping, "protocol", || json!("tcp"));
    let Some(container_port) = mapping.get("containerPort").cloned() else {
        return; // a range has no single host port
    };
    let host_port = match network_mode {
        "awsvpc" | "host" => container_port,
        _ => json!(0),
    };
    default_to(mapping, "hostPort", || host_port);
}

fn fill_volume(volume: &mut Document) {
    if let Some(efs) = volume
        .get_mut("efsVolumeConfiguration")
        .and_then(Value::as_object_mut)
    {
        default_to(efs, "rootDirectory", || json!("/"));
        default_to(efs, "transitEncryption", || json!("DISABLED"));
    }
}
