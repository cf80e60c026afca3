//! A canary beside a service, whole, against the sandbox: it is judged by what is its own, and is a copy of the service.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::time::Duration;

use common::{Stage, Story, operation, with_image};
use ecsdeploy::core::report::{Event, Outcome};
use ecsdeploy::core::service::{CanarySize, StrategyAsked};
use ecsdeploy::engine::Request;

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
                return Ok(refusal(code));
            }
            Ok(sandbox.lock().answer(&request))
        });
        let story = refusing.rollout(nginx("1.30-broken")).await.unwrap();
        check_not_passed(&story);
    }
}

fn refusal(code: &str) -> http::Response<bytes::Bytes> {
    let body = serde_json::json!({ "__type": code, "message": "no" }).to_string();
    let response = http::Response::builder().status(400);
    response.body(bytes::Bytes::from(body)).unwrap()
}
