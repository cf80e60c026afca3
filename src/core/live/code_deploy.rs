//! CodeDeploy's records: a deployment of an ECS service with its targets, and the deployment group it belongs to.
//!
//! Source: CodeDeploy API reference, `DeploymentInfo`, `ECSTarget`, `DeploymentGroupInfo`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{list, text};
use crate::core::id::DeploymentId;

/// Which deployment group: its name is unique within its application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKey {
    pub application: String,
    pub group: String,
}

/// GetDeployment's `deploymentInfo`, whole, with what BatchGetDeploymentTargets says of its targets.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeDeployment {
    info: Value,
    targets: Vec<Value>,
}

/// GetDeploymentGroup's `deploymentGroupInfo`, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeploymentGroup(Value);

/// What a deployment does of itself when all has been proven but the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Traffic moves at once.
    GoesOn,
    /// It waits so many minutes for ContinueDeployment, then stops.
    Waits { minutes: u64 },
}

impl CodeDeployment {
    pub fn new(info: Value, targets: Vec<Value>) -> Self {
        Self { info, targets }
    }

    /// Both documents, as `deploymentInfo` and `targets`.
    pub fn to_value(&self) -> Value {
        json!({"deploymentInfo": self.info, "targets": self.targets})
    }

    pub fn id(&self) -> DeploymentId {
        DeploymentId::new(text(&self.info, "deploymentId"))
    }

    /// `Created`, `Queued`, `InProgress`, `Baking`, `Ready`, `Succeeded`, `Failed`, `Stopped`, or one born later.
    pub fn status(&self) -> &str {
        text(&self.info, "status")
    }

    pub fn is_over(&self) -> bool {
        matches!(self.status(), "Succeeded" | "Failed" | "Stopped")
    }

    pub fn description(&self) -> &str {
        text(&self.info, "description")
    }

    pub fn group(&self) -> GroupKey {
        GroupKey {
            application: text(&self.info, "applicationName").to_owned(),
            group: text(&self.info, "deploymentGroupName").to_owned(),
        }
    }

    /// The task definition that its AppSpec names; the AppSpec is JSON or YAML, and only this is read out of it.
    pub fn task_definition(&self) -> Option<&str> {
        let content = self.info.pointer("/revision/appSpecContent/content")?;
        let (_, rest) = content.as_str()?.split_once("TaskDefinition")?;
        let rest = rest.trim_start_matches(['"', '\'', ':', ' ']);
        let end = rest.find(['"', '\'', ',', '}', '\n', '\r', ' '])?;
        Some(&rest[..end])
    }

    /// When it was made, in seconds since the epoch; 0 where that is not said.
    pub fn created(&self) -> f64 {
        let at = self.info.get("createTime").and_then(Value::as_f64);
        at.unwrap_or_default()
    }

    /// The deployment that takes this one back.
    pub fn rollback(&self) -> Option<DeploymentId> {
        let id = self.info.pointer("/rollbackInfo/rollbackDeploymentId")?;
        id.as_str()
            .filter(|id| !id.is_empty())
            .map(DeploymentId::new)
    }

    /// `errorInformation.code`: `ALARM_ACTIVE`, `MANUAL_STOP`, `HOOK_EXECUTION_FAILURE`, …; empty where there is none.
    pub fn error_code(&self) -> &str {
        self.error("/errorInformation/code")
    }

    /// CodeDeploy's words for what went wrong, empty where it gave none.
    pub fn error_message(&self) -> &str {
        self.error("/errorInformation/message")
    }

    fn error(&self, pointer: &str) -> &str {
        let said = self.info.pointer(pointer).and_then(Value::as_str);
        said.unwrap_or_default()
    }

    /// Lifecycle events in order, each with its status: `Pending`, `InProgress`, `Succeeded`, `Failed`, `Skipped`, …
    fn events(&self) -> impl Iterator<Item = (&str, &str)> {
        let targets = self.targets.iter().filter_map(|it| it.get("ecsTarget"));
        let events = targets.flat_map(|target| list(target, "lifecycleEvents"));
        events.map(|event| (text(event, "lifecycleEventName"), text(event, "status")))
    }

