//! Findings of plans, by what the service is and what was looked at.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::core::gate::{Check, Comparison, Gate, Quiet};
use crate::core::id::{Cluster, RuleArn, ServiceKey, ServiceName, TargetGroupArn};
use crate::core::live::{AlarmState, CodeDeployment, DeploymentGroup, Service};
use crate::core::plan::CodeDeployFound;
use crate::core::rollout::FaultKind;
use crate::core::service::{CanarySize, Detach, Intent, StrategyAsked};
use crate::core::taskdef::Described;

const ARN: &str = "arn:aws:ecs:r:1:task-definition/web:1";
const BLUE: &str = "arn:aws:elasticloadbalancing:r:1:targetgroup/blue/1";
const GREEN: &str = "arn:aws:elasticloadbalancing:r:1:targetgroup/green/2";
const RULE: &str = "arn:aws:elasticloadbalancing:r:1:listener-rule/app/web/1/2/3";

fn definition(image: &str, network: &str) -> TaskDefinition {
    let container = json!({"name": "web", "image": image});
    TaskDefinition::from_value(json!({
        "family": "web", "networkMode": network, "containerDefinitions": [container],
    }))
    .unwrap()
}

/// A service of four tasks that has completed web:1, with these members over it.
fn survey(over: Value) -> Survey {
    let mut service = json!({
        "serviceName": "web", "status": "ACTIVE", "taskDefinition": ARN, "desiredCount": 4,
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": ARN, "rolloutState": "COMPLETED"}],
    });
    if let (Value::Object(members), Value::Object(over)) = (&mut service, over) {
        members.extend(over);
    }
    let mut running = definition("web:1", "awsvpc").to_value();
    running["taskDefinitionArn"] = json!(ARN);
    running["revision"] = json!(1);
    running["status"] = json!("ACTIVE");
    Survey {
        service: Service::new(service),
        running: Described::from_value(json!({ "taskDefinition": running })).unwrap(),
        latest: None,
        rules: Vec::new(),
        code_deploy: None,
        further: Further::default(),
    }
}

fn shifting(over: Value) -> Survey {
    let mut survey = survey(json!({
        "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5},
        "loadBalancers": [{
            "targetGroupArn": BLUE, "containerName": "web", "containerPort": 80,
            "advancedConfiguration": {"alternateTargetGroupArn": GREEN, "productionListenerRule": RULE},
        }],
    }));
    let mut document = survey.service.as_value().clone();
    if let (Value::Object(members), Value::Object(over)) = (&mut document, over) {
        members.extend(over);
    }
    survey.service = Service::new(document);
    survey.further.rules = vec![rule(&[(BLUE, 100), (GREEN, 0)])];
    survey
}

fn rule(weights: &[(&str, u32)]) -> Rule {
    let weights = weights
        .iter()
        .map(|(group, weight)| (TargetGroupArn::from(*group), *weight));
    Rule {
        arn: RuleArn::from(RULE),
        weights: weights.collect(),
    }
}

fn plan(survey: &Survey, wanted: &TaskDefinition, asked: StrategyAsked) -> Plan {
    let target = ServiceKey {
        cluster: Cluster::from("main"),
        service: ServiceName::from("web"),
    };
    let intent = Intent {
        strategy: asked,
        ..Intent::default()
    };
    Plan::make(target, wanted.clone(), intent, survey).unwrap()
}

/// The findings of a plan for another image, each as `severity words`; all of `expected` and no more.
fn check(survey: &Survey, asked: StrategyAsked, expected: &[(Severity, &str)]) {
    let wanted = definition("web:2", "awsvpc");
    let plan = plan(survey, &wanted, asked);
    let found = findings(&plan, &wanted, survey);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (finding, (severity, words)) in found.iter().zip(expected) {
        assert_eq!(finding.severity, *severity, "{finding:?}");
        assert!(finding.message.contains(words), "{finding:?}");
    }
    let refused = expected
        .iter()
        .any(|(severity, _)| *severity == Severity::Error);
    assert_eq!(refuses(&found), refused);
}

use Severity::{Error, Warning};
use StrategyAsked::Auto;

#[test]
fn percentages_that_round_to_a_standstill_are_refused() {
    for (desired, minimum, maximum, expected) in [
        (4, 100, 100, Some((Error, "no task can be replaced"))),
        (1, 50, 150, Some((Error, "keeps 1 of 1 tasks"))),
        (2, 50, 100, None),
        (2, 100, 150, None),
        (4, 0, 100, Some((Warning, "stop all 4 tasks"))),
        (0, 100, 100, None),
    ] {
        let configuration = json!({"minimumHealthyPercent": minimum, "maximumPercent": maximum});
        let survey =
            survey(json!({"desiredCount": desired, "deploymentConfiguration": configuration}));
        check(&survey, Auto, expected.as_slice());
    }
}

