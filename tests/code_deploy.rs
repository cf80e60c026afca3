//! Rollouts by AWS CodeDeploy, whole, against the sandbox in virtual time.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{HttpRequest, Listener, Stage, operation, outcome, with_image};
use ecsdeploy::adapters::aws::{Api, Auto, JsonService, Repeat};
use ecsdeploy::core::plan::Refusal;
use ecsdeploy::core::report::{Cause, Event, Outcome, Report, Undoer};
use ecsdeploy::core::rollout::Wish;
use ecsdeploy::core::service::{Contest, OnFailure, StrategyAsked};
use ecsdeploy::engine::{Means, Pinning, Request, SurveyError, To, roll_back, roll_out};
use serde_json::{Value, json};

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

const API: Api = Api {
    id: "CodeDeploy",
    host: "codedeploy",
    target: "CodeDeploy_20141006",
    content_type: "application/x-amz-json-1.1",
};

fn web(tag: &str) -> Request {
    let mut request = with_image("main", "web", &format!("{WEB}:{tag}"));
    request.intent.limits.timeout = Duration::from_hours(1);
    request
}

fn stage() -> Stage {
    Stage::example("code-deploy")
}

fn world() -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::read_to_string(format!("{root}/examples/code-deploy/sandbox.yml")).unwrap()
}

async fn ask(stage: &Stage, operation: &'static str, input: Value) -> Value {
    let service = JsonService::new(&stage.config, API);
    service
        .call(operation, input, Repeat::Freely)
        .await
        .unwrap()
}

/// Every deployment, oldest first: its status, its description, and who made it.
async fn deployments(stage: &Stage) -> Vec<(String, String, String)> {
    let listed = ask(stage, "ListDeployments", json!({})).await;
    let ids = listed["deployments"].clone();
    let found = ask(stage, "BatchGetDeployments", json!({"deploymentIds": ids})).await;
    let text = |one: &Value, member: &str| one[member].as_str().unwrap_or_default().to_owned();
    let read = |one: &Value| {
        (
            text(one, "status"),
            text(one, "description"),
            text(one, "creator"),
        )
    };
    let mut all: Vec<_> = found["deploymentsInfo"]
        .as_array()
        .unwrap()
        .iter()
        .map(read)
        .collect();
    all.reverse();
    all
}

/// The family and revision of the primary task set, and how many sets there are.
async fn serving(stage: &Stage) -> (String, usize) {
    let ecs = stage.ecs();
    let described = ecs.describe_services().cluster("main").services("web");
    let described = described.send().await.unwrap();
    let sets = described.services()[0].task_sets();
    let primary = sets
        .iter()
        .find(|set| set.status() == Some("PRIMARY"))
        .unwrap();
    let runs = primary
        .task_definition()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    (runs.to_owned(), sets.len())
}

fn lost(stage: &Stage) -> u64 {
    let seen = stage.sandbox.lock().world.traffic.seen();
    assert!(seen.served > 100, "there is traffic");
    seen.lost()
}

#[tokio::test]
async fn a_good_release_has_all_traffic_long_before_the_old_set_is_gone() {
    let stage = stage();
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    // The canary takes five minutes, and the old set stays for another five.
    let seconds = story.report.seconds();
    assert!((300..480).contains(&seconds), "{seconds} s");
    assert_eq!(serving(&stage).await, ("web:2".to_owned(), 2));
    assert_eq!(stage.calls("CreateDeployment"), 1);
    assert!(stage.calls("ContinueDeployment") >= 1);
    assert_eq!(lost(&stage), 0);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(
        story.outcome,
        Outcome::Completed,
        "it is followed, not made again"
    );
    assert_eq!(stage.calls("CreateDeployment"), 1);
}

#[tokio::test]
async fn codedeploy_is_not_asked_about_a_service_that_runs_what_is_wanted() {
    let stage = stage();
    let request = Request {
        pinning: Pinning::Keep,
        ..web("1.0.0")
    };
    let story = stage.rollout(request).await.unwrap();
    assert_eq!(story.outcome, Outcome::Unchanged);
    // The survey, and before it the tags, where a record may be.
    assert_eq!(stage.calls("DescribeServices"), 2);
    let sandbox = stage.sandbox.lock();
    let asked = sandbox
        .calls()
        .keys()
        .any(|(service, _)| service == "codedeploy");
    assert!(!asked, "CodeDeploy is not asked");
}

