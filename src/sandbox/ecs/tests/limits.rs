//! Pages and limits: every list pages, every batch has its most.

use serde_json::{Value, json};

use super::door::Door;

const WEB: &str = include_str!("../../testdata/fargate-web.yaml");

/// Three of everything that can be listed.
fn door() -> Door {
    let mut door = Door::new(WEB, |_| ());
    let mut service = door.service();
    let members = service.as_object_mut().unwrap();
    members.retain(|key, _| {
        ["launchType", "taskDefinition", "networkConfiguration"].contains(&key.as_str())
    });
    for name in ["b", "c"] {
        door.call("CreateCluster", &json!({ "clusterName": name }));
        let family = json!({ "family": name, "containerDefinitions": [{ "name": "app", "image": "nginx", "memory": 64 }] });
        door.call("RegisterTaskDefinition", &family);
        let mut input = service.clone();
        input["cluster"] = json!("main");
        input["serviceName"] = json!(name);
        input["desiredCount"] = json!(1);
        door.call("CreateService", &input);
        door.on_web("UpdateService", &json!({ "forceNewDeployment": true }));
    }
    door
}

#[test]
fn every_list_reads_the_same_in_pages_of_one_as_in_one() {
    let mut door = door();
    for (op, key) in [
        ("ListClusters", "clusterArns"),
        ("ListServices", "serviceArns"),
        ("ListTasks", "taskArns"),
        ("ListTaskDefinitions", "taskDefinitionArns"),
        ("ListTaskDefinitionFamilies", "families"),
        ("ListServiceDeployments", "serviceDeployments"),
        ("DescribeCapacityProviders", "capacityProviders"),
    ] {
        let mut input = json!({ "cluster": "main" });
        if op == "ListServiceDeployments" {
            input["service"] = json!("web");
        }
        let whole = door.call(op, &input)[key].as_array().unwrap().clone();
        assert!(whole.len() >= 2, "{op}: {whole:?}");
        input["maxResults"] = json!(1);
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let page = door.call(op, &input);
            seen.extend(page[key].as_array().unwrap().clone());
            match page.get("nextToken") {
                Some(token) => input["nextToken"] = token.clone(),
                None => break,
            }
        }
        assert_eq!(seen, whole, "{op}");
        for (member, value) in [
            ("maxResults", json!(0)),
            ("maxResults", json!(101)),
            ("nextToken", json!("mine")),
        ] {
            let mut bad = input.clone();
            bad[member] = value;
            door.refuses(op, &bad, "InvalidParameterException", "");
        }
    }
}

#[test]
fn a_batch_of_one_too_many_is_refused() {
    let mut door = door();
    let many = |count: usize| json!(vec!["0".repeat(32); count]);
    for (op, key, most) in [
        ("DescribeServices", "services", 10),
        ("DescribeTasks", "tasks", 100),
        ("DescribeClusters", "clusters", 100),
        ("DescribeContainerInstances", "containerInstances", 100),
        ("UpdateContainerInstancesState", "containerInstances", 10),
        ("DescribeServiceDeployments", "serviceDeploymentArns", 20),
        ("DescribeServiceRevisions", "serviceRevisionArns", 20),
        ("UpdateTaskProtection", "tasks", 10),
        ("GetTaskProtection", "tasks", 100),
    ] {
        let mut input =
            json!({ "cluster": "main", "status": "DRAINING", "protectionEnabled": true });
        input[key] = many(most);
        door.call(op, &input);
        input[key] = many(most + 1);
        door.refuses(op, &input, "InvalidParameterException", "");
    }
    let definitions = json!({ "taskDefinitions": many(11) });
    door.refuses(
        "DeleteTaskDefinitions",
        &definitions,
        "InvalidParameterException",
        "",
    );
}

#[test]
fn what_run_task_is_given_has_its_lengths() {
    let mut door = door();
    let network = door.service()["networkConfiguration"].clone();
    let base = json!({ "cluster": "main", "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network });
    let overrides = |length: usize| json!({ "containerOverrides": [{ "name": "web", "command": ["x".repeat(length)] }] });
    for (key, value, is_taken) in [
        ("count", json!(10), true),
        ("count", json!(11), false),
        ("startedBy", json!("x".repeat(128)), true),
        ("startedBy", json!("x".repeat(129)), false),
        ("clientToken", json!("x".repeat(64)), true),
        ("clientToken", json!("x".repeat(65)), false),
        ("overrides", overrides(8000), true),
        ("overrides", overrides(8200), false),
    ] {
        let mut input = base.clone();
        input[key] = value;
        if is_taken {
            door.call("RunTask", &input);
        } else {
            door.refuses("RunTask", &input, "InvalidParameterException", "");
        }
    }
    let cluster = json!({ "cluster": "main", "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": [] });
    door.call("PutClusterCapacityProviders", &cluster);
    let mut spot = base.clone();
    spot.as_object_mut().unwrap().shift_remove("launchType");
    spot["capacityProviderStrategy"] = json!([{ "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let task = door.call("RunTask", &spot)["tasks"][0].clone();
    assert_eq!(
        (&task["capacityProviderName"], &task["launchType"]),
        (&json!("FARGATE_SPOT"), &json!("FARGATE"))
    );
}
