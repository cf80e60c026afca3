//! The data: what load balancers publish, what callers put, and how it is read.

use serde_json::{Value, json};

use crate::sandbox::cloudwatch::publish::{balancer_name, group_name};
use crate::sandbox::cloudwatch::tests::{ask, data, refused, statistic};
use crate::sandbox::tests::empty;
use crate::sandbox::traffic::tests::{WORLD, group, run, sandbox};
use crate::sandbox::{Duration, Sandbox, Time};

/// A statistic of the load balancer of [`WORLD`], of one group or of the whole.
fn of_balancer(
    sandbox: &Sandbox,
    id: &str,
    name: &str,
    group_name_: Option<&str>,
    stat: &str,
) -> Value {
    let arn = group_name_.map(|name| group(sandbox, name));
    let balancer = balancer_name(sandbox.world.elb.load_balancers.keys().next().unwrap());
    let mut dimensions = vec![("LoadBalancer", balancer)];
    dimensions.extend(arn.as_deref().map(|arn| ("TargetGroup", group_name(arn))));
    statistic(id, "AWS/ApplicationELB", name, &dimensions, stat)
}

fn read(sandbox: &mut Sandbox, name: &str, group: Option<&str>, stat: &str) -> Vec<(u64, f64)> {
    let query = of_balancer(sandbox, "m", name, group, stat);
    data(sandbox, &[query], 0..60).remove(0)
}

#[test]
fn a_minute_appears_when_its_delay_is_over_and_not_before() {
    let late = format!("{WORLD}cloudwatch: {{ publicationDelay: {{ least: 90s, most: 90s }} }}\n");
    let mut sandbox = sandbox(&late);
    run(&mut sandbox, 149);
    assert_eq!(read(&mut sandbox, "RequestCount", None, "Sum"), []);
    run(&mut sandbox, 1);
    assert_eq!(
        read(&mut sandbox, "RequestCount", None, "Sum"),
        [(0, 3000.0)]
    );
    run(&mut sandbox, 60);
    assert_eq!(
        read(&mut sandbox, "RequestCount", None, "Sum"),
        [(0, 3000.0), (1, 3000.0)]
    );
}

#[test]
fn load_balancers_publish_what_was_counted_and_nothing_that_is_zero() {
    let mut sandbox = sandbox(&format!(
        "{WORLD}cloudwatch: {{ publicationDelay: {{ least: 0s, most: 0s }} }}\n"
    ));
    run(&mut sandbox, 60);
    sandbox.world.traffic.sources.clear();
    run(&mut sandbox, 120);
    let mut check = |name: &str, group: Option<&str>, stat: &str, expected: &[f64]| {
        let found: Vec<f64> = read(&mut sandbox, name, group, stat)
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert_eq!(found, expected, "{name} {group:?} {stat}");
    };
    check("RequestCount", None, "Sum", &[3000.0]);
    check("RequestCount", Some("blue"), "Sum", &[2700.0]);
    check("RequestCount", Some("blue"), "Average", &[1.0]);
    check("HTTPCode_Target_2XX_Count", Some("green"), "Sum", &[240.0]);
    check("HTTPCode_Target_5XX_Count", Some("green"), "Sum", &[60.0]);
    check("HTTPCode_Target_5XX_Count", Some("blue"), "Sum", &[]);
    check("HTTPCode_ELB_5XX_Count", None, "Sum", &[]);
    check("TargetResponseTime", Some("blue"), "p50", &[0.07]);
    check("TargetResponseTime", Some("blue"), "p99", &[0.25]);
    check("TargetResponseTime", Some("green"), "p99.9", &[1.1]);
    check("RequestCountPerTarget", Some("blue"), "Sum", &[900.0]);
    check(
        "HealthyHostCount",
        Some("blue"),
        "Minimum",
        &[3.0, 3.0, 3.0],
    );
    check("HealthyHostCount", None, "Minimum", &[]);
}

