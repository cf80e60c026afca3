//! Whole rolling rollouts: the real SDK, the engine and the machine against the sandbox, in virtual time.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each test uses its part of the stage")]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use common::{Stage, Story, Tape, is_query, operation, with_image};
use ecsdeploy::core::plan::Course;
use ecsdeploy::core::report::{Cause, Event, Outcome};
use ecsdeploy::core::service::{Contest, FailedTasks, OnFailure, Redeploy};
use ecsdeploy::engine::{Request, SurveyError, Wanted};
use serde_json::json;

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn web(tag: &str) -> Request {
    with_image("main", "web", &format!("{WEB}:{tag}"))
}

fn nginx(tag: &str) -> Request {
    with_image("ec2", "nginx", &format!("nginx:{tag}"))
}

fn cause(story: &Story) -> &'static str {
    match &story.outcome {
        Outcome::RolledBack { cause } | Outcome::Failed { cause } | Outcome::Stranded { cause } => {
            cause.name()
        }
        _ => "none",
    }
}

#[tokio::test]
async fn a_good_release_serves() {
    let stage = Stage::example("fargate-web");
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(story.events(|e| matches!(e, Event::Registered { .. })), 1);
    assert_eq!(stage.calls("UpdateService"), 1);
    let service = stage
        .ecs()
        .describe_services()
        .cluster("main")
        .services("web")
        .send()
        .await
        .unwrap();
    let service = &service.services()[0];
    assert!(service.task_definition().unwrap().ends_with("web:2"));
    assert_eq!(
        (service.running_count(), service.deployments().len()),
        (2, 1)
    );
}

#[tokio::test]
async fn a_good_release_serves_in_bridge_mode() {
    let stage = Stage::example("ec2-bridge-nginx");
    let story = stage.rollout(nginx("1.29")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_release_that_is_there_already_calls_nothing() {
    let stage = Stage::example("fargate-web");
    stage.rollout(web("1.1.0")).await.unwrap();
    let changes =
        |stage: &Stage| stage.calls("UpdateService") + stage.calls("RegisterTaskDefinition");
    let before = changes(&stage);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Unchanged);
    assert_eq!(changes(&stage), before);
}

#[tokio::test]
async fn a_bad_release_is_rolled_back_and_says_why() {
    let stage = Stage::example("fargate-web");
    let story = stage.rollout(web("1.2.0")).await.unwrap();
    assert_eq!(cause(&story), "tasks_failing");
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
    let failure = story
        .report
        .task_failures()
        .next()
        .expect("a failed task is told");
    assert!(
        failure.containers.iter().any(|c| c.exit_code == Some(1)),
        "{failure:?}"
    );
    let service = stage
        .ecs()
        .describe_services()
        .cluster("main")
        .services("web")
        .send()
        .await
        .unwrap();
    assert!(
        service.services()[0]
            .task_definition()
            .unwrap()
            .ends_with("web:1")
    );
}

#[tokio::test]
async fn a_bad_release_is_rolled_back_without_a_circuit_breaker() {
    let stage = Stage::example("ec2-bridge-nginx");
    let story = stage.rollout(nginx("1.30-broken")).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
}

#[tokio::test]
async fn the_circuit_breakers_rollback_is_not_success() {
    let stage = Stage::example("fargate-web");
    let mut request = web("1.2.0");
    request.intent.limits.failed_tasks = FailedTasks::LeaveToEcs;
    let story = stage.rollout(request).await.unwrap();
    assert_eq!(cause(&story), "circuit_breaker");
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
    assert_eq!(stage.calls("UpdateService"), 1, "ECS goes back by itself");
}

#[tokio::test]
async fn a_failed_release_is_left_when_asked() {
    let stage = Stage::example("ec2-bridge-nginx");
    let mut request = nginx("1.30-broken");
    request.intent.on_failure = OnFailure::Leave;
    let story = stage.rollout(request).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::Stranded { .. }),
        "{:?}",
        story.outcome
    );
    assert_eq!(stage.calls("UpdateService"), 1);
    let back = "aws ecs update-service --cluster ec2 --service nginx --task-definition nginx:1";
    assert_eq!(story.report.by_hand(), [back]);
}

