//! CloudWatch through the sandbox's door, in its three protocols.

mod alarms;
mod metrics;
mod protocols;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

fn ask_json(sandbox: &mut Sandbox, operation: &str, input: &Value) -> Response<Bytes> {
    let request = Request::post("/")
        .header("content-type", "application/x-amz-json-1.0")
        .header(
            "x-amz-target",
            format!("GraniteServiceVersion20100801.{operation}"),
        )
        .header("x-amzn-query-mode", "true");
    sandbox.answer(&request.body(Bytes::from(input.to_string())).unwrap())
}

/// The answer to a question that is asked in JSON; it must succeed.
fn ask(sandbox: &mut Sandbox, operation: &str, input: &Value) -> Value {
    let answer = ask_json(sandbox, operation, input);
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(answer.status(), 200, "{operation}: {body}");
    body
}

/// Error code and message.
fn refused(sandbox: &mut Sandbox, operation: &str, input: &Value) -> (String, String) {
    let answer = ask_json(sandbox, operation, input);
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_ne!(answer.status(), 200, "{operation}: {body}");
    (
        body["__type"].as_str().unwrap().to_owned(),
        body["message"].as_str().unwrap().to_owned(),
    )
}

/// One statistic of a metric, oldest first.
fn statistic(
    id: &str,
    namespace: &str,
    name: &str,
    dimensions: &[(&str, &str)],
    stat: &str,
) -> Value {
    let dimensions: Vec<Value> = dimensions
        .iter()
        .map(|(name, value)| json!({"Name": name, "Value": value}))
        .collect();
    json!({"Id": id, "MetricStat": {"Metric": {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}, "Period": 60, "Stat": stat}})
}

/// `(minutes since the start of the world, value)` of each result.
fn data(
    sandbox: &mut Sandbox,
    queries: &[Value],
    minutes: std::ops::Range<u64>,
) -> Vec<Vec<(u64, f64)>> {
    let start = crate::sandbox::Time::DEFAULT_START.millis() / 1000;
    let input = json!({
        "MetricDataQueries": queries, "ScanBy": "TimestampAscending",
        "StartTime": start + minutes.start * 60, "EndTime": start + minutes.end * 60,
    });
    let answer = ask(sandbox, "GetMetricData", &input);
    let results = answer["MetricDataResults"].as_array().unwrap();
    let line = |result: &Value| {
        let at = result["Timestamps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|at| (at.as_f64().unwrap() as u64 - start) / 60);
        at.zip(
            result["Values"]
                .as_array()
                .unwrap()
                .iter()
                .map(|value| value.as_f64().unwrap()),
        )
        .collect()
    };
    results.iter().map(line).collect()
}