#[test]
fn a_canary_of_more_tasks_than_the_service_may_have_is_minded() {
    let configuration = json!({"minimumHealthyPercent": 50, "maximumPercent": 125});
    let survey = survey(json!({"deploymentConfiguration": configuration}));
    check(&survey, StrategyAsked::Canary(CanarySize::Tasks(1)), &[]);
    let three = StrategyAsked::Canary(CanarySize::Tasks(3));
    check(&survey, three, &[(Warning, "runs 3 tasks beside the 4")]);
}

#[test]
fn an_alarm_that_rings_already_protects_from_nothing() {
    let alarms = json!({"alarms": {"enable": true, "alarmNames": ["5xx", "gone"]}});
    let mut survey = survey(json!({ "deploymentConfiguration": alarms }));
    let wanted = definition("web:2", "awsvpc");
    let watch = watch(&plan(&survey, &wanted, Auto), &wanted, &survey);
    let names = ["5xx".to_owned(), "gone".to_owned()].into();
    assert_eq!(watch, Watch::from([Facet::Alarms(names)]));
    let ringing = Alarm {
        name: "5xx".to_owned(),
        state: AlarmState::Alarm,
        reason: String::new(),
    };
    survey.further.alarms = vec![ringing];
    let expected = [(Warning, "5xx is in ALARM"), (Warning, "no alarm gone")];
    check(&survey, Auto, &expected);
}

#[test]
fn the_rules_of_a_shift_are_what_ecs_will_check() {
    let mut survey = shifting(json!({}));
    check(&survey, Auto, &[]);
    for (weights, expected) in [
        (vec![(BLUE, 1), (GREEN, 0)], None),
        (vec![(GREEN, 1), (BLUE, 0)], None),
        (vec![(BLUE, 50), (GREEN, 50)], Some("to both target groups")),
        (
            vec![(BLUE, 100)],
            Some("does not hold the target group green"),
        ),
        (
            vec![(BLUE, 1), (GREEN, 0), ("arn:targetgroup/x/3", 0)],
            Some("a third target group, x"),
        ),
    ] {
        survey.further.rules = vec![rule(&weights)];
        let expected = expected.map(|words| (Error, words));
        check(&survey, Auto, expected.as_slice());
    }
    survey.further.rules = Vec::new();
    check(&survey, Auto, &[(Error, "there is no listener rule")]);
    survey.further.faults = vec![Fault {
        operation: "DescribeRules".to_owned(),
        kind: FaultKind::Denied,
        code: "AccessDenied".to_owned(),
        message: "no".to_owned(),
    }];
    check(&survey, Auto, &[(Warning, "could not be checked")]);
}

#[test]
fn a_pause_of_the_services_own_is_refused_where_it_cannot_be_told_from_ours() {
    let pause = |stages: &[&str], minutes: u64| {
        json!({
            "targetType": "PAUSE",
            "lifecycleStages": stages,
            "timeoutConfiguration": {"timeoutInMinutes": minutes, "action": "ROLLBACK"},
        })
    };
    let ours = ["POST_SCALE_UP", "POST_PRODUCTION_TRAFFIC_SHIFT"];
    let lambda = json!({"hookTargetArn": "arn", "lifecycleStages": ours});
    for (hook, expected) in [
        (lambda, None),
        (
            pause(&["PRE_SCALE_UP"], 30),
            Some((Warning, "waits there for somebody else")),
        ),
        (
            pause(&["POST_SCALE_UP"], 30),
            Some((Error, "does not tell whose hook waits")),
        ),
        (
            pause(&ours, 1440),
            Some((Error, "at POST_PRODUCTION_TRAFFIC_SHIFT, POST_SCALE_UP")),
        ),
        (pause(&ours, 30), Some((Warning, "it is taken over"))),
    ] {
        let hooks = json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]}});
        check(&shifting(hooks), Auto, expected.as_slice());
    }
}

#[test]
fn what_scales_by_one_target_group_is_minded_when_traffic_moves_to_the_other() {
    let mut survey = shifting(json!({}));
    let policy = |metric: &str| ScalingPolicy {
        name: "requests".to_owned(),
        metric: metric.to_owned(),
    };
    survey.further.policies = vec![policy("ECSServiceAverageCPUUtilization")];
    check(&survey, Auto, &[]);
    survey.further.policies = vec![policy("ALBRequestCountPerTarget")];
    check(
        &survey,
        Auto,
        &[(Warning, "counts requests of one target group")],
    );
}

