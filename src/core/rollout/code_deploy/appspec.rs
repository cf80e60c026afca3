//! CreateDeployment's members, with the AppSpec as text and its digest.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::core::id::TaskDefinitionArn;
use crate::core::plan::CodeDeploy;
use crate::core::service::OnFailure;

/// What makes CodeDeploy go back by itself: it does so too when nobody is there to tell it.
const GOES_BACK_ON: [&str; 2] = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"];

pub fn members(
    way: &CodeDeploy,
    revision: &TaskDefinitionArn,
    description: &str,
    on_failure: OnFailure,
) -> Map<String, Value> {
    let content = with_task_definition(&way.appspec, revision).to_string();
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("applicationName", json!(way.group.application));
    put("deploymentGroupName", json!(way.group.group));
    put("description", json!(description));
    let spec = json!({"sha256": sha256(&content), "content": content});
    let revision = json!({"revisionType": "AppSpecContent", "appSpecContent": spec});
    put("revision", revision);
    if let Some(config) = &way.config {
        put("deploymentConfigName", json!(config));
    }
    if on_failure == OnFailure::RollBack {
        let goes_back = json!({"enabled": true, "events": GOES_BACK_ON});
        put("autoRollbackConfiguration", goes_back);
    }
    members
}

/// Members of an AppSpec are found whatever their case, as AWS's own clients find them.
fn with_task_definition(appspec: &Value, revision: &TaskDefinitionArn) -> Value {
    let mut appspec = appspec.clone();
    let resources = member(&mut appspec, "resources").and_then(Value::as_array_mut);
    for target in resources
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut)
    {
        let Some(properties) = member(target, "properties") else {
            continue;
        };
        match member(properties, "taskdefinition") {
            Some(named) => *named = json!(revision),
            None => properties["TaskDefinition"] = json!(revision),
        }
    }
    appspec
}

fn member<'a>(of: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let members = of.as_object_mut()?;
    let mut members = members.iter_mut();
    members.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::live::GroupKey;

    #[test]
    fn whatever_the_appspec_names_becomes_the_revision_and_all_else_stays() {
        let arn = TaskDefinitionArn::from("arn:aws:ecs:r:1:task-definition/web:2");
        for (properties, expected) in [
            (
                json!({"TaskDefinition": "<TASK_DEFINITION>", "X": 1}),
                json!({"TaskDefinition": arn, "X": 1}),
            ),
            (
                json!({"taskDefinition": "old"}),
                json!({"taskDefinition": arn}),
            ),
            (json!({}), json!({"TaskDefinition": arn})),
        ] {
            let appspec = json!({
                "resources": [{"TargetService": {"Type": "AWS::ECS::Service", "properties": properties}}],
                "Hooks": [{"BeforeAllowTraffic": "check"}],
            });
            let group = GroupKey {
                application: "app".to_owned(),
                group: "group".to_owned(),
            };
            let way = CodeDeploy {
                appspec,
                ..CodeDeploy::watched(group)
            };
            let members = members(&way, &arn, "ours", OnFailure::Leave);
            let content = members["revision"]["appSpecContent"]["content"]
                .as_str()
                .unwrap();
            let said: Value = serde_json::from_str(content).unwrap();
            assert_eq!(
                said["resources"][0]["TargetService"]["properties"],
                expected
            );
            assert_eq!(said["Hooks"][0]["BeforeAllowTraffic"], "check");
            assert!(!members.contains_key("autoRollbackConfiguration"));
            assert!(!members.contains_key("deploymentConfigName"));
        }
    }
}