#[tokio::test]
async fn the_timeout_ends_the_wait_and_undoes() {
    let stage = Stage::example("fargate-web");
    let mut request = web("1.1.0");
    request.intent.limits.timeout = Duration::from_secs(20);
    let story = stage.rollout(request).await.unwrap();
    assert_eq!(cause(&story), "deadline");
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
}

#[tokio::test]
async fn a_missing_image_is_found_before_anything_changes() {
    let stage = Stage::example("fargate-web");
    let error = stage
        .rollout(web("9.9.9"))
        .await
        .err()
        .expect("there is no such image");
    assert!(matches!(error, SurveyError::NoImage { .. }), "{error}");
    assert_eq!(
        stage.calls("RegisterTaskDefinition") + stage.calls("UpdateService"),
        0
    );
}

#[tokio::test]
async fn an_unpullable_image_ends_the_wait_at_the_first_task() {
    let stage = Stage::example("ec2-bridge-nginx");
    let story = stage.rollout(with_image("ec2", "nginx", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/gone:1@sha256:0000000000000000000000000000000000000000000000000000000000000000")).await.unwrap();
    assert_eq!(cause(&story), "unrunnable");
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
}

#[tokio::test]
async fn the_image_is_pinned_to_its_digest() {
    let stage = Stage::example("fargate-web");
    let tape = Tape::default();
    let recorded = tape.clone();
    let watched = stage.through(move |sandbox, request| {
        recorded.record(&request);
        Ok(sandbox.lock().answer(&request))
    });
    watched.rollout(web("1.1.0")).await.unwrap();
    let sent = &tape.bodies("RegisterTaskDefinition")[0];
    let image = sent["containerDefinitions"][0]["image"].as_str().unwrap();
    assert!(
        image.starts_with(&format!("{WEB}:1.1.0@sha256:")),
        "{image}"
    );
    let update = &tape.bodies("UpdateService")[0];
    let members: Vec<&String> = update.as_object().unwrap().keys().collect();
    assert_eq!(members, ["cluster", "service", "taskDefinition"]);
}

#[tokio::test]
async fn an_unknown_field_survives_the_whole_way() {
    let stage = Stage::example("fargate-web");
    let read = stage
        .ecs()
        .describe_task_definition()
        .task_definition("web")
        .send()
        .await
        .unwrap();
    assert_eq!(read.task_definition().unwrap().revision(), 1);
    let mut document = running_document(&stage).await;
    document["futureTopLevel"] = json!({"a": [1, 2.5, {"b": "c"}]});
    document["containerDefinitions"][0]["futureNested"] = json!("kept");
    document["containerDefinitions"][0]["portMappings"][0]["futureDeep"] = json!([true]);
    let wanted = || {
        let mut request = web("1.0.0");
        request.wanted = Wanted::Document(document.clone().try_into().unwrap());
        request
    };
    assert_eq!(
        stage.rollout(wanted()).await.unwrap().outcome,
        Outcome::Completed
    );
    let back = running_document(&stage).await;
    assert_eq!(back["futureTopLevel"], document["futureTopLevel"]);
    assert_eq!(back["containerDefinitions"][0]["futureNested"], "kept");
    assert_eq!(
        back["containerDefinitions"][0]["portMappings"][0]["futureDeep"],
        json!([true])
    );
    assert_eq!(
        stage.rollout(wanted()).await.unwrap().outcome,
        Outcome::Unchanged
    );
}

/// What the service runs, as it would be registered again.
async fn running_document(stage: &Stage) -> serde_json::Value {
    let (_, survey) = ecsdeploy::engine::look(web("1.0.0"), &stage.aws)
        .await
        .unwrap();
    survey.running.definition.to_value()
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_revision_and_no_second_deployment() {
    for lost in ["RegisterTaskDefinition", "UpdateService"] {
        let stage = Stage::example("fargate-web");
        let count = Arc::new(AtomicUsize::new(0));
        let seen = count.clone();
        let flaky = stage.through(move |sandbox, request| {
            let answer = sandbox.lock().answer(&request);
            if operation(&request) == lost && seen.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(ConnectorError::io("connection reset".into()));
            }
            Ok(answer)
        });
        let story = flaky.rollout(web("1.1.0")).await.unwrap();
        assert_eq!(story.outcome, Outcome::Completed, "{lost}");
        assert_eq!(count.load(Ordering::SeqCst), 1, "{lost} is not sent again");
        assert_eq!(stage.revisions("web").await.len(), 2, "{lost}");
    }
}

#[tokio::test]
async fn a_running_rollout_of_ours_is_taken_up_again() {
    let stage = Stage::example("fargate-web");
    let (plan, _) = ecsdeploy::engine::look(web("1.1.0"), &stage.aws)
        .await
        .unwrap();
    assert_eq!(plan.course, Course::Deploy);
    start(&stage, "1.1.0").await;
    let (plan, _) = ecsdeploy::engine::look(web("1.1.0"), &stage.aws)
        .await
        .unwrap();
    assert_eq!(plan.course, Course::Follow);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(stage.calls("UpdateService"), 1);
}

#[tokio::test]
async fn somebody_elses_running_rollout_is_refused_unless_superseded() {
    let stage = Stage::example("fargate-web");
    start(&stage, "1.1.0").await;
    let mut request = web("1.0.0");
    let error = stage.rollout(request.clone()).await.err().expect("refused");
    assert!(matches!(error, SurveyError::Refused(_)), "{error}");
    request.intent.contest = Contest::Supersede;
    assert_eq!(
        stage.rollout(request).await.unwrap().outcome,
        Outcome::Completed
    );
}

/// Registers and starts a rollout of that image by hand, as a run that died would have.
async fn start(stage: &Stage, tag: &str) {
    let mut first = web(tag);
    first.intent.limits.timeout = Duration::from_secs(0);
    first.intent.on_failure = OnFailure::Leave;
    let story = stage.rollout(first).await.unwrap();
    assert_eq!(cause(&story), "deadline");
}

#[tokio::test]
async fn a_deployment_that_replaces_ours_is_not_success() {
    let stage = Stage::example("fargate-web");
    let updated = AtomicUsize::new(0);
    let contested = stage.through(move |sandbox, request| {
        let mut sandbox = sandbox.lock();
        let describes =
            operation(&request) == "DescribeServices" && updated.load(Ordering::SeqCst) == 1;
        if operation(&request) == "UpdateService" {
            updated.fetch_add(1, Ordering::SeqCst);
        }
        if describes {
            updated.fetch_add(1, Ordering::SeqCst);
            let body = json!({"cluster": "main", "service": "web", "forceNewDeployment": true})
                .to_string();
            let rival = http::Request::builder()
                .method("POST")
                .uri("/")
                .header("content-type", "application/x-amz-json-1.1")
                .header(
                    "x-amz-target",
                    "AmazonEC2ContainerServiceV20141113.UpdateService",
                )
                .body(body.into())
                .unwrap();
            assert_eq!(sandbox.answer(&rival).status(), 200);
        }
        Ok(sandbox.answer(&request))
    });
    let story = contested.rollout(web("1.1.0")).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::Superseded { .. }),
        "{:?}",
        story.outcome
    );
}