#[test]
fn targets_of_the_wrong_type_are_refused_and_looked_at_only_where_they_can_be() {
    let mut survey = survey(json!({"loadBalancers": [{"targetGroupArn": BLUE}]}));
    let looks = |survey: &Survey, network: &str| {
        let wanted = definition("web:2", network);
        watch(&plan(survey, &wanted, Auto), &wanted, survey)
    };
    assert_eq!(
        looks(&survey, "awsvpc"),
        Watch::new(),
        "the network mode stays"
    );
    let group = TargetGroupArn::from(BLUE);
    let facet = Facet::TargetGroups([group.clone()].into());
    assert_eq!(looks(&survey, "bridge"), Watch::from([facet]));
    survey.further.target_groups = vec![TargetGroup {
        arn: group,
        name: "blue".to_owned(),
        target_type: "instance".to_owned(),
    }];
    check(&survey, Auto, &[(Error, "blue is of type instance")]);
}

#[test]
fn a_service_that_runs_what_is_wanted_is_not_looked_at_further() {
    let survey = shifting(json!({}));
    let wanted = definition("web:1", "awsvpc");
    let plan = plan(&survey, &wanted, Auto);
    assert_eq!(watch(&plan, &wanted, &survey), Watch::new());
    assert_eq!(findings(&plan, &wanted, &survey), []);
}

#[test]
fn codedeploy_stops_at_once_for_an_alarm_and_needs_the_serving_group() {
    let set = json!({
        "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": ARN,
        "loadBalancers": [{"targetGroupArn": BLUE, "containerName": "web", "containerPort": 80}],
    });
    let controller = json!({"type": "CODE_DEPLOY"});
    let mut survey =
        survey(json!({"deploymentController": controller, "taskSets": [set], "deployments": []}));
    let pair = |other: &str| {
        let groups = json!([{"targetGroups": [{"name": other}, {"name": "green"}]}]);
        DeploymentGroup::new(json!({
            "alarmConfiguration": {"enabled": true, "alarms": [{"name": "5xx"}]},
            "loadBalancerInfo": {"targetGroupPairInfoList": groups},
        }))
    };
    let running: Vec<CodeDeployment> = Vec::new();
    let group = pair("blue");
    survey.code_deploy = Some(CodeDeployFound { group, running });
    survey.further.alarms = vec![Alarm {
        name: "5xx".to_owned(),
        state: AlarmState::Alarm,
        reason: String::new(),
    }];
    check(
        &survey,
        Auto,
        &[(Error, "would stop the deployment at once")],
    );
    survey.further.alarms[0].state = AlarmState::Ok;
    check(&survey, Auto, &[]);
    survey.code_deploy.as_mut().unwrap().group = pair("other");
    check(&survey, Auto, &[(Error, "blue is not of the pair")]);
}

