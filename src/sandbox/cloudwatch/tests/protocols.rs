//! The same question in three protocols.

use std::io::Write as _;

use bytes::Bytes;
use ciborium::Value as Cbor;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::sandbox::cloudwatch::tests::{ask, ask_json, statistic};
use crate::sandbox::tests::{element, empty};
use crate::sandbox::{Duration, Sandbox, Time};

fn ask_cbor(sandbox: &mut Sandbox, operation: &str, body: Vec<u8>) -> Response<Bytes> {
    let request = Request::post(format!(
        "/service/GraniteServiceVersion20100801/operation/{operation}"
    ))
    .header("smithy-protocol", "rpc-v2-cbor")
    .header("content-type", "application/cbor")
    .header("accept", "application/cbor");
    sandbox.answer(&request.body(Bytes::from(body)).unwrap())
}

fn ask_form(sandbox: &mut Sandbox, body: &str) -> (u16, String) {
    let request = Request::post("/").header(
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    );
    let answer = sandbox.answer(
        &request
            .body(Bytes::from(format!("Version=2010-08-01&{body}")))
            .unwrap(),
    );
    (
        answer.status().as_u16(),
        String::from_utf8(answer.into_body().to_vec()).unwrap(),
    )
}

fn read(body: &[u8]) -> Cbor {
    ciborium::from_reader(body).unwrap()
}

fn member<'a>(value: &'a Cbor, name: &str) -> &'a Cbor {
    let found = value
        .as_map()
        .unwrap()
        .iter()
        .find(|(key, _)| key.as_text() == Some(name));
    &found.unwrap_or_else(|| panic!("no {name} in {value:?}")).1
}

fn text(value: &str) -> Cbor {
    Cbor::Text(value.to_owned())
}

/// A metric with 1 and 2 in the first minute and 6 in the second, five minutes ago.
fn measured() -> Sandbox {
    let mut sandbox = empty();
    let start = Time::DEFAULT_START.millis() / 1000;
    sandbox.advance(Time::DEFAULT_START + Duration::from_secs(300));
    let datum = |at: u64, value: f64| json!({"MetricName": "Size", "Timestamp": start + at, "Value": value, "Unit": "Bytes"});
    ask(
        &mut sandbox,
        "PutMetricData",
        &json!({"Namespace": "shop", "MetricData": [datum(0, 1.0), datum(59, 2.0), datum(60, 6.0)]}),
    );
    sandbox
}

#[test]
fn the_same_question_has_the_same_answer_in_all_three_protocols() {
    let mut sandbox = measured();
    let start = Time::DEFAULT_START.millis() / 1000;
    let query = statistic("m1", "shop", "Size", &[], "Sum");
    let input = json!({"MetricDataQueries": [query], "StartTime": start, "EndTime": start + 120, "ScanBy": "TimestampAscending"});

    let in_json = ask(&mut sandbox, "GetMetricData", &input);
    let result = &in_json["MetricDataResults"][0];
    assert_eq!(
        (&result["Id"], &result["Label"], &result["StatusCode"]),
        (&json!("m1"), &json!("Size"), &json!("Complete"))
    );
    assert_eq!(result["Values"], json!([3.0, 6.0]));
    assert_eq!(
        result["Timestamps"],
        json!([start as f64, (start + 60) as f64])
    );

    // As the Rust SDK writes it: indefinite maps, timestamps as tag 1 with a double.
    let mut body = Vec::new();
    ciborium::into_writer(&Cbor::serialized(&input).unwrap(), &mut body).unwrap();
    let answer = ask_cbor(&mut sandbox, "GetMetricData", body);
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["smithy-protocol"].to_str().unwrap()
        ),
        (200, "rpc-v2-cbor")
    );
    let in_cbor = read(answer.body());
    let result = &member(&in_cbor, "MetricDataResults").as_array().unwrap()[0];
    assert_eq!(
        member(result, "Values"),
        &Cbor::Array(vec![Cbor::Float(3.0), Cbor::Float(6.0)])
    );
    assert_eq!(
        member(result, "Timestamps").as_array().unwrap()[1],
        Cbor::Tag(1, Box::new(Cbor::Float((start + 60) as f64)))
    );
    assert_eq!(member(result, "Id"), &text("m1"));

    let (status, xml) = ask_form(
        &mut sandbox,
        "Action=GetMetricData&MetricDataQueries.member.1.Id=m1&MetricDataQueries.member.1.MetricStat.Metric.Namespace=shop\
         &MetricDataQueries.member.1.MetricStat.Metric.MetricName=Size&MetricDataQueries.member.1.MetricStat.Period=60\
         &MetricDataQueries.member.1.MetricStat.Stat=Sum&StartTime=2026-01-15T09%3A00%3A00Z&EndTime=2026-01-15T09%3A02%3A00Z&ScanBy=TimestampAscending",
    );
    assert_eq!(status, 200, "{xml}");
    assert!(
        xml.starts_with(
            "<GetMetricDataResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\">"
        ),
        "{xml}"
    );
    assert_eq!(
        element(&xml, "Values"),
        "<member>3.0</member><member>6.0</member>"
    );
    assert_eq!(
        element(&xml, "Timestamps"),
        "<member>2026-01-15T09:00:00.000Z</member><member>2026-01-15T09:01:00.000Z</member>"
    );
}

