//! The deployment group of a service that CodeDeploy deploys, as the part of a world file.

use serde_json::{Map, Value, json};

use crate::core::live::DeploymentGroup;

/// Carried over as they are.
const KEPT: [&str; 9] = [
    "applicationName",
    "deploymentGroupName",
    "deploymentConfigName",
    "serviceRoleArn",
    "autoRollbackConfiguration",
    "deploymentStyle",
    "blueGreenDeploymentConfiguration",
    "loadBalancerInfo",
    "ecsServices",
];

pub fn section(group: &DeploymentGroup, assumed: &mut Vec<String>) -> Value {
    let live = group.as_value();
    let mut kept: Map<String, Value> = KEPT
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), live.get(*name)?.clone())))
        .collect();
    let config = group.config();
    if !config.starts_with("CodeDeployDefault.") {
        assumed.push(format!(
            "the deployment configuration {config} moves all traffic at once"
        ));
        kept.insert(
            "deploymentConfigName".to_owned(),
            json!("CodeDeployDefault.ECSAllAtOnce"),
        );
    }
    let alarms = group.alarms();
    if !alarms.is_empty() {
        assumed.push(format!(
            "the deployment group's alarms stay silent: {}",
            alarms.join(", ")
        ));
    }
    json!({
        "applications": [{
            "applicationName": group.key().application,
            "computePlatform": "ECS",
        }],
        "deploymentGroups": [kept],
    })
}