#[tokio::test]
async fn a_stopped_deployment_is_not_success() {
    let stage = Stage::example("fargate-web");
    let stops = AtomicUsize::new(0);
    let stopped = stage.through(move |sandbox, request| {
        let answer = sandbox.lock().answer(&request);
        if operation(&request) == "DescribeServices" && stops.fetch_add(1, Ordering::SeqCst) == 3 {
            stop_deployment(&mut sandbox.lock());
        }
        Ok(answer)
    });
    let story = stopped.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(cause(&story), "stopped", "{:?}", story.outcome);
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
}

fn stop_deployment(sandbox: &mut ecsdeploy::sandbox::Sandbox) {
    let mut call = |operation: &str, body: serde_json::Value| -> serde_json::Value {
        let request = http::Request::builder()
            .method("POST")
            .uri("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "x-amz-target",
                format!("AmazonEC2ContainerServiceV20141113.{operation}"),
            )
            .body(body.to_string().into())
            .unwrap();
        serde_json::from_slice(sandbox.answer(&request).body()).unwrap()
    };
    let listed = call(
        "ListServiceDeployments",
        json!({"cluster": "main", "service": "web"}),
    );
    let arn = listed["serviceDeployments"][0]["serviceDeploymentArn"].clone();
    call(
        "StopServiceDeployment",
        json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}),
    );
}

