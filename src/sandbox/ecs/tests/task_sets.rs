//! EXTERNAL services: task sets made, scaled, promoted and deleted through the API.

use serde_json::{Value, json};

use super::door::{Door, web};
use crate::sandbox::World;
use crate::sandbox::ecs::service_deployment::count;
use crate::sandbox::ecs::task_set::SetStatus;

/// An EXTERNAL service `web` of four tasks on Fargate: one full, primary task set in the group `blue`; the rule forwards
/// everything to blue and knows green with weight 0.
pub const EXTERNAL: &str = r#"
subnets:
  subnet-0a1: { AvailabilityZone: eu-west-1a, VpcId: vpc-0web }
  subnet-0b1: { AvailabilityZone: eu-west-1b, VpcId: vpc-0web }
targetGroups:
  - { Name: blue, Protocol: HTTP, Port: 80, VpcId: vpc-0web, TargetType: ip, HealthCheckIntervalSeconds: 10,
      Attributes: [{ Key: deregistration_delay.timeout_seconds, Value: "20" }] }
  - { Name: green, Protocol: HTTP, Port: 80, VpcId: vpc-0web, TargetType: ip, HealthCheckIntervalSeconds: 10,
      Attributes: [{ Key: deregistration_delay.timeout_seconds, Value: "20" }] }
loadBalancers: [{ Name: web, Subnets: [subnet-0a1, subnet-0b1] }]
listeners:
  - LoadBalancerArn: web
    Port: 80
    Protocol: HTTP
    DefaultActions:
      - Type: forward
        ForwardConfig: { TargetGroups: [{ TargetGroupArn: blue, Weight: 100 }, { TargetGroupArn: green, Weight: 0 }] }
images:
  - { image: "shop:1" }
  - { image: "shop:2" }
  - { image: "shop:sick", behaviour: { healthStatus: 503 } }
  - { image: "shop:absent", behaviour: { pull: notFound } }
clusters: [{ clusterName: main }]
taskDefinitions:
  - &shop
    family: shop
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: "256"
    memory: "512"
    containerDefinitions: [{ name: app, image: "shop:1", portMappings: [{ containerPort: 80 }] }]
  - { <<: *shop, containerDefinitions: [{ name: app, image: "shop:2", portMappings: [{ containerPort: 80 }] }] }
  - { <<: *shop, containerDefinitions: [{ name: app, image: "shop:sick", portMappings: [{ containerPort: 80 }] }] }
  - { <<: *shop, containerDefinitions: [{ name: app, image: "shop:absent", portMappings: [{ containerPort: 80 }] }] }
services:
  - cluster: main
    serviceName: web
    desiredCount: 4
    deploymentController: { type: EXTERNAL }
    taskSets:
      - taskDefinition: shop:1
        launchType: FARGATE
        networkConfiguration: { awsvpcConfiguration: { subnets: [subnet-0a1, subnet-0b1] } }
        loadBalancers: [{ targetGroupArn: blue, containerName: app, containerPort: 80 }]
"#;

/// What must hold in every second, whatever the callers do.
pub fn invariants(world: &World) {
    let cluster = &world.ecs.clusters["main"];
    let service = &cluster.services["web"];
    let primaries = service
        .task_sets
        .iter()
        .filter(|set| set.status == SetStatus::Primary);
    assert!(primaries.count() <= 1, "two primary task sets");
    assert!(service.deployments.is_empty());
    for set in &service.task_sets {
        let counts = count(&cluster.tasks, service, Some(set.number()));
        let live = counts.running + counts.pending;
        let most = 2 * set.share_of(service.desired).max(set.computed) as usize;
        // A share that has just been lowered is still being brought down.
        assert!(live <= most.max(8), "{live} tasks in a set of {most}");
        if set.is_draining() {
            assert_eq!(live, 0, "a set that drains wants no task");
        }
    }
}

pub fn door() -> Door {
    Door::new(EXTERNAL, invariants)
}

pub fn group(door: &Door, name: &str) -> String {
    let groups = door.sandbox.world.elb.groups.values();
    groups
        .map(|group| group.arn.clone())
        .find(|arn| arn.contains(&format!("targetgroup/{name}/")))
        .unwrap()
}

