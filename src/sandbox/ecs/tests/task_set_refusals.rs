//! What ECS refuses about task sets, and the beginning and end of an EXTERNAL service.

use serde_json::json;

use super::door::{Door, web};
use super::task_sets::{door, green, set};

#[test]
fn unknown_task_sets_are_missing_in_a_description_and_refused_elsewhere() {
    let mut door = door();
    let answer = door.on_web("DescribeTaskSets", &json!({ "taskSets": ["ecs-svc/1"] }));
    let arn = answer["failures"][0]["arn"].as_str().unwrap();
    assert!(
        arn.ends_with(":task-set/main/web/ecs-svc/1")
            && answer["failures"][0]["reason"] == "MISSING",
        "{answer}"
    );
    assert_eq!(
        door.on_web("DescribeTaskSets", &json!({}))["taskSets"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let scale = json!({ "value": 1.0, "unit": "PERCENT" });
    for (op, more) in [
        (
            "UpdateTaskSet",
            json!({ "taskSet": "ecs-svc/1", "scale": scale }),
        ),
        ("DeleteTaskSet", json!({ "taskSet": "ecs-svc/1" })),
        (
            "UpdateServicePrimaryTaskSet",
            json!({ "primaryTaskSet": "ecs-svc/1" }),
        ),
    ] {
        door.refuses(op, &web(&more), "TaskSetNotFoundException", "");
        let mut elsewhere = web(&more);
        elsewhere["service"] = json!("other");
        door.refuses(
            op,
            &elsewhere,
            "ServiceNotFoundException",
            "Service not found.",
        );
        elsewhere["cluster"] = json!("other");
        door.refuses(
            op,
            &elsewhere,
            "ClusterNotFoundException",
            "Cluster not found.",
        );
    }
}

#[test]
fn what_aws_refuses_is_refused_in_its_words() {
    let mut door = door();
    let primary = set(&door.service(), 0)["id"].clone();
    let spare = green(&door, "shop:2", 10.0);
    let spare = door.call("CreateTaskSet", &spare)["taskSet"]["id"].clone();
    let mut two_balancers = green(&door, "shop:2", 10.0);
    let balancer = two_balancers["loadBalancers"][0].clone();
    two_balancers["loadBalancers"] = json!([balancer.clone(), balancer]);
    let over = json!({ "value": 101.0, "unit": "PERCENT" });
    for (op, input, text) in [
        (
            "DeleteTaskSet",
            web(&json!({ "taskSet": primary })),
            "Primary TaskSet cannot be deleted",
        ),
        (
            "DeleteTaskSet",
            web(&json!({ "taskSet": spare })),
            "scaled above 0",
        ),
        (
            "UpdateTaskSet",
            web(&json!({ "taskSet": spare, "scale": over })),
            "between 0 and 100",
        ),
        (
            "CreateTaskSet",
            two_balancers,
            "CreateTaskSet cannot have more than 1 load balancer",
        ),
        (
            "UpdateService",
            web(&json!({ "forceNewDeployment": true })),
            "Cannot force a new deployment on services with a EXTERNAL deployment controller.",
        ),
        (
            "UpdateService",
            web(&json!({ "taskDefinition": "shop:2" })),
            "Unable to update task definition on services with a EXTERNAL",
        ),
        (
            "UpdateService",
            web(&json!({ "deploymentConfiguration": { "maximumPercent": 150 } })),
            "Unable to update",
        ),
    ] {
        door.refuses(op, &input, "InvalidParameterException", text);
    }
    for _ in 0..3 {
        let another = green(&door, "shop:2", 0.0);
        door.call("CreateTaskSet", &another);
    }
    let sixth = green(&door, "shop:2", 0.0);
    door.refuses("CreateTaskSet", &sixth, "InvalidParameterException", "5 deployments exist on the service. Unable to create new TaskSet since this exceeds the maximum limit.");
}

#[test]
fn an_external_service_is_born_empty_and_takes_no_parameters_of_its_tasks() {
    let mut door = door();
    let base = json!({ "cluster": "main", "serviceName": "other", "deploymentController": { "type": "EXTERNAL" } });
    for (key, value, text) in [
        (
            "taskDefinition",
            json!("shop:1"),
            "TaskDefinition must be blank.",
        ),
        (
            "loadBalancers",
            json!([{ "containerName": "app" }]),
            "LoadBalancers must be empty or null.",
        ),
        (
            "networkConfiguration",
            json!({}),
            "NetworkConfiguration must be null.",
        ),
        ("launchType", json!("FARGATE"), "LaunchType must be blank."),
        ("schedulingStrategy", json!("DAEMON"), "REPLICA"),
        (
            "deploymentConfiguration",
            json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } }),
            "deploymentCircuitBreaker",
        ),
        (
            "deploymentConfiguration",
            json!({ "strategy": "CANARY" }),
            "Deployment strategies other than ROLLING require the ECS",
        ),
    ] {
        let mut input = base.clone();
        input[key] = value;
        door.refuses("CreateService", &input, "InvalidParameterException", text);
    }
    let service = door.call("CreateService", &base)["service"].clone();
    assert_eq!(
        (&service["deployments"], &service["taskSets"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(
        (&service["launchType"], &service["desiredCount"]),
        (&json!("EC2"), &json!(0))
    );
    assert_eq!(
        service["deploymentConfiguration"],
        json!({ "maximumPercent": 200, "minimumHealthyPercent": 100 })
    );
    assert!(service.get("taskDefinition").is_none());
    door.seconds(60);
    let answer = door.call(
        "DeleteService",
        &json!({ "cluster": "main", "service": "other" }),
    );
    assert_eq!(answer["service"]["status"], "DRAINING");
    door.second();
    let mut late = web(&json!({ "taskDefinition": "shop:2" }));
    late["service"] = json!("other");
    door.refuses("CreateTaskSet", &late, "ServiceNotActiveException", "");
}

#[test]
fn a_deleted_service_takes_its_task_sets_with_it() {
    let mut door = door();
    let input = green(&door, "shop:2", 50.0);
    door.call("CreateTaskSet", &input);
    door.on_web("UpdateService", &json!({ "desiredCount": 0 }));
    door.refuses(
        "DeleteService",
        &web(&json!({})),
        "InvalidParameterException",
        "The service cannot be stopped while deployments are active.",
    );
    door.on_web("DeleteService", &json!({ "force": true }));
    door.until(|service| service["status"] == "INACTIVE");
    assert!(door.tasks("RUNNING").is_empty());
}

#[test]
fn a_rolling_service_has_no_task_sets() {
    let mut door = Door::new(include_str!("../../testdata/fargate-web.yaml"), |_| ());
    let text = "Amazon ECS only supports task set management on services configured to use external deployment controllers.";
    for op in ["CreateTaskSet", "DescribeTaskSets"] {
        door.refuses(
            op,
            &web(&json!({ "taskDefinition": "web" })),
            "InvalidParameterException",
            text,
        );
    }
    assert!(door.service().get("taskSets").is_none());
}