/// As [`check`], for a plan whose gates are these.
fn check_gates(
    survey: &Survey,
    asked: StrategyAsked,
    gates: &[Gate],
    expected: &[(Severity, &str)],
) {
    let wanted = definition("web:2", "awsvpc");
    let mut plan = plan(survey, &wanted, asked);
    plan.intent.gates = Some(gates.to_vec());
    let found: Vec<(Severity, String)> = findings(&plan, &wanted, survey)
        .into_iter()
        .map(|finding| (finding.severity, finding.message))
        .collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((severity, message), (wanted, words)) in found.iter().zip(expected) {
        assert_eq!(severity, wanted, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_gates_alarm_is_asked_for_and_must_be_there_and_quiet() {
    let gate = Gate::new(Check::Alarms {
        names: ["5xx".to_owned(), "gone".to_owned()].into(),
        quiet: Quiet::NoData,
    });
    let mut survey = survey(json!({}));
    let wanted = definition("web:2", "awsvpc");
    let mut asking = plan(&survey, &wanted, Auto);
    asking.intent.gates = Some(vec![gate.clone()]);
    let names = ["5xx".to_owned(), "gone".to_owned()].into();
    let watch = watch(&asking, &wanted, &survey);
    assert_eq!(watch, Watch::from([Facet::Alarms(names)]));
    survey.further.alarms = vec![Alarm {
        name: "5xx".to_owned(),
        state: AlarmState::Alarm,
        reason: String::new(),
    }];
    let expected = [
        (Error, "`alarms` would fail at once: 5xx is in ALARM"),
        (Error, "asks the alarm gone, and there is none"),
    ];
    check_gates(&survey, Auto, std::slice::from_ref(&gate), &expected);
    survey.further.faults = vec![Fault {
        operation: "DescribeAlarms".to_owned(),
        kind: FaultKind::Denied,
        code: "AccessDenied".to_owned(),
        message: "no".to_owned(),
    }];
    check_gates(&survey, Auto, &[gate], &[(Warning, "could not be checked")]);
}

#[test]
fn a_gate_that_can_never_be_measured_is_refused() {
    let errors = [Gate::new(Check::Errors(Comparison::default()))];
    let balanced = survey(json!({"loadBalancers": [{"targetGroupArn": BLUE}]}));
    let shared = (Error, "no place in any step: both revisions share");
    check_gates(&balanced, Auto, &errors, &[shared]);
    let mut shift = shifting(json!({}));
    shift.rules.clone_from(&shift.further.rules);
    // At 0 % and 100 % there is nothing to compare, and a blue/green shift has no step between.
    check_gates(&shift, Auto, &errors, &[(Error, "no place in any step")]);
    let tenth = StrategyAsked::Canary(CanarySize::Percent(10.0));
    check_gates(&shift, tenth, &errors, &[]);
    let mut blind = shift;
    blind.service = blind.service.with(
        json!({"loadBalancers": [{
            "targetGroupArn": BLUE, "containerName": "web", "containerPort": 80,
            "advancedConfiguration": {
                "alternateTargetGroupArn": GREEN,
                "productionListenerRule": "arn:aws:elasticloadbalancing:r:1:listener/net/web/1/2",
            },
        }]})
        .as_object()
        .unwrap(),
    );
    let untold = (Error, "do not tell which target group");
    check_gates(&blind, tenth, &errors, &[untold]);
}

#[test]
fn a_service_that_is_switched_off_gets_no_canary() {
    let off = survey(json!({"desiredCount": 0}));
    let asked = StrategyAsked::Canary(CanarySize::Tasks(1));
    check(&off, asked, &[(Warning, "no canary is run")]);
    let connect = json!({"services": [{"portName": "web"}]});
    let offered = survey(json!({"serviceConnectConfiguration": connect}));
    check(&offered, asked, &[(Warning, "do not reach the canary")]);
}

#[test]
fn what_may_outlive_its_credentials_is_warned_of() {
    let check = |what: Lasting, session: Session, expected: Option<&str>| {
        let now = Timestamp::from_second(0).unwrap();
        let found = outlives(what, Duration::from_mins(30), session, now);
        assert_eq!(found.as_ref().map(|it| it.message.as_str()), expected);
        assert!(found.is_none_or(|it| it.severity == Severity::Warning));
    };
    let until = |second| Session::Until(Timestamp::from_second(second).unwrap());
    check(Lasting::Rollout, Session::Lasting, None);
    check(Lasting::Rollout, until(1800), None);
    let ends = "the rollout may take 30 min, and its credentials end in 29 min";
    check(Lasting::Rollout, until(1799), Some(ends));
    let over = "the rollout may take 30 min, and its credentials end in 0 min";
    check(Lasting::Rollout, until(-5), Some(over));
    let ends = "the watch may take 30 min, and its credentials end in 29 min";
    check(Lasting::Watch, until(1799), Some(ends));
    let ends = "the wait for the task may take 30 min, and its credentials end in 29 min";
    check(Lasting::Task, until(1799), Some(ends));
    // Less than the hour that a session by OIDC lasts.
    check(Lasting::Rollout, Session::Untold, None);
}

/// Gates of a rollout that is handed over to AWS are asked by nobody.
#[test]
fn gates_that_nobody_will_ask_refuse_no_rollout_and_are_named() {
    let survey = survey(json!({}));
    let wanted = definition("web:2", "awsvpc");
    let gate = |check| Gate::new(check);
    let names = ["gone".to_owned()].into();
    let (quiet, bake) = (Quiet::NoData, Some(Duration::from_mins(3)));
    let mut plan = plan(&survey, &wanted, Auto);
    plan.intent.hold = bake;
    plan.intent.gates = Some(vec![
        gate(Check::Alarms { names, quiet }),
        gate(Check::Targets),
    ]);
    let findings_of = |plan: &Plan| -> Vec<(Severity, String)> {
        let found = findings(plan, &wanted, &survey);
        found
            .into_iter()
            .map(|it| (it.severity, it.message))
            .collect()
    };
    let stays = findings_of(&plan);
    assert!(
        stays
            .iter()
            .any(|(severity, said)| *severity == Error && said.contains("gone")),
        "{stays:?}"
    );
    plan.intent.detach = Detach::Finish;
    let asked = watch(&plan, &wanted, &survey);
    assert!(asked.is_empty(), "{asked:?}");
    let said = "--detach leaves it to AWS, which asks none of the gates: alarms, targets";
    assert_eq!(findings_of(&plan), [(Warning, said.to_owned())]);
}
