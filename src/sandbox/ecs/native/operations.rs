//! ContinueServiceDeployment.
//!
//! The texts are AWS's; the code of all but the missing deployment is not published.

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, filled, text};
use crate::sandbox::ecs::native::hooks::Action;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::service_deployment::rollout_of;
use crate::sandbox::ecs::state::Ecs;

/// Answers a pause: the deployment goes on, or back.
pub fn resume(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let arn = filled(input, "serviceDeploymentArn")
        .ok_or_else(|| refuse::invalid("serviceDeploymentArn should not be null or empty."))?;
    let id = filled(input, "hookId").unwrap_or_default();
    if !is_hook_id(id) {
        return Err(refuse::invalid(
            "Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}",
        ));
    }
    let action = Action::read(text(input, "action").unwrap_or("CONTINUE"))
        .ok_or_else(|| refuse::invalid("Invalid action. Valid values are: CONTINUE, ROLLBACK"))?; // ours
    let rollout = rollout_of(ecs, arn)?;
    if rollout.status.is_final() {
        return Err(refuse::invalid(
            "Continuing a service deployment is not allowed for service deployment in terminal states.",
        ));
    }
    let native = rollout.native.as_mut();
    if !native.is_some_and(|native| native.answer_pause(id, action)) {
        return Err(refuse::invalid(
            "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN",
        ));
    }
    Ok(json!({ "serviceDeploymentArn": arn }))
}

fn is_hook_id(id: &str) -> bool {
    let parts = id
        .strip_prefix("ecs-")
        .and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(kind, id)| !kind.is_empty() && !id.is_empty())
}