    /// The lifecycle event that it is at; between events and before the first its status.
    pub fn stage(&self) -> &str {
        let mut events = self.events();
        let now = events.find(|(_, status)| *status == "InProgress");
        now.map_or(self.status(), |(name, _)| name)
    }

    /// Whether all traffic has moved and every hook after that has agreed: what is left is the wait before the old
    /// task set is removed.
    pub fn has_moved(&self) -> bool {
        let shifted = self
            .events()
            .any(|event| event == ("AllowTraffic", "Succeeded"));
        let settled = self
            .events()
            .all(|(_, status)| matches!(status, "Succeeded" | "Skipped"));
        self.status() == "Succeeded" || (shifted && settled)
    }

    /// Percent of production traffic that the replacement (`Green`) has.
    pub fn replacement_weight(&self) -> Option<f64> {
        let targets = self.targets.iter().filter_map(|it| it.get("ecsTarget"));
        let mut sets = targets.flat_map(|target| list(target, "taskSetsInfo"));
        let green = sets.find(|set| text(set, "taskSetLabel") == "Green")?;
        green.get("trafficWeight").and_then(Value::as_f64)
    }
}

impl DeploymentGroup {
    pub fn new(info: Value) -> Self {
        Self(info)
    }

    pub fn as_value(&self) -> &Value {
        &self.0
    }

    pub fn key(&self) -> GroupKey {
        GroupKey {
            application: text(&self.0, "applicationName").to_owned(),
            group: text(&self.0, "deploymentGroupName").to_owned(),
        }
    }

    /// Whether it deploys this service, by the names without what stands before them in an ARN.
    pub fn deploys(&self, cluster: &str, service: &str) -> bool {
        list(&self.0, "ecsServices")
            .iter()
            .any(|of| text(of, "clusterName") == cluster && text(of, "serviceName") == service)
    }

    /// How traffic moves where the deployment does not say it: `CodeDeployDefault.ECSAllAtOnce`, …
    pub fn config(&self) -> &str {
        text(&self.0, "deploymentConfigName")
    }

    /// Names of the pair of target groups.
    pub fn target_groups(&self) -> Vec<&str> {
        let pairs = self.0.pointer("/loadBalancerInfo/targetGroupPairInfoList");
        let pairs = pairs.and_then(Value::as_array).into_iter().flatten();
        pairs
            .flat_map(|pair| list(pair, "targetGroups"))
            .map(|group| text(group, "name"))
            .collect()
    }

    /// The listener of the production traffic, by ARN.
    pub fn production_listener(&self) -> Option<&str> {
        let listener =
            "/loadBalancerInfo/targetGroupPairInfoList/0/prodTrafficRoute/listenerArns/0";
        self.0.pointer(listener)?.as_str()
    }

    /// Alarms that stop its deployments.
    pub fn alarms(&self) -> Vec<&str> {
        let Some(configuration) = self.0.get("alarmConfiguration") else {
            return Vec::new();
        };
        let is_on = configuration.get("enabled") == Some(&Value::Bool(true));
        let alarms = list(configuration, "alarms").iter().filter(|_| is_on);
        alarms.map(|alarm| text(alarm, "name")).collect()
    }

    pub fn readiness(&self) -> Readiness {
        let options = self
            .0
            .pointer("/blueGreenDeploymentConfiguration/deploymentReadyOption");
        match options {
            Some(option) if text(option, "actionOnTimeout") == "STOP_DEPLOYMENT" => {
                let minutes = option.get("waitTimeInMinutes").and_then(Value::as_u64);
                Readiness::Waits {
                    minutes: minutes.unwrap_or_default(),
                }
            }
            _ => Readiness::GoesOn,
        }
    }

