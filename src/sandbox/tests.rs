//! The sandbox through its one door, in raw requests and responses.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::sandbox::elb::weighted;
use crate::sandbox::{Duration, Sandbox, Time, World};

pub fn empty() -> Sandbox {
    Sandbox::from(World::new(
        "123456789012",
        "eu-west-1",
        Time::DEFAULT_START,
        1,
    ))
}

fn form(sandbox: &mut Sandbox, body: &str) -> (u16, String) {
    let request = Request::post("/").header(
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    );
    let answer = sandbox.answer(
        &request
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap(),
    );
    (
        answer.status().as_u16(),
        String::from_utf8(answer.into_body().to_vec()).unwrap(),
    )
}

pub fn elb(sandbox: &mut Sandbox, operation: &str) -> (u16, String) {
    form(sandbox, &format!("Version=2015-12-01&Action={operation}"))
}

fn json_call(sandbox: &mut Sandbox, target: &str, input: &Value) -> (u16, Value) {
    let answer = json_answer(sandbox, target, &input.to_string());
    (
        answer.status().as_u16(),
        serde_json::from_slice(answer.body()).unwrap(),
    )
}

fn json_answer(sandbox: &mut Sandbox, target: &str, body: &str) -> Response<Bytes> {
    let request = Request::post("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target);
    sandbox.answer(
        &request
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap(),
    )
}

/// The text of the first element of this name.
pub fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml
        .split_once(&format!("<{name}>"))
        .unwrap_or_else(|| panic!("no {name} in {xml}"));
    rest.split_once(&format!("</{name}>")).unwrap().0
}

#[test]
fn sts_says_who_is_calling() {
    let (status, xml) = form(&mut empty(), "Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(
        (status, element(&xml, "Account"), element(&xml, "Arn")),
        (
            200,
            "123456789012",
            "arn:aws:iam::123456789012:user/sandbox"
        )
    );
}

#[test]
fn what_is_not_modelled_is_refused_by_name() {
    let mut sandbox = empty();
    let mut check = |target: &str, says: &str| {
        let (status, body) = json_call(&mut sandbox, target, &json!({}));
        assert_eq!(
            (status, &body["__type"]),
            (400, &json!("SandboxNotModelled")),
            "{target}"
        );
        assert!(body["message"].as_str().unwrap().contains(says), "{body}");
    };
    check(
        "AmazonEC2ContainerRegistry_V20150921.PutReplicationConfiguration",
        "ecr:PutReplicationConfiguration",
    );
    check("AWSEvents.PutRule", "events:PutRule");
    check("Nobody_1.Nothing", "Nobody_1.Nothing");
    check(
        "AmazonEC2ContainerServiceV20141113.CreateGateway",
        "ecs:CreateGateway",
    );
    let (status, xml) = elb(&mut sandbox, "CreateTrustStore&Name=a");
    assert_eq!((status, element(&xml, "Code")), (400, "SandboxNotModelled"));
    assert!(
        xml.contains("elasticloadbalancing:CreateTrustStore"),
        "{xml}"
    );
    let (status, xml) = elb(
        &mut sandbox,
        "DescribeRules&Include.member.1=All&ListenerArn=a",
    );
    assert_eq!(status, 400);
    assert!(
        xml.contains("member Include of elasticloadbalancing:DescribeRules"),
        "{xml}"
    );
}

#[test]
fn a_form_for_an_unknown_service_is_refused_in_xml() {
    let (status, xml) = form(&mut empty(), "Action=DescribeVpcs&Version=2016-11-15");
    assert_eq!((status, element(&xml, "Code")), (400, "SandboxNotModelled"));
    assert!(xml.contains("Action=DescribeVpcs"), "{xml}");
}

#[test]
fn a_plain_get_is_refused_too() {
    let answer = empty().answer(&Request::get("/health").body(Bytes::new()).unwrap());
    assert_eq!(answer.status(), 400);
    assert!(String::from_utf8_lossy(answer.body()).contains("GET /health"));
}

#[test]
fn a_broken_body_is_a_serialization_error() {
    let answer = json_answer(
        &mut empty(),
        "AmazonEC2ContainerRegistry_V20150921.DescribeImages",
        "{",
    );
    assert_eq!(answer.status(), 400);
    assert!(String::from_utf8_lossy(answer.body()).contains("SerializationException"));
    assert_eq!(answer.headers()["x-amzn-requestid"].len(), 36);
}

#[test]
fn calls_are_counted_by_service_and_operation() {
    let mut sandbox = empty();
    elb(&mut sandbox, "DescribeTargetGroups");
    elb(&mut sandbox, "DescribeTargetGroups");
    form(&mut sandbox, "Action=GetCallerIdentity&Version=2011-06-15");
    let calls: Vec<(&str, &str, u64)> = sandbox
        .calls()
        .iter()
        .map(|((s, o), n)| (s.as_str(), o.as_str(), *n))
        .collect();
    assert_eq!(
        calls,
        [
            ("elasticloadbalancing", "DescribeTargetGroups", 2),
            ("sts", "GetCallerIdentity", 1)
        ]
    );
}

#[test]
fn operations_that_a_client_makes_up_do_not_pile_up() {
    let mut sandbox = empty();
    for n in 0..3000 {
        elb(&mut sandbox, &format!("Made{n}"));
    }
    elb(&mut sandbox, &"A".repeat(1 << 20));
    elb(&mut sandbox, "Made0");
    let calls = sandbox.calls();
    assert_eq!(calls.len(), 1000);
    assert!(calls.keys().all(|(_, operation)| operation.len() < 100));
    let first = ("elasticloadbalancing".to_owned(), "Made0".to_owned());
    assert_eq!(calls[&first], 2);
}

#[test]
fn many_short_advances_end_where_one_long_one_does() {
    let mut whole = empty();
    let mut parts = empty();
    for sandbox in [&mut whole, &mut parts] {
        let (blue, _, _) = weighted(sandbox);
        elb(
            sandbox,
            &format!("RegisterTargets&TargetGroupArn={blue}&Targets.member.1.Id=10.0.0.1"),
        );
    }
    whole.advance(Time::DEFAULT_START + Duration::from_secs(100));
    for step in 1..=400 {
        parts.advance(Time::DEFAULT_START + Duration::from_millis(250 * step));
    }
    assert_eq!(format!("{:?}", whole.world), format!("{:?}", parts.world));
}
