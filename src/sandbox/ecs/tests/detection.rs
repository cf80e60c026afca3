//! Deployment alarms and early success, on rolling updates.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::sandbox::ecs::{AlarmAtStart, Switches};

const BREAKER: &str = "deploymentCircuitBreaker: { enable: true, rollback: true }";

/// The web service with these members of its deployment configuration.
fn configured(members: &str) -> Stage {
    Stage::web(&[(BREAKER, members)])
}

fn alarmed(rollback: &str) -> Stage {
    configured(&format!(
        "alarms: {{ alarmNames: [errors, latency], enable: true, rollback: {rollback} }}"
    ))
}

#[test]
fn a_deployment_with_alarms_bakes_before_it_succeeds() {
    let mut quick = configured(BREAKER);
    quick.deploy("1.1.0");
    let unwatched = quick.until_steady();
    let mut stage = alarmed("true");
    stage.deploy("1.1.0");
    stage.second();
    assert_eq!(
        stage.rollout()["alarms"],
        json!({ "status": "MONITORING", "alarmNames": ["errors", "latency"], "triggeredAlarmNames": [] })
    );
    assert_eq!(stage.until_steady() + 1, unwatched + 300);
    assert_eq!(stage.rollout()["alarms"]["status"], "MONITORING_COMPLETE");
    assert_eq!(stage.rollout()["status"], "SUCCESSFUL");
}

#[test]
fn an_alarm_rolls_a_deployment_back_while_it_bakes_too() {
    for second in [30, 250] {
        let mut stage = alarmed("true");
        let old = stage.service()["deployments"][0]["id"].clone();
        stage.news();
        stage.deploy("1.1.0");
        stage.seconds(second);
        stage.alarm("errors", "ALARM");
        stage.second();
        let rollout = stage.rollout();
        assert_eq!(rollout["status"], "ROLLBACK_IN_PROGRESS");
        assert_eq!(rollout["alarms"]["status"], "TRIGGERED");
        assert_eq!(rollout["alarms"]["triggeredAlarmNames"], json!(["errors"]));
        assert_eq!(
            rollout["rollback"]["reason"],
            "Service deployment rolled back because an alarm was detected."
        );
        stage.until_steady();
        assert_eq!(stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
        assert_eq!(stage.service()["deployments"][0]["id"], old);
        let line = "(service web) (deployment D) deployment failed: alarm detected.";
        assert!(stage.news().iter().any(|told| told == line));
    }
}

#[test]
fn an_alarm_without_rollback_only_fails_the_deployment() {
    let mut stage = alarmed("false");
    let id = stage.deploy("1.1.0");
    stage.seconds(20);
    stage.alarm("latency", "ALARM");
    stage.second();
    let primary = stage.service()["deployments"][0].clone();
    assert_eq!(
        (&primary["id"], &primary["rolloutState"]),
        (&json!(id), &json!("FAILED"))
    );
    assert_eq!(stage.rollout()["status"], "STOPPED");
}

#[test]
fn an_alarm_that_was_on_at_the_start_is_ignored_throughout() {
    let check = |at_start: AlarmAtStart, later: &str, status: &str| {
        let switches = Switches {
            alarm_at_start: at_start,
            ..Switches::default()
        };
        let mut stage = alarmed("true").switched(switches);
        stage.alarm("errors", "ALARM");
        stage.deploy("1.1.0");
        stage.seconds(20);
        stage.alarm("errors", "OK");
        stage.second();
        stage.alarm(later, "ALARM");
        stage.until_steady();
        assert_eq!(stage.rollout()["status"], status, "{at_start:?} {later}");
    };
    check(AlarmAtStart::IsIgnored, "errors", "SUCCESSFUL");
    check(AlarmAtStart::IsIgnored, "latency", "ROLLBACK_SUCCESSFUL");
    check(AlarmAtStart::AllAreIgnored, "latency", "SUCCESSFUL");
}

/// Rolls out four tasks with these criteria; answers what the service shows at the moment of success.
fn success(minimum: u64, criteria: &Value) -> Value {
    let mut stage = Stage::web(&[
        ("desiredCount: 2", "desiredCount: 4"),
        (
            "minimumHealthyPercent: 100",
            &format!("minimumHealthyPercent: {minimum}"),
        ),
    ]);
    stage.update(&json!({ "deploymentConfiguration": { "earlySuccessCriteria": criteria } }));
    stage.deploy("1.1.0");
    stage.until(|service| service["deployments"][0]["rolloutState"] == "COMPLETED");
    assert_eq!(stage.rollout()["status"], "SUCCESSFUL");
    let service = stage.service();
    stage.until_steady();
    stage.until(|service| service["runningCount"] == 4);
    service
}

#[test]
fn success_can_come_before_the_last_task() {
    let late = success(50, &json!({ "enable": false }));
    assert_eq!(late["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(late["runningCount"], 4);
    let deferred =
        json!({ "enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "DEFERRED" });
    let early = success(50, &deferred);
    assert_eq!(early["deployments"].as_array().unwrap().len(), 2);
    let blocking =
        json!({ "enable": true, "healthyPercent": 50, "sourceServiceRevisionCleanup": "BLOCKING" });
    let clean = success(50, &blocking);
    assert_eq!(clean["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn incomplete_alarms_and_criteria_are_refused() {
    let stage = &mut configured(BREAKER);
    for (configuration, message) in [
        (
            json!({ "alarms": { "enable": true, "rollback": true } }),
            "alarms.alarmNames should not be null.",
        ),
        (
            json!({ "alarms": { "alarmNames": ["a"], "enable": true } }),
            "alarms.rollback should not be null.",
        ),
        (
            json!({ "earlySuccessCriteria": { "enable": true, "healthyPercent": 99 } }),
            "earlySuccessCriteria.healthyPercent must be between minimumHealthyPercent and 100.",
        ),
        (
            json!({ "earlySuccessCriteria": { "healthyPercent": 100 } }),
            "earlySuccessCriteria.enable should not be null.",
        ),
    ] {
        let input = json!({ "cluster": "main", "service": "web", "deploymentConfiguration": configuration });
        let error = stage.try_call("UpdateService", &input).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("InvalidParameterException", message)
        );
    }
}
