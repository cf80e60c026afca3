//! A service whose members a file manages: they change along with the revision, go back with it, and then nothing differs.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(
    dead_code,
    reason = "each test uses the part of the stage that it needs"
)]
mod common;

use common::{Stage, with_image};
use ecsdeploy::core::plan::{Course, Plan, Refusal};
use ecsdeploy::core::report::Outcome;
use ecsdeploy::core::rollout::{Facet, Watch};
use ecsdeploy::core::service::Intent;
use ecsdeploy::core::service_document::ServiceDocument;
use ecsdeploy::engine::{Pinning, Request, compare};
use ecsdeploy::ports::Cloud as _;
use serde_json::{Value, json};

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn managed(request: Request, document: Value) -> Request {
    Request {
        intent: Intent {
            managed: Some(ServiceDocument::read(document).unwrap()),
            ..request.intent
        },
        ..request
    }
}

fn web(tag: &str, document: Value) -> Request {
    managed(with_image("main", "web", &format!("{WEB}:{tag}")), document)
}

async fn planned(stage: &Stage, request: &Request) -> Result<Plan, Refusal> {
    let Request {
        target,
        wanted,
        pinning,
        intent,
    } = request.clone();
    let (wanted, survey) = compare(&target, wanted, pinning, &stage.aws).await.unwrap();
    Plan::make(target, wanted, intent, &survey)
}

async fn live(stage: &Stage) -> Value {
    let target = with_image("main", "web", WEB).target;
    let seen = stage
        .aws
        .observe(&Watch::from([Facet::Service(target)]))
        .await;
    seen.service.is().unwrap().as_value().clone()
}

fn settings() -> Value {
    json!({
        "deploymentConfiguration": {"maximumPercent": 150},
        "healthCheckGracePeriodSeconds": 20,
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d4e5f60001"]}},
    })
}

#[tokio::test]
async fn settings_change_with_the_revision_and_then_nothing_differs() {
    let stage = Stage::example("fargate-web");
    let request = web("1.1.0", settings());
    let story = stage.rollout(request.clone()).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(stage.calls("UpdateService"), 1);
    let service = live(&stage).await;
    assert_eq!(service["healthCheckGracePeriodSeconds"], 20);
    let configuration = &service["deploymentConfiguration"];
    assert_eq!(configuration["maximumPercent"], 150);
    // What the file does not name stays.
    assert_eq!(configuration["deploymentCircuitBreaker"]["enable"], true);
    let network = &service["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(network["securityGroups"], json!(["sg-0a1b2c3d4e5f60000"]));
    assert_eq!(network["subnets"], json!(["subnet-0a1b2c3d4e5f60001"]));
    let again = planned(&stage, &request).await.unwrap();
    assert_eq!(again.course, Course::Nothing);
    assert_eq!(
        stage.rollout(request).await.unwrap().outcome,
        Outcome::Unchanged
    );
    assert_eq!(stage.calls("UpdateService"), 1);
}

#[tokio::test]
async fn settings_alone_make_no_revision() {
    let stage = Stage::example("fargate-web");
    let grace = json!({"healthCheckGracePeriodSeconds": 20});
    for document in [grace, settings()] {
        let request = Request {
            pinning: Pinning::Keep,
            ..web("1.0.0", document)
        };
        let story = stage.rollout(request.clone()).await.unwrap();
        assert_eq!(story.outcome, Outcome::Completed);
        assert_eq!(
            planned(&stage, &request).await.unwrap().course,
            Course::Nothing
        );
    }
    assert_eq!(stage.calls("RegisterTaskDefinition"), 0);
}

#[tokio::test]
async fn a_bad_release_takes_its_settings_back_with_it() {
    let stage = Stage::example("fargate-web");
    let before = live(&stage).await;
    let story = stage.rollout(web("1.2.0", settings())).await.unwrap();
    assert!(
        matches!(story.outcome, Outcome::RolledBack { .. }),
        "{:?}",
        story.outcome
    );
    let after = live(&stage).await;
    for member in [
        "deploymentConfiguration",
        "healthCheckGracePeriodSeconds",
        "networkConfiguration",
        "taskDefinition",
    ] {
        assert_eq!(after[member], before[member], "{member}");
    }
}

#[tokio::test]
async fn a_shift_that_goes_back_leaves_settings_as_they_were_and_no_pause() {
    let configuration = json!({"deploymentConfiguration": {"bakeTimeInMinutes": 7}});
    for (document, updates) in [(configuration, 2), (settings(), 2)] {
        let stage = Stage::example("fargate-canary-shift");
        let before = live(&stage).await;
        let story = stage.rollout(web("1.2.0", document)).await.unwrap();
        assert!(
            matches!(story.outcome, Outcome::RolledBack { .. }),
            "{:?}",
            story.outcome
        );
        let after = live(&stage).await;
        let hooks = &after["deploymentConfiguration"]["lifecycleHooks"];
        assert!(hooks.as_array().is_none_or(Vec::is_empty), "{hooks}");
        for (member, value) in before["deploymentConfiguration"].as_object().unwrap() {
            assert_eq!(after["deploymentConfiguration"][member], *value, "{member}");
        }
        for member in [
            "healthCheckGracePeriodSeconds",
            "networkConfiguration",
            "taskDefinition",
        ] {
            assert_eq!(after[member], before[member], "{member}");
        }
        assert_eq!(after["deployments"].as_array().unwrap().len(), 1);
        assert_eq!(after["deployments"][0]["rolloutState"], "COMPLETED");
        assert_eq!(stage.calls("UpdateService"), updates);
    }
}

#[tokio::test]
async fn a_service_of_another_controller_is_refused() {
    let stage = Stage::example("external-task-sets");
    let request = web("1.1.0", json!({"healthCheckGracePeriodSeconds": 20}));
    let refused = planned(&stage, &request).await.unwrap_err();
    assert!(matches!(refused, Refusal::Unmanageable { .. }), "{refused}");
}