#[test]
fn metrics_are_listed_under_exactly_the_published_dimensions() {
    let mut sandbox = sandbox(WORLD);
    run(&mut sandbox, 240);
    let found = ask(
        &mut sandbox,
        "ListMetrics",
        &json!({"MetricName": "RequestCount", "Namespace": "AWS/ApplicationELB"}),
    );
    let names = |metric: &Value| {
        metric["Dimensions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["Name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("+")
    };
    let mut combos: Vec<String> = found["Metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(names)
        .collect();
    combos.sort();
    combos.dedup();
    assert_eq!(
        combos,
        [
            "AvailabilityZone+LoadBalancer",
            "AvailabilityZone+LoadBalancer+TargetGroup",
            "LoadBalancer",
            "LoadBalancer+TargetGroup"
        ]
    );
    let of_zone = json!({"Dimensions": [{"Name": "AvailabilityZone", "Value": "eu-west-1a"}, {"Name": "TargetGroup"}], "MetricName": "RequestCount"});
    assert_eq!(
        ask(&mut sandbox, "ListMetrics", &of_zone)["Metrics"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn the_error_rate_of_a_bad_release_is_seen_in_its_group_in_its_minutes() {
    let fast = format!("{WORLD}cloudwatch: {{ publicationDelay: {{ least: 0s, most: 0s }} }}\n");
    let mut sandbox = sandbox(&fast);
    let queries = |sandbox: &Sandbox, group: &str| {
        let hidden = |mut query: Value| {
            query["ReturnData"] = false.into();
            query
        };
        vec![
            hidden(of_balancer(
                sandbox,
                "errors",
                "HTTPCode_Target_5XX_Count",
                Some(group),
                "Sum",
            )),
            hidden(of_balancer(
                sandbox,
                "all",
                "RequestCount",
                Some(group),
                "Sum",
            )),
            json!({"Id": "rate", "Expression": "100 * FILL(errors, 0) / all"}),
        ]
    };
    run(&mut sandbox, 180);
    let (blue, green) = (queries(&sandbox, "blue"), queries(&sandbox, "green"));
    assert_eq!(
        data(&mut sandbox, &green, 0..3),
        [[(0, 20.0), (1, 20.0), (2, 20.0)]]
    );
    assert_eq!(
        data(&mut sandbox, &blue, 0..3),
        [[(0, 0.0), (1, 0.0), (2, 0.0)]]
    );
}

#[test]
fn a_page_goes_on_where_the_last_one_stopped() {
    let mut sandbox = empty();
    sandbox.advance(Time::DEFAULT_START + Duration::from_secs(600));
    let start = Time::DEFAULT_START.millis() / 1000;
    for metric in ["a", "b"] {
        let data: Vec<Value> = (0..3)
            .map(|n| json!({"MetricName": metric, "Timestamp": start + n * 60, "Value": n}))
            .collect();
        ask(
            &mut sandbox,
            "PutMetricData",
            &json!({"Namespace": "x", "MetricData": data}),
        );
    }
    let queries = json!([
        statistic("a", "x", "a", &[], "Sum"),
        statistic("none", "x", "none", &[], "Sum"),
        statistic("b", "x", "b", &[], "Sum")
    ]);
    let mut input = json!({"MetricDataQueries": queries, "StartTime": start, "EndTime": start + 600, "MaxDatapoints": 2});
    let mut pages = Vec::new();
    loop {
        let page = ask(&mut sandbox, "GetMetricData", &input);
        let results = page["MetricDataResults"].as_array().unwrap();
        let shown = |result: &Value| {
            format!(
                "{} {} {}",
                result["Id"].as_str().unwrap(),
                result["Values"],
                result["StatusCode"].as_str().unwrap()
            )
        };
        pages.push(results.iter().map(shown).collect::<Vec<_>>().join(", "));
        match page.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(
        pages,
        [
            "a [2.0,1.0] PartialData, none [] Complete",
            "a [0.0] Complete, b [2.0] PartialData",
            "b [1.0,0.0] Complete"
        ]
    );
}

#[test]
fn the_end_is_not_part_of_the_window_and_the_start_is() {
    let mut sandbox = empty();
    sandbox.advance(Time::DEFAULT_START + Duration::from_secs(600));
    let start = Time::DEFAULT_START.millis() / 1000;
    let values: Vec<Value> = (0..10)
        .map(|n| json!({"MetricName": "a", "Timestamp": start + n * 60, "Value": 1}))
        .collect();
    ask(
        &mut sandbox,
        "PutMetricData",
        &json!({"Namespace": "x", "MetricData": values}),
    );
    let query = statistic("a", "x", "a", &[], "Sum");
    assert_eq!(
        data(&mut sandbox, std::slice::from_ref(&query), 2..4),
        [[(2, 1.0), (3, 1.0)]]
    );
    let mut long = query;
    long["MetricStat"]["Period"] = json!(300);
    assert_eq!(data(&mut sandbox, &[long], 2..9), [[(2, 5.0), (7, 2.0)]]);
}

#[test]
fn values_may_come_singly_as_a_set_or_as_a_list() {
    let mut sandbox = empty();
    let data_ = json!([
        {"MetricName": "one", "Value": 5},
        {"MetricName": "set", "StatisticValues": {"SampleCount": 4, "Sum": 20, "Minimum": 2, "Maximum": 9}},
        {"MetricName": "list", "Values": [1, 2, 3], "Counts": [1, 1, 8], "Unit": "Seconds"},
    ]);
    ask(
        &mut sandbox,
        "PutMetricData",
        &json!({"Namespace": "x", "MetricData": data_}),
    );
    run(&mut sandbox, 60);
    let mut check = |name: &str, stat: &str, expected: &[f64]| {
        let found = data(&mut sandbox, &[statistic("m", "x", name, &[], stat)], 0..1).remove(0);
        assert_eq!(
            found
                .into_iter()
                .map(|(_, value)| value)
                .collect::<Vec<_>>(),
            expected,
            "{name} {stat}"
        );
    };
    check("one", "p99", &[5.0]);
    check("set", "Average", &[5.0]);
    check("set", "p99", &[]);
    check("list", "p10", &[1.0]);
    check("list", "p50", &[3.0]);
    check("list", "SampleCount", &[10.0]);
    check("nothing", "Sum", &[]);
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_reason() {
    let mut sandbox = empty();
    let start = Time::DEFAULT_START.millis() / 1000;
    let mut check = |query: Value, says: &str| {
        let input =
            json!({"MetricDataQueries": [query], "StartTime": start, "EndTime": start + 60});
        let (_, message) = refused(&mut sandbox, "GetMetricData", &input);
        assert!(message.contains(says), "{message}");
    };
    check(statistic("M", "x", "a", &[], "Sum"), "lowercase");
    check(statistic("m", "x", "a", &[], "tm99"), "statistic tm99");
    check(statistic("m", "x", "a", &[], "Median"), "Median");
    check(
        json!({"Id": "e", "Expression": "SEARCH('x', 'Sum')"}),
        "SEARCH",
    );
    check(json!({"Id": "e", "Expression": "m1"}), "m1");
    check(json!({"Id": "e"}), "Exactly one of");
    let backwards = json!({"MetricDataQueries": [statistic("m", "x", "a", &[], "Sum")], "StartTime": start, "EndTime": start});
    assert!(
        refused(&mut sandbox, "GetMetricData", &backwards)
            .1
            .contains("StartTime must be less")
    );
    let many = json!({"Namespace": "x", "MetricName": "a", "Period": 60, "Statistics": ["Sum"], "StartTime": start, "EndTime": start + 86_460});
    assert_eq!(
        refused(&mut sandbox, "GetMetricStatistics", &many).0,
        "InvalidParameterCombinationException"
    );
}

#[test]
fn old_data_is_dropped() {
    let short = format!("{WORLD}cloudwatch: {{ retention: 10m }}\n");
    let mut sandbox = sandbox(&short);
    run(&mut sandbox, 3600);
    assert!(
        read(&mut sandbox, "RequestCount", None, "Sum")
            .iter()
            .all(|(minute, _)| *minute >= 50)
    );
}
