//! Deployments that do not go well: stopped, superseded, alarmed, never healthy, or with rules that do not fit.

use serde_json::json;

use super::play::Play;
use crate::sandbox::Duration;
use crate::sandbox::ecs::{BlueIs, Switches};

const NETWORKING: &str =
    "Service deployment rolled back because of invalid networking configuration.";

const STAGES: [&str; 10] = [
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
];

fn is_on_blue(play: &Play) -> bool {
    let production = play.production();
    production["web-1"] > 0 && production["web-2"] == 0
}

#[test]
fn a_stop_gives_traffic_back_at_once_from_every_stage_but_the_last() {
    for stage in STAGES {
        let mut play = Play::new(&[]);
        let old = play.stage.service()["deployments"][0]["id"].clone();
        let new = play.deploy("1.1.0");
        play.until_stage(stage);
        play.stop();
        assert_eq!(play.stage.rollout()["status"], "ROLLBACK_REQUESTED");
        play.seconds(1);
        if stage == "CLEAN_UP" {
            play.until_over();
            assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
            assert_eq!(play.stage.service()["deployments"][0]["id"], json!(new));
            continue;
        }
        assert!(is_on_blue(&play), "{stage}");
        assert_eq!(play.stage.rollout()["status"], "ROLLBACK_IN_PROGRESS");
        let service = play.stage.service();
        assert_eq!(service["deployments"][0]["id"], old);
        play.until_over();
        let rollout = play.stage.rollout();
        assert_eq!(rollout["status"], "ROLLBACK_SUCCESSFUL", "{stage}");
        assert!(is_on_blue(&play), "{stage}");
        let service = play.stage.service();
        assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&service["deployments"][0]["id"], &service["runningCount"]),
            (&old, &json!(2))
        );
        assert!(
            service["taskDefinition"]
                .as_str()
                .unwrap()
                .ends_with("web:1")
        );
        let input = json!({ "serviceDeploymentArn": rollout["serviceDeploymentArn"] });
        let again = play.stage.try_call("StopServiceDeployment", &input);
        assert_eq!(again.unwrap_err().code, "ConflictException");
    }
}

