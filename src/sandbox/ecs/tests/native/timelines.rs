//! Good releases: each strategy from the first second to the last.

use serde_json::{Value, json};

use super::play::Play;
use crate::sandbox::ecs::{LinearRest, Switches, WeightScale};

const LINEAR: &str =
    "strategy: LINEAR\n      linearConfiguration: { stepPercent: 30, stepBakeTimeInMinutes: 1 }\n";
const CANARY: &str = "strategy: CANARY\n      canaryConfiguration: { canaryPercent: 0.5, canaryBakeTimeInMinutes: 3 }\n      bakeTimeInMinutes: 1\n";

/// Plays a good release to its end and a minute on.
fn good(mut play: Play) -> Play {
    play.deploy("1.1.0");
    play.until_over();
    play.seconds(60);
    assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
    play
}

#[test]
fn blue_green_shifts_everything_at_once_and_bakes() {
    insta::assert_snapshot!(good(Play::new(&[])).transcript());
}

#[test]
fn linear_shifts_in_equal_steps() {
    insta::assert_snapshot!(good(Play::configured(LINEAR)).transcript());
}

#[test]
fn canary_shifts_a_little_then_the_rest() {
    insta::assert_snapshot!(good(Play::configured(CANARY)).transcript());
}

#[test]
fn a_step_may_be_told_by_other_weights_and_the_last_two_may_be_one() {
    let switches = Switches {
        weight_scale: WeightScale::Fine,
        linear_rest: LinearRest::JoinsLast,
        ..Switches::default()
    };
    let mut play = Play::configured(LINEAR).switched(switches);
    play.deploy("1.1.0");
    let mut seen = Vec::new();
    while play.stage.rollout()["finishedAt"].is_null() {
        play.seconds(1);
        let green = play.production()["web-2"];
        if seen.last() != Some(&green) {
            seen.push(green);
        }
    }
    assert_eq!(seen, [0, 300, 599, 999]);
}

#[test]
fn a_native_service_begins_steady_and_stays_so() {
    let mut play = Play::new(&[]);
    let before = play.stage.service();
    assert_eq!(before["runningCount"], 2);
    play.seconds(300);
    assert_eq!(play.stage.service(), before);
    let revision = describe_revision(&mut play, 0);
    let resolved = &revision["resolvedConfiguration"]["loadBalancers"][0];
    let group = resolved["targetGroupArn"].as_str().unwrap();
    assert!(group.contains("web-1"), "{group}");
    assert!(resolved["productionListenerRule"].is_string());
}

/// The service revision of one of the service's deployments.
fn describe_revision(play: &mut Play, deployment: usize) -> Value {
    let arn = play.stage.service()["currentServiceRevisions"][deployment]["arn"].clone();
    let input = json!({ "serviceRevisionArns": [arn] });
    play.stage.call("DescribeServiceRevisions", &input)["serviceRevisions"][0].clone()
}

