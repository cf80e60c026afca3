//! Which task definitions ECS refuses, and with what words.
//!
//! Texts seen in the wild are AWS's; AWS documents none, so the others (marked "ours") only keep its manner.

use std::collections::BTreeSet;

use serde_json::Value;

use super::sizes;
use crate::sandbox::ApiError;
use crate::sandbox::ecs::defaults::Switches;
use crate::sandbox::ecs::document::{
    Document, filled, is_true, list, member, object, objects, text, texts, whole,
};
use crate::sandbox::ecs::placement::check_placement;
use crate::sandbox::ecs::{refuse, types};

/// Members whose JSON type callers get wrong most: a size is text for the task and a number for a container.
const TASK_TYPES: [(&str, &str); 8] = [
    ("family", "String"),
    ("cpu", "String"),
    ("memory", "String"),
    ("networkMode", "String"),
    ("taskRoleArn", "String"),
    ("executionRoleArn", "String"),
    ("containerDefinitions", "List"),
    ("requiresCompatibilities", "List"),
];
const CONTAINER_TYPES: [(&str, &str); 10] = [
    ("name", "String"),
    ("image", "String"),
    ("cpu", "Integer"),
    ("memory", "Integer"),
    ("memoryReservation", "Integer"),
    ("essential", "Boolean"),
    ("portMappings", "List"),
    ("environment", "List"),
    ("secrets", "List"),
    ("command", "List"),
];

/// Refuses what RegisterTaskDefinition would refuse. The document has its defaults already.
pub fn check(document: &Document, switches: &Switches) -> Result<(), ApiError> {
    check_family(document)?;
    check_containers(document)?;
    check_sizes(document)?;
    check_network(document)?;
    check_names(document)?;
    check_roles(document)?;
    check_placement(document, "RegisterTaskDefinition")?;
    if texts(document, "requiresCompatibilities").any(|one| one == "FARGATE") {
        check_fargate(document, switches)?;
    }
    Ok(())
}

/// Refuses wrong JSON types, before defaults are filled in.
pub fn check_types(document: &Document) -> Result<(), ApiError> {
    check_table(document, &TASK_TYPES)?;
    for container in list(document, "containerDefinitions") {
        let Some(container) = container.as_object() else {
            return Err(refuse::wrong_type(container, "ContainerDefinition"));
        };
        check_table(container, &CONTAINER_TYPES)?;
        for variable in objects(container, "environment") {
            check_table(variable, &[("name", "String"), ("value", "String")])?;
        }
        for port in objects(container, "portMappings") {
            check_table(
                port,
                &[("containerPort", "Integer"), ("hostPort", "Integer")],
            )?;
        }
    }
    Ok(())
}

fn check_table(document: &Document, types: &[(&str, &str)]) -> Result<(), ApiError> {
    for (key, wanted) in types {
        let Some(value) = member(document, key) else {
            continue;
        };
        let fits = match *wanted {
            "String" => value.is_string(),
            "Integer" => types::is_integer(value),
            "Boolean" => value.is_boolean(),
            _ => value.is_array(),
        };
        if !fits {
            return Err(refuse::wrong_type(value, wanted));
        }
    }
    Ok(())
}

fn check_family(document: &Document) -> Result<(), ApiError> {
    let family = filled(document, "family")
        .ok_or_else(|| refuse::client("Family should not be null or empty."))?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if family.len() > 255 || !family.chars().all(legal) {
        // Ours: the rule is documented, the words are not.
        return Err(refuse::client(format!("Invalid family name '{family}'.")));
    }
    Ok(())
}

fn check_containers(document: &Document) -> Result<(), ApiError> {
    if list(document, "containerDefinitions").is_empty() {
        return Err(refuse::client("Container list cannot be empty."));
    }
    let mut seen = BTreeSet::new();
    for container in objects(document, "containerDefinitions") {
        for key in ["name", "image"] {
            if filled(container, key).is_none() {
                return Err(refuse::client(format!(
                    "Container.{key} should not be null or empty."
                )));
            }
        }
        let name = text(container, "name").unwrap_or_default();
        if !seen.insert(name) {
            // Ours.
            return Err(refuse::client(format!(
                "Duplicate container name '{name}' in task definition."
            )));
        }
    }
    if !objects(document, "containerDefinitions").any(|container| is_true(container, "essential")) {
        // Ours.
        return Err(refuse::client(
            "Task definition must have at least one essential container.",
        ));
    }
    Ok(())
}

