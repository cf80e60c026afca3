//! Rollouts that hold through gates, whole, against the sandbox in virtual time: what each kind of gate sees in each
//! strategy, and what comes of it.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::time::Duration;

use common::{Stage, Story, with_image};
use ecsdeploy::core::gate::{Check, Gate, Quiet, Verdict};
use ecsdeploy::core::report::{Cause, Event, Outcome};
use ecsdeploy::core::service::{CanarySize, StrategyAsked};
use ecsdeploy::engine::Request;

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn web(tag: &str, gates: Vec<Gate>) -> Request {
    let mut request = with_image("main", "web", &format!("{WEB}:{tag}"));
    request.intent.gates = Some(gates);
    request
}

fn canary(tag: &str, gates: Vec<Gate>) -> Request {
    let mut request = web(tag, gates);
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    request.intent.bake = Duration::from_mins(5);
    request
}

fn alarm(name: &str) -> Gate {
    Gate::new(Check::Alarms {
        names: [name.to_owned()].into(),
        quiet: Quiet::NoData,
    })
}

/// The example's world, with steady traffic and these further sections.
fn world(example: &str, more: &str) -> Stage {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(example)
        .join("sandbox.yml");
    let text = std::fs::read_to_string(file).unwrap();
    // A release that is well in every way but one: it answers a third of the requests with a 5xx.
    let text = text.replace(
        "behaviour: { healthStatus: 503, crashAfter: 20s, exitCode: 1 }",
        "behaviour: { errorRate: 0.3 }",
    );
    Stage::world(&format!(
        "{text}\ntraffic: [{{ listener: \"main:80\", requestsPerSecond: 20 }}]\n{more}"
    ))
}

/// An alarm on the 5xx answers of the load balancer's targets, more than 30 a minute.
const ALARM: &str = r#"
alarms:
  - AlarmName: web-5xx
    Namespace: AWS/ApplicationELB
    MetricName: HTTPCode_Target_5XX_Count
    Dimensions: [{ Name: LoadBalancer, Value: main }]
    Statistic: Sum
    Period: 60
    EvaluationPeriods: 1
    Threshold: 30
    ComparisonOperator: GreaterThanThreshold
    TreatMissingData: notBreaching
"#;

/// The gate that a rollout was undone by, and how it stood.
fn undone_by(story: &Story) -> (&str, &str, Verdict) {
    match &story.outcome {
        Outcome::RolledBack {
            cause:
                Cause::Gate {
                    gate,
                    step,
                    verdict,
                    ..
                },
        } => (gate, step, *verdict),
        other => panic!("it was not undone by a gate: {other:?}"),
    }
}

fn told(story: &Story) -> String {
    let mut text = String::new();
    for entry in &story.report.entries {
        if !matches!(entry.event, Event::Progress(_) | Event::Service(_)) {
            text += &ecsdeploy::text::terminal::entry(entry, story.report.entries[0].at);
        }
    }
    text
}

#[tokio::test]
async fn an_alarm_undoes_a_completed_rolling_deployment() {
    let stage = world("fargate-web", ALARM);
    let mut gate = alarm("web-5xx");
    gate.pace.bake = Duration::from_mins(5);
    let story = stage
        .rollout(web("1.2.0", vec![gate.clone()]))
        .await
        .unwrap();
    println!("{}", told(&story));
    assert_eq!(
        undone_by(&story),
        ("alarms", "the whole service", Verdict::Fail)
    );
    let stage = world("fargate-web", ALARM);
    let story = stage.rollout(web("1.1.0", vec![gate])).await.unwrap();
    println!("{}", told(&story));
    assert_eq!(story.outcome, Outcome::Completed);
}

#[tokio::test]
async fn an_alarm_undoes_a_canary_before_the_service_is_touched() {
    let stage = world("fargate-web", ALARM);
    let story = stage
        .rollout(canary("1.2.0", vec![alarm("web-5xx")]))
        .await
        .unwrap();
    println!("{}", told(&story));
    assert_eq!(
        undone_by(&story),
        ("alarms", "1 canary task", Verdict::Fail)
    );
    let stage = world("fargate-web", ALARM);
    let story = stage
        .rollout(canary("1.1.0", vec![alarm("web-5xx")]))
        .await
        .unwrap();
    println!("{}", told(&story));
    assert_eq!(story.outcome, Outcome::Completed);
}
