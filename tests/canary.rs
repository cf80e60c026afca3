//! A canary beside a service, whole, against the sandbox: it is judged by what is its own, is a copy of the service, and
//! stays only where that was asked for.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{Stage, Story, ask, operation, refusal, with_image};
use ecsdeploy::core::report::{Cause, Event, Outcome};
use ecsdeploy::core::service::{CanarySize, OnFailure, StrategyAsked};
use ecsdeploy::engine::Request;
use serde_json::{Value, json};

fn canary(mut request: Request) -> Request {
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    request.intent.bake = Duration::from_mins(5);
    request.intent.limits.timeout = Duration::from_mins(20);
    request
}

fn nginx(tag: &str) -> Request {
    canary(with_image("ec2", "nginx", &format!("nginx:{tag}")))
}

fn passed(story: &Story) -> bool {
    story.events(|event| matches!(event, Event::CanaryPassed { .. })) > 0
}

/// The canary never passed, so that the service itself was not deployed.
fn check_not_passed(story: &Story) {
    let outcome = &story.outcome;
    assert!(
        matches!(outcome, Outcome::RolledBack { .. } | Outcome::Failed { .. }),
        "{outcome:?}"
    );
    assert!(!passed(story), "{outcome:?}");
}

/// In bridge mode the canary's target is told from the others by its instance and port.
#[tokio::test]
async fn a_canary_in_bridge_mode_is_judged_by_its_own_target() {
    let stage = Stage::example("ec2-bridge-nginx");
    let story = stage.rollout(nginx("1.30-broken")).await.unwrap();
    check_not_passed(&story);
    let stage = Stage::example("ec2-bridge-nginx");
    let story = stage.rollout(nginx("1.29")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert!(passed(&story));
}

/// What cannot be told apart is not well; where it may not be read, ECS's word is waited for.
#[tokio::test]
async fn a_canary_whose_tasks_cannot_be_told_does_not_pass() {
    for (of, code) in [
        ("DescribeContainerInstances", "AccessDeniedException"),
        ("ListTasks", "AccessDeniedException"),
        ("DescribeTasks", "ClientException"),
    ] {
        let stage = Stage::example("ec2-bridge-nginx");
        let refusing = stage.through(move |sandbox, request| {
            if operation(&request) == of {
                return Ok(refusal(400, code));
            }
            Ok(sandbox.lock().answer(&request))
        });
        let story = refusing.rollout(nginx("1.30-broken")).await.unwrap();
        check_not_passed(&story);
    }
}

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn web(tag: &str) -> Request {
    canary(with_image("main", "web", &format!("{WEB}:{tag}")))
}

fn is_left(event: &Event) -> bool {
    matches!(event, Event::CanaryLeft { .. })
}

#[tokio::test]
async fn a_failed_canary_that_is_left_as_it_is_stays_until_the_next_release() {
    let stage = Stage::example("fargate-web");
    let mut request = web("1.2.0");
    request.intent.on_failure = OnFailure::Leave;
    let story = stage.rollout(request).await.unwrap();
    let outcome = &story.outcome;
    assert!(matches!(outcome, Outcome::Stranded { .. }), "{outcome:?}");
    assert_eq!(story.events(is_left), 1);
    assert_eq!(stage.service("web-canary")["desiredCount"], 1);
    assert_eq!(stage.calls("UpdateService"), 0);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(stage.services(), ["web"]);
}

/// What somebody does to the canary's service while it is judged.
async fn meddled(by: &'static str, with: Value) -> (Stage, Story) {
    let stage = Stage::example("fargate-web");
    let looks = AtomicU32::new(0);
    let watched = stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        let of_canary = request.body().windows(10).any(|name| name == b"web-canary");
        if of_canary && operation(&request) == "DescribeServices" {
            // By then it is well and bakes.
            if looks.fetch_add(1, Ordering::SeqCst) == 30 {
                ask(&mut sandbox.lock(), by, &with);
            }
        }
        answer
    });
    let story = watched.rollout(web("1.1.0")).await.unwrap();
    (stage, story)
}

#[tokio::test]
async fn a_canary_that_somebody_takes_away_while_it_is_judged_is_not_made_again() {
    let of = |mut with: Value| {
        with["cluster"] = json!("main");
        with["service"] = json!("web-canary");
        with
    };
    for (operation, with) in [
        ("UpdateService", of(json!({"desiredCount": 0}))),
        ("DeleteService", of(json!({"force": true}))),
    ] {
        let (stage, story) = meddled(operation, with).await;
        let Outcome::RolledBack { cause } = &story.outcome else {
            panic!("{:?}", story.outcome)
        };
        assert!(matches!(cause, Cause::Stopped { .. }), "{cause:?}");
        assert_eq!(stage.calls("CreateService"), 1, "{operation}");
        assert_eq!(stage.services(), ["web"], "{operation}");
    }
}

#[tokio::test]
async fn a_canary_that_could_not_be_put_away_is_told_of_and_goes_with_the_next_run() {
    let stage = Stage::example("fargate-web");
    let denied = stage.through(|sandbox, request| {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        if body["service"] == "web-canary" && body["desiredCount"] == 0 {
            return Ok(refusal(400, "AccessDeniedException"));
        }
        sandbox.carry(&request)
    });
    let story = denied.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(story.events(is_left), 1);
    assert_eq!(stage.services(), ["web", "web-canary"]);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Unchanged);
    assert_eq!(stage.services(), ["web"]);
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

/// It still has its share of the requests.
#[tokio::test]
async fn a_bad_canary_that_could_not_be_put_away_was_not_taken_back() {
    let stage = Stage::example("fargate-web");
    let denied = stage.through(|sandbox, request| match operation(&request).as_str() {
        "UpdateService" => Ok(refusal(400, "AccessDeniedException")),
        _ => sandbox.carry(&request),
    });
    let story = denied.rollout(web("1.2.0")).await.unwrap();
    let Outcome::Stranded { cause } = &story.outcome else {
        panic!("{:?}", story.outcome)
    };
    assert_eq!(cause.name(), "undo_failed");
    assert_eq!(story.events(is_left), 1);
}
