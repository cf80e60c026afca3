//! The AppSpec of an ECS deployment: a task definition, a container and port, perhaps a network, and hooks.
//!
//! It comes as text, in YAML or JSON, with AWS's own capital letters.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::sandbox::ApiError;
use crate::sandbox::input::Input;

/// The events that a hook can be at.
pub const HOOKS: [&str; 5] = [
    "BeforeInstall",
    "AfterInstall",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];

/// An AppSpec that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct AppSpec {
    /// As it came.
    pub content: String,
    /// `TargetService.Properties`.
    properties: Value,
    /// Function, by name or ARN, by event.
    pub hooks: BTreeMap<String, String>,
}

impl AppSpec {
    /// Reads `revision`.
    pub fn read(revision: Input<'_>) -> Result<Self, ApiError> {
        match revision.text("revisionType") {
            Some("AppSpecContent") => {}
            Some(other) => return Err(revision.not_modelled(&format!("revisionType {other}"))),
            None => return Err(invalid("the revision has no revisionType")),
        }
        let spec = revision
            .at("appSpecContent")
            .ok_or_else(|| invalid("the revision has no appSpecContent"))?;
        let content = spec.text("content").unwrap_or_default();
        if spec
            .text("sha256")
            .is_some_and(|sum| !sum.eq_ignore_ascii_case(&sha256(content)))
        {
            return Err(invalid("the sha256 of the AppSpec content does not match"));
        }
        Self::parse(content)
    }

    fn parse(content: &str) -> Result<Self, ApiError> {
        let spec: Value = serde_saphyr::from_str(content)
            .map_err(|error| invalid(&format!("the AppSpec cannot be read: {error}")))?;
        let resources = spec["Resources"].as_array().map_or(&[][..], Vec::as_slice);
        let [resource] = resources else {
            return Err(invalid("the AppSpec must have one entry of Resources"));
        };
        let target = resource.as_object().and_then(|entry| entry.values().next());
        let target = target.ok_or_else(|| invalid("the AppSpec's resource is empty"))?;
        if target["Type"] != "AWS::ECS::Service" {
            return Err(invalid(
                "the AppSpec's resource must have the Type AWS::ECS::Service",
            ));
        }
        let properties = target["Properties"].clone();
        let balancer = &properties["LoadBalancerInfo"];
        let complete = properties["TaskDefinition"].is_string()
            && balancer["ContainerName"].is_string()
            && balancer["ContainerPort"].as_u64().is_some();
        if !complete {
            return Err(invalid(
                "the AppSpec's Properties must have TaskDefinition and LoadBalancerInfo with ContainerName and ContainerPort",
            ));
        }
        Ok(Self {
            content: content.to_owned(),
            hooks: read_hooks(&spec["Hooks"])?,
            properties,
        })
    }

    /// The members of `CreateTaskSet` that the AppSpec gives.
    pub fn members(&self, target_group: &str) -> Map<String, Value> {
        let balancer = &self.properties["LoadBalancerInfo"];
        let mut members = Map::new();
        members.insert(
            "taskDefinition".to_owned(),
            self.properties["TaskDefinition"].clone(),
        );
        let balancers = json!([{
            "targetGroupArn": target_group,
            "containerName": balancer["ContainerName"],
            "containerPort": balancer["ContainerPort"],
        }]);
        members.insert("loadBalancers".to_owned(), balancers);
        for name in [
            "PlatformVersion",
            "NetworkConfiguration",
            "CapacityProviderStrategy",
        ] {
            if let Some(value) = self.properties.get(name).filter(|value| !value.is_null()) {
                members.insert(small(name), spelled(value));
            }
        }
        members
    }
}

fn read_hooks(hooks: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let mut found = BTreeMap::new();
    let entries = hooks.as_array().into_iter().flatten();
    for (event, function) in entries.filter_map(Value::as_object).flatten() {
        if !HOOKS.contains(&event.as_str()) {
            return Err(invalid(&format!(
                "{event} is no lifecycle event that a hook can be at"
            )));
        }
        let Some(function) = function.as_str() else {
            return Err(invalid(&format!("the hook at {event} names no function")));
        };
        found.insert(event.clone(), function.to_owned());
    }
    Ok(found)
}

/// The same document in ECS's spelling: members begin small.
fn spelled(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (small(name), spelled(value)))
            .collect(),
        Value::Array(items) => items.iter().map(spelled).collect(),
        plain => plain.clone(),
    }
}

fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .chain(letters)
        .collect()
}

/// Lower-case hexadecimal.
pub fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

fn invalid(message: &str) -> ApiError {
    ApiError::client("InvalidRevisionException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "
version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: web:2
        LoadBalancerInfo: { ContainerName: app, ContainerPort: 80 }
        NetworkConfiguration: { AwsvpcConfiguration: { Subnets: [subnet-1], AssignPublicIp: ENABLED } }
Hooks:
  - BeforeInstall: arn:aws:lambda:eu-west-1:123456789012:function:check
";

    #[test]
    fn yaml_and_json_say_the_same_to_ecs() {
        let yaml = AppSpec::parse(YAML).unwrap();
        let value: Value = serde_saphyr::from_str(YAML).unwrap();
        let json = AppSpec::parse(&value.to_string()).unwrap();
        assert_eq!(yaml.members("arn"), json.members("arn"));
        assert!(yaml.hooks["BeforeInstall"].ends_with(":check"));
        assert_eq!(
            Value::Object(yaml.members("arn")),
            json!({
                "taskDefinition": "web:2",
                "loadBalancers": [{"targetGroupArn": "arn", "containerName": "app", "containerPort": 80}],
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}},
            })
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let check = |from: &str, to: &str| {
            assert!(YAML.contains(from));
            let error = AppSpec::parse(&YAML.replacen(from, to, 1)).unwrap_err();
            assert_eq!(error.code, "InvalidRevisionException", "{to}");
        };
        check("AWS::ECS::Service", "AWS::Lambda::Function");
        check("TaskDefinition", "Task");
        check("BeforeInstall", "Install");
        check("Resources:", "Things:");
    }
}