#[tokio::test]
async fn a_forced_deployment_replaces_the_tasks() {
    let stage = Stage::example("fargate-web");
    let mut request = web("1.0.0");
    request.wanted = Wanted::Document(running_document(&stage).await.try_into().unwrap());
    request.pinning = ecsdeploy::engine::Pinning::Keep;
    request.intent.redeploy = Redeploy::Always;
    let story = stage.rollout(request).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(stage.calls("RegisterTaskDefinition"), 0);
    assert_eq!(stage.calls("UpdateService"), 1);
}

#[tokio::test]
async fn a_desired_count_that_is_asked_for_is_reached() {
    let stage = Stage::example("fargate-web");
    let mut request = web("1.0.0");
    request.wanted = Wanted::Document(running_document(&stage).await.try_into().unwrap());
    request.pinning = ecsdeploy::engine::Pinning::Keep;
    request.intent.desired_count = Some(3);
    let story = stage.rollout(request).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    let service = stage
        .ecs()
        .describe_services()
        .cluster("main")
        .services("web")
        .send()
        .await
        .unwrap();
    assert_eq!(service.services()[0].running_count(), 3);
}

#[tokio::test]
async fn missing_services_and_clusters_are_told_apart() {
    let stage = Stage::example("fargate-web");
    let error = stage
        .rollout(with_image("main", "nope", "x:1"))
        .await
        .err()
        .expect("no such service");
    assert!(matches!(error, SurveyError::NoService(_)), "{error}");
    let error = stage
        .rollout(with_image("nope", "web", "x:1"))
        .await
        .err()
        .expect("no such cluster");
    assert!(
        error.to_string().contains("ClusterNotFoundException"),
        "{error}"
    );
}

#[tokio::test]
async fn two_runs_with_one_seed_are_the_same_run() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        let stage = Stage::example("fargate-web");
        stories.push(stage.rollout(web("1.2.0")).await.unwrap().report.entries);
    }
    assert_eq!(stories[0], stories[1]);
}

#[tokio::test]
async fn throttled_calls_are_ridden_out() {
    let stage = Stage::example("fargate-web");
    let n = AtomicUsize::new(0);
    let throttled = stage.through(move |sandbox, request| {
        // In the words of the JSON services, which ELB's are not.
        if is_query(&request) || n.fetch_add(1, Ordering::SeqCst) % 3 != 2 {
            return Ok(sandbox.lock().answer(&request));
        }
        let body = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
        Ok(http::Response::builder()
            .status(400)
            .header("content-type", "application/x-amz-json-1.1")
            .body(body.into())
            .unwrap())
    });
    let story = throttled.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert!(!matches!(
        story.outcome,
        Outcome::Stranded {
            cause: Cause::Blind { .. }
        }
    ));
}
