//! Pauses and Lambda functions: what holds a stage, what lets it go on, and what sends the deployment back.

use serde_json::{Value, json};

use super::play::Play;
use crate::sandbox::ecs::{RollbackHook, Switches};

const LAMBDA: &str = "arn:aws:lambda:eu-west-1:123456789012:function:check";
const PAUSABLE: [&str; 5] = [
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];

/// A canary of 10 % for a minute, whose Lambda function `check` gives these answers.
fn canary(answers: &str) -> Play {
    let strategy = "strategy: BLUE_GREEN\n      bakeTimeInMinutes: 2\n";
    let canary = "strategy: CANARY\n      canaryConfiguration: { canaryPercent: 10, canaryBakeTimeInMinutes: 1 }\n";
    let function = format!("functionName: check\n    answers: {answers}");
    Play::new(&[(strategy, canary), ("functionName: check", &function)])
}

fn hook(play: &mut Play, hook: Value) {
    let configuration = json!({ "lifecycleHooks": [hook] });
    play.stage
        .update(&json!({ "deploymentConfiguration": configuration }));
}

fn pause(stages: &[&str], timeout: u64, action: &str) -> Value {
    json!({
        "targetType": "PAUSE",
        "lifecycleStages": stages,
        "timeoutConfiguration": { "timeoutInMinutes": timeout, "action": action },
    })
}

fn lambda(stages: &[&str]) -> Value {
    json!({ "hookTargetArn": LAMBDA, "roleArn": "arn:aws:iam::123456789012:role/hooks", "lifecycleStages": stages })
}

fn last_hook(play: &mut Play) -> Value {
    let rollout = play.stage.rollout();
    let hooks = rollout["lifecycleHookDetails"].as_array();
    hooks
        .and_then(|hooks| hooks.last())
        .cloned()
        .unwrap_or_default()
}

fn until_paused(play: &mut Play) -> Value {
    play.until(|rollout| {
        let hooks = rollout["lifecycleHookDetails"].as_array();
        hooks.is_some_and(|hooks| hooks.iter().any(|hook| hook["status"] == "AWAITING_ACTION"))
    });
    last_hook(play)
}

fn answer(play: &mut Play, hook: &Value, action: &str) {
    let arn = play.stage.rollout()["serviceDeploymentArn"].clone();
    let input = json!({ "serviceDeploymentArn": arn, "hookId": hook["hookId"], "action": action });
    let answer = play.stage.call("ContinueServiceDeployment", &input);
    assert_eq!(answer, json!({ "serviceDeploymentArn": arn }));
}

#[test]
fn a_pause_waits_at_each_stage_and_step_for_a_word_of_its_own() {
    let mut play = canary("[]");
    hook(&mut play, pause(&PAUSABLE, 20_160, "ROLLBACK"));
    play.deploy("1.1.0");
    let mut ids = Vec::new();
    let mut stages = Vec::new();
    while stages
        .last()
        .is_none_or(|stage| stage != "POST_PRODUCTION_TRAFFIC_SHIFT")
    {
        let hook = until_paused(&mut play);
        let id = hook["hookId"].as_str().unwrap().to_owned();
        assert!(id.starts_with("ecs-pause-") && !ids.contains(&id), "{id}");
        assert_eq!(
            (&hook["targetType"], &hook["timeoutAction"]),
            (&json!("PAUSE"), &json!("ROLLBACK"))
        );
        play.seconds(120);
        let rollout = play.stage.rollout();
        stages.push(rollout["lifecycleStage"].as_str().unwrap().to_owned());
        answer(&mut play, &hook, "CONTINUE");
        assert_eq!(last_hook(&mut play)["status"], "SUCCEEDED");
        ids.push(id);
    }
    assert_eq!(
        stages,
        [
            "PRE_SCALE_UP",
            "POST_SCALE_UP",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT"
        ]
    );
    play.until_over();
    assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
}

#[test]
fn a_pause_may_outlast_the_limit_of_a_stage() {
    let mut play = canary("[]");
    play.stage.world.ecs.switches.stage_limit = crate::sandbox::Duration::from_secs(300);
    hook(&mut play, pause(&["POST_SCALE_UP"], 60, "CONTINUE"));
    play.deploy("1.1.0");
    until_paused(&mut play);
    play.seconds(3599);
    assert_eq!(play.stage.rollout()["lifecycleStage"], "POST_SCALE_UP");
    play.until_over();
    assert_eq!(last_hook(&mut play)["status"], "TIMED_OUT");
    assert_eq!(play.stage.rollout()["status"], "SUCCESSFUL");
}