/// A CreateTaskSet input for the group `green`.
pub fn green(door: &Door, definition: &str, percent: f64) -> Value {
    web(&json!({
        "taskDefinition": definition,
        "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1", "subnet-0b1"] } },
        "loadBalancers": [{ "targetGroupArn": group(door, "green"), "containerName": "app", "containerPort": 80 }],
        "scale": { "value": percent, "unit": "PERCENT" },
    }))
}

pub fn set(service: &Value, place: usize) -> &Value {
    &service["taskSets"][place]
}

fn is_steady(set: &Value) -> bool {
    set["stabilityStatus"] == "STEADY_STATE"
}

#[test]
fn a_seeded_task_set_is_primary_and_steady_and_stays_so() {
    let mut door = door();
    let before = door.service();
    assert_eq!(before["deployments"], json!([]));
    let first = set(&before, 0);
    assert_eq!(
        (&first["status"], &first["stabilityStatus"]),
        (&json!("PRIMARY"), &json!("STEADY_STATE"))
    );
    assert_eq!(
        (&first["computedDesiredCount"], &first["runningCount"]),
        (&json!(4), &json!(4))
    );
    assert_eq!(first["scale"], json!({ "value": 100.0, "unit": "PERCENT" }));
    assert_eq!(
        before["taskDefinition"], first["taskDefinition"],
        "the primary's parameters are the service's"
    );
    assert_eq!(
        (&before["launchType"], &before["runningCount"]),
        (&json!("FARGATE"), &json!(4))
    );
    assert!(before.get("currentServiceRevisions").is_none());
    door.seconds(600);
    assert_eq!(door.service(), before);
    let tasks = door.tasks("RUNNING");
    assert!(tasks.iter().all(|task| task["startedBy"] == first["id"]));
    assert!(door.tasks("STOPPED").is_empty());
}

#[test]
fn a_canary_becomes_the_primary_in_the_order_in_which_aws_tells_it() {
    let mut door = door();
    door.news();
    let input = green(&door, "shop:2", 25.0);
    let made = door.call("CreateTaskSet", &input)["taskSet"].clone();
    assert_eq!(
        (&made["status"], &made["computedDesiredCount"]),
        (&json!("ACTIVE"), &json!(0))
    );
    assert_eq!(
        (&made["stabilityStatus"], &made["platformVersion"]),
        (&json!("STABILIZING"), &json!("1.4.0"))
    );
    door.until(|service| is_steady(set(service, 1)));
    let service = door.service();
    assert_eq!(
        (&set(&service, 1)["runningCount"], &service["runningCount"]),
        (&json!(1), &json!(5))
    );
    door.on_web(
        "UpdateTaskSet",
        &json!({ "taskSet": made["id"], "scale": { "value": 100, "unit": "PERCENT" } }),
    );
    door.second();
    door.until(|service| is_steady(set(service, 1)));
    let answer = door.on_web(
        "UpdateServicePrimaryTaskSet",
        &json!({ "primaryTaskSet": made["id"] }),
    );
    assert_eq!(answer["taskSet"]["status"], "PRIMARY");
    let service = door.service();
    assert_eq!(set(&service, 0)["status"], "ACTIVE");
    assert_eq!(service["taskDefinition"], made["taskDefinition"]);
    assert_eq!(service["loadBalancers"], made["loadBalancers"]);
    let old = set(&service, 0)["taskSetArn"].clone();
    let gone = door.on_web("DeleteTaskSet", &json!({ "taskSet": old, "force": true }));
    assert_eq!(
        (
            &gone["taskSet"]["status"],
            &gone["taskSet"]["computedDesiredCount"]
        ),
        (&json!("DRAINING"), &json!(0))
    );
    door.until(|service| service["taskSets"].as_array().unwrap().len() == 1);
    door.seconds(5);
    assert_eq!(door.service()["runningCount"], 4);
    insta::assert_snapshot!(door.news().join("\n"));
}

#[test]
fn the_share_of_the_desired_count_is_rounded_up_and_follows_it() {
    for (desired, percent, computed) in [
        (4, 25.0, 1),
        (4, 26.0, 2),
        (3, 50.0, 2),
        (10, 12.0, 2),
        (10, 0.0, 0),
        (1, 0.1, 1),
    ] {
        let mut door = door();
        door.on_web("UpdateService", &json!({ "desiredCount": desired }));
        let input = green(&door, "shop:2", percent);
        door.call("CreateTaskSet", &input);
        door.seconds(2);
        let service = door.service();
        assert_eq!(
            set(&service, 1)["computedDesiredCount"],
            computed,
            "{percent} % of {desired}"
        );
        assert_eq!(set(&service, 0)["computedDesiredCount"], desired);
    }
}

