//! No false difference: what was registered or rolled out is what is wanted, whatever ECS filled in.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(
    dead_code,
    reason = "each test uses the part of the stage that it needs"
)]
mod common;

use std::path::{Path, PathBuf};

use common::{Stage, with_image};
use ecsdeploy::core::comparison::Comparison;
use ecsdeploy::core::redact::Redactor;
use ecsdeploy::core::report::Outcome;
use ecsdeploy::core::rollout::{Action, Facet, Receipt, Seen, Watch};
use ecsdeploy::core::taskdef::{Launch, Severity, TaskDefinition, lint};
use ecsdeploy::engine::compare;
use ecsdeploy::ports::Cloud as _;
use serde_json::Value;

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

/// Task definitions in the shapes that people run: sidecars, volumes, Windows, GPUs, meshes.
fn collected() -> Vec<(String, TaskDefinition)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/taskdefs");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |file: PathBuf| {
        let document: Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        (name, TaskDefinition::from_value(document).unwrap())
    };
    files.into_iter().map(read).collect()
}

fn changes(running: &TaskDefinition, wanted: &TaskDefinition) -> Vec<String> {
    let comparison = Comparison::of(running, wanted, &Redactor::default());
    let changes = comparison.changes();
    changes.iter().map(ecsdeploy::text::diff::line).collect()
}

#[tokio::test]
async fn what_is_registered_is_what_is_read_back() {
    let stage = Stage::example("fargate-web");
    let all = collected();
    assert!(all.len() >= 30, "only {} task definitions", all.len());
    let mut false_changes = Vec::new();
    for (name, wanted) in all {
        let errors: Vec<_> = lint(&wanted, Launch::Unknown)
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let action = Action::RegisterTaskDefinition(wanted.clone());
        let arn = match stage.aws.perform(&action).await {
            Ok(Receipt::Registered(arn)) => arn,
            other => panic!("{name}: {other:?}"),
        };
        let watch = Watch::from([Facet::TaskDefinition(arn.to_string())]);
        let mut seen = stage.aws.observe(&watch).await;
        let Some(Seen::Is(described)) = seen.task_definitions.remove(arn.as_str()) else {
            panic!("{name}: the revision cannot be read back");
        };
        let changes = changes(&described.definition, &wanted);
        false_changes.extend(
            changes
                .into_iter()
                .map(|change| format!("{name}: {change}")),
        );
    }
    assert!(false_changes.is_empty(), "{false_changes:#?}");
}

#[tokio::test]
async fn nothing_differs_after_a_rollout_of_the_same_input() {
    let cases = [
        (
            "fargate-web",
            with_image("main", "web", &format!("{WEB}:1.1.0")),
        ),
        ("ec2-bridge-nginx", with_image("ec2", "nginx", "nginx:1.29")),
    ];
    for (example, request) in cases {
        let stage = Stage::example(example);
        let look = async || {
            let request = request.clone();
            let (wanted, survey) =
                compare(&request.target, request.wanted, request.pinning, &stage.aws)
                    .await
                    .unwrap();
            changes(&survey.running.definition, &wanted)
        };
        assert_eq!(look().await.len(), 1, "{example}: the image changes");
        let story = stage.rollout(request.clone()).await.unwrap();
        assert_eq!(story.outcome, Outcome::Completed, "{example}");
        assert_eq!(look().await, Vec::<String>::new(), "{example}");
    }
}
