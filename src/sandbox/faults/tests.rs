//! Fault rules, token buckets and stale reads, through the door that a client comes by.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::sandbox::faults::{Fault, Faults, Past, Rule, RuleError, Throttling, When};
use crate::sandbox::tests::empty;
use crate::sandbox::wire::{Call, Protocol, Service};
use crate::sandbox::{Duration, Outcome, Poke, Sandbox, Time};

fn rule(text: &str) -> Rule {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn asks(service: Service, operation: &str) -> Call {
    Call {
        service,
        operation: operation.to_owned(),
        input: json!({}),
        protocol: Protocol::Json11,
    }
}

fn request(target: &str, input: &Value) -> Request<Bytes> {
    Request::post("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(Bytes::from(input.to_string()))
        .unwrap()
}

/// What a client gets: status and body, or nothing.
fn call(sandbox: &mut Sandbox, operation: &str, input: &Value) -> Option<(u16, Value)> {
    let exchange = sandbox.exchange(&request(&format!("AmazonSSM.{operation}"), input));
    match exchange.outcome {
        Outcome::Answered(response) => {
            let body = serde_json::from_slice(response.body()).unwrap();
            Some((response.status().as_u16(), body))
        }
        Outcome::Lost => None,
    }
}

fn put(sandbox: &mut Sandbox, name: &str) -> Option<(u16, Value)> {
    call(
        sandbox,
        "PutParameter",
        &json!({"Name": name, "Value": "x", "Type": "String"}),
    )
}

fn with(rules: &[&str]) -> Sandbox {
    let mut sandbox = empty();
    for text in rules {
        sandbox.poke(&Poke::Fault(rule(text))).unwrap();
    }
    sandbox
}

#[test]
fn a_rule_spoils_the_calls_that_it_is_about() {
    let spoiled = |text: &str| {
        let mut faults = Faults::default();
        faults.add(rule(text), 1).unwrap();
        let calls = [
            "UpdateService",
            "DescribeServices",
            "DescribeTasks",
            "UpdateService",
            "UpdateService",
        ];
        let mut judge = |op: &str| {
            faults
                .judge(&asks(Service::Ecs, op), Time::DEFAULT_START)
                .fault
        };
        calls
            .map(|op| if judge(op).is_some() { '!' } else { '.' })
            .iter()
            .collect::<String>()
    };
    let check = |text: &str, wanted: &str| assert_eq!(spoiled(text), wanted, "{text}");
    check(r#"{"fault":"throttle"}"#, "!!!!!");
    check(r#"{"service":"ecr","fault":"throttle"}"#, ".....");
    check(
        r#"{"service":"ecs","operation":"Describe*","fault":"error"}"#,
        ".!!..",
    );
    check(
        r#"{"operation":"UpdateService","when":{"nth":2},"fault":"reset"}"#,
        "...!.",
    );
    check(r#"{"when":{"every":2},"fault":"lost"}"#, ".!.!.");
    check(r#"{"when":{"every":2},"times":1,"fault":"lost"}"#, ".!...");
    check(r#"{"when":{"chance":0.0},"fault":"lost"}"#, ".....");
}

#[test]
fn chance_depends_on_the_seed_alone() {
    let spoiled = |seed: u64| {
        let mut faults = Faults::default();
        faults
            .add(rule(r#"{"when":{"chance":0.5},"fault":"error"}"#), seed)
            .unwrap();
        let mut judge = || {
            faults
                .judge(&asks(Service::Ecs, "ListTasks"), Time::DEFAULT_START)
                .fault
        };
        (0..64).filter(|_| judge().is_some()).collect::<Vec<u32>>()
    };
    assert_eq!(spoiled(1), spoiled(1));
    assert_ne!(spoiled(1), spoiled(2));
    assert!((16..48).contains(&spoiled(1).len()));
}

#[test]
fn the_first_rule_that_fires_decides_and_delays_add_up() {
    let mut sandbox = with(&[
        r#"{"fault":{"slow":"2s"}}"#,
        r#"{"fault":{"slow":"500ms"}}"#,
        r#"{"times":1,"fault":"throttle"}"#,
        r#"{"times":1,"fault":"error"}"#,
    ]);
    let (status, body) = put(&mut sandbox, "a").unwrap();
    assert_eq!(
        (status, body),
        (
            400,
            json!({"__type": "ThrottlingException", "message": "Rate exceeded"})
        )
    );
    assert_eq!(put(&mut sandbox, "a").unwrap().0, 500);
    assert_eq!(put(&mut sandbox, "a").unwrap().0, 200);
    let exchange = sandbox.exchange(&request("AmazonSSM.GetParameter", &json!({"Name": "a"})));
    assert_eq!(exchange.after, Duration::from_millis(2500));
}

#[test]
fn a_lost_answer_was_made_and_a_reset_was_not() {
    let mut sandbox = with(&[r#"{"operation":"PutParameter","when":{"nth":1},"fault":"lost"}"#]);
    assert_eq!(put(&mut sandbox, "a"), None);
    assert_eq!(
        put(&mut sandbox, "a").unwrap().1["__type"],
        "ParameterAlreadyExists"
    );

    let mut sandbox = with(&[r#"{"operation":"PutParameter","when":{"nth":1},"fault":"reset"}"#]);
    assert_eq!(put(&mut sandbox, "a"), None);
    assert_eq!(put(&mut sandbox, "a").unwrap().0, 200);
}

#[test]
fn a_stale_read_tells_what_was_so_long_ago() {
    let mut sandbox = with(&[r#"{"operation":"GetParameter","fault":{"stale":"5s"}}"#]);
    let start = sandbox.now();
    let known_at = |sandbox: &mut Sandbox, seconds: u64| {
        sandbox.advance(start + Duration::from_secs(seconds));
        call(sandbox, "GetParameter", &json!({"Name": "a"}))
            .unwrap()
            .0
            == 200
    };
    sandbox.advance(start + Duration::from_secs(10));
    put(&mut sandbox, "a").unwrap();
    assert!(!known_at(&mut sandbox, 10));
    assert!(!known_at(&mut sandbox, 15));
    assert!(known_at(&mut sandbox, 16));
}

#[test]
fn the_past_is_kept_only_while_it_is_asked_for_and_never_much_of_it() {
    let (mut past, mut sandbox) = (Past::default(), empty());
    let age = Duration::from_secs(600);
    for _ in 0..2000 {
        sandbox.advance(sandbox.now() + Duration::from_secs(1));
        past.remember(&sandbox.world, Some(age));
        assert!(past.count() <= 17, "{}", past.count());
    }
    let oldest = past.at(sandbox.now() - age).unwrap().now;
    assert!(sandbox.now().since(oldest) >= age);
    past.remember(&sandbox.world, None);
    assert!(past.at(sandbox.now()).is_none());
}

#[test]
fn buckets_empty_at_their_burst_and_fill_at_their_rate() {
    let mut faults = Faults::default();
    faults.throttle(Throttling::Aws);
    let mut check = |service: Service, operation: &str, second: u64, passes: usize| {
        let now = Time::DEFAULT_START + Duration::from_secs(second);
        let call = asks(service, operation);
        let passed = (0..500).filter(|_| faults.judge(&call, now).fault.is_none());
        assert_eq!(passed.count(), passes, "{operation} at {second}s");
    };
    check(Service::Ecs, "RegisterTaskDefinition", 0, 20);
    check(Service::Ecs, "RegisterTaskDefinition", 3, 3);
    check(Service::Ecs, "DescribeServices", 3, 100);
    check(Service::Ecs, "DescribeServices", 4, 20);
    check(Service::Ecs, "ListAttributes", 4, 500);
    check(Service::CloudWatch, "DescribeAlarms", 0, 9);
    check(Service::Elb, "RegisterTargets", 0, 20);
    // The account's own bucket has 20 left of its 40.
    check(Service::Elb, "DescribeTargetHealth", 0, 20);
    check(Service::Elb, "DescribeTargetHealth", 1, 10);
}

#[test]
fn a_rule_that_cannot_be_is_refused() {
    let check =
        |text: &str, error: RuleError| assert_eq!(Faults::default().add(rule(text), 1), Err(error));
    check(
        r#"{"service":"ec2","fault":"reset"}"#,
        RuleError::Service("ec2".to_owned()),
    );
    check(r#"{"when":{"every":0},"fault":"reset"}"#, RuleError::Zeroth);
    check(
        r#"{"when":{"chance":1.5},"fault":"reset"}"#,
        RuleError::Chance,
    );
    check(r#"{"fault":{"stale":"1h"}}"#, RuleError::Age);
    check(r#"{"fault":{"slow":"61m"}}"#, RuleError::Slowness);
}

#[test]
fn the_world_file_has_rules_too() {
    let text = "
throttling: aws
faults:
  - { service: ecs, operation: UpdateService, when: { nth: 1 }, fault: lost }
  - { operation: Describe*, when: { chance: 0.1 }, times: 3, fault: { slow: 2s } }
";
    let sandbox = Sandbox::new(text, 1).unwrap_or_else(|error| panic!("{error}"));
    let rules: Vec<Rule> = sandbox
        .world
        .faults
        .rules()
        .map(|(rule, _)| rule.clone())
        .collect();
    assert_eq!((rules[0].when, rules[0].fault), (When::Nth(1), Fault::Lost));
    assert_eq!(
        (rules[1].times, rules[1].fault),
        (Some(3), Fault::Slow(Duration::from_secs(2)))
    );
    assert_eq!(sandbox.world.faults.throttling(), Throttling::Aws);
    assert!(Sandbox::new("faults: [{ fault: { stale: 1h } }]", 1).is_err());
}

/// What a call is told that a rule denies: status, code and message.
fn denied(operation: &str, target: &str, input: &Value) -> Option<(u16, String, String)> {
    let mut sandbox = with(&[&format!(
        r#"{{"operation":"{operation}","fault":"denied"}}"#
    )]);
    let exchange = sandbox.exchange(&request(target, input));
    let Outcome::Answered(response) = exchange.outcome else {
        return None;
    };
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    let told = (response.status().as_u16(), text("__type"), text("message"));
    (told.1 == "AccessDeniedException").then_some(told)
}

#[test]
fn a_denial_names_the_caller_the_action_and_the_resource() {
    let check = |target: &str, input: Value, action: &str, resource: &str| {
        let (_, operation) = action.split_once(':').unwrap();
        let message = format!(
            "User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        );
        let told = denied(operation, target, &input);
        assert_eq!(
            told,
            Some((400, "AccessDeniedException".to_owned(), message))
        );
    };
    let ecs = |operation: &str| format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let at = |service: &str, rest: &str| format!("arn:aws:{service}:eu-west-1:123456789012:{rest}");
    check(
        "AmazonSSM.PutParameter",
        json!({"Name": "/ecsdeploy/main/web", "Value": "x"}),
        "ssm:PutParameter",
        &at("ssm", "parameter/ecsdeploy/main/web"),
    );
    let web = at("ecs", "service/main/web");
    check(
        &ecs("UpdateService"),
        json!({"cluster": "main", "service": web}),
        "ecs:UpdateService",
        &web,
    );
    check(
        &ecs("DescribeServices"),
        json!({"cluster": at("ecs", "cluster/main"), "services": ["web"]}),
        "ecs:DescribeServices",
        &web,
    );
    check(&ecs("ListTasks"), json!({}), "ecs:ListTasks", "*");
    check(
        &ecs("RegisterTaskDefinition"),
        json!({"family": "web", "taskRoleArn": "web-task", "containerDefinitions": []}),
        "iam:PassRole",
        "arn:aws:iam::123456789012:role/web-task",
    );
    check(
        &ecs("RegisterTaskDefinition"),
        json!({"family": "web", "tags": [{"key": "a", "value": "b"}]}),
        "ecs:TagResource",
        "*",
    );
    check(
        "GraniteServiceVersion20100801.DescribeAlarms",
        json!({}),
        "cloudwatch:DescribeAlarms",
        "*",
    );
}

#[test]
fn only_what_needs_the_permission_is_denied() {
    let register = "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition";
    assert_eq!(
        denied("PassRole", register, &json!({"family": "web"})),
        None
    );
    let untagged = json!({"family": "web", "tags": []});
    assert_eq!(denied("TagResource", register, &untagged), None);
}

#[test]
fn the_query_protocol_denies_in_its_own_words_and_nobody_is_denied_to_know_who_he_is() {
    let ask = |form: &'static str| {
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form))
            .unwrap();
        match with(&[r#"{"fault":"denied"}"#]).exchange(&request).outcome {
            Outcome::Answered(response) => {
                let body = String::from_utf8(response.body().to_vec()).unwrap();
                (response.status().as_u16(), body)
            }
            Outcome::Lost => panic!("an answer was due"),
        }
    };
    let (status, body) = ask("Action=DescribeRules&Version=2015-12-01");
    assert_eq!(status, 403);
    assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");
    let action = "is not authorized to perform: elasticloadbalancing:DescribeRules on";
    assert!(body.contains(action), "{body}");
    let (status, body) = ask("Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(status, 200, "{body}");
}

#[test]
fn a_denial_changes_nothing_and_can_end() {
    let mut sandbox =
        with(&[r#"{"service":"ssm","operation":"PutParameter","times":1,"fault":"denied"}"#]);
    assert_eq!(put(&mut sandbox, "a").unwrap().0, 400);
    assert_eq!(put(&mut sandbox, "a").unwrap().0, 200);
    sandbox
        .poke(&Poke::Fault(rule(r#"{"fault":"denied"}"#)))
        .unwrap();
    assert_eq!(put(&mut sandbox, "b").unwrap().0, 400);
    sandbox.poke(&Poke::ClearFaults).unwrap();
    assert_eq!(put(&mut sandbox, "b").unwrap().0, 200);
}