#[test]
fn the_two_groups_take_turns() {
    let mut play = Play::new(&[]);
    for (tag, group) in [("1.1.0", "web-2"), ("1.0.0", "web-1"), ("1.1.0", "web-2")] {
        play = {
            play.deploy(tag);
            play.until_over();
            play
        };
        assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
        let fed = |weights: std::collections::BTreeMap<String, u32>| {
            let fed = weights.into_iter().filter(|(_, weight)| *weight > 0);
            fed.map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(fed(play.production()), [group]);
        assert_eq!(fed(play.test()), [group], "test traffic stays on green");
        let revision = describe_revision(&mut play, 0);
        let resolved = &revision["resolvedConfiguration"]["loadBalancers"][0]["targetGroupArn"];
        assert!(resolved.as_str().unwrap().contains(group));
    }
}

#[test]
fn a_service_without_load_balancer_changes_over_all_the_same() {
    let file = include_str!("../../../testdata/fargate-blue-green.yaml");
    let start = file.find("    loadBalancers:").unwrap();
    let mut play = Play::new(&[
        (&file[start..], ""),
        ("    healthCheckGracePeriodSeconds: 30\n", ""),
    ]);
    play.is_backed = false;
    let id = play.deploy("1.1.0");
    play.until_stage("BAKE_TIME");
    assert_eq!(play.stage.service()["runningCount"], 4);
    play.until_over();
    let service = play.stage.service();
    assert_eq!(service["runningCount"], 2);
    assert_eq!(service["deployments"][0]["id"], json!(id));
}

/// The input of CreateService for another service like this one.
pub fn input_of(play: &mut Play, name: &str, new_name: &str) -> Value {
    let input = json!({ "cluster": "main", "services": [name] });
    let mut input = play.stage.call("DescribeServices", &input)["services"][0].clone();
    let keep = [
        "launchType",
        "networkConfiguration",
        "deploymentConfiguration",
        "loadBalancers",
        "desiredCount",
        "taskDefinition",
    ];
    let members = input.as_object_mut().unwrap();
    members.retain(|key, _| keep.contains(&key.as_str()));
    input["cluster"] = json!("main");
    input["serviceName"] = json!(new_name);
    input
}

/// Creates the service `web`, in a world that has only `other`.
pub fn create_web(play: &mut Play) {
    let input = input_of(play, "other", "web");
    play.stage.call("CreateService", &input);
    play.stage.keeps_lower = false;
    play.is_backed = false;
}

#[test]
fn a_first_deployment_comes_up_in_the_group_without_traffic() {
    let mut play = Play::new(&[("serviceName: web", "serviceName: other")]);
    create_web(&mut play);
    play.until_over();
    assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
    assert_eq!(
        play.production(),
        [("web-1".to_owned(), 0), ("web-2".to_owned(), 100)].into()
    );
}

#[test]
fn scaling_while_it_bakes_reaches_both_sides() {
    let mut play = Play::new(&[]);
    play.deploy("1.1.0");
    play.until_stage("BAKE_TIME");
    play.stage.keeps_lower = false;
    play.stage.update(&json!({ "desiredCount": 3 }));
    play.is_backed = true;
    for _ in 0..100 {
        play.stage.second();
    }
    let rollout = play.stage.rollout();
    assert_eq!(rollout["targetServiceRevision"]["runningTaskCount"], 3);
    assert_eq!(rollout["sourceServiceRevisions"][0]["runningTaskCount"], 3);
}

#[test]
fn the_same_seed_gives_the_same_deployment() {
    let play = || format!("{:?}", good(Play::configured(LINEAR)).stage.world);
    assert_eq!(play(), play());
}

#[test]
fn another_strategy_counts_from_the_next_deployment_on() {
    let mut play = Play::new(&[]);
    play.stage
        .update(&json!({ "deploymentConfiguration": { "strategy": "CANARY" } }));
    let service = play.stage.service();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(
        service["deploymentConfiguration"]["canaryConfiguration"],
        json!({ "canaryPercent": 5.0, "canaryBakeTimeInMinutes": 10 })
    );
    play.deploy("1.1.0");
    play.stage
        .update(&json!({ "deploymentConfiguration": { "strategy": "BLUE_GREEN" } }));
    let configuration = play.stage.service()["deploymentConfiguration"].clone();
    assert!(configuration["canaryConfiguration"].is_null());
    play.until(|rollout| {
        rollout["targetServiceRevision"]["requestedProductionTrafficWeight"] == 5.0
    });
    play.until_over();
    play.stage
        .update(&json!({ "deploymentConfiguration": { "strategy": "ROLLING" } }));
    play.deploy("1.0.0");
    play.seconds(1);
    assert!(play.stage.rollout()["lifecycleStage"].is_null());
    play.until_over();
    let fed = play.production()["web-2"];
    assert_eq!(fed, 100, "a rolling deployment stays where production is");
}