/// Plays a deployment that must be rolled back for this reason.
fn goes_back(mut play: Play, reason: &str) -> Play {
    play.until_over();
    let rollout = play.stage.rollout();
    assert_eq!(
        (&rollout["status"], &rollout["statusReason"]),
        (&json!("ROLLBACK_SUCCESSFUL"), &json!(reason))
    );
    assert_eq!(rollout["rollback"]["reason"], json!(reason));
    assert_eq!(play.stage.service()["runningCount"], 2);
    let production = play.production();
    assert!(production["web-1"] > 0 && production["web-2"] == 0);
    play
}

#[test]
fn a_pause_can_be_answered_with_rollback_or_time_out_at_every_stage() {
    for stage in PAUSABLE {
        let mut play = canary("[]");
        hook(&mut play, pause(&[stage], 5, "ROLLBACK"));
        play.deploy("1.1.0");
        let paused = until_paused(&mut play);
        answer(&mut play, &paused, "ROLLBACK");
        goes_back(
            play,
            &format!(
                "Service deployment rolled back because {stage} pause hook was answered with ROLLBACK."
            ),
        );

        let mut play = canary("[]");
        hook(&mut play, pause(&[stage], 5, "ROLLBACK"));
        play.deploy("1.1.0");
        until_paused(&mut play);
        let reason =
            format!("Service deployment rolled back because {stage} pause hook timed out.");
        let mut play = goes_back(play, &reason);
        assert_eq!(last_hook(&mut play)["status"], "TIMED_OUT");
    }
}

#[test]
fn a_lambda_is_called_again_until_it_knows() {
    let mut play = canary(
        "[{ hookStatus: IN_PROGRESS, callBackDelay: 20, after: 2s }, { hookStatus: SUCCEEDED, after: 3s }]",
    );
    hook(&mut play, lambda(&["POST_SCALE_UP"]));
    play.deploy("1.1.0");
    play.until_stage("POST_SCALE_UP");
    let hook = last_hook(&mut play);
    assert!(hook["hookId"].as_str().unwrap().starts_with("ecs-lambda-"));
    assert_eq!(
        (&hook["status"], &hook["targetArn"]),
        (&json!("IN_PROGRESS"), &json!(LAMBDA))
    );
    play.seconds(24);
    assert_eq!(play.stage.rollout()["lifecycleStage"], "POST_SCALE_UP");
    play.seconds(1);
    assert_eq!(play.stage.rollout()["lifecycleStage"], "TEST_TRAFFIC_SHIFT");
    assert_eq!(last_hook(&mut play)["status"], "SUCCEEDED");
}

#[test]
fn a_lambda_that_fails_sends_the_deployment_back_from_every_stage() {
    let shifts = ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"];
    for stage in PAUSABLE.into_iter().chain(shifts) {
        let mut play = canary("[{ hookStatus: FAILED }]");
        hook(&mut play, lambda(&[stage]));
        play.deploy("1.1.0");
        goes_back(
            play,
            &format!(
                "Service deployment rolled back because {stage} lifecycle hook(s) failed. Lifecycle hook target {LAMBDA} returned FAILED status."
            ),
        );
    }
}

#[test]
fn a_lambda_without_a_status_or_in_time_fails_too() {
    let mut play = canary("[{ after: 1s }]");
    hook(&mut play, lambda(&["POST_SCALE_UP"]));
    play.deploy("1.1.0");
    goes_back(
        play,
        &format!(
            "Service deployment rolled back because POST_SCALE_UP lifecycle hook(s) failed. ECS was unable to parse the response from {LAMBDA} due to HookStatus must not be null"
        ),
    );

    let mut play = canary("[{ hookStatus: IN_PROGRESS }]");
    let mut slow = lambda(&["POST_SCALE_UP"]);
    slow["timeoutConfiguration"] = json!({ "timeoutInMinutes": 2 });
    hook(&mut play, slow);
    play.deploy("1.1.0");
    goes_back(
        play,
        "Service deployment rolled back because POST_SCALE_UP lifecycle hook(s) timed out.",
    );
}

