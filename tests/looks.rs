//! Looks that have much to see, and looks that see nothing: large services, and credentials that end before the rollout,
//! with the real SDK against the sandbox in virtual time.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each test uses its part of the stage")]
mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use common::{Stage, with_image};
use ecsdeploy::core::report::Outcome;
use ecsdeploy::core::service::{CanarySize, StrategyAsked};
use ecsdeploy::engine::Request;

/// More than two pages of ListTasks, and more than DescribeTasks takes at once.
const MANY: u32 = 250;

fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    with_image("main", "web", &image)
}

/// The world of an example, with these words in the place of those.
fn world(example: &str, there: &str, here: &str) -> Stage {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(example)
        .join("sandbox.yml");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(there), "{example} has no {there}");
    Stage::world(&text.replace(there, here))
}

/// A service of so many tasks is rolled out; how it ended, and its calls by operation.
async fn large(request: Request) -> (Outcome, BTreeMap<String, u64>) {
    let stage = world(
        "fargate-web",
        "desiredCount: 2",
        &format!("desiredCount: {MANY}"),
    );
    let outcome = stage.rollout(request).await.unwrap().outcome;
    let sandbox = stage.sandbox.lock();
    let calls = sandbox.calls().iter();
    let calls = calls.map(|((_, operation), count)| (operation.clone(), *count));
    (outcome, calls.collect())
}

/// As many as a look at 250 tasks takes, in the looks at tasks and no others.
fn check_calls(calls: &BTreeMap<String, u64>, most: u64) {
    let total: u64 = calls.values().sum();
    assert!(total <= most, "{total} calls, more than {most}: {calls:#?}");
    // Two more pages than a service of up to a hundred tasks has.
    assert!(calls["DescribeTasks"] >= 3, "{calls:#?}");
}

#[tokio::test]
async fn a_service_of_hundreds_of_tasks_is_seen_whole() {
    let (outcome, calls) = large(web("1.1.0")).await;
    assert_eq!(outcome, Outcome::Completed);
    check_calls(&calls, 200);
}

#[tokio::test]
async fn a_canary_of_hundreds_of_tasks_is_seen_whole() {
    let mut request = web("1.1.0");
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(120));
    request.intent.bake = Duration::from_mins(1);
    let (outcome, calls) = large(request).await;
    assert_eq!(outcome, Outcome::Completed);
    check_calls(&calls, 400);
}

#[tokio::test]
async fn a_failing_release_of_hundreds_of_tasks_is_rolled_back() {
    let (outcome, _) = large(web("1.2.0")).await;
    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
}
