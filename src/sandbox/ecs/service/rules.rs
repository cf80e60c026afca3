//! Which services ECS refuses, and which parts of a service the sandbox does not model.
//!
//! Texts seen in the wild are AWS's; those marked "ours" only keep its manner.
//! **Invariant:** a part that would change how the service is deployed is modelled or refused, never ignored.

use serde_json::Value;

use crate::sandbox::ApiError;
use crate::sandbox::ecs::alarms;
use crate::sandbox::ecs::document::{Document, member, object, objects, text, whole};
use crate::sandbox::ecs::early;
use crate::sandbox::ecs::native;
use crate::sandbox::ecs::placement::has_subnets;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task_definition::Revision;

/// Refuses what ECS refuses. The document has its defaults already.
pub fn check(
    document: &Document,
    definition: &Revision,
    ground: &Ground<'_>,
) -> Result<(), ApiError> {
    check_network(document, definition)?;
    check_configuration(document)?;
    native::check(document, ground)?;
    let balancers: Vec<&Document> = objects(document, "loadBalancers").collect();
    if balancers.is_empty()
        && whole(document, "healthCheckGracePeriodSeconds").is_some_and(|seconds| seconds > 0)
    {
        return Err(refuse::invalid(
            "Health check grace period is only valid for services configured to use load balancers",
        ));
    }
    for balancer in balancers {
        check_balancer(balancer, definition, ground)?;
    }
    let launch_type = text(document, "launchType").unwrap_or("FARGATE");
    let by_provider = text(document, "launchType").is_none();
    if !by_provider && !definition.is_compatible(launch_type) {
        return Err(refuse::invalid(format!(
            "Task definition does not support launch_type {launch_type}."
        )));
    }
    Ok(())
}

fn check_network(document: &Document, definition: &Revision) -> Result<(), ApiError> {
    let given = object(document, "networkConfiguration").is_some();
    match (definition.network_mode(), given) {
        ("awsvpc", false) => Err(refuse::invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )),
        ("awsvpc", true) if !has_subnets(document) => {
            Err(refuse::invalid("subnets can not be empty."))
        }
        ("awsvpc", true) | (_, false) => Ok(()),
        (_, true) => Err(refuse::invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
    }
}

fn check_configuration(document: &Document) -> Result<(), ApiError> {
    let Some(configuration) = object(document, "deploymentConfiguration") else {
        return Ok(());
    };
    let percent = |key: &str| whole(configuration, key);
    // Ours: the ranges are documented, the words are not.
    if percent("maximumPercent").is_some_and(|percent| percent < 100) {
        return Err(refuse::invalid("maximumPercent must be at least 100."));
    }
    if percent("minimumHealthyPercent").is_some_and(|percent| !(0..=100).contains(&percent)) {
        return Err(refuse::invalid(
            "minimumHealthyPercent must be between 0 and 100.",
        ));
    }
    alarms::check(configuration)?;
    early::check(configuration)?;
    let Some(breaker) = object(configuration, "deploymentCircuitBreaker") else {
        return Ok(());
    };
    for key in ["enable", "rollback"] {
        if !member(breaker, key).is_some_and(Value::is_boolean) {
            return Err(refuse::invalid(format!(
                "deploymentCircuitBreaker.{key} should not be null."
            )));
        }
    }
    let Some(threshold) = object(breaker, "thresholdConfiguration") else {
        return Ok(());
    };
    match (text(threshold, "type"), whole(threshold, "value")) {
        (Some("BOUNDED_PERCENT" | "UNBOUNDED_PERCENT"), Some(1..=100))
        | (Some("COUNT"), Some(1..)) => Ok(()),
        _ => Err(refuse::invalid(
            "Invalid thresholdConfiguration for deploymentCircuitBreaker.",
        )),
    }
}

fn check_balancer(
    balancer: &Document,
    definition: &Revision,
    ground: &Ground<'_>,
) -> Result<(), ApiError> {
    let Some(arn) = text(balancer, "targetGroupArn") else {
        return Err(ApiError::part_not_modelled(
            "ecs",
            "CreateService",
            "loadBalancers[] without targetGroupArn",
        ));
    };
    let name = text(balancer, "containerName").unwrap_or_default();
    let port = whole(balancer, "containerPort").unwrap_or_default();
    let container = definition
        .containers()
        .find(|container| text(container, "name") == Some(name));
    let container = container.ok_or_else(|| {
        refuse::invalid(format!(
            "The container {name} does not exist in the task definition."
        ))
    })?;
    if !objects(container, "portMappings")
        .any(|mapping| whole(mapping, "containerPort") == Some(port))
    {
        return Err(refuse::invalid(format!(
            "The container {name} did not have a container port {port} defined."
        )));
    }
    check_group(arn, definition, ground)?;
    let advanced = object(balancer, "advancedConfiguration");
    match advanced.and_then(|advanced| text(advanced, "alternateTargetGroupArn")) {
        Some(alternate) => check_group(alternate, definition, ground),
        None => Ok(()),
    }
}

fn check_group(arn: &str, definition: &Revision, ground: &Ground<'_>) -> Result<(), ApiError> {
    // Ours: the case is documented, the words are not.
    let group = ground
        .elb
        .group(arn)
        .ok_or_else(|| refuse::invalid(format!("The target group {arn} does not exist.")))?;
    if !ground.elb.groups_in_use().contains(arn) {
        return Err(refuse::invalid(format!(
            "The target group with targetGroupArn {arn} does not have an associated load balancer."
        )));
    }
    let mode = definition.network_mode();
    let wanted = if mode == "awsvpc" { "ip" } else { "instance" };
    if group.target_type != wanted {
        return Err(refuse::invalid(format!(
            "The provided target group {arn} has target type {}, which is incompatible with the {mode} network mode specified in the task definition.",
            group.target_type
        )));
    }
    Ok(())
}