#[test]
fn the_hooks_of_the_shifts_run_again_on_the_way_back() {
    let mut play = canary("[]");
    let stages = [
        "PRE_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
    ];
    hook(&mut play, lambda(&stages));
    play.deploy("1.1.0");
    play.until_stage("BAKE_TIME");
    let runs = |play: &mut Play| {
        let rollout = play.stage.rollout();
        rollout["lifecycleHookDetails"].as_array().unwrap().len()
    };
    assert_eq!(
        runs(&mut play),
        4,
        "PRE_SCALE_UP, the test shift and two steps"
    );
    play.stop();
    play.until_over();
    assert_eq!(runs(&mut play), 6, "and both shifts on the way back");
    assert_eq!(play.stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
    insta::assert_snapshot!(play.transcript());
}

#[test]
fn a_hook_that_fails_on_the_way_back_counts_as_the_switch_says() {
    for (switch, status) in [
        (RollbackHook::IsPassedOver, "ROLLBACK_SUCCESSFUL"),
        (RollbackHook::FailsIt, "ROLLBACK_FAILED"),
    ] {
        let switches = Switches {
            rollback_hook: switch,
            ..Switches::default()
        };
        let answers = "[{ lifecycleStage: PRODUCTION_TRAFFIC_SHIFT, hookStatus: FAILED }]";
        let mut play = canary(answers).switched(switches);
        hook(&mut play, lambda(&["PRODUCTION_TRAFFIC_SHIFT"]));
        play.deploy("1.1.0");
        play.until_over();
        assert_eq!(play.stage.rollout()["status"], status);
        assert_eq!(play.stage.service()["runningCount"], 2);
        assert_eq!(
            play.stage.service()["deployments"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
}

#[test]
fn all_hooks_of_a_stage_end_before_one_of_them_decides() {
    let mut play = canary("[{ hookStatus: FAILED }]");
    let hooks = json!([
        lambda(&["POST_SCALE_UP"]),
        pause(&["POST_SCALE_UP"], 10, "CONTINUE")
    ]);
    play.stage
        .update(&json!({ "deploymentConfiguration": { "lifecycleHooks": hooks } }));
    play.deploy("1.1.0");
    let paused = until_paused(&mut play);
    play.seconds(60);
    assert_eq!(play.stage.rollout()["status"], "IN_PROGRESS");
    answer(&mut play, &paused, "CONTINUE");
    play.until_over();
    assert_eq!(play.stage.rollout()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn a_word_that_fits_no_pause_is_refused_in_the_words_of_aws() {
    let mut play = canary("[]");
    hook(&mut play, pause(&["POST_SCALE_UP"], 60, "ROLLBACK"));
    play.deploy("1.1.0");
    let paused = until_paused(&mut play);
    let arn = play.stage.rollout()["serviceDeploymentArn"].clone();
    let gone = "Provided hookId is either completed, unavailable, or not associated with the given Resource ARN";
    let refuses = |play: &mut Play, arn: &Value, id: &Value, code: &str, message: &str| {
        let input = json!({ "serviceDeploymentArn": arn, "hookId": id });
        let error = play
            .stage
            .try_call("ContinueServiceDeployment", &input)
            .unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (code, message)
        );
    };
    let invalid = "InvalidParameterException";
    let format = "Invalid hookId: hookId must follow the format: ecs-{hookType}-{id}";
    for id in ["", "pause-1", "ecs-pause", "ecs--1"] {
        refuses(&mut play, &arn, &json!(id), invalid, format);
    }
    refuses(&mut play, &arn, &json!("ecs-pause-other"), invalid, gone);
    let nowhere = json!(format!("{}x", arn.as_str().unwrap()));
    let missing = "The service deployment does not exist.";
    refuses(
        &mut play,
        &nowhere,
        &paused["hookId"],
        "ServiceDeploymentNotFoundException",
        missing,
    );
    answer(&mut play, &paused, "CONTINUE");
    refuses(&mut play, &arn, &paused["hookId"], invalid, gone);
    play.until_over();
    let over =
        "Continuing a service deployment is not allowed for service deployment in terminal states.";
    refuses(&mut play, &arn, &paused["hookId"], invalid, over);
}