#[tokio::test]
async fn a_sick_release_is_stopped_before_it_has_traffic_and_taken_back() {
    let stage = stage();
    let story = stage.rollout(web("1.2.0")).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
    let seconds = story.report.seconds();
    assert!(
        seconds < 600,
        "{seconds} s: its failed tasks end it, not the hour that CodeDeploy waits"
    );
    assert_eq!(serving(&stage).await.0, "web:1");
    assert_eq!(lost(&stage), 0);
    let all = deployments(&stage).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(
        (all[0].0.as_str(), all[1].2.as_str()),
        ("Stopped", "codeDeployRollback")
    );
}

#[tokio::test]
async fn what_fails_is_left_as_it_is_where_that_was_asked_for() {
    let stage = stage();
    let mut request = web("1.2.0");
    request.intent.on_failure = OnFailure::Leave;
    let story = stage.rollout(request).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::Stranded { .. }),
        "{:?}",
        story.outcome
    );
    assert_eq!(stage.calls("StopDeployment"), 0);
}

/// A rollout in which somebody stops the deployment while a tenth of the traffic has moved.
async fn stopped_by_hand(input: Value) -> (Stage, Outcome, Report) {
    let stage = stage();
    let done = Arc::new(Mutex::new(false));
    let plain = stage.through(|sandbox, request| sandbox.carry(&request));
    let meddling = stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request)?;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let target = &body["deploymentTargets"][0]["ecsTarget"];
        let mut done = done.lock().unwrap();
        if target["taskSetsInfo"][1]["trafficWeight"] == 10.0 && !*done {
            *done = true;
            let mut stop = input.clone();
            stop["deploymentId"] = target["deploymentId"].clone();
            let answer = sandbox.lock().answer(&request_of("StopDeployment", &stop));
            assert_eq!(answer.status(), 200, "{:?}", answer.body());
        }
        Ok(answer)
    });
    let story = meddling.rollout(web("1.1.0")).await.unwrap();
    (plain, story.outcome, story.report)
}

fn request_of(operation: &str, input: &Value) -> HttpRequest {
    http::Request::builder()
        .method("POST")
        .uri("/")
        .header("content-type", API.content_type)
        .header("x-amz-target", format!("{}.{operation}", API.target))
        .body(bytes::Bytes::from(input.to_string()))
        .unwrap()
}

fn undoer(report: &Report) -> Option<Undoer> {
    report.entries.iter().find_map(|entry| match entry.event {
        Event::Undoing { by, .. } => Some(by),
        _ => None,
    })
}

#[tokio::test]
async fn a_stop_by_hand_that_rolls_back_is_followed_to_its_end() {
    let (stage, outcome, report) =
        Box::pin(stopped_by_hand(json!({"autoRollbackEnabled": true}))).await;
    let cause = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::RolledBack {
                cause: Cause::Stopped { .. }
            }
        )
    };
    assert!(cause(&outcome), "{outcome:?}");
    assert_eq!(undoer(&report), Some(Undoer::CodeDeploy));
    assert_eq!(serving(&stage).await.0, "web:1");
    assert_eq!(lost(&stage), 0);
}

#[tokio::test]
async fn a_stop_by_hand_in_the_middle_of_the_traffic_is_gone_back_from() {
    let (stage, outcome, report) =
        Box::pin(stopped_by_hand(json!({"autoRollbackEnabled": false}))).await;
    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(undoer(&report), Some(Undoer::Ecsdeploy));
    assert_eq!(serving(&stage).await.0, "web:1");
    let all = deployments(&stage).await;
    assert!(all.last().unwrap().1.ends_with(" back"), "{all:?}");
    assert_eq!(lost(&stage), 0);
}