#[test]
fn a_sick_task_set_never_turns_steady_and_leaves_the_primary_alone() {
    let mut door = door();
    let before: Vec<Value> = door
        .tasks("RUNNING")
        .iter()
        .map(|task| task["taskArn"].clone())
        .collect();
    let input = green(&door, "shop:3", 50.0);
    door.call("CreateTaskSet", &input);
    for _ in 0..600 {
        door.second();
        assert!(!is_steady(set(&door.service(), 1)));
    }
    let after: Vec<Value> = door
        .tasks("RUNNING")
        .iter()
        .map(|task| task["taskArn"].clone())
        .collect();
    assert!(before.iter().all(|task| after.contains(task)));
    assert!(is_steady(set(&door.service(), 0)));
    let news = door.news();
    let told = |text: &str| news.iter().any(|line| line.contains(text));
    assert!(
        told("(service web, taskSet D) (task T) (port 80) is unhealthy in (target-group TG)"),
        "{news:#?}"
    );
    assert!(told("Amazon ECS replaced"), "{news:#?}");
}

#[test]
fn tasks_that_cannot_start_are_tried_with_growing_waits() {
    let mut door = door();
    let input = green(&door, "shop:4", 25.0);
    door.call("CreateTaskSet", &input);
    door.seconds(900);
    let stopped = door.tasks("STOPPED").len();
    assert!((4..20).contains(&stopped), "{stopped} tasks failed");
    let news = door.news();
    assert!(
        news.iter()
            .any(|line| line.contains("is unable to consistently start tasks successfully")),
        "{news:#?}"
    );
}

#[test]
fn a_killed_task_is_replaced_within_its_set() {
    let mut door = door();
    let task = door.tasks("RUNNING")[0]["taskArn"].clone();
    door.call(
        "StopTask",
        &json!({ "cluster": "main", "task": task, "reason": "poke" }),
    );
    door.seconds(1);
    assert!(!is_steady(set(&door.service(), 0)));
    let took = door.until(|service| is_steady(set(service, 0)));
    assert!((20..120).contains(&took), "{took} s");
    assert_eq!(door.service()["runningCount"], 4);
}

#[test]
fn a_client_token_makes_the_call_repeatable() {
    let mut door = door();
    let mut input = green(&door, "shop:2", 10.0);
    input["clientToken"] = json!("deploy-1");
    let first = door.call("CreateTaskSet", &input)["taskSet"]["id"].clone();
    door.seconds(30);
    assert_eq!(door.call("CreateTaskSet", &input)["taskSet"]["id"], first);
    assert_eq!(door.service()["taskSets"].as_array().unwrap().len(), 2);
    input["scale"]["value"] = json!(20.0);
    door.refuses(
        "CreateTaskSet",
        &input,
        "InvalidParameterException",
        "not idempotent",
    );
    input["clientToken"] = json!("x".repeat(37));
    door.refuses("CreateTaskSet", &input, "InvalidParameterException", "36");
}

#[test]
fn tags_and_external_id_are_kept_and_shown_on_request() {
    let mut door = door();
    let mut input = green(&door, "shop:2", 0.0);
    input["tags"] = json!([{ "key": "team", "value": "shop" }]);
    input["externalId"] = json!("run-42");
    let made = door.call("CreateTaskSet", &input)["taskSet"].clone();
    assert_eq!(
        (&made["externalId"], &made["tags"]),
        (&json!("run-42"), &input["tags"])
    );
    assert!(made.get("startedBy").is_none());
    let shown = |door: &mut Door, include: &Value| {
        let more = json!({ "taskSets": [made["id"]], "include": include });
        door.on_web("DescribeTaskSets", &more)["taskSets"][0]["tags"].clone()
    };
    assert_eq!(shown(&mut door, &json!([])), json!([]));
    assert_eq!(shown(&mut door, &json!(["TAGS"])), input["tags"]);
    let arn = &made["taskSetArn"];
    door.call(
        "TagResource",
        &json!({ "resourceArn": arn, "tags": [{ "key": "run", "value": "42" }] }),
    );
    let tags = door.call("ListTagsForResource", &json!({ "resourceArn": arn }))["tags"].clone();
    assert_eq!(tags.as_array().unwrap().len(), 2);
}
