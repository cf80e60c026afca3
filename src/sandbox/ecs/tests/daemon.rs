//! DAEMON services, and the placement constraints that say where tasks may stand.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::door::{Door, web};
use crate::sandbox::World;

/// A log router on each of three instances; the definition takes a fixed port, so two never fit on one.
const DAEMON: &str = r#"
clusters: [{ clusterName: main }]
images: [{ image: "router:1" }, { image: "router:2" }, { image: "web:1" }]
containerInstances:
  - { cluster: main, instanceType: m5.large, cpu: 2048, memory: 4096, availabilityZone: eu-west-1a }
  - { cluster: main, instanceType: m5.large, cpu: 2048, memory: 4096, availabilityZone: eu-west-1b }
  - { cluster: main, instanceType: t3.small, cpu: 2048, memory: 4096, availabilityZone: eu-west-1b }
taskDefinitions:
  - family: router
    containerDefinitions: [{ name: app, image: "router:1", cpu: 64, memory: 128, portMappings: [{ containerPort: 24224, hostPort: 24224 }] }]
  - family: router
    containerDefinitions: [{ name: app, image: "router:2", cpu: 64, memory: 128, portMappings: [{ containerPort: 24224, hostPort: 24224 }] }]
  - family: web
    containerDefinitions: [{ name: app, image: "web:1", cpu: 64, memory: 128 }]
services:
  - { cluster: main, serviceName: web, taskDefinition: "router:1", schedulingStrategy: DAEMON, launchType: EC2 }
"#;

/// No instance holds two tasks of the service, not even while one stops.
fn one_each(world: &World) {
    let cluster = &world.ecs.clusters["main"];
    let live = cluster.services["web"].live.iter();
    let on: Vec<_> = live
        .map(|id| &cluster.tasks[id])
        .filter(|task| task.holds_resources())
        .map(|task| task.instance.clone())
        .collect();
    let distinct: BTreeSet<_> = on.iter().collect();
    assert_eq!(on.len(), distinct.len(), "two tasks on one instance");
}

fn door(changes: &[(&str, &str)]) -> Door {
    let mut file = DAEMON.to_owned();
    for (old, new) in changes {
        assert!(file.contains(old), "the world file has no {old:?}");
        file = file.replace(old, new);
    }
    Door::new(&file, one_each)
}

fn instances(tasks: &[Value]) -> BTreeSet<String> {
    let arn = |task: &Value| task["containerInstanceArn"].as_str().unwrap().to_owned();
    tasks.iter().map(arn).collect()
}

#[test]
fn a_daemon_has_one_task_on_every_instance() {
    let mut door = door(&[]);
    let before = door.service();
    assert_eq!(
        (&before["desiredCount"], &before["runningCount"]),
        (&json!(3), &json!(3))
    );
    let configuration = &before["deploymentConfiguration"];
    assert_eq!(
        (
            &configuration["maximumPercent"],
            &configuration["minimumHealthyPercent"]
        ),
        (&json!(100), &json!(0))
    );
    assert_eq!(before["availabilityZoneRebalancing"], "DISABLED");
    assert_eq!(instances(&door.tasks("RUNNING")).len(), 3);
    door.seconds(300);
    assert_eq!(door.service(), before);
}

#[test]
fn a_deployment_replaces_each_task_where_it_stood() {
    for minimum in [0, 50] {
        let mut door = door(&[]);
        let change = json!({ "taskDefinition": "router:2", "deploymentConfiguration": { "minimumHealthyPercent": minimum } });
        door.on_web("UpdateService", &change);
        let mut fewest = 3;
        for _ in 0..400 {
            door.second();
            fewest = fewest.min(door.service()["runningCount"].as_u64().unwrap());
        }
        assert!(
            fewest >= (3_u64 * minimum).div_ceil(100),
            "{fewest} at {minimum} %"
        );
        let service = door.service();
        assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
        assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
        assert_eq!(instances(&door.tasks("RUNNING")).len(), 3);
        let news = door.news();
        assert!(
            !news.iter().any(|line| line.contains("unable to place")),
            "{news:#?}"
        );
    }
}

#[test]
fn an_instance_that_drains_loses_its_task_and_gets_one_when_it_is_back() {
    let mut door = door(&[]);
    let drained = door.tasks("RUNNING")[0]["containerInstanceArn"].clone();
    let turn = |door: &mut Door, status: &str| {
        let input = json!({ "cluster": "main", "containerInstances": [drained], "status": status });
        door.call("UpdateContainerInstancesState", &input);
        door.seconds(120);
        let service = door.service();
        (
            service["desiredCount"].clone(),
            service["runningCount"].clone(),
        )
    };
    assert_eq!(turn(&mut door, "DRAINING"), (json!(2), json!(2)));
    assert_eq!(turn(&mut door, "ACTIVE"), (json!(3), json!(3)));
}

#[test]
fn a_daemon_stands_only_where_its_constraints_let_it() {
    let constrained = "launchType: EC2, placementConstraints: [{ type: memberOf, expression: \"attribute:ecs.instance-type =~ m5.*\" }]";
    let mut door = door(&[("launchType: EC2", constrained)]);
    assert_eq!(door.service()["desiredCount"], 2);
    let input = json!({ "cluster": "main", "filter": "attribute:ecs.instance-type == m5.large and task:group == service:web" });
    let list = door.call("ListContainerInstances", &input);
    assert_eq!(list["containerInstanceArns"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_daemon_cannot_be_asked_is_refused_in_the_words_of_aws() {
    let mut door = door(&[]);
    let base = json!({ "cluster": "main", "serviceName": "other", "taskDefinition": "router:1", "schedulingStrategy": "DAEMON" });
    for (key, value, text) in [
        (
            "desiredCount",
            json!(2),
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
        ),
        (
            "deploymentConfiguration",
            json!({ "maximumPercent": 200 }),
            "The daemon scheduling strategy does not support values above 100 for maximumPercent",
        ),
        (
            "placementStrategy",
            json!([{ "type": "random" }]),
            "The daemon scheduling strategy does not support placement strategies",
        ),
        ("launchType", json!("FARGATE"), "Fargate"),
        (
            "placementConstraints",
            json!([{ "type": "memberOf", "expression": "nonsense" }]),
            "Invalid expression",
        ),
    ] {
        let mut input = base.clone();
        input[key] = value;
        door.refuses("CreateService", &input, "InvalidParameterException", text);
    }
    door.refuses(
        "UpdateService",
        &web(&json!({ "desiredCount": 1 })),
        "InvalidParameterException",
        "desired count",
    );
    // A DAEMON service is deleted without being scaled to 0 first.
    door.on_web("DeleteService", &json!({}));
    door.until(|service| service["status"] == "INACTIVE");
}

#[test]
fn an_instance_that_no_constraint_lets_in_is_named_with_the_reason() {
    let mut door = door(&[]);
    let constraint = json!([{ "type": "memberOf", "expression": "attribute:ecs.availability-zone == eu-west-1c" }]);
    let input =
        json!({ "cluster": "main", "taskDefinition": "web", "placementConstraints": constraint });
    let answer = door.call("RunTask", &input);
    assert_eq!(
        answer["failures"][0]["reason"],
        "MemberOf placement constraint unsatisfied."
    );
    let mut there = input.clone();
    there["placementConstraints"][0]["expression"] =
        json!("attribute:ecs.availability-zone in [eu-west-1a]");
    let answer = door.call("RunTask", &there);
    assert_eq!(answer["tasks"][0]["availabilityZone"], "eu-west-1a");
}