#[tokio::test]
async fn a_wish_to_go_back_stops_the_deployment() {
    let stage = stage();
    let journal = Auto::new(&stage.config);
    let mut listener = Listener(Report::new());
    let means = Means {
        wish: Some(Wish::Undo {
            by: "bert".to_owned(),
        }),
        ..stage.means(&journal)
    };
    // Without a deployment there is nothing to go back from; so another run begins it, and dies.
    let dying = killed(&stage, |operation| operation == "ContinueDeployment");
    let _ = dying.rollout(web("1.1.0")).await;
    assert_eq!(stage.calls("CreateDeployment"), 1);
    let ran = roll_out(web("1.1.0"), &means, &mut listener).await.unwrap();
    let outcome = outcome(ran);
    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(serving(&stage).await.0, "web:1");
}

/// Every request from that of this operation on finds no AWS.
fn killed(stage: &Stage, at: fn(&str) -> bool) -> Stage {
    let dead = Mutex::new(false);
    stage.through(move |sandbox, request| {
        let mut dead = dead.lock().unwrap();
        *dead = *dead || at(&operation(&request));
        if *dead {
            let broke = "the connection broke".into();
            return Err(aws_smithy_runtime_api::client::result::ConnectorError::io(
                broke,
            ));
        }
        sandbox.carry(&request)
    })
}

#[tokio::test]
async fn another_deployment_of_the_group_is_refused_or_superseded() {
    let stage = stage();
    let content = json!({"Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {
        "TaskDefinition": "web:1",
        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 3000},
    }}}]});
    let revision = json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": content.to_string()}});
    let input = json!({
        "applicationName": "AppECS-main-web",
        "deploymentGroupName": "DgpECS-main-web",
        "revision": revision,
    });
    ask(&stage, "CreateDeployment", input).await;
    let error = stage.rollout(web("1.1.0")).await.err();
    assert!(
        matches!(error, Some(SurveyError::Refused(Refusal::Busy { .. }))),
        "{error:?}"
    );
    let mut request = web("1.1.0");
    request.intent.contest = Contest::Supersede;
    let story = stage.rollout(request).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::Completed),
        "{:?}",
        story.outcome
    );
    assert_eq!(serving(&stage).await.0, "web:2");
}

#[tokio::test]
async fn a_group_of_another_name_is_found_and_a_missing_one_is_asked_for() {
    let world = world();
    let renamed = world
        .replace("AppECS-main-web", "shop")
        .replace("DgpECS-main-web", "shop-web");
    let stage = Stage::world(&renamed);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    let without = &world[..world.find("codeDeploy:").unwrap()];
    let stage = Stage::world(without);
    let error = stage.rollout(web("1.1.0")).await.err();
    assert!(
        matches!(error, Some(SurveyError::Refused(Refusal::NoGroup { .. }))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_strategy_of_ecs_is_refused_with_what_to_change() {
    let stage = stage();
    let mut request = web("1.1.0");
    request.intent.strategy = StrategyAsked::Linear(10.0);
    let Some(SurveyError::Refused(Refusal::Strategy { change, .. })) =
        stage.rollout(request).await.err()
    else {
        panic!("it is not refused");
    };
    assert!(
        change.iter().any(|it| it.contains("deployment_controller")),
        "{change:?}"
    );
    assert_eq!(stage.calls("RegisterTaskDefinition"), 0);
}

#[tokio::test]
async fn a_rollback_on_request_goes_to_what_codedeploy_brought_before() {
    let stage = stage();
    for tag in ["1.1.0", "1.0.0"] {
        let mut request = web(tag);
        request.intent.code_deploy.config = Some("CodeDeployDefault.ECSAllAtOnce".to_owned());
        let story = stage.rollout(request).await.unwrap();
        assert_eq!(story.outcome, Outcome::Completed);
        let mut sandbox = stage.sandbox.lock();
        let later = sandbox.now() + ecsdeploy::sandbox::Duration::from_secs(600);
        sandbox.advance(later);
    }
    let before = serving(&stage).await;
    assert_eq!(before.1, 1);
    let journal = Auto::new(&stage.config);
    let mut listener = Listener(Report::new());
    let target = web("1.0.0").target;
    let intent = web("1.0.0").intent;
    let means = stage.means(&journal);
    let went = roll_back(target, To::Previous, intent, &means, &mut listener);
    let ran = Box::pin(went).await;
    assert_eq!(outcome(ran.unwrap()), Outcome::Completed);
    assert_eq!(serving(&stage).await.0, "web:2");
    assert_ne!(before.0, "web:2");
}