fn check_sizes(document: &Document) -> Result<(), ApiError> {
    let (cpu, memory) = (text(document, "cpu"), text(document, "memory"));
    if cpu.is_some_and(|cpu| {
        sizes::cpu_units(cpu).is_none_or(|units| !(128..=196_608).contains(&units))
    }) {
        return Err(refuse::client("Invalid 'cpu' setting for task."));
    }
    if memory.is_some_and(|memory| sizes::memory_mib(memory).is_none()) {
        return Err(refuse::client("Invalid 'memory' setting for task."));
    }
    let bounded = |container: &Document| {
        whole(container, "memory").is_some() || whole(container, "memoryReservation").is_some()
    };
    let unbounded = objects(document, "containerDefinitions").find(|container| !bounded(container));
    match unbounded {
        Some(container) if memory.is_none() => Err(refuse::client(format!(
            "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
            text(container, "name").unwrap_or_default()
        ))),
        _ => Ok(()),
    }
}

fn check_network(document: &Document) -> Result<(), ApiError> {
    let mode = text(document, "networkMode").unwrap_or("bridge");
    if !["awsvpc", "bridge", "host", "none"].contains(&mode) {
        return Err(refuse::client(format!("Invalid network mode '{mode}'."))); // ours
    }
    for container in objects(document, "containerDefinitions") {
        let ports_differ = objects(container, "portMappings").any(|port| {
            whole(port, "containerPort").is_some()
                && whole(port, "hostPort") != whole(port, "containerPort")
        });
        if ports_differ && mode != "bridge" {
            return Err(refuse::client(format!(
                "When networkMode={mode}, the host ports and container ports in port mappings must match."
            )));
        }
        if mode == "awsvpc" && !list(container, "links").is_empty() {
            return Err(refuse::client(
                "Links are not supported when networkMode=awsvpc.",
            ));
        }
        if mode == "awsvpc" && filled(container, "hostname").is_some() {
            return Err(refuse::client(
                "Hostname is not supported when networkMode=awsvpc.",
            )); // ours
        }
        if mode == "none" && !list(container, "portMappings").is_empty() {
            return Err(refuse::client(
                "Port mappings are not supported when networkMode=none.",
            )); // ours
        }
    }
    Ok(())
}

/// Names inside the document that must lead somewhere: volumes and containers.
fn check_names(document: &Document) -> Result<(), ApiError> {
    let volumes: BTreeSet<&str> = objects(document, "volumes")
        .filter_map(|volume| text(volume, "name"))
        .collect();
    let names: BTreeSet<&str> = objects(document, "containerDefinitions")
        .filter_map(|container| text(container, "name"))
        .collect();
    for container in objects(document, "containerDefinitions") {
        for mount in
            objects(container, "mountPoints").filter_map(|mount| filled(mount, "sourceVolume"))
        {
            if !volumes.contains(mount) {
                return Err(refuse::client(format!("Unknown volume '{mount}'.")));
            }
        }
        let others =
            objects(container, "dependsOn").filter_map(|other| text(other, "containerName"));
        let sources =
            objects(container, "volumesFrom").filter_map(|other| text(other, "sourceContainer"));
        for other in others.chain(sources) {
            if !names.contains(other) {
                // Ours.
                return Err(refuse::client(format!(
                    "Unknown container '{other}' in task definition."
                )));
            }
        }
    }
    Ok(())
}

fn check_roles(document: &Document) -> Result<(), ApiError> {
    if filled(document, "executionRoleArn").is_some() {
        return Ok(());
    }
    let has_secrets = |container: &Document| !list(container, "secrets").is_empty();
    if objects(document, "containerDefinitions").any(has_secrets) {
        return Err(refuse::client(
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        ));
    }
    Ok(())
}

