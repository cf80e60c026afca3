//! What CreateService and UpdateService refuse of native deployments.

use serde_json::{Value, json};

use super::play::Play;

/// UpdateService with these members, and the code and text with which it is refused.
fn refuses(play: &mut Play, changes: &Value, code: &str, message: &str) {
    let mut input = changes.clone();
    input["cluster"] = json!("main");
    input["service"] = json!("web");
    let error = play
        .stage
        .try_call("UpdateService", &input)
        .expect_err(&changes.to_string());
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        (code, message),
        "{changes}"
    );
}

const INVALID: &str = "InvalidParameterException";

#[test]
fn numbers_out_of_range_are_refused() {
    let play = &mut Play::new(&[]);
    for (configuration, message) in [
        (
            json!({ "strategy": "RED_BLACK" }),
            "Invalid deployment strategy. Valid values are: ROLLING, BLUE_GREEN, LINEAR, CANARY",
        ),
        (
            json!({ "bakeTimeInMinutes": 1441 }),
            "bakeTimeInMinutes must be between 0 and 1440.",
        ),
        (
            json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": 2.9 } }),
            "stepPercent must be a multiple of 0.1 between 3.0 and 100.0.",
        ),
        (
            json!({ "strategy": "LINEAR", "linearConfiguration": { "stepBakeTimeInMinutes": -1 } }),
            "stepBakeTimeInMinutes must be between 0 and 1440.",
        ),
        (
            json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 0.05 } }),
            "canaryPercent must be a multiple of 0.1 between 0.1 and 100.0.",
        ),
        (
            json!({ "linearConfiguration": { "stepPercent": 10.0 } }),
            "linearConfiguration is not valid for the given deployment strategy.",
        ),
        (
            json!({ "earlySuccessCriteria": { "enable": true } }),
            "earlySuccessCriteria only supports the ROLLING deployment strategy.",
        ),
    ] {
        refuses(
            play,
            &json!({ "deploymentConfiguration": configuration }),
            INVALID,
            message,
        );
    }
}

#[test]
fn hooks_are_refused_in_the_words_of_aws() {
    let play = &mut Play::new(&[]);
    let lambda = |name: &str| format!("arn:aws:lambda:eu-west-1:123456789012:function:{name}");
    let role = "arn:aws:iam::123456789012:role/hooks";
    let pause = |stage: &str| json!({ "targetType": "PAUSE", "lifecycleStages": [stage] });
    let mut refuse = |hooks: Value, code: &str, message: &str| {
        let changes = json!({ "deploymentConfiguration": { "lifecycleHooks": hooks } });
        refuses(play, &changes, code, message);
    };
    refuse(
        json!([{ "targetType": "SNS", "lifecycleStages": ["PRE_SCALE_UP"] }]),
        INVALID,
        "Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE",
    );
    for stage in [
        "TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "SCALE_UP",
        "BAKE_TIME",
        "CLEAN_UP",
        "NOWHERE",
    ] {
        refuse(
            json!([pause(stage)]),
            INVALID,
            "Invalid lifecycle stage provided for Pause Hook",
        );
    }
    refuse(
        json!([{ "targetType": "PAUSE", "lifecycleStages": [] }]),
        INVALID,
        "lifecycleStages should not be null or empty.",
    );
    refuse(
        json!([{ "hookTargetArn": lambda("check"), "lifecycleStages": ["PRE_SCALE_UP"] }]),
        INVALID,
        "roleArn is required for AWS_LAMBDA lifecycle hooks.",
    );
    refuse(
        json!([{ "hookTargetArn": lambda("nobody"), "roleArn": role, "lifecycleStages": ["PRE_SCALE_UP"] }]),
        "SandboxNotModelled",
        "the sandbox does not model the Lambda function arn:aws:lambda:eu-west-1:123456789012:function:nobody, which the world file does not list, of ecs:CreateService",
    );
    let mut long = pause("PRE_SCALE_UP");
    long["timeoutConfiguration"] = json!({ "timeoutInMinutes": 20_161 });
    refuse(
        json!([long]),
        INVALID,
        "timeoutInMinutes must be between 1 and 20160.",
    );
    let eleven: Vec<Value> = (0..11).map(|_| pause("PRE_SCALE_UP")).collect();
    refuse(
        json!(eleven),
        INVALID,
        "A service can have at most 10 PAUSE and 10 AWS_LAMBDA lifecycle hooks.",
    );
    let rolling = json!({ "deploymentConfiguration": { "strategy": "ROLLING", "lifecycleHooks": [pause("PRE_SCALE_UP")] } });
    refuses(
        play,
        &rolling,
        "SandboxNotModelled",
        "the sandbox does not model deploymentConfiguration.lifecycleHooks with the strategy ROLLING of ecs:CreateService",
    );
}