#[test]
fn an_empty_map_of_any_length_is_an_empty_input() {
    for body in [vec![], vec![0xa0], vec![0xbf, 0xff]] {
        let answer = ask_cbor(&mut empty(), "DescribeAlarms", body);
        assert_eq!(answer.status(), 200);
        assert_eq!(
            member(&read(answer.body()), "MetricAlarms"),
            &Cbor::Array(vec![])
        );
    }
}

#[test]
fn errors_carry_the_old_code_beside_the_new_name() {
    let mut sandbox = empty();
    let mut check =
        |operation: &str, input: Value, form: &str, status: u16, name: &str, code: &str| {
            let answer = ask_json(&mut sandbox, operation, &input);
            let body: Value = serde_json::from_slice(answer.body()).unwrap();
            assert_eq!(
                (answer.status().as_u16(), &body["__type"]),
                (status, &json!(name)),
                "{body}"
            );
            assert_eq!(
                answer.headers()["x-amzn-query-error"],
                format!("{code};Sender")
            );

            let mut body = Vec::new();
            ciborium::into_writer(&Cbor::serialized(&input).unwrap(), &mut body).unwrap();
            let answer = ask_cbor(&mut sandbox, operation, body);
            assert_eq!(answer.status().as_u16(), status);
            assert_eq!(
                answer.headers()["x-amzn-query-error"],
                format!("{code};Sender")
            );
            assert_eq!(
                member(&read(answer.body()), "__type"),
                &text(&format!("com.amazonaws.cloudwatch#{name}"))
            );

            let (in_form, xml) = ask_form(&mut sandbox, &format!("Action={operation}&{form}"));
            assert_eq!((in_form, element(&xml, "Code")), (status, code), "{xml}");
        };
    let state = json!({"AlarmName": "none", "StateValue": "OK", "StateReason": "x"});
    check(
        "SetAlarmState",
        state,
        "AlarmName=none&StateValue=OK&StateReason=x",
        404,
        "ResourceNotFound",
        "ResourceNotFound",
    );
    check(
        "DescribeAlarms",
        json!({"NextToken": "x"}),
        "NextToken=x",
        400,
        "InvalidNextToken",
        "InvalidNextToken",
    );
    check(
        "PutMetricData",
        json!({}),
        "",
        400,
        "MissingRequiredParameterException",
        "MissingParameter",
    );
    check(
        "PutMetricData",
        json!({"Namespace": "AWS/EC2"}),
        "Namespace=AWS/EC2",
        400,
        "InvalidParameterValueException",
        "InvalidParameterValue",
    );
    check(
        "GetMetricData",
        json!({}),
        "",
        400,
        "ValidationError",
        "ValidationError",
    );
    check(
        "PutAnomalyDetector",
        json!({}),
        "",
        400,
        "SandboxNotModelled",
        "SandboxNotModelled",
    );
}

#[test]
fn a_path_that_names_no_operation_is_refused_in_cbor() {
    let request =
        Request::post("/service/Unknown/operation/Do").header("smithy-protocol", "rpc-v2-cbor");
    let answer = empty().answer(&request.body(Bytes::new()).unwrap());
    assert_eq!(answer.status(), 400);
    assert_eq!(
        member(&read(answer.body()), "__type"),
        &text("com.amazonaws.cloudwatch#SandboxNotModelled")
    );
}

#[test]
fn a_gzipped_body_is_read() {
    let mut sandbox = empty();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(b"Version=2010-08-01&Action=PutMetricData&Namespace=shop&MetricData.member.1.MetricName=Size&MetricData.member.1.Value=4.5").unwrap();
    let send = |sandbox: &mut Sandbox, body: Vec<u8>| {
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("content-encoding", "gzip");
        sandbox
            .answer(&request.body(Bytes::from(body)).unwrap())
            .status()
            .as_u16()
    };
    assert_eq!(send(&mut sandbox, packer.finish().unwrap()), 200);
    assert_eq!(send(&mut sandbox, b"not gzip".to_vec()), 400);
    let found = ask(&mut sandbox, "ListMetrics", &json!({"Namespace": "shop"}));
    assert_eq!(
        found["Metrics"],
        json!([{"Namespace": "shop", "MetricName": "Size", "Dimensions": []}])
    );
}

#[test]
fn older_statistics_come_with_percentiles_in_a_map() {
    let mut sandbox = measured();
    let (status, xml) = ask_form(
        &mut sandbox,
        "Action=GetMetricStatistics&Namespace=shop&MetricName=Size&Period=60&StartTime=2026-01-15T09%3A00%3A30Z&EndTime=2026-01-15T09%3A01%3A00Z\
         &Statistics.member.1=Sum&Statistics.member.2=SampleCount&ExtendedStatistics.member.1=p90",
    );
    assert_eq!(status, 200, "{xml}");
    assert_eq!(
        (
            element(&xml, "Sum"),
            element(&xml, "SampleCount"),
            element(&xml, "Unit")
        ),
        ("3.0", "2.0", "Bytes")
    );
    assert_eq!(
        element(&xml, "ExtendedStatistics"),
        "<entry><key>p90</key><value>2.0</value></entry>"
    );
    let input = json!({
        "Namespace": "shop", "MetricName": "Size", "Period": 60, "ExtendedStatistics": ["p90"], "Statistics": ["Average"],
        "StartTime": "2026-01-15T09:00:00Z", "EndTime": "2026-01-15T09:05:00Z",
    });
    let found = ask(&mut sandbox, "GetMetricStatistics", &input);
    assert_eq!(
        found["Datapoints"][0]["ExtendedStatistics"],
        json!({"p90": 2.0})
    );
    assert_eq!(found["Datapoints"][1]["Average"], json!(6.0));
}
