//! Services on container instances: bridge mode, dynamic ports, capacity.

use serde_json::{Value, json};

use super::stage::Stage;

/// nginx in bridge mode on two instances, four tasks of 256 CPU and 512 MiB.
const BRIDGE: &str = "
targetGroups:
  - { Name: web, Protocol: HTTP, Port: 80, VpcId: vpc-1, TargetType: instance, HealthCheckIntervalSeconds: 10,
      Attributes: [{ Key: deregistration_delay.timeout_seconds, Value: '10' }] }
loadBalancers:
  - { Name: web, Subnets: [subnet-1, subnet-2] }
listeners:
  - { LoadBalancerArn: web, Port: 80, Protocol: HTTP, DefaultActions: [{ Type: forward, TargetGroupArn: web }] }
clusters: [{ clusterName: main }]
containerInstances:
  - { cluster: main, instanceType: m5.large, cpu: 2048, memory: 3072, availabilityZone: eu-west-1a }
  - { cluster: main, instanceType: m5.large, cpu: 2048, memory: 3072, availabilityZone: eu-west-1b }
taskDefinitions:
  - family: web
    containerDefinitions:
      - { name: web, image: 'nginx:1.27', cpu: 256, memory: 512, portMappings: [{ containerPort: 80 }] }
services:
  - cluster: main
    serviceName: web
    taskDefinition: web
    desiredCount: 4
    launchType: EC2
    placementStrategy: [{ type: spread, field: 'attribute:ecs.availability-zone' }, { type: binpack, field: memory }]
    loadBalancers: [{ targetGroupArn: web, containerName: web, containerPort: 80 }]
";

fn ports(tasks: &[Value]) -> Vec<u64> {
    tasks
        .iter()
        .map(|task| {
            task["containers"][0]["networkBindings"][0]["hostPort"]
                .as_u64()
                .unwrap()
        })
        .collect()
}

#[test]
fn bridge_tasks_spread_over_the_zones_with_host_ports_of_their_own() {
    let mut stage = Stage::new(BRIDGE);
    let tasks = stage.tasks("RUNNING");
    let in_a = tasks
        .iter()
        .filter(|task| task["availabilityZone"] == "eu-west-1a")
        .count();
    assert_eq!((tasks.len(), in_a), (4, 2));
    assert!(
        ports(&tasks)
            .iter()
            .all(|port| (32768..=60999).contains(port))
    );
    assert!(
        tasks.iter().all(
            |task| task["attachments"] == json!([]) && task["containerInstanceArn"].is_string()
        )
    );
    stage.seconds(300);
    assert_eq!(stage.service()["runningCount"], 4);
    stage.update(&json!({ "forceNewDeployment": true }));
    let took = stage.until_steady();
    assert!((30..200).contains(&took), "{took} s");
    let fresh = stage.tasks("RUNNING");
    assert!(
        ports(&fresh).iter().all(|port| *port >= 32770),
        "a port was reused at once"
    );
}

#[test]
fn capacity_limits_how_many_new_tasks_start_at_once() {
    let tight = BRIDGE.replace("memory: 512,", "memory: 1024,");
    let mut stage = Stage::new(&tight);
    stage.news();
    stage.update(&json!({ "forceNewDeployment": true }));
    stage.until_steady();
    let news = stage.news();
    assert!(news[0].contains("was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance T) has insufficient memory available."), "{news:?}");
    assert!(news[1].contains("has started 2 tasks"), "{news:?}");
    assert_eq!(
        stage.service()["deployments"][0]["rolloutState"],
        "COMPLETED"
    );
}

#[test]
fn a_full_cluster_says_what_is_lacking() {
    let mut stage = Stage::new(BRIDGE);
    stage.keeps_lower = false;
    stage.update(&json!({ "desiredCount": 13 }));
    stage.seconds(120);
    assert_eq!(stage.service()["runningCount"], 12);
    let answer = stage.call(
        "RunTask",
        &json!({ "cluster": "main", "taskDefinition": "web", "count": 2 }),
    );
    assert_eq!(
        (&answer["tasks"], &answer["failures"][0]["reason"]),
        (&json!([]), &json!("RESOURCE:MEMORY"))
    );
    let list = stage.call("ListContainerInstances", &json!({ "cluster": "main" }));
    let answer = stage.call(
        "DescribeContainerInstances",
        &json!({ "cluster": "main", "containerInstances": list["containerInstanceArns"] }),
    );
    let instance = &answer["containerInstances"][0];
    assert_eq!(
        (
            &instance["runningTasksCount"],
            &instance["remainingResources"][1]["integerValue"]
        ),
        (&json!(6), &json!(0))
    );
    assert_eq!(instance["registeredResources"][0]["integerValue"], 2048);
}

#[test]
fn an_instance_that_drains_loses_its_tasks_to_the_other() {
    let mut stage = Stage::new(BRIDGE);
    let list = stage.call("ListContainerInstances", &json!({ "cluster": "main" }));
    let drained = &list["containerInstanceArns"][0];
    let answer = stage.call(
        "UpdateContainerInstancesState",
        &json!({ "cluster": "main", "containerInstances": [drained], "status": "DRAINING" }),
    );
    assert_eq!(answer["containerInstances"][0]["status"], "DRAINING");
    stage.seconds(180);
    let tasks = stage.tasks("RUNNING");
    assert_eq!(tasks.len(), 4);
    assert!(
        tasks
            .iter()
            .all(|task| task["containerInstanceArn"] != *drained)
    );
    assert_eq!(
        stage.service()["deployments"][0]["rolloutState"],
        "COMPLETED"
    );
}

#[test]
fn a_fixed_port_and_a_distinct_instance_take_one_task_each() {
    for change in [
        (
            "portMappings: [{ containerPort: 80 }]",
            "portMappings: [{ containerPort: 80, hostPort: 8080 }]",
            "is already using a port required by your task.",
        ),
        (
            "    launchType: EC2\n",
            "    launchType: EC2\n    placementConstraints: [{ type: distinctInstance }]\n",
            "DistinctInstance placement constraint unsatisfied",
        ),
    ] {
        let mut stage = Stage::new(
            &BRIDGE
                .replace("desiredCount: 4", "desiredCount: 2")
                .replace(change.0, change.1),
        );
        let used: Vec<_> = stage
            .tasks("RUNNING")
            .iter()
            .map(|task| task["containerInstanceArn"].clone())
            .collect();
        assert_ne!(used[0], used[1]);
        stage.keeps_lower = false;
        stage.news();
        stage.update(&json!({ "desiredCount": 3 }));
        stage.seconds(30);
        let news = stage.news();
        assert!(news[0].contains(change.2), "{news:?}");
    }
}
