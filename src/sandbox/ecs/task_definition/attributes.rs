//! `requiresAttributes` and `compatibilities`: computed from a document, never kept in it.
//!
//! Source: task definitions answered by AWS; the agent's capability names are those of the ECS agent.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{rules, sizes};
use crate::sandbox::ecs::defaults::Switches;
use crate::sandbox::ecs::document::{Document, is_true, list, member, object, objects, text};

const AGENT: &str = "com.amazonaws.ecs.capability.";

/// What a container instance must offer, as `[{name}]`.
pub fn required(document: &Document) -> Value {
    let mut names = BTreeSet::from([format!("{AGENT}docker-remote-api.1.18")]);
    let mut add = |name: &str| names.insert(name.to_owned());
    if text(document, "networkMode") == Some("awsvpc") {
        add("ecs.capability.task-eni");
    }
    if member(document, "taskRoleArn").is_some() {
        add("com.amazonaws.ecs.capability.task-iam-role");
    }
    for volume in objects(document, "volumes") {
        if object(volume, "efsVolumeConfiguration").is_some() {
            add("ecs.capability.efs");
            add("ecs.capability.efsAuth");
        }
    }
    let pulls_with_role = member(document, "executionRoleArn").is_some();
    for container in objects(document, "containerDefinitions") {
        names.extend(of_container(container, pulls_with_role));
    }
    names.iter().map(|name| json!({ "name": name })).collect()
}

fn of_container(container: &Document, pulls_with_role: bool) -> Vec<String> {
    let from_ecr = text(container, "image").is_some_and(|image| image.contains(".dkr.ecr."));
    let is_checked = object(container, "healthCheck").is_some();
    let conditions = [
        (from_ecr, "com.amazonaws.ecs.capability.ecr-auth"),
        (
            from_ecr && pulls_with_role,
            "ecs.capability.execution-role-ecr-pull",
        ),
        (is_checked, "ecs.capability.container-health-check"),
        (
            is_checked,
            "com.amazonaws.ecs.capability.docker-remote-api.1.24",
        ),
        (
            !list(container, "dependsOn").is_empty(),
            "ecs.capability.container-ordering",
        ),
        (
            is_true(container, "privileged"),
            "com.amazonaws.ecs.capability.privileged-container",
        ),
        (
            member(container, "memoryReservation").is_some(),
            "com.amazonaws.ecs.capability.docker-remote-api.1.21",
        ),
    ];
    let mut names: Vec<String> = conditions
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, name)| name.to_owned())
        .collect();
    for secret in objects(container, "secrets") {
        let from = text(secret, "valueFrom").unwrap_or_default();
        let store = if from.contains(":secretsmanager:") {
            "asm"
        } else {
            "ssm"
        };
        names.push(format!(
            "ecs.capability.secrets.{store}.environment-variables"
        ));
    }
    if let Some(firelens) = object(container, "firelensConfiguration").and_then(|f| text(f, "type"))
    {
        names.push(format!("ecs.capability.firelens.{firelens}"));
    }
    names.extend(of_log_driver(container, pulls_with_role));
    names
}

fn of_log_driver(container: &Document, pulls_with_role: bool) -> Vec<String> {
    let log = object(container, "logConfiguration");
    let Some(driver) = log.and_then(|log| text(log, "logDriver")) else {
        return Vec::new();
    };
    let mut names = vec![format!("{AGENT}logging-driver.{driver}")];
    if driver == "awslogs" {
        names.push(format!("{AGENT}docker-remote-api.1.19"));
        if pulls_with_role {
            names.push("ecs.capability.execution-role-awslogs".to_owned());
        }
    }
    names
}

/// The launch types that can run the document.
pub fn compatible(document: &Document) -> Value {
    if text(document, "networkMode") != Some("awsvpc") {
        return json!(["EXTERNAL", "EC2"]);
    }
    let size = |key, parse: fn(&str) -> Option<u32>| text(document, key).and_then(parse);
    let fits = match (
        size("cpu", sizes::cpu_units),
        size("memory", sizes::memory_mib),
    ) {
        // Compatibility is a property of the document: the region's largest size is settled at registration.
        (Some(cpu), Some(memory)) => sizes::fargate_offers(cpu, memory, &Switches::default()),
        _ => false,
    };
    if fits && rules::fargate_forbids(document).is_none() {
        json!(["EC2", "FARGATE", "MANAGED_INSTANCES"])
    } else {
        json!(["EC2"])
    }
}