#[test]
fn load_balancers_must_fit() {
    let play = &mut Play::new(&[]);
    let live = play.stage.service()["loadBalancers"].clone();
    let with = |key: &str, value: Value| {
        let mut changed = live.clone();
        changed[0]["advancedConfiguration"][key] = value;
        json!({ "loadBalancers": changed })
    };
    let production = live[0]["advancedConfiguration"]["productionListenerRule"].clone();
    let mut plain = live.clone();
    plain[0]
        .as_object_mut()
        .unwrap()
        .shift_remove("advancedConfiguration");
    refuses(
        play,
        &json!({ "loadBalancers": plain }),
        INVALID,
        "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy",
    );
    refuses(
        play,
        &with("testListenerRule", production.clone()),
        INVALID,
        "productionListenerRule and testListenerRule must be different.",
    );
    refuses(
        play,
        &with("roleArn", Value::Null),
        INVALID,
        "advancedConfiguration.roleArn should not be null.",
    );
    refuses(
        play,
        &with("alternateTargetGroupArn", live[0]["targetGroupArn"].clone()),
        INVALID,
        "A target group can be used only once in loadBalancers.",
    );
    refuses(
        play,
        &with("productionListenerRule", json!("nothing")),
        INVALID,
        "The listener rule nothing does not exist.",
    );
    let listener = play.stage.world.elb.rules[production.as_str().unwrap()]
        .listener
        .clone();
    let message = format!(
        "{listener} must be a listener rule ARN for an Application Load Balancer, or a listener ARN for a Network Load Balancer."
    );
    refuses(
        play,
        &with("productionListenerRule", json!(listener)),
        INVALID,
        &message,
    );
    let none = json!({ "loadBalancers": [], "healthCheckGracePeriodSeconds": 0, "deploymentConfiguration": { "strategy": "CANARY" } });
    refuses(
        play,
        &none,
        INVALID,
        "LINEAR and CANARY deployment strategies require a load balancer or Service Connect.",
    );
}

#[test]
fn a_bake_time_must_be_given_for_blue_green() {
    let play = &mut Play::new(&[]);
    let input = super::timelines::input_of(play, "web", "second");
    let mut without = input.clone();
    without["deploymentConfiguration"] = json!({ "strategy": "BLUE_GREEN" });
    let error = play.stage.try_call("CreateService", &without).unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        (
            INVALID,
            "bakeTimeInMinutes is required for the BLUE_GREEN deployment strategy."
        )
    );
    play.stage.call("CreateService", &input);
}

#[test]
fn other_controllers_and_daemons_have_no_strategies() {
    let play = &mut Play::new(&[]);
    let base = super::timelines::input_of(play, "web", "second");
    let daemon = json!({ "schedulingStrategy": "DAEMON", "launchType": "EC2" });
    let code_deploy = json!({ "deploymentController": { "type": "CODE_DEPLOY" } });
    for (changes, message) in [
        (
            daemon,
            "The DAEMON scheduling strategy only supports the ROLLING deployment strategy.",
        ),
        (
            code_deploy,
            "Deployment strategies other than ROLLING require the ECS deployment controller.",
        ),
    ] {
        let mut input = base.clone();
        for (key, value) in changes.as_object().unwrap() {
            input[key] = value.clone();
        }
        if input["schedulingStrategy"] == "DAEMON" {
            let members = input.as_object_mut().unwrap();
            members.shift_remove("desiredCount");
            let configuration = input["deploymentConfiguration"].as_object_mut().unwrap();
            configuration.shift_remove("maximumPercent");
        }
        let error = play.stage.try_call("CreateService", &input).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (INVALID, message)
        );
    }
}