fn check_fargate(document: &Document, switches: &Switches) -> Result<(), ApiError> {
    if text(document, "networkMode") != Some("awsvpc") {
        return Err(refuse::client(
            "Fargate only supports network mode ‘awsvpc’.",
        ));
    }
    let size = |key: &str, parse: fn(&str) -> Option<u32>| {
        text(document, key).and_then(parse).ok_or_else(|| {
            refuse::client(format!(
                "Fargate requires that '{key}' be defined at the task level."
            ))
        })
    };
    let (cpu, memory) = (
        size("cpu", sizes::cpu_units)?,
        size("memory", sizes::memory_mib)?,
    );
    if !sizes::fargate_offers(cpu, memory, switches) {
        return Err(refuse::client(
            "No Fargate configuration exists for given values.",
        ));
    }
    if let Some(reason) = fargate_forbids(document) {
        return Err(refuse::client(reason));
    }
    check_fargate_role(document)
}

fn check_fargate_role(document: &Document) -> Result<(), ApiError> {
    if filled(document, "executionRoleArn").is_some() {
        return Ok(());
    }
    for container in objects(document, "containerDefinitions") {
        let needs = |what: &str| {
            Err(refuse::client(format!(
                "Fargate requires task definition to have execution role ARN to support {what}."
            )))
        };
        if text(container, "image").is_some_and(|image| image.contains(".dkr.ecr.")) {
            return needs("ECR images");
        }
        if log_driver(container) == Some("awslogs") {
            return needs("log driver awslogs");
        }
    }
    Ok(())
}

fn log_driver(container: &Document) -> Option<&str> {
    object(container, "logConfiguration").and_then(|log| text(log, "logDriver"))
}

/// The first member that Fargate does not take, as the words of the refusal (ours, except for `host.sourcePath`).
pub fn fargate_forbids(document: &Document) -> Option<String> {
    let unsupported = |what: &str| {
        Some(format!(
            "Tasks using the Fargate launch type do not support {what}."
        ))
    };
    if !list(document, "placementConstraints").is_empty() {
        return unsupported("placementConstraints");
    }
    if filled(document, "ipcMode").is_some() {
        return unsupported("ipcMode");
    }
    for volume in objects(document, "volumes") {
        if object(volume, "host").is_some_and(|host| filled(host, "sourcePath").is_some()) {
            return Some("host.sourcePath should not be set for volumes in Fargate.".to_owned());
        }
        if object(volume, "dockerVolumeConfiguration").is_some() {
            return unsupported("dockerVolumeConfiguration");
        }
    }
    objects(document, "containerDefinitions")
        .find_map(container_forbidden)
        .and_then(|what| unsupported(&what))
}

fn container_forbidden(container: &Document) -> Option<String> {
    const LISTS: [&str; 5] = [
        "links",
        "dnsServers",
        "dnsSearchDomains",
        "dockerSecurityOptions",
        "extraHosts",
    ];
    if let Some(key) = LISTS
        .into_iter()
        .find(|key| !list(container, key).is_empty())
    {
        return Some(key.to_owned());
    }
    for key in ["privileged", "disableNetworking"] {
        if is_true(container, key) {
            return Some(key.to_owned());
        }
    }
    if objects(container, "resourceRequirements").any(|need| text(need, "type") == Some("GPU")) {
        return Some("GPU resource requirements".to_owned());
    }
    if let Some(driver) = log_driver(container)
        .filter(|driver| !["awslogs", "splunk", "awsfirelens"].contains(driver))
    {
        return Some(format!("log driver {driver}"));
    }
    object(container, "linuxParameters").and_then(linux_forbidden)
}

fn linux_forbidden(linux: &Document) -> Option<String> {
    const FORBIDDEN: [&str; 5] = [
        "devices",
        "sharedMemorySize",
        "tmpfs",
        "maxSwap",
        "swappiness",
    ];
    let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    let present = |key: &&str| member(linux, key).is_some_and(|value| !empty(value));
    if let Some(key) = FORBIDDEN.into_iter().find(|key| present(key)) {
        return Some(format!("linuxParameters.{key}"));
    }
    let capabilities = object(linux, "capabilities")?;
    let added = texts(capabilities, "add").find(|&add| add != "SYS_PTRACE")?;
    Some(format!("the capability {added}"))
}
