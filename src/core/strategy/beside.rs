//! A canary beside a service: a second service, its copy in all but name, count and revision.
//!
//! **Invariant:** what cannot be copied is said ([`crate::core::preflight`]), never left out quietly.

use serde_json::{Map, Value, json};

use super::{Choice, rolling};
use crate::core::id::{ServiceKey, ServiceName};
use crate::core::live::{Service, list, text};
use crate::core::plan::{Beside, Refusal, Strategy};
use crate::core::service::{CanarySize, Intent};
use crate::core::service_document::live_member;

/// Members of a service that its canary shares, when the service has them. Whatever is within them is copied whole.
const SHARED: [&str; 14] = [
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "loadBalancers",
    "serviceRegistries",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// What marks a service as the canary of another: key of a tag whose value is that service's name.
pub const CANARY_TAG: &str = "ecsdeploy:canary-of";

/// Keys that no user gives: AWS's own, and ours, among which the record of a rollout may be.
const RESERVED: [&str; 2] = ["aws:", "ecsdeploy:"];

/// A resource has so many tags at most (AWS General Reference, tag naming limits).
const MOST_TAGS: usize = 50;

const CONNECT: &str = "serviceConnectConfiguration";

pub fn beside(
    size: CanarySize,
    intent: &Intent,
    target: &ServiceKey,
    service: &Service,
) -> Result<Choice, Refusal> {
    let tasks = size.tasks(service.desired_count());
    let refused = |lacks: &str, change: &str| Refusal::Strategy {
        asked: "a canary beside it",
        lacks: lacks.to_owned(),
        change: vec![change.to_owned()],
    };
    if service.strategy() != "ROLLING" {
        return Err(refused(
            "its own deployment strategy shifts traffic",
            "ask for a percentage (--canary 10%), which ECS shifts itself for this service",
        ));
    }
    if service.as_value().get("schedulingStrategy") == Some(&json!("DAEMON")) {
        return Err(refused(
            "its schedulingStrategy is DAEMON",
            "a canary needs a service of scheduling strategy REPLICA",
        ));
    }
    if service.desired_count() == 0 {
        return Ok(rolling(
            "the service is switched off (desired count 0), and a canary would run where nothing else does",
        ));
    }
    Ok(Choice {
        strategy: Strategy::Beside(Beside {
            key: key_of(target, service),
            tasks,
            members: copied(service),
            bake: intent.bake,
        }),
        why: "it was asked for".to_owned(),
    })
}

/// Where the canary of a service is.
pub fn key_of(target: &ServiceKey, service: &Service) -> ServiceKey {
    ServiceKey {
        cluster: target.cluster.clone(),
        service: ServiceName::new(format!("{}-canary", service.name())),
    }
}

fn copied(service: &Service) -> Map<String, Value> {
    let mut members: Map<String, Value> = SHARED
        .iter()
        .map(|name| ((*name).to_owned(), live_member(service, name).clone()))
        .filter(|(_, value)| !value.is_null())
        .collect();
    if let Some(connect) = as_client(service) {
        members.insert(CONNECT.to_owned(), connect);
    }
    members.insert("tags".to_owned(), tags(service));
    members
}

/// As a client: a `discoveryName` belongs to one service of its namespace (ECS API reference, `ServiceConnectService`).
fn as_client(service: &Service) -> Option<Value> {
    let mut connect = live_member(service, CONNECT).as_object()?.clone();
    connect.remove("services");
    Some(Value::Object(connect))
}

/// Whether others reach it by Service Connect.
pub fn is_offered(service: &Service) -> bool {
    !list(live_member(service, CONNECT), "services").is_empty()
}

fn tags(service: &Service) -> Value {
    let is_users = |tag: &&Value| {
        let key = text(tag, "key");
        !RESERVED.iter().any(|prefix| key.starts_with(prefix))
    };
    let users = list(service.as_value(), "tags").iter().filter(is_users);
    let mut tags: Vec<Value> = users.take(MOST_TAGS - 1).cloned().collect();
    tags.push(json!({ "key": CANARY_TAG, "value": service.name() }));
    tags.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_has_what_is_said_of_the_deployment_alone_and_the_users_tags() {
        let service = Service::new(json!({
            "serviceName": "web", "launchType": "FARGATE",
            "tags": [
                {"key": "team", "value": "shop"},
                {"key": "aws:cloudformation:stack-name", "value": "s"},
                {"key": "ecsdeploy:journal:0", "value": "{}"},
            ],
            "deployments": [
                {"status": "ACTIVE", "volumeConfigurations": [{"name": "old"}]},
                {
                    "status": "PRIMARY",
                    "volumeConfigurations": [{"name": "data"}],
                    "vpcLatticeConfigurations": [{"portName": "web"}],
                    "serviceConnectConfiguration": {
                        "enabled": true, "namespace": "shop",
                        "services": [{"portName": "web", "discoveryName": "web"}],
                    },
                },
            ],
        }));
        let expected = json!({
            "launchType": "FARGATE",
            "volumeConfigurations": [{"name": "data"}],
            "vpcLatticeConfigurations": [{"portName": "web"}],
            "serviceConnectConfiguration": {"enabled": true, "namespace": "shop"},
            "tags": [
                {"key": "team", "value": "shop"},
                {"key": CANARY_TAG, "value": "web"},
            ],
        });
        assert_eq!(Value::Object(copied(&service)), expected);
        assert!(is_offered(&service));
    }
}