#[test]
fn a_stop_before_the_first_second_goes_back_as_well() {
    let mut play = Play::new(&[]);
    play.deploy("1.1.0");
    play.stop();
    play.until_over();
    assert_eq!(play.stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn a_stop_while_it_bakes_is_told_second_by_second() {
    let mut play = Play::new(&[]);
    play.deploy("1.1.0");
    play.until_stage("BAKE_TIME");
    play.seconds(30);
    play.stop();
    play.until_over();
    insta::assert_snapshot!(play.transcript());
}

#[test]
fn green_that_never_turns_healthy_is_given_up_when_its_time_is_over() {
    for tag in ["1.2.0-sick", "1.3.0-crash", "1.9.9-gone"] {
        let switches = Switches {
            stage_limit: Duration::from_secs(900),
            ..Switches::default()
        };
        let mut play = Play::new(&[]).switched(switches);
        play.deploy(tag);
        play.seconds(890);
        assert_eq!(play.stage.rollout()["lifecycleStage"], "SCALE_UP", "{tag}");
        play.until_over();
        let rollout = play.stage.rollout();
        assert_eq!(rollout["status"], "ROLLBACK_SUCCESSFUL", "{tag}");
        assert_eq!(
            rollout["statusReason"],
            "Service deployment rolled back because SCALE_UP timed out."
        );
        assert!(is_on_blue(&play));
    }
}

#[test]
fn an_alarm_goes_back_or_stands_still_as_it_is_configured() {
    for (rollback, status) in [("true", "ROLLBACK_SUCCESSFUL"), ("false", "STOPPED")] {
        let mut play = Play::configured(&format!(
            "strategy: BLUE_GREEN\n      bakeTimeInMinutes: 2\n      alarms: {{ alarmNames: [errors], enable: true, rollback: {rollback} }}\n"
        ));
        play.deploy("1.1.0");
        play.until_stage("BAKE_TIME");
        play.stage.alarm("errors", "ALARM");
        play.until_over();
        play.seconds(120);
        let rollout = play.stage.rollout();
        assert_eq!(rollout["status"], status);
        assert_eq!(rollout["alarms"]["status"], "TRIGGERED");
        let stands = status == "STOPPED";
        assert_eq!(is_on_blue(&play), !stands);
        let running = if stands { 4 } else { 2 };
        assert_eq!(play.stage.service()["runningCount"], running);
    }
}

#[test]
fn an_alarm_that_was_on_before_is_ignored() {
    let mut play = Play::configured(
        "strategy: BLUE_GREEN\n      bakeTimeInMinutes: 2\n      alarms: { alarmNames: [errors], enable: true, rollback: true }\n",
    );
    play.stage.alarm("errors", "ALARM");
    play.deploy("1.1.0");
    play.until_over();
    assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
    assert_eq!(
        play.stage.rollout()["alarms"]["status"],
        "MONITORING_COMPLETE"
    );
}

#[test]
fn weights_that_somebody_split_fail_the_next_deployment() {
    for weights in [[1, 1], [90, 10], [0, 0]] {
        let mut play = Play::new(&[]);
        play.deploy("1.1.0");
        play.until_over();
        play.is_backed = false;
        play.reset(weights);
        let arn = play.stage.register("1.0.0");
        play.stage.update(&json!({ "taskDefinition": arn }));
        // The rules are not touched by a deployment that never starts.
        for _ in 0..60 {
            play.stage.second();
        }
        let rollout = play.stage.rollout();
        assert_eq!(rollout["status"], "ROLLBACK_SUCCESSFUL");
        let reason = rollout["statusReason"].as_str().unwrap();
        assert!(reason.starts_with(NETWORKING), "{reason}");
        assert!(reason.contains("exactly one"), "{reason}");
        let production = play.production();
        assert_eq!([production["web-1"], production["web-2"]], weights);
        assert_eq!(play.stage.service()["runningCount"], 2);
    }
}

#[test]
fn weights_that_somebody_turned_round_are_taken_as_the_switch_says() {
    for (blue_is, group) in [
        (BlueIs::LiveGroup, "web-2"),
        (BlueIs::LastRevision, "web-1"),
    ] {
        let switches = Switches {
            blue_is,
            ..Switches::default()
        };
        let mut play = Play::new(&[]).switched(switches);
        play.deploy("1.1.0");
        play.until_over();
        play.is_backed = false;
        play.reset([1, 0]);
        play.deploy("1.0.0");
        play.until_over();
        assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
        assert_eq!(play.production()[group], 100, "{blue_is:?}");
    }
}

#[test]
fn a_group_in_no_rule_of_the_service_fails_the_deployment_in_the_words_of_aws() {
    // The second group is in use, but by another rule than the service names.
    let forward = "            - { TargetGroupArn: web-2, Weight: 0 }\n";
    let elsewhere = "  - ListenerArn: web:80\n    Priority: 20\n    Conditions:\n      - { Field: path-pattern, Values: [\"/other\"] }\n    Actions:\n      - { Type: forward, TargetGroupArn: web-2 }\n";
    let start = "repositories:";
    let mut play = Play::new(&[
        (start, &format!("{elsewhere}\nrepositories:")),
        ("strategy: BLUE_GREEN", "strategy: ROLLING"),
    ]);
    let elb = &mut play.stage.world.elb;
    assert!(include_str!("../../../testdata/fargate-blue-green.yaml").contains(forward));
    for rule in elb
        .rules
        .values_mut()
        .filter(|rule| rule.priority == Some(10))
    {
        if let crate::sandbox::elb::Action::Forward { groups, .. } = &mut rule.actions[0] {
            groups.truncate(1);
        }
    }
    play.stage
        .update(&json!({ "deploymentConfiguration": { "strategy": "BLUE_GREEN" } }));
    play.deploy("1.1.0");
    play.until_over();
    assert_eq!(
        play.stage.rollout()["statusReason"],
        json!(format!(
            "{NETWORKING} Both targetGroup and alternateTargetGroup must be associated with the productionListenerRule or testListenerRule."
        ))
    );
    assert_eq!(play.stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn a_rule_that_vanishes_sends_the_deployment_back() {
    let mut play = Play::new(&[]);
    play.deploy("1.1.0");
    play.until_stage("POST_SCALE_UP");
    let test = |rule: &crate::sandbox::elb::Rule| {
        let mut groups = rule.forwards();
        rule.priority.is_none() && groups.next().is_some()
    };
    play.stage.world.elb.rules.retain(|_, rule| !test(rule));
    for _ in 0..120 {
        play.stage.second();
    }
    let rollout = play.stage.rollout();
    assert_eq!(rollout["status"], "ROLLBACK_SUCCESSFUL");
    let reason = rollout["statusReason"].as_str().unwrap();
    assert!(reason.ends_with("could not be changed."), "{reason}");
}

#[test]
fn a_newer_deployment_reconciles_what_the_older_left() {
    for stage in STAGES {
        let mut play = Play::new(&[]);
        play.deploy("1.2.0-sick");
        if !matches!(stage, "PRE_SCALE_UP" | "SCALE_UP") {
            play = Play::new(&[]);
            play.deploy("1.1.0");
        }
        play.until_stage(stage);
        let first = play.stage.rollout()["serviceDeploymentArn"].clone();
        let id = play.deploy("1.0.0");
        play.seconds(1);
        assert_eq!(
            play.stage.rollout()["lifecycleStage"],
            "RECONCILE_SERVICE",
            "{stage}"
        );
        let input = json!({ "serviceDeploymentArns": [first] });
        let answer = play.stage.call("DescribeServiceDeployments", &input);
        assert_eq!(answer["serviceDeployments"][0]["status"], "STOPPED");
        play.until_over();
        assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL", "{stage}");
        let service = play.stage.service();
        assert_eq!(
            (&service["deployments"][0]["id"], &service["runningCount"]),
            (&json!(id), &json!(2))
        );
    }
}

#[test]
fn a_newer_deployment_may_come_while_one_is_rolled_back() {
    let mut play = Play::new(&[]);
    play.deploy("1.1.0");
    play.until_stage("BAKE_TIME");
    play.stop();
    play.seconds(5);
    play.deploy("1.1.0");
    play.until_over();
    assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
    assert_eq!(play.production()["web-2"], 100);
}

#[test]
fn a_first_deployment_has_nothing_to_go_back_to() {
    let mut play = Play::new(&[("serviceName: web", "serviceName: other")]);
    super::timelines::create_web(&mut play);
    play.until_stage("BAKE_TIME");
    play.stop();
    play.until_over();
    let rollout = play.stage.rollout();
    assert_eq!(rollout["status"], "ROLLBACK_FAILED");
    let reason = rollout["statusReason"].as_str().unwrap();
    assert!(reason.ends_with("There is no completed service deployment to roll back to."));
    play.seconds(60);
    assert_eq!(play.stage.service()["runningCount"], 2, "what serves stays");
}

#[test]
fn a_network_load_balancer_gets_ten_minutes_for_each_shift() {
    let file = include_str!("../../../testdata/fargate-blue-green.yaml");
    let cut = |from: &str, to: &str| {
        let start = file.find(from).unwrap();
        &file[start..start + file[start..].find(to).unwrap()]
    };
    let listeners = "listeners:
  - LoadBalancerArn: web
    Port: 80
    Protocol: TCP
    DefaultActions:
      - Type: forward
        ForwardConfig: { TargetGroups: [{ TargetGroupArn: web-1, Weight: 1 }, { TargetGroupArn: web-2, Weight: 0 }] }
  - LoadBalancerArn: web
    Port: 9000
    Protocol: TCP
    DefaultActions:
      - { Type: forward, TargetGroupArn: web-1 }

";
    let mut play = Play::new(&[
        (cut("listeners:", "repositories:"), listeners),
        (
            "Protocol: HTTP\n    Port: 3000",
            "Protocol: TCP\n    Port: 3000",
        ),
        ("    HealthCheckPath: /health\n", ""),
        ("SecurityGroups: [sg-0alb]", "Type: network"),
        ("web:80/10", "web:80"),
        ("web:9000/default", "web:9000"),
    ]);
    play.production_rule = "web:80/default";
    play.deploy("1.1.0");
    play.until_stage("TEST_TRAFFIC_SHIFT");
    for (stage, next) in [
        ("TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT"),
        ("PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"),
    ] {
        play.until_stage(stage);
        play.seconds(599);
        assert_eq!(play.stage.rollout()["lifecycleStage"], stage);
        play.seconds(1);
        assert_eq!(play.stage.rollout()["lifecycleStage"], next);
    }
    assert_eq!(play.production()["web-2"], 100);
}

#[test]
fn a_service_can_be_deleted_in_the_midst_of_it() {
    let mut play = Play::new(&[]);
    play.deploy("1.1.0");
    play.until_stage("BAKE_TIME");
    let input = json!({ "cluster": "main", "service": "web", "force": true });
    play.stage.call("DeleteService", &input);
    play.stage.keeps_lower = false;
    play.stage.until(|service| service["status"] == "INACTIVE");
}
