//! The CodeDeploy part of a world file.

use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::codedeploy::api;
use crate::sandbox::elb::find_listener;
use crate::sandbox::{World, WorldError};

/// `codeDeploy` in a world file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CodeDeploySeed {
    /// `CreateApplication` inputs.
    pub applications: Vec<Value>,
    /// `CreateDeploymentConfig` inputs.
    pub deployment_configs: Vec<Value>,
    /// `CreateDeploymentGroup` inputs; a listener's name (`web:80`) does for its ARN.
    pub deployment_groups: Vec<Value>,
}

/// Takes over the world file's CodeDeploy part; services and listeners are there already.
pub fn seed(world: &mut World, seed: CodeDeploySeed) -> Result<(), WorldError> {
    let mut ask = |operation: &str, input: &Value| {
        let answer = api::answer(world, operation, input);
        answer.map_err(|error| WorldError::Invalid(format!("{operation}: {error}")))
    };
    for input in &seed.applications {
        ask("CreateApplication", input)?;
    }
    for input in &seed.deployment_configs {
        ask("CreateDeploymentConfig", input)?;
    }
    for mut input in seed.deployment_groups {
        name_listeners(world, &mut input);
        let answer = api::answer(world, "CreateDeploymentGroup", &input);
        answer.map_err(|error| WorldError::Invalid(format!("CreateDeploymentGroup: {error}")))?;
    }
    Ok(())
}

/// Puts ARNs for the names of listeners.
fn name_listeners(world: &World, input: &mut Value) {
    let pairs = input["loadBalancerInfo"]["targetGroupPairInfoList"].as_array_mut();
    for pair in pairs.into_iter().flatten() {
        for route in ["prodTrafficRoute", "testTrafficRoute"] {
            let listeners = pair
                .get_mut(route)
                .and_then(|route| route.get_mut("listenerArns"));
            for listener in listeners
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                let name = listener.as_str().unwrap_or_default();
                if let Some(arn) = find_listener(&world.elb, name) {
                    *listener = arn.into();
                }
            }
        }
    }
}
