//! Deployment controllers, and what CreateService and UpdateService refuse to services whose controller is not ECS.
//!
//! Source: ECS API reference, `CreateService`, `UpdateService` and `DeploymentController`; the sentences are AWS's where
//! clients have published them, the others keep their manner and are marked as ours.

use serde_json::Value;

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, filled, is_true, member, object, text};
use crate::sandbox::ecs::refuse;

const NEEDS_ECS: &str =
    "Deployment strategies other than ROLLING require the ECS deployment controller.";

/// `deploymentController.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    Ecs,
    CodeDeploy,
    External,
}

/// Members of a service that UpdateService may change whatever the controller, with the members that steer the call.
const FREE: [&str; 10] = [
    "cluster",
    "service",
    "desiredCount",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "deploymentController",
    "forceNewDeployment",
];

impl Controller {
    /// The controller that a service's document, or a CreateService input, names.
    pub fn of(document: &Document) -> Result<Self, ApiError> {
        let kind = object(document, "deploymentController").and_then(|one| text(one, "type"));
        match kind.unwrap_or("ECS") {
            "ECS" => Ok(Self::Ecs),
            "CODE_DEPLOY" => Ok(Self::CodeDeploy),
            "EXTERNAL" => Ok(Self::External),
            other => Err(refuse::invalid(format!(
                "Unknown deployment controller type {other}." // ours
            ))),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Ecs => "ECS",
            Self::CodeDeploy => "CODE_DEPLOY",
            Self::External => "EXTERNAL",
        }
    }

    /// Whether its services run task sets instead of deployments.
    pub fn has_task_sets(self) -> bool {
        self != Self::Ecs
    }
}

/// Refuses what CreateService does not take for this controller.
pub fn check_service(controller: Controller, input: &Document) -> Result<(), ApiError> {
    if !controller.has_task_sets() {
        return Ok(());
    }
    if text(input, "schedulingStrategy").is_some_and(|strategy| strategy != "REPLICA") {
        // Ours: the rule is documented, the words are not.
        return Err(refuse::invalid(format!(
            "Services with a {} deployment controller must use the REPLICA scheduling strategy.",
            controller.text()
        )));
    }
    check_watchers_and_strategy(controller, input)?;
    if controller == Controller::External {
        check_left_to_sets(input)?;
    }
    Ok(())
}

/// The circuit breaker, deployment alarms and native strategies belong to the ECS controller.
fn check_watchers_and_strategy(controller: Controller, input: &Document) -> Result<(), ApiError> {
    let configuration = object(input, "deploymentConfiguration");
    let is_on = |key: &str| {
        configuration
            .and_then(|one| object(one, key))
            .is_some_and(|part| is_true(part, "enable"))
    };
    for part in ["deploymentCircuitBreaker", "alarms"] {
        if is_on(part) {
            return Err(refuse::invalid(format!(
                "{part} is not supported with a {} deployment controller.", // ours
                controller.text()
            )));
        }
    }
    let strategy = configuration.and_then(|one| text(one, "strategy"));
    match strategy {
        None | Some("ROLLING") => Ok(()),
        Some(_) => Err(refuse::invalid(NEEDS_ECS)),
    }
}

/// An EXTERNAL service leaves these to its task sets.
fn check_left_to_sets(input: &Document) -> Result<(), ApiError> {
    let is_list = |key: &str| member(input, key).and_then(Value::as_array);
    let lists = |key: &str| is_list(key).is_some_and(|items| !items.is_empty());
    let sentence = if filled(input, "taskDefinition").is_some() {
        "TaskDefinition must be blank."
    } else if lists("loadBalancers") {
        "LoadBalancers must be empty or null."
    } else if member(input, "networkConfiguration").is_some() {
        "NetworkConfiguration must be null."
    } else if lists("serviceRegistries") {
        "ServiceRegistries must be empty or null." // ours, as are the next
    } else if filled(input, "launchType").is_some() {
        "LaunchType must be blank."
    } else if filled(input, "platformVersion").is_some() {
        "PlatformVersion must be blank."
    } else if lists("capacityProviderStrategy") {
        "CapacityProviderStrategy must be empty or null."
    } else {
        return Ok(());
    };
    Err(refuse::invalid(sentence))
}

/// Refuses what UpdateService does not take for a service with this controller, given anew or not.
pub fn check_update(controller: Controller, input: &Document) -> Result<(), ApiError> {
    if Controller::of(input)? != controller && member(input, "deploymentController").is_some() {
        return Err(ApiError::part_not_modelled(
            "ecs",
            "UpdateService",
            "a change of deploymentController",
        ));
    }
    if !controller.has_task_sets() {
        return Ok(());
    }
    let suffix = if controller == Controller::CodeDeploy {
        " Use AWS CodeDeploy to trigger a new deployment."
    } else {
        ""
    };
    let on = format!(
        "on services with a {} deployment controller.",
        controller.text()
    );
    if is_true(input, "forceNewDeployment") {
        return Err(refuse::invalid(format!(
            "Cannot force a new deployment {on}{suffix}"
        )));
    }
    let is_free = |key: &str| {
        FREE.contains(&key)
            || (key == "deploymentConfiguration" && controller == Controller::CodeDeploy)
    };
    let is_given =
        |value: &Value| !matches!(value, Value::Null) && *value != Value::Array(Vec::new());
    let given = input.iter().filter(|(_, value)| is_given(value));
    match given.map(|(key, _)| key.as_str()).find(|key| !is_free(key)) {
        Some(key) => Err(refuse::invalid(format!(
            "Unable to update {} {on}{suffix}",
            words(key)
        ))),
        None => check_watchers_and_strategy(controller, input),
    }
}

/// How the refusal calls a member. The first three have been seen, the others are ours.
fn words(member: &str) -> &str {
    match member {
        "taskDefinition" => "task definition",
        "networkConfiguration" => "network parameters",
        "loadBalancers" => "load balancers",
        "platformVersion" => "platform version",
        "serviceRegistries" => "service registries",
        "capacityProviderStrategy" => "capacity provider strategy",
        other => other,
    }
}
