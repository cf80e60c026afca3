//! Releases that fail: the circuit breaker with and without rollback, and the throttle without it.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::sandbox::ecs::{Crash, Switches};

const BREAKER: &str = "deploymentCircuitBreaker: { enable: true, rollback: true }";

#[test]
fn a_sick_release_trips_the_breaker_and_is_rolled_back() {
    let mut stage = Stage::web(&[]);
    let old = stage.service()["deployments"][0]["id"].clone();
    stage.news();
    let id = stage.deploy("1.2.0-sick");
    stage.until(|service| {
        service["deployments"][0]["id"] == old
            && service["deployments"].as_array().unwrap().len() == 2
    });
    let deployments = stage.service()["deployments"].clone();
    assert_eq!(
        deployments[0]["rolloutStateReason"],
        json!(format!(
            "ECS deployment circuit breaker: rolling back to deploymentId {}.",
            old.as_str().unwrap()
        ))
    );
    assert_eq!(
        (&deployments[0]["status"], &deployments[0]["rolloutState"]),
        (&json!("PRIMARY"), &json!("IN_PROGRESS"))
    );
    assert_eq!(
        (&deployments[1]["id"], &deployments[1]["rolloutState"]),
        (&json!(id), &json!("FAILED"))
    );
    assert_eq!(
        deployments[1]["rolloutStateReason"],
        "ECS deployment circuit breaker: tasks failed to start."
    );
    assert_eq!(stage.rollout()["status"], "ROLLBACK_IN_PROGRESS");
    stage.until_steady();
    let service = stage.service();
    assert_eq!(
        (&service["deployments"][0]["id"], &service["runningCount"]),
        (&old, &json!(2))
    );
    assert!(
        service["taskDefinition"]
            .as_str()
            .unwrap()
            .ends_with("task-definition/web:1")
    );
    let rollout = stage.rollout();
    assert_eq!(rollout["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(
        rollout["deploymentCircuitBreaker"],
        json!({ "status": "TRIGGERED", "failureCount": 3, "threshold": 3 })
    );
    assert_eq!(
        rollout["rollback"]["serviceRevisionArn"],
        service["currentServiceRevisions"][0]["arn"]
    );
    insta::assert_snapshot!(stage.news().join("\n"));
}

#[test]
fn a_crashing_release_is_rolled_back_too() {
    let mut stage = Stage::web(&[]);
    stage.deploy("1.3.0-crash");
    stage.until_steady();
    assert_eq!(stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
    let stopped = stage.tasks("STOPPED");
    let crashed = stopped
        .iter()
        .find(|task| task["stopCode"] == "EssentialContainerExited")
        .unwrap();
    assert_eq!(
        (
            &crashed["stoppedReason"],
            &crashed["containers"][0]["exitCode"]
        ),
        (&json!("Essential container in task exited"), &json!(1))
    );
}

#[test]
fn a_crash_is_no_failure_where_the_switch_says_so() {
    let switches = Switches {
        crash: Crash::IsNot,
        ..Switches::default()
    };
    let mut stage = Stage::web(&[]).switched(switches);
    stage.deploy("1.3.0-crash");
    stage.seconds(1800);
    let primary = stage.service()["deployments"][0].clone();
    assert_eq!(
        (&primary["rolloutState"], &primary["failedTasks"]),
        (&json!("IN_PROGRESS"), &json!(0))
    );
}

#[test]
fn without_rollback_the_failed_deployment_stays_and_launches_nothing() {
    let mut stage = Stage::web(&[(
        BREAKER,
        "deploymentCircuitBreaker: { enable: true, rollback: false }",
    )]);
    stage.deploy("1.9.9-gone");
    stage.until(|service| service["deployments"][0]["rolloutState"] == "FAILED");
    let before = stage.tasks("STOPPED").len();
    stage.seconds(1800);
    let service = stage.service();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&service["runningCount"], stage.tasks("STOPPED").len()),
        (&json!(2), before)
    );
    let rollout = stage.rollout();
    assert_eq!(rollout["status"], "STOPPED");
    assert!(rollout["stoppedAt"].is_number());
}

