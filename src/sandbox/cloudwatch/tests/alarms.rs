//! Alarms: they fire, recover, are listed and remembered.

use serde_json::{Value, json};

use crate::sandbox::Sandbox;
use crate::sandbox::cloudwatch::AlarmState;
use crate::sandbox::cloudwatch::tests::{ask, refused, statistic};
use crate::sandbox::tests::{elb, empty};
use crate::sandbox::traffic::tests::{WORLD, group, run, sandbox};

const ALARMS: &str = "
alarms:
  - AlarmName: green-errors
    Namespace: AWS/ApplicationELB
    MetricName: HTTPCode_Target_5XX_Count
    Dimensions: [{ Name: LoadBalancer, Value: web }, { Name: TargetGroup, Value: green }]
    Statistic: Sum
    Period: 60
    EvaluationPeriods: 3
    DatapointsToAlarm: 2
    Threshold: 10
    ComparisonOperator: GreaterThanThreshold
    TreatMissingData: notBreaching
    StateValue: OK
";

fn simple(name: &str) -> Value {
    json!({
        "AlarmName": name, "Namespace": "x", "MetricName": "a", "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1,
        "Threshold": 5, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "AlarmActions": ["arn:aws:sns:eu-west-1:123456789012:pager"],
    })
}

fn put_value(sandbox: &mut Sandbox, value: f64) {
    ask(
        sandbox,
        "PutMetricData",
        &json!({"Namespace": "x", "MetricData": [{"MetricName": "a", "Value": value}]}),
    );
}

fn state(sandbox: &Sandbox, name: &str) -> AlarmState {
    sandbox.world.cloudwatch.alarm_state(name).unwrap()
}

fn shift(sandbox: &mut Sandbox, blue: u32, green: u32) {
    let (blue_arn, green_arn) = (group(sandbox, "blue"), group(sandbox, "green"));
    let listener = crate::sandbox::elb::find_listener(&sandbox.world.elb, "web:80").unwrap();
    let groups = "DefaultActions.member.1.ForwardConfig.TargetGroups.member";
    let call = format!(
        "ModifyListener&ListenerArn={listener}&DefaultActions.member.1.Type=forward&{groups}.1.TargetGroupArn={blue_arn}&{groups}.1.Weight={blue}\
         &{groups}.2.TargetGroupArn={green_arn}&{groups}.2.Weight={green}"
    );
    assert_eq!(elb(sandbox, &call).0, 200);
}

