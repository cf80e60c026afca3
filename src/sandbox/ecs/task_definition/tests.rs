//! Registration: what is filled in and what is refused.

use serde_json::{Value, json};

use crate::sandbox::{Time, World, ecs};

fn world() -> World {
    World::new("123456789012", "eu-west-1", Time::DEFAULT_START, 1)
}

fn fargate() -> Value {
    json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": ".5 vCPU", "memory": "1 GB",
        "executionRoleArn": "exec",
        "containerDefinitions": [{ "name": "web", "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1", "portMappings": [{ "containerPort": 3000 }] }],
    })
}

fn register(input: &Value) -> Result<Value, crate::sandbox::ApiError> {
    ecs::answer(&mut world(), "RegisterTaskDefinition", input)
}

#[test]
fn defaults_are_filled_in_and_spellings_made_normal() {
    let found = register(&fargate()).unwrap()["taskDefinition"].clone();
    assert_eq!(
        (&found["cpu"], &found["memory"]),
        (&json!("512"), &json!("1024"))
    );
    assert_eq!(
        found["executionRoleArn"],
        "arn:aws:iam::123456789012:role/exec"
    );
    let container = &found["containerDefinitions"][0];
    assert_eq!(
        container["portMappings"],
        json!([{ "containerPort": 3000, "protocol": "tcp", "hostPort": 3000 }])
    );
    for key in [
        "environment",
        "mountPoints",
        "volumesFrom",
        "systemControls",
    ] {
        assert_eq!(container[key], json!([]), "{key}");
    }
    assert_eq!(
        (&container["cpu"], &container["essential"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(
        (&found["volumes"], &found["placementConstraints"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        found["compatibilities"],
        json!(["EC2", "FARGATE", "MANAGED_INSTANCES"])
    );
    let attributes: Vec<_> = found["requiresAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(
        attributes.contains(&"ecs.capability.task-eni")
            && attributes.contains(&"ecs.capability.execution-role-ecr-pull"),
        "{attributes:?}"
    );
    assert!(found.get("taskRoleArn").is_none() && found.get("tags").is_none());
}

#[test]
fn a_bridge_definition_gets_dynamic_ports() {
    let input = json!({ "family": "b", "containerDefinitions": [{ "name": "a", "image": "nginx", "memory": 64, "portMappings": [{ "containerPort": 80 }] }] });
    let found = register(&input).unwrap()["taskDefinition"].clone();
    assert_eq!(
        (
            &found["networkMode"],
            &found["containerDefinitions"][0]["portMappings"][0]["hostPort"]
        ),
        (&json!("bridge"), &json!(0))
    );
    assert_eq!(found["compatibilities"], json!(["EXTERNAL", "EC2"]));
}

#[test]
fn every_registration_is_a_new_revision_with_tags_beside_it() {
    let mut world = world();
    let mut input = fargate();
    input["tags"] = json!([{ "key": "run", "value": "1" }]);
    for number in 1..=3 {
        let answer = ecs::answer(&mut world, "RegisterTaskDefinition", &input).unwrap();
        assert_eq!(
            (&answer["taskDefinition"]["revision"], &answer["tags"]),
            (&json!(number), &input["tags"])
        );
    }
}

/// Merges `change` into the Fargate definition (its first container for the member `container`).
fn refused(change: &Value, message: &str) {
    let mut input = fargate();
    for (key, value) in change.as_object().unwrap() {
        match (key.as_str(), value) {
            ("container", Value::Object(members)) => {
                for (key, value) in members {
                    input["containerDefinitions"][0][key] = value.clone();
                }
            }
            (key, value) => input[key] = value.clone(),
        }
    }
    let error = register(&input).expect_err(message);
    assert_eq!(error.message, message, "{change}");
}

#[test]
fn what_ecs_refuses_is_refused_in_its_words() {
    refused(
        &json!({ "cpu": "256", "memory": "4096" }),
        "No Fargate configuration exists for given values.",
    );
    refused(
        &json!({ "cpu": null }),
        "Fargate requires that 'cpu' be defined at the task level.",
    );
    refused(&json!({ "cpu": "lots" }), "Invalid 'cpu' setting for task.");
    refused(
        &json!({ "networkMode": "bridge" }),
        "Fargate only supports network mode ‘awsvpc’.",
    );
    refused(
        &json!({ "executionRoleArn": null }),
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    );
    refused(
        &json!({ "containerDefinitions": [] }),
        "Container list cannot be empty.",
    );
    refused(
        &json!({ "container": { "image": "" } }),
        "Container.image should not be null or empty.",
    );
    refused(
        &json!({ "container": { "portMappings": [{ "containerPort": 80, "hostPort": 8080 }] } }),
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
    );
    refused(
        &json!({ "container": { "links": ["x"] } }),
        "Links are not supported when networkMode=awsvpc.",
    );
    refused(
        &json!({ "container": { "mountPoints": [{ "sourceVolume": "v" }] } }),
        "Unknown volume 'v'.",
    );
    refused(
        &json!({ "requiresCompatibilities": ["EC2"], "cpu": null, "memory": null }),
        "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be specified.",
    );
    refused(
        &json!({ "cpu": 512 }),
        "NUMBER_VALUE can not be converted to a String",
    );
    refused(
        &json!({ "container": { "memory": "512" } }),
        "STRING_VALUE can not be converted to an Integer",
    );
}
