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
    let mut names = Vec::new();
    let mut add = |condition: bool, name: &str| {
        if condition {
            names.push(name.to_owned());
        }
    };
    let from_ecr = text(container, "image").is_some_and(|image| image.contains(".dkr.ecr."));
    add(from_ecr, "com.amazonaws.ecs.capability.ecr-auth");
    add(
        from_ecr && pulls_with_role,
        "ecs.capability.execution-role-ecr-pull",
    );
    let checked = object(container, "healthCheck").is_some();
    add(checked, "ecs.capability.container-health-check");
    add(
        checked,
        "com.amazonaws.ecs.capability.docker-remote-api.1.24",
    );
    add(
        !list(container, "dependsOn").is_empty(),
        "ecs.capability.container-ordering",
    );
    add(
        is_true(container, "privileged"),
        "com.amazonaws.ecs.capability.privileged-container",
    );
    add(
        member(container, "memoryReservation").is_some(),
        "com.amazonaws.ecs.capability.docker-remote-api.1.21",
    );
    for secret in objects(container, "secrets") {
        let from = text(secret, "valueFrom").unwrap_or_default();
        let store = if from.contains(":secretsmanager:") {
            "asm"
        } else {
            "ssm"
        };
        add(
            true,
            &format!("ecs.capability.secrets.{store}.environment-variables"),
        );
    }
    if let Some(driver) =
        object(container, "logConfiguration").and_then(|log| text(log, "logDriver"))
    {
        add(true, &format!("{AGENT}logging-driver.{driver}"));
        add(
            driver == "awslogs",
            "com.amazonaws.ecs.capability.docker-remote-api.1.19",
        );
        add(
            driver == "awslogs" && pulls_with_role,
            "ecs.capability.execution-role-awslogs",
        );
    }
    if let Some(firelens) = object(container, "firelensConfiguration").and_then(|f| text(f, "type"))
    {
        add(true, &format!("ecs.capability.firelens.{firelens}"));
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