#[test]
fn an_alarm_fires_on_a_bad_release_and_recovers_when_traffic_leaves_it() {
    let mut sandbox = sandbox(&format!("{WORLD}{ALARMS}"));
    shift(&mut sandbox, 100, 0);
    run(&mut sandbox, 600);
    assert_eq!(state(&sandbox, "green-errors"), AlarmState::Ok);
    shift(&mut sandbox, 90, 10);
    let shifted = sandbox.now();
    while state(&sandbox, "green-errors") == AlarmState::Ok {
        run(&mut sandbox, 1);
    }
    let took = sandbox.now().since(shifted).millis() / 1000;
    assert!(
        (180..=300).contains(&took),
        "two bad minutes and the publication delay, not {took} s"
    );
    shift(&mut sandbox, 100, 0);
    run(&mut sandbox, 600);
    assert_eq!(state(&sandbox, "green-errors"), AlarmState::Ok);

    let history = ask(
        &mut sandbox,
        "DescribeAlarmHistory",
        &json!({"AlarmName": "green-errors", "HistoryItemType": "StateUpdate"}),
    );
    let summaries: Vec<&str> = history["AlarmHistoryItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["HistorySummary"].as_str().unwrap())
        .collect();
    assert_eq!(
        summaries,
        [
            "Alarm updated from ALARM to OK",
            "Alarm updated from OK to ALARM"
        ]
    );
    let data = history["AlarmHistoryItems"][1]["HistoryData"]
        .as_str()
        .unwrap();
    assert!(data.contains("Threshold Crossed: 2 out of the last 3 datapoints [60.0 (15/01/26 09:11:00), 60.0 (15/01/26 09:10:00)] were greater than the threshold (10.0) (minimum 2 datapoints for OK -> ALARM transition)."), "{data}");
}

#[test]
fn a_new_alarm_knows_nothing_until_its_metric_has_values() {
    let mut sandbox = empty();
    ask(&mut sandbox, "PutMetricAlarm", &simple("a"));
    let alarm = ask(&mut sandbox, "DescribeAlarms", &json!({}))["MetricAlarms"][0].clone();
    assert_eq!(alarm["StateValue"], "INSUFFICIENT_DATA");
    assert_eq!(alarm["StateReason"], "Unchecked: Initial alarm creation");
    assert_eq!(
        alarm["AlarmArn"],
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"
    );
    assert_eq!(
        (
            &alarm["Threshold"],
            &alarm["Period"],
            &alarm["TreatMissingData"]
        ),
        (&json!(5.0), &json!(60), &json!("missing"))
    );
    assert_eq!(
        (&alarm["ActionsEnabled"], &alarm["OKActions"]),
        (&json!(true), &json!([]))
    );
    put_value(&mut sandbox, 4.0);
    run(&mut sandbox, 60);
    assert_eq!(state(&sandbox, "a"), AlarmState::Ok);
    put_value(&mut sandbox, 5.0);
    run(&mut sandbox, 60);
    assert_eq!(state(&sandbox, "a"), AlarmState::Alarm);
    run(&mut sandbox, 240);
    assert_eq!(state(&sandbox, "a"), AlarmState::InsufficientData);
}

#[test]
fn an_alarm_may_watch_an_expression() {
    let mut sandbox = empty();
    let mut metric = statistic("m1", "x", "a", &[], "Sum");
    metric["ReturnData"] = false.into();
    let alarm = json!({
        "AlarmName": "math", "EvaluationPeriods": 2, "Threshold": 100, "ComparisonOperator": "GreaterThanThreshold",
        "Metrics": [metric, {"Id": "e", "Expression": "FILL(m1, 0) * 10", "Label": "tenfold"}],
    });
    ask(&mut sandbox, "PutMetricAlarm", &alarm);
    for _ in 0..2 {
        put_value(&mut sandbox, 11.0);
        run(&mut sandbox, 60);
    }
    assert_eq!(state(&sandbox, "math"), AlarmState::Alarm);
    run(&mut sandbox, 60);
    assert_eq!(state(&sandbox, "math"), AlarmState::Ok);
    let echoed = ask(
        &mut sandbox,
        "DescribeAlarms",
        &json!({"AlarmNames": ["math"]}),
    )["MetricAlarms"][0]["Metrics"]
        .clone();
    assert_eq!(
        echoed[1],
        json!({"Id": "e", "Expression": "FILL(m1, 0) * 10", "Label": "tenfold", "ReturnData": true})
    );
    assert_eq!(echoed[0]["MetricStat"]["Stat"], "Sum");
}

#[test]
fn a_state_that_is_set_lasts_until_the_next_look() {
    let mut sandbox = empty();
    ask(&mut sandbox, "PutMetricAlarm", &simple("a"));
    let set = json!({"AlarmName": "a", "StateValue": "ALARM", "StateReason": "drill", "StateReasonData": "{}"});
    ask(&mut sandbox, "SetAlarmState", &set);
    run(&mut sandbox, 59);
    assert_eq!(state(&sandbox, "a"), AlarmState::Alarm);
    run(&mut sandbox, 1);
    assert_eq!(state(&sandbox, "a"), AlarmState::InsufficientData);
}

#[test]
fn alarms_are_found_by_name_prefix_state_and_page() {
    let mut sandbox = empty();
    for name in ["web-a", "web-b", "web-c", "other"] {
        ask(&mut sandbox, "PutMetricAlarm", &simple(name));
    }
    ask(
        &mut sandbox,
        "SetAlarmState",
        &json!({"AlarmName": "web-b", "StateValue": "ALARM", "StateReason": "x"}),
    );
    let mut check = |input: Value, expected: &[&str]| {
        let found = ask(&mut sandbox, "DescribeAlarms", &input);
        let names: Vec<&str> = found["MetricAlarms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alarm| alarm["AlarmName"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{input}");
        found["NextToken"].clone()
    };
    check(json!({}), &["other", "web-a", "web-b", "web-c"]);
    check(json!({"AlarmNames": ["web-c", "nobody"]}), &["web-c"]);
    check(json!({"StateValue": "ALARM"}), &["web-b"]);
    check(json!({"AlarmTypes": ["CompositeAlarm"]}), &[]);
    check(
        json!({"ActionPrefix": "arn:aws:sns"}),
        &["other", "web-a", "web-b", "web-c"],
    );
    let next = check(
        json!({"AlarmNamePrefix": "web-", "MaxRecords": 2}),
        &["web-a", "web-b"],
    );
    let next = check(
        json!({"AlarmNamePrefix": "web-", "MaxRecords": 2, "NextToken": next}),
        &["web-c"],
    );
    assert_eq!(next, Value::Null);
    let of_metric = ask(
        &mut sandbox,
        "DescribeAlarmsForMetric",
        &json!({"Namespace": "x", "MetricName": "a"}),
    );
    assert_eq!(of_metric["MetricAlarms"].as_array().unwrap().len(), 4);
}

#[test]
fn an_alarm_is_changed_switched_tagged_and_deleted() {
    let mut sandbox = empty();
    let mut alarm = simple("a");
    alarm["Tags"] = json!([{"Key": "team", "Value": "shop"}]);
    ask(&mut sandbox, "PutMetricAlarm", &alarm);
    ask(
        &mut sandbox,
        "SetAlarmState",
        &json!({"AlarmName": "a", "StateValue": "OK", "StateReason": "x"}),
    );
    alarm["Threshold"] = json!("7.5");
    ask(&mut sandbox, "PutMetricAlarm", &alarm);
    ask(
        &mut sandbox,
        "DisableAlarmActions",
        &json!({"AlarmNames": ["a"]}),
    );
    let found = ask(&mut sandbox, "DescribeAlarms", &json!({}))["MetricAlarms"][0].clone();
    assert_eq!(
        (
            &found["Threshold"],
            &found["StateValue"],
            &found["ActionsEnabled"]
        ),
        (&json!(7.5), &json!("OK"), &json!(false))
    );
    let tags = ask(
        &mut sandbox,
        "ListTagsForResource",
        &json!({"ResourceARN": found["AlarmArn"]}),
    );
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "shop"}]));
    assert_eq!(
        refused(
            &mut sandbox,
            "DeleteAlarms",
            &json!({"AlarmNames": ["a", "b"]})
        )
        .0,
        "ResourceNotFound"
    );
    ask(&mut sandbox, "DeleteAlarms", &json!({"AlarmNames": ["a"]}));
    assert_eq!(sandbox.world.cloudwatch.alarm_state("a"), None);
}

#[test]
fn an_alarm_that_cannot_be_judged_is_refused() {
    let mut sandbox = empty();
    let mut check = |changes: Value, says: &str| {
        let mut alarm = simple("a");
        alarm
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let (_, message) = refused(&mut sandbox, "PutMetricAlarm", &alarm);
        assert!(message.contains(says), "{message}");
    };
    check(json!({"DatapointsToAlarm": 2}), "DatapointsToAlarm");
    check(
        json!({"ExtendedStatistic": "p99"}),
        "Exactly one of Statistic",
    );
    check(json!({"Period": 61}), "Period");
    check(json!({"EvaluationPeriods": 1441}), "more than a day");
    check(
        json!({"ComparisonOperator": "GreaterThanUpperThreshold"}),
        "GreaterThanUpperThreshold",
    );
    check(
        json!({"ComparisonOperator": "Greater"}),
        "not a ComparisonOperator",
    );
    check(json!({"TreatMissingData": "good"}), "TreatMissingData");
    check(
        json!({"EvaluateLowSampleCountPercentile": "ignore"}),
        "does not model",
    );
    check(
        json!({"Statistic": null, "MetricName": null, "Metrics": [{"Id": "e", "Expression": "m9"}]}),
        "m9",
    );
}
