//! A live service as the entry of a world file: `CreateService`, with `taskSets` where the service has them.
//!
//! **Invariant:** a member that changes how the service is deployed is carried over, or named among the assumptions.

use serde_json::{Map, Value, json};

use crate::core::live::Service;

/// Carried over as they are.
const KEPT: [&str; 14] = [
    "desiredCount",
    "launchType",
    "platformVersion",
    "loadBalancers",
    "networkConfiguration",
    "deploymentConfiguration",
    "deploymentController",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "schedulingStrategy",
    "enableECSManagedTags",
    "propagateTags",
    "tags",
];

/// What a service of the EXTERNAL controller leaves to its task sets.
const OF_SETS: [&str; 4] = [
    "launchType",
    "platformVersion",
    "loadBalancers",
    "networkConfiguration",
];

/// Not modelled, and without effect on how tasks are replaced.
const LEFT: [&str; 3] = [
    "serviceRegistries",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// Of a task set.
const SET_KEPT: [&str; 8] = [
    "taskDefinition",
    "launchType",
    "platformVersion",
    "networkConfiguration",
    "loadBalancers",
    "externalId",
    "scale",
    "tags",
];

/// The service, as if it were created anew.
pub fn service_entry(cluster: &str, service: &Service, assumed: &mut Vec<String>) -> Value {
    let live = service.as_value();
    let mut entry = picked(live, &KEPT);
    entry.insert("cluster".to_owned(), json!(cluster));
    entry.insert("serviceName".to_owned(), json!(service.name()));
    if service.controller() != "EXTERNAL" {
        let runs = service.running_task_definition();
        entry.insert("taskDefinition".to_owned(), json!(runs));
    }
    if service.controller() == "CODE_DEPLOY" {
        entry.extend(of_primary(service));
    }
    let is_daemon = live["schedulingStrategy"] == "DAEMON";
    if is_daemon {
        entry.shift_remove("desiredCount");
    }
    launch(&mut entry, live, assumed);
    if service.controller() == "EXTERNAL" {
        entry.retain(|name, _| !OF_SETS.contains(&name.as_str()));
    }
    alarms(&mut entry, assumed);
    for name in LEFT {
        if !is_empty(&live[name]) {
            assumed.push(format!("left out: the service's {name}"));
        }
    }
    let deployments = live["deployments"].as_array().into_iter().flatten();
    if deployments
        .filter(|d| d["serviceConnectConfiguration"]["enabled"] == true)
        .count()
        > 0
    {
        assumed.push("left out: the service's serviceConnectConfiguration".to_owned());
    }
    if service.running_count() != service.desired_count() {
        assumed.push(format!(
            "the service is steady: it runs {} of {} tasks now",
            service.running_count(),
            service.desired_count()
        ));
    }
    let sets = live["taskSets"].as_array().into_iter().flatten();
    let sets: Vec<Value> = sets
        .filter(|_| service.controller() == "EXTERNAL")
        .map(|set| Value::Object(picked(set, &SET_KEPT)))
        .collect();
    if !sets.is_empty() {
        entry.insert("taskSets".to_owned(), json!(sets));
    }
    Value::Object(entry)
}

/// A service that CodeDeploy deploys is made with what its primary task set has now.
fn of_primary(service: &Service) -> Map<String, Value> {
    let set = service.primary_task_set();
    let members = [
        "launchType",
        "platformVersion",
        "networkConfiguration",
        "loadBalancers",
    ];
    members
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), set?.member(name)?.clone())))
        .filter(|(_, value)| !is_empty(value))
        .collect()
}

fn picked(of: &Value, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .filter(|name| !is_empty(&of[**name]))
        .map(|name| ((*name).to_owned(), of[*name].clone()))
        .collect()
}

/// Capacity providers become the launch type that they stand for.
fn launch(entry: &mut Map<String, Value>, live: &Value, assumed: &mut Vec<String>) {
    if entry.contains_key("launchType") {
        return;
    }
    let strategy = live["capacityProviderStrategy"]
        .as_array()
        .into_iter()
        .flatten();
    let providers: Vec<&str> = strategy
        .filter_map(|item| item["capacityProvider"].as_str())
        .collect();
    if providers.is_empty() {
        return;
    }
    let is_fargate = providers.iter().all(|name| name.starts_with("FARGATE"));
    let kind = if is_fargate { "FARGATE" } else { "EC2" };
    entry.insert("launchType".to_owned(), json!(kind));
    assumed.push(format!(
        "launch type {kind} stands for the capacity providers {}",
        providers.join(", ")
    ));
}

/// The copy has no alarms to watch.
fn alarms(entry: &mut Map<String, Value>, assumed: &mut Vec<String>) {
    let Some(Value::Object(configuration)) = entry.get_mut("deploymentConfiguration") else {
        return;
    };
    let Some(alarms) = configuration.shift_remove("alarms") else {
        return;
    };
    let names = alarms["alarmNames"].as_array().into_iter().flatten();
    let names: Vec<&str> = names.filter_map(Value::as_str).collect();
    if !names.is_empty() {
        assumed.push(format!(
            "the deployment alarms stay silent and their bake time is 0: {}",
            names.join(", ")
        ));
    }
}

/// Null, or an empty list, object or text.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}
