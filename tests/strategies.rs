//! Canaries beside a service and weighted task sets, whole, against the sandbox in virtual time.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Stage, operation, with_image};
use ecsdeploy::core::report::{Event, Outcome, Report};
use ecsdeploy::core::service::{CanarySize, StrategyAsked};
use ecsdeploy::engine::Request;

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn web(tag: &str) -> Request {
    let mut request = with_image("main", "web", &format!("{WEB}:{tag}"));
    request.intent.bake = Duration::from_mins(1);
    request.intent.limits.timeout = Duration::from_hours(1);
    request
}

fn canary(tag: &str) -> Request {
    let mut request = web(tag);
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    request
}

fn weighted(tag: &str, weights: &[u32]) -> Request {
    let mut request = web(tag);
    request.intent.weights = weights.to_vec().try_into().unwrap();
    request
}

/// Names of the services that are left, and the task definition of the first.
async fn left(stage: &Stage) -> (Vec<String>, String) {
    let ecs = stage.ecs();
    let listed = ecs.list_services().cluster("main").send().await.unwrap();
    let names = listed
        .service_arns()
        .iter()
        .map(|arn| arn.rsplit('/').next().unwrap().to_owned());
    let described = ecs
        .describe_services()
        .cluster("main")
        .services("web")
        .send()
        .await
        .unwrap();
    let service = &described.services()[0];
    let primary = service
        .task_sets()
        .iter()
        .find(|set| set.status() == Some("PRIMARY"));
    let runs = primary.map_or(service.task_definition(), |set| set.task_definition());
    let runs = runs
        .unwrap_or_default()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();
    (names.collect(), runs)
}

#[tokio::test]
async fn a_good_canary_is_followed_by_the_service_and_put_away() {
    let stage = Stage::example("fargate-web");
    let story = stage.rollout(canary("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(story.events(|e| matches!(e, Event::CanaryPassed { .. })), 1);
    assert_eq!(
        left(&stage).await,
        (vec!["web".to_owned()], "web:2".to_owned())
    );
}

#[tokio::test]
async fn a_sick_canary_is_undone_and_the_service_never_touched() {
    let stage = Stage::example("fargate-web");
    let watched = stage.through(|sandbox, request| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let touches = operation(&request) == "UpdateService" && !body.contains("web-canary");
        assert!(!touches, "the service is not to be touched: {body}");
        Ok(sandbox.lock().answer(&request))
    });
    let story = watched.rollout(canary("1.2.0")).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
    assert_eq!(
        left(&stage).await,
        (vec!["web".to_owned()], "web:1".to_owned())
    );
}

#[tokio::test]
async fn a_percentage_of_tasks_is_rounded_up() {
    for (size, desired, tasks) in [
        (CanarySize::Percent(10.0), 2, 1),
        (CanarySize::Percent(10.0), 25, 3),
        (CanarySize::Percent(0.1), 1, 1),
        (CanarySize::Tasks(4), 2, 4),
    ] {
        assert_eq!(size.tasks(desired), tasks);
    }
}

#[tokio::test]
async fn a_service_that_cannot_shift_says_what_to_change() {
    let stage = Stage::example("fargate-web");
    let mut request = web("1.1.0");
    request.intent.strategy = StrategyAsked::BlueGreen;
    let error = stage.rollout(request).await.err().expect("it cannot");
    assert!(
        error.to_string().contains("advancedConfiguration"),
        "{error}"
    );
}

#[tokio::test]
async fn task_sets_take_turns_and_traffic_moves_step_by_step() {
    let stage = Stage::example("external-task-sets");
    let story = stage.rollout(weighted("1.1.0", &[10, 50])).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    let steps: Vec<u32> = story
        .report
        .entries
        .iter()
        .filter_map(|entry| match entry.event {
            Event::Shifted { percent } => Some(percent),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [10, 50, 100]);
    assert_eq!(
        weights(&stage).await,
        BTreeMap::from([("web".to_owned(), 0), ("web-alternate".to_owned(), 100)])
    );
    let story = stage.rollout(weighted("1.0.0", &[])).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(
        weights(&stage).await,
        BTreeMap::from([("web".to_owned(), 100), ("web-alternate".to_owned(), 0)])
    );
    let story = stage.rollout(weighted("1.0.0", &[])).await.unwrap();
    assert_eq!(story.outcome, Outcome::Unchanged);
}

#[tokio::test]
async fn a_sick_task_set_gets_no_traffic_and_is_removed() {
    let stage = Stage::example("external-task-sets");
    let story = stage.rollout(weighted("1.2.0", &[10, 50])).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
    assert_eq!(story.events(|e| matches!(e, Event::Shifted { .. })), 0);
    assert_eq!(
        weights(&stage).await,
        BTreeMap::from([("web".to_owned(), 100), ("web-alternate".to_owned(), 0)])
    );
    assert_eq!(left(&stage).await.1, "web:1");
}

/// Weights of the production rule, by the groups' names.
async fn weights(stage: &Stage) -> BTreeMap<String, i32> {
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&stage.config);
    let balancers = elb
        .describe_load_balancers()
        .names("main")
        .send()
        .await
        .unwrap();
    let balancer = balancers.load_balancers()[0]
        .load_balancer_arn()
        .unwrap()
        .to_owned();
    let listeners = elb
        .describe_listeners()
        .load_balancer_arn(balancer)
        .send()
        .await
        .unwrap();
    let listener = listeners.listeners()[0].listener_arn().unwrap().to_owned();
    let rules = elb
        .describe_rules()
        .listener_arn(listener)
        .send()
        .await
        .unwrap();
    let rule = rules
        .rules()
        .iter()
        .find(|rule| rule.priority() == Some("10"))
        .unwrap();
    let forward = rule.actions()[0].forward_config().unwrap();
    let groups = forward.target_groups().iter().map(|group| {
        let name = group
            .target_group_arn()
            .unwrap()
            .rsplit('/')
            .nth(1)
            .unwrap();
        (name.to_owned(), group.weight().unwrap())
    });
    groups.collect()
}

/// How long the old side was kept after all traffic had moved.
fn kept(report: &Report) -> i64 {
    let all = |event: &Event| matches!(event, Event::Shifted { percent: 100 });
    let moved = report
        .entries
        .iter()
        .rfind(|entry| all(&entry.event))
        .unwrap();
    let end = report.entries.last().unwrap();
    end.at.duration_since(moved.at).as_secs()
}

#[tokio::test]
async fn the_old_side_is_kept_until_a_minute_without_requests_is_known_or_its_time_is_over() {
    let mut request = weighted("1.1.0", &[]);
    request.intent.bake = Duration::ZERO;
    request.intent.drain = Duration::from_mins(20);
    let stage = Stage::example("external-task-sets");
    let story = stage.rollout(request.clone()).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    let proven = kept(&story.report);
    assert!((60..600).contains(&proven), "{proven} s");
    // Without metrics nothing is proven.
    let stage = Stage::example("external-task-sets");
    let blind = stage.through(|sandbox, request| {
        if operation(&request) == "GetMetricData" {
            let body = br#"{"__type":"AccessDeniedException","message":"no"}"#;
            let answer = http::Response::builder().status(400);
            return Ok(answer.body(bytes::Bytes::from_static(body)).unwrap());
        }
        sandbox.carry(&request)
    });
    let story = blind.rollout(request).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    let bound = kept(&story.report);
    assert!(bound >= 1200, "{bound} s");
}