#[test]
fn an_image_that_is_not_there_fails_before_running() {
    let mut stage = Stage::web(&[]);
    stage.news();
    stage.deploy("1.9.9-gone");
    stage.until_steady();
    let task = stage
        .tasks("STOPPED")
        .into_iter()
        .find(|task| task["stopCode"] == "TaskFailedToStart")
        .unwrap();
    let reason = task["stoppedReason"].as_str().unwrap();
    assert!(reason.starts_with("CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref"), "{reason}");
    assert!(reason.ends_with(": not found"));
    assert_eq!(task["containers"][0]["reason"], json!(reason));
    assert!(task["startedAt"].is_null() && task["containers"][0]["exitCode"].is_null());
    let news = stage.news();
    assert!(
        news.iter().any(|line| line.starts_with(
            "(service web) was unable to place a task. Reason: CannotPullContainerError"
        )),
        "{news:?}"
    );
    assert_eq!(stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn without_a_breaker_launches_are_retried_ever_more_slowly() {
    let mut stage = Stage::web(&[(
        BREAKER,
        "deploymentCircuitBreaker: { enable: false, rollback: false }",
    )]);
    stage.deploy("1.9.9-gone");
    stage.seconds(600);
    let early = stage.tasks("STOPPED").len();
    stage.seconds(3000);
    let late = stage.tasks("STOPPED").len();
    assert!(late - early < early, "{early} in ten minutes, then {late}");
    let primary = stage.service()["deployments"][0].clone();
    assert_eq!(primary["rolloutState"], "IN_PROGRESS");
    assert!(primary["failedTasks"].as_u64().unwrap() >= 3);
    let news = stage.news();
    let impaired = "is unable to consistently start tasks successfully.";
    assert_eq!(
        news.iter().filter(|line| line.contains(impaired)).count(),
        1,
        "{news:?}"
    );
    assert_eq!(stage.service()["runningCount"], 2);
}

#[test]
fn a_first_deployment_that_fails_has_nothing_to_go_back_to() {
    let mut stage = Stage::web(&[(
        "  - cluster: main\n    serviceName: web",
        "  - cluster: main\n    serviceName: other",
    )]);
    let arn = stage.register("1.2.0-sick");
    let mut input: Value = stage.call(
        "DescribeServices",
        &json!({ "cluster": "main", "services": ["other"] }),
    )["services"][0]
        .clone();
    let keep = [
        "launchType",
        "networkConfiguration",
        "deploymentConfiguration",
        "loadBalancers",
        "desiredCount",
    ];
    input
        .as_object_mut()
        .unwrap()
        .retain(|key, _| keep.contains(&key.as_str()));
    input["cluster"] = json!("main");
    input["serviceName"] = json!("web");
    input["taskDefinition"] = json!(arn);
    let made = stage.call("CreateService", &input)["service"].clone();
    assert_eq!(
        (&made["runningCount"], &made["events"]),
        (&json!(0), &json!([]))
    );
    stage.keeps_lower = false;
    stage.until(|service| service["deployments"][0]["rolloutState"] == "FAILED");
    stage.seconds(600);
    let service = stage.service();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(stage.rollout()["status"], "STOPPED");
}

#[test]
fn the_threshold_can_be_a_count() {
    let with = |value: &str| {
        format!(
            "deploymentCircuitBreaker: {{ enable: true, rollback: true, thresholdConfiguration: {{ type: COUNT, value: {value} }} }}"
        )
    };
    for (value, failures) in [("1", 2), ("5", 6)] {
        let mut stage = Stage::web(&[(BREAKER, &with(value))]);
        stage.deploy("1.9.9-gone");
        stage.until_steady();
        let report = stage.rollout()["deploymentCircuitBreaker"].clone();
        // Tasks start in twos, so the count may pass the threshold by one.
        assert!(
            report["failureCount"].as_u64().unwrap() <= failures,
            "{report}"
        );
        assert_eq!(
            (&report["status"], &report["threshold"]),
            (&json!("TRIGGERED"), &json!(value.parse::<u64>().unwrap()))
        );
    }
}

#[test]
fn a_rollout_can_be_stopped_and_goes_back() {
    let mut stage = Stage::web(&[]);
    let old = stage.service()["deployments"][0]["id"].clone();
    stage.deploy("1.1.0");
    stage.seconds(20);
    let arn = stage.rollout()["serviceDeploymentArn"].clone();
    stage.call(
        "StopServiceDeployment",
        &json!({ "serviceDeploymentArn": arn }),
    );
    assert_eq!(stage.rollout()["status"], "ROLLBACK_REQUESTED");
    stage.second();
    assert_eq!(stage.rollout()["status"], "ROLLBACK_IN_PROGRESS");
    stage.until_steady();
    assert_eq!(stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(stage.service()["deployments"][0]["id"], old);
    let again = stage
        .try_call(
            "StopServiceDeployment",
            &json!({ "serviceDeploymentArn": arn }),
        )
        .unwrap_err();
    assert_eq!(again.code, "ConflictException");
}

#[test]
fn failures_within_the_grace_period_are_forgiven() {
    let slow = (
        "behaviour: { readyAfter: 8s }",
        "behaviour: { readyAfter: 100s }",
    );
    let mut hasty = Stage::web(&[slow]);
    hasty.deploy("1.1.0");
    hasty.until_steady();
    assert_eq!(hasty.rollout()["status"], "ROLLBACK_SUCCESSFUL");
    let mut patient = Stage::web(&[
        slow,
        (
            "healthCheckGracePeriodSeconds: 30",
            "healthCheckGracePeriodSeconds: 180",
        ),
    ]);
    patient.deploy("1.1.0");
    patient.until_steady();
    assert_eq!(patient.rollout()["status"], "SUCCESSFUL");
}

#[test]
fn a_failing_container_health_check_counts_as_well() {
    let sick = (
        "behaviour: { readyAfter: 8s }",
        "behaviour: { containerHealth: unhealthy }",
    );
    let check = (
        "        essential: true\n",
        "        essential: true\n        healthCheck: { command: [CMD, 'true'], interval: 10, retries: 2 }\n",
    );
    let mut stage = Stage::web(&[sick, check]);
    stage.seconds(30);
    stage.news();
    stage.deploy("1.1.0");
    stage.until_steady();
    assert_eq!(stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
    let news = stage.news();
    assert!(
        news.contains(&"(service web) (task T) failed container health checks.".to_owned()),
        "{news:?}"
    );
    let reasons: Vec<_> = stage
        .tasks("STOPPED")
        .iter()
        .map(|task| task["stoppedReason"].clone())
        .collect();
    assert!(
        reasons.contains(&json!("Task failed container health checks")),
        "{reasons:?}"
    );
}
