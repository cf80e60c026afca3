//! CODE_DEPLOY services: their first task set, what UpdateService leaves to CodeDeploy, and the side door it comes by.

use serde_json::{Value, json};

use super::door::{Door, web};
use super::task_sets::{EXTERNAL, invariants};
use crate::sandbox::ecs::task_sets::{self, Driven, SetNumber};

/// The world of the EXTERNAL service, but CodeDeploy controls it.
fn door() -> Door {
    let (world, _) = EXTERNAL.split_once("services:").unwrap();
    let service = r"
services:
  - cluster: main
    serviceName: web
    taskDefinition: shop:1
    desiredCount: 4
    launchType: FARGATE
    deploymentController: { type: CODE_DEPLOY }
    networkConfiguration: { awsvpcConfiguration: { subnets: [subnet-0a1, subnet-0b1] } }
    loadBalancers: [{ targetGroupArn: blue, containerName: app, containerPort: 80 }]
";
    Door::new(&format!("{world}{service}"), invariants)
}

fn driven() -> Driven {
    Driven {
        cluster: "main".to_owned(),
        service: "web".to_owned(),
    }
}

fn green(door: &Door) -> Value {
    let arn = super::task_sets::group(door, "green");
    json!({
        "taskDefinition": "shop:2",
        "externalId": "d-ABCDEF123",
        "scale": { "value": 100.0, "unit": "PERCENT" },
        "loadBalancers": [{ "targetGroupArn": arn, "containerName": "app", "containerPort": 80 }],
    })
}

#[test]
fn it_begins_with_one_primary_task_set() {
    let mut door = door();
    let service = door.service();
    assert_eq!(service["deployments"], json!([]));
    let set = &service["taskSets"][0];
    assert_eq!(
        (&set["status"], &set["runningCount"]),
        (&json!("PRIMARY"), &json!(4))
    );
    assert!(set.get("startedBy").is_none() && set.get("externalId").is_none());
    door.seconds(300);
    assert_eq!(door.service(), service);
}

#[test]
fn a_new_one_fills_its_first_task_set() {
    let mut door = door();
    let mut input = json!({ "cluster": "main", "serviceName": "second", "desiredCount": 2 });
    let service = door.service();
    for key in [
        "taskDefinition",
        "launchType",
        "deploymentController",
        "networkConfiguration",
    ] {
        input[key] = service[key].clone();
    }
    let made = door.call("CreateService", &input)["service"].clone();
    let set = &made["taskSets"][0];
    assert_eq!(
        (
            &set["status"],
            &set["stabilityStatus"],
            &set["platformVersion"]
        ),
        (&json!("PRIMARY"), &json!("STABILIZING"), &json!("1.4.0"))
    );
    door.seconds(120);
    let more = json!({ "cluster": "main", "service": "second" });
    let sets = door.call("DescribeTaskSets", &more)["taskSets"].clone();
    assert_eq!(
        (&sets[0]["stabilityStatus"], &sets[0]["runningCount"]),
        (&json!("STEADY_STATE"), &json!(2))
    );
}

#[test]
fn what_codedeploy_decides_is_refused_to_others() {
    let mut door = door();
    let network = json!({ "awsvpcConfiguration": { "subnets": ["subnet-0a1"] } });
    for (change, text) in [
        (
            json!({ "taskDefinition": "shop:2" }),
            "Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.",
        ),
        (
            json!({ "networkConfiguration": network }),
            "Unable to update network parameters on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy",
        ),
        (
            json!({ "forceNewDeployment": true }),
            "Cannot force a new deployment on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy",
        ),
    ] {
        door.refuses(
            "UpdateService",
            &web(&change),
            "InvalidParameterException",
            text,
        );
    }
    let external = "services configured to use external deployment controllers";
    let input = web(&green(&door));
    door.refuses(
        "CreateTaskSet",
        &input,
        "InvalidParameterException",
        external,
    );
    let elsewhere = web(&json!({ "deploymentController": { "type": "ECS" } }));
    door.refuses("UpdateService", &elsewhere, "SandboxNotModelled", "");
    let allowed = json!({
        "desiredCount": 3, "healthCheckGracePeriodSeconds": 60, "propagateTags": "SERVICE",
        "deploymentConfiguration": { "maximumPercent": 200 },
    });
    let service = door.on_web("UpdateService", &allowed)["service"].clone();
    assert_eq!(
        (
            &service["desiredCount"],
            &service["healthCheckGracePeriodSeconds"]
        ),
        (&json!(3), &json!(60))
    );
    door.seconds(120);
    assert_eq!(door.service()["runningCount"], 3);
}

#[test]
fn codedeploy_makes_promotes_and_deletes_by_the_side_door() {
    let mut door = door();
    let of = driven();
    let members = green(&door);
    let blue = task_sets::primary(&mut door.sandbox.world, &of)
        .unwrap()
        .unwrap();
    let set =
        task_sets::create(&mut door.sandbox.world, &of, members.as_object().unwrap()).unwrap();
    let shown = door.service()["taskSets"][1].clone();
    assert_eq!(
        (&shown["startedBy"], &shown["externalId"]),
        (&json!("CODE_DEPLOY"), &json!("d-ABCDEF123"))
    );
    assert_eq!(
        shown["networkConfiguration"],
        door.service()["networkConfiguration"]
    );
    let stable = |door: &mut Door, set: SetNumber| {
        task_sets::stable(&mut door.sandbox.world, &driven(), set).unwrap()
    };
    assert!(!stable(&mut door, set));
    door.until(|service| service["taskSets"][1]["stabilityStatus"] == "STEADY_STATE");
    assert!(stable(&mut door, set));
    task_sets::promote(&mut door.sandbox.world, &of, set).unwrap();
    task_sets::delete(&mut door.sandbox.world, &of, blue).unwrap();
    door.until(|service| service["taskSets"].as_array().unwrap().len() == 1);
    let service = door.service();
    assert_eq!(
        (
            &service["taskSets"][0]["status"],
            &service["taskDefinition"]
        ),
        (&json!("PRIMARY"), &shown["taskDefinition"])
    );
    task_sets::scale(&mut door.sandbox.world, &of, set, 50.0).unwrap();
    door.seconds(120);
    assert_eq!(door.service()["runningCount"], 2);
    let answer = task_sets::describe(&mut door.sandbox.world, &of, set).unwrap();
    assert_eq!(answer["runningCount"], 2);
    assert_eq!(task_sets::desired(&mut door.sandbox.world, &of).unwrap(), 4);
}
