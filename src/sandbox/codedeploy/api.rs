//! Which function answers which CodeDeploy operation, and what they share.

use serde_json::{Value, json};

use crate::sandbox::codedeploy::{deployments, groups};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

const SERVICE: &str = "codedeploy";
const PER_PAGE: usize = 100;

/// Answers one operation.
pub fn answer(world: &mut World, op: &str, input: &Value) -> Result<Value, ApiError> {
    let input = Input::new(SERVICE, op, input);
    match op {
        "CreateApplication" => groups::create_application(world, input),
        "GetApplication" => groups::get_application(world, input),
        "ListApplications" => groups::list_applications(world, input),
        "CreateDeploymentGroup" => groups::create_group(world, input),
        "UpdateDeploymentGroup" => groups::update_group(world, input),
        "GetDeploymentGroup" => groups::get_group(world, input),
        "ListDeploymentGroups" => groups::list_groups(world, input),
        "CreateDeploymentConfig" => groups::create_config(world, input),
        "GetDeploymentConfig" => groups::get_config(world, input),
        "CreateDeployment" => deployments::create(world, input),
        "GetDeployment" => deployments::get(world, input),
        "BatchGetDeployments" => deployments::batch_get(world, input),
        "ListDeployments" => deployments::list(world, input),
        "ListDeploymentTargets" => deployments::list_targets(world, input),
        "GetDeploymentTarget" => deployments::get_target(world, input),
        "BatchGetDeploymentTargets" => deployments::batch_get_targets(world, input),
        "StopDeployment" => deployments::stop(world, input),
        "ContinueDeployment" => deployments::go_on(world, input),
        _ => Err(ApiError::not_modelled(SERVICE, op)),
    }
}

/// A member that must be there, with the error that CodeDeploy has for it.
pub fn need<'a>(input: Input<'a>, member: &str, code: &str) -> Result<&'a str, ApiError> {
    let found = input.text(member).filter(|text| !text.is_empty());
    found.ok_or_else(|| ApiError::client(code, format!("{member} is required")))
}

pub fn fail<T>(code: &str, message: &str) -> Result<T, ApiError> {
    Err(ApiError::client(code, message))
}

/// One page; the token is the place of the next page's first item.
pub fn page(input: Input<'_>, member: &str, items: Vec<String>) -> Result<Value, ApiError> {
    let start: usize = match input.text("nextToken") {
        None => 0,
        Some(token) => match token.parse() {
            Ok(start) => start,
            Err(_) => {
                return fail(
                    "InvalidNextTokenException",
                    "The next token was specified in an invalid format.",
                );
            }
        },
    };
    let more = items.len() > start + PER_PAGE;
    let shown: Vec<String> = items.into_iter().skip(start).take(PER_PAGE).collect();
    let mut output = json!({member: shown});
    if more {
        output["nextToken"] = (start + PER_PAGE).to_string().into();
    }
    Ok(output)
}
