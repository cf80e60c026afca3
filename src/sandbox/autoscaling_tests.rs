//! Scalable targets: the bounds of desired counts, what is suspended, and policies that are only kept.

use serde_json::{Value, json};

use crate::sandbox::autoscaling::answer;
use crate::sandbox::{Duration, Sandbox, ecs, looking, seed};

const WORLD: &str = "
clusters: [{ clusterName: main }]
taskDefinitions:
  - { family: web, networkMode: awsvpc, requiresCompatibilities: [FARGATE], cpu: '256', memory: '512', containerDefinitions: [{ name: app, image: 'app:1' }] }
services:
  - cluster: main
    serviceName: web
    taskDefinition: web
    desiredCount: 2
    launchType: FARGATE
    networkConfiguration: { awsvpcConfiguration: { subnets: [subnet-1] } }
scalableTargets:
  - { ServiceNamespace: ecs, ResourceId: service/main/web, ScalableDimension: 'ecs:service:DesiredCount', MinCapacity: 2, MaxCapacity: 6 }
";

fn sandbox() -> Sandbox {
    Sandbox::from(seed::read(WORLD, 1).unwrap_or_else(|error| panic!("{error}")))
}

fn ask(sandbox: &mut Sandbox, op: &str, members: Value) -> Result<Value, String> {
    let mut input = json!({
        "ServiceNamespace": "ecs",
        "ResourceId": "service/main/web",
        "ScalableDimension": "ecs:service:DesiredCount",
    });
    for (name, value) in members.as_object().unwrap() {
        input[name] = value.clone();
    }
    answer(&mut sandbox.world, op, &input).map_err(|error| error.code)
}

/// The desired count a while after somebody sets it.
fn count_after_setting(sandbox: &mut Sandbox, count: u64) -> u64 {
    let input = json!({"cluster": "main", "service": "web", "desiredCount": count});
    ecs::answer(&mut sandbox.world, "UpdateService", &input).unwrap();
    sandbox.advance(sandbox.now() + Duration::from_secs(11));
    looking::service(&mut sandbox.world, "main", "web").unwrap()["desiredCount"]
        .as_u64()
        .unwrap()
}

#[test]
fn a_desired_count_is_brought_back_within_its_bounds() {
    let mut sandbox = sandbox();
    let mut check = |set: u64, becomes: u64| {
        assert_eq!(count_after_setting(&mut sandbox, set), becomes, "{set}");
    };
    check(1, 2);
    check(4, 4);
    check(9, 6);
    check(0, 0);
}

#[test]
fn a_suspended_direction_stands_still_and_the_rest_stays_as_registered() {
    let mut sandbox = sandbox();
    let suspend = json!({"SuspendedState": {"DynamicScalingOutSuspended": true}});
    ask(&mut sandbox, "RegisterScalableTarget", suspend).unwrap();
    assert_eq!(count_after_setting(&mut sandbox, 1), 1);
    assert_eq!(count_after_setting(&mut sandbox, 9), 6);
    let input = json!({"ServiceNamespace": "ecs", "ResourceIds": ["service/main/web"]});
    let shown = answer(&mut sandbox.world, "DescribeScalableTargets", &input).unwrap();
    let target = &shown["ScalableTargets"][0];
    assert_eq!(
        (&target["MinCapacity"], &target["MaxCapacity"]),
        (&json!(2), &json!(6))
    );
    assert_eq!(
        target["SuspendedState"],
        json!({"DynamicScalingInSuspended": false, "DynamicScalingOutSuspended": true, "ScheduledScalingSuspended": false})
    );
}

#[test]
fn a_target_needs_its_service_and_bounds_that_make_sense() {
    let mut sandbox = sandbox();
    let mut check = |members: Value, code: &str| {
        let result = ask(&mut sandbox, "RegisterScalableTarget", members.clone());
        assert_eq!(result, Err(code.to_owned()), "{members}");
    };
    check(
        json!({"ResourceId": "service/main/none", "MinCapacity": 1, "MaxCapacity": 2}),
        "ValidationException",
    );
    check(json!({"MinCapacity": 9}), "ValidationException");
    check(json!({"ServiceNamespace": "lambda"}), "SandboxNotModelled");
}

#[test]
fn policies_are_kept_with_their_target_and_go_with_it() {
    let mut sandbox = sandbox();
    let policy = json!({
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    });
    let put = ask(&mut sandbox, "PutScalingPolicy", policy.clone()).unwrap();
    let shown = ask(&mut sandbox, "DescribeScalingPolicies", json!({})).unwrap();
    assert_eq!(shown["ScalingPolicies"][0]["PolicyARN"], put["PolicyARN"]);
    assert_eq!(
        ask(&mut sandbox, "DeregisterScalableTarget", json!({})),
        Ok(json!({}))
    );
    let gone = ask(&mut sandbox, "PutScalingPolicy", policy);
    assert_eq!(gone, Err("ObjectNotFoundException".to_owned()));
}