    /// For so many minutes the old task set is kept after all traffic has moved.
    pub fn termination_minutes(&self) -> u64 {
        let wait = "/blueGreenDeploymentConfiguration/terminateBlueInstancesOnDeploymentSuccess/terminationWaitTimeInMinutes";
        let minutes = self.0.pointer(wait).and_then(Value::as_u64);
        minutes.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_definition_is_read_out_of_either_spelling_of_an_appspec() {
        let arn = "arn:aws:ecs:r:1:task-definition/web:7";
        for content in [
            json!({"Properties": {"TaskDefinition": arn, "LoadBalancerInfo": {}}}).to_string(),
            format!("  Properties:\n    TaskDefinition: {arn}\n    LoadBalancerInfo: {{}}\n"),
            format!("Properties: {{ TaskDefinition: \"{arn}\", PlatformVersion: LATEST }}"),
        ] {
            let info = json!({"revision": {"appSpecContent": {"content": content}}});
            let deployment = CodeDeployment::new(info, Vec::new());
            assert_eq!(deployment.task_definition(), Some(arn), "{content}");
        }
        assert_eq!(
            CodeDeployment::new(json!({}), Vec::new()).task_definition(),
            None
        );
    }

    fn check(status: &str, events: &[(&str, &str)], stage: &str, has_moved: bool) {
        let events: Vec<Value> = events
            .iter()
            .map(|(name, status)| json!({"lifecycleEventName": name, "status": status}))
            .collect();
        let target = json!({"ecsTarget": {"lifecycleEvents": events}});
        let deployment = CodeDeployment::new(json!({"status": status}), vec![target]);
        assert_eq!(deployment.stage(), stage, "{status} {events:?}");
        assert_eq!(deployment.has_moved(), has_moved, "{status} {events:?}");
    }

    #[test]
    fn traffic_has_moved_when_the_hooks_after_it_have_agreed() {
        check("Created", &[], "Created", false);
        check(
            "InProgress",
            &[("Install", "InProgress"), ("AllowTraffic", "Pending")],
            "Install",
            false,
        );
        check(
            "InProgress",
            &[
                ("AllowTraffic", "Succeeded"),
                ("AfterAllowTraffic", "InProgress"),
            ],
            "AfterAllowTraffic",
            false,
        );
        check(
            "InProgress",
            &[
                ("AllowTraffic", "Succeeded"),
                ("AfterAllowTraffic", "Skipped"),
            ],
            "InProgress",
            true,
        );
        check("Baking", &[("AllowTraffic", "Succeeded")], "Baking", true);
        check("Succeeded", &[], "Succeeded", true);
        check("Stopped", &[("AllowTraffic", "Failed")], "Stopped", false);
    }

    #[test]
    fn a_group_is_read_as_far_as_it_says_anything() {
        let empty = DeploymentGroup::new(json!({}));
        assert_eq!((empty.alarms(), empty.target_groups()), (vec![], vec![]));
        assert_eq!(empty.readiness(), Readiness::GoesOn);
        let group = DeploymentGroup::new(json!({
            "alarmConfiguration": {"enabled": true, "alarms": [{"name": "5xx"}]},
            "ecsServices": [{"clusterName": "main", "serviceName": "web"}],
            "blueGreenDeploymentConfiguration": {
                "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60},
                "terminateBlueInstancesOnDeploymentSuccess": {"terminationWaitTimeInMinutes": 5},
            },
            "loadBalancerInfo": {"targetGroupPairInfoList": [{"targetGroups": [{"name": "blue"}, {"name": "green"}]}]},
        }));
        assert_eq!(group.alarms(), ["5xx"]);
        assert_eq!(group.target_groups(), ["blue", "green"]);
        assert_eq!(group.readiness(), Readiness::Waits { minutes: 60 });
        assert!(group.deploys("main", "web") && !group.deploys("main", "api"));
        assert_eq!(group.termination_minutes(), 5);
    }
}
