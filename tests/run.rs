//! One task on its own: made once whatever is lost, followed to its end, judged by its exit codes.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "rollouts have no part in it")]
mod common;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use aws_smithy_runtime_api::client::result::ConnectorError;
use common::{Stage, Tape, operation};
use ecsdeploy::core::errand::{Errand, placement};
use ecsdeploy::core::id::{Cluster, TaskDefinitionArn};
use ecsdeploy::core::live::Service;
use ecsdeploy::engine::{ErrandRan, Patience, run_errand};
use serde_json::{Map, json};

const IMAGE: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

/// `ecsdeploy run` in the example's folder, whose release 1.2.0 ends with this exit code after 20 s, with these words.
fn check(code_of_release: u8, line: &[&str], exit: i32, says: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fargate-web");
    let world = fs::read_to_string(example.join("sandbox.yml")).unwrap();
    let world = world.replace(
        "exitCode: 1",
        &format!("exitCode: {code_of_release}, logs: [migrating, 'no table users']"),
    );
    fs::write(folder.path().join("sandbox.yml"), world).unwrap();
    for name in ["ecsdeploy.yml", "service.json.hbs"] {
        fs::copy(example.join(name), folder.path().join(name)).unwrap();
    }
    let mut command = std::process::Command::new(cargo_bin!("ecsdeploy"));
    command
        .env_clear()
        .current_dir(folder.path())
        .args(["run", "--sandbox"])
        .args(line);
    let output = assert_cmd::Command::from_std(command)
        .timeout(Duration::from_mins(1))
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let told = format!(
        "{line:?}\n{stdout}\n{}",
        String::from_utf8(output.stderr).unwrap()
    );
    assert_eq!(output.status.code(), Some(exit), "{told}");
    for sentence in says {
        assert!(told.contains(sentence), "not said: {sentence}\n{told}");
    }
    stdout
}

#[test]
fn a_task_that_ends_with_0_is_a_success_and_its_arn_the_data() {
    let release = ["--set", "image_tag=1.2.0"];
    let stdout = check(0, &release, 0, &["started", "running"]);
    assert!(
        stdout.starts_with("arn:aws:ecs:eu-central-1:123456789012:task/main/"),
        "{stdout}"
    );
    let mut json = release.to_vec();
    json.extend(["--output", "json", "--", "migrate", "--to", "7"]);
    let stdout = check(0, &json, 0, &[]);
    assert!(stdout.contains("task-definition/web:2\"}"), "{stdout}");
}

#[test]
fn a_task_that_ends_with_another_code_fails_with_its_reason() {
    let says = [
        "  web            migrating",
        "  web            no table users",
        "error: task ",
        "container web: exit code 3",
        "Essential container in task exited",
    ];
    check(3, &["--set", "image_tag=1.2.0"], 1, &says);
}

#[test]
fn a_task_that_does_not_end_is_given_up_or_not_waited_for() {
    let running = ["--set", "image_tag=1.1.0", "--timeout", "2m"];
    check(1, &running, 1, &["did not end in time, and still runs"]);
    check(1, &["--no-wait"], 0, &["started"]);
}

#[test]
fn an_image_that_cannot_be_pulled_says_so() {
    let image = format!("{IMAGE}:9.9.9");
    check(1, &["--image", &image], 1, &["ECR has none of that name"]);
    check(
        1,
        &["--image", &image, "--keep-tags"],
        1,
        &["CannotPullContainer"],
    );
}

#[test]
fn without_a_service_the_network_is_named() {
    let line = |more: &[&'static str]| {
        let mut line = vec!["other", "--cluster", "main", "--revision", "web"];
        line.extend(more);
        line
    };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("other")).unwrap();
    // A folder without ecsdeploy.yml names no service.
    let run = |more: &[&'static str], exit: i32, says: &str| {
        let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fargate-web/sandbox.yml");
        fs::copy(world, folder.path().join("other/sandbox.yml")).unwrap();
        let mut command = std::process::Command::new(cargo_bin!("ecsdeploy"));
        command
            .env_clear()
            .current_dir(folder.path())
            .args(["run", "--sandbox", "--no-wait"])
            .args(line(more));
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{told}");
        assert!(told.contains(says), "{told}");
    };
    run(
        &["--subnet", "subnet-0a1b2c3d4e5f60001", "--public-ip"],
        0,
        "started",
    );
    run(&[], 1, "RunTask");
    run(
        &["--subnet", "subnet-0a1b2c3d4e5f60001", "--members", "[]"],
        2,
        "a JSON object is allowed",
    );
}

#[tokio::test]
async fn a_task_is_made_once_though_every_answer_is_lost_for_a_while() {
    let stage = Stage::example("fargate-web");
    let (lost, tape) = (AtomicU32::new(0), Tape::default());
    let seen = tape.clone();
    let lossy = stage.through(move |sandbox, request| {
        seen.record(&request);
        let answer = sandbox.carry(&request);
        if operation(&request) == "RunTask" && lost.fetch_add(1, Ordering::Relaxed) < 7 {
            return Err(ConnectorError::io("the answer was lost".into()));
        }
        answer
    });
    let described = stage
        .ecs()
        .describe_services()
        .cluster("main")
        .services("web")
        .send()
        .await
        .unwrap();
    let definition = described.services()[0].task_definition().unwrap();
    let network = json!({"networkConfiguration": {"awsvpcConfiguration": {
        "subnets": ["subnet-0a1b2c3d4e5f60001"], "securityGroups": ["sg-0a1b2c3d4e5f60000"]
    }}, "launchType": "FARGATE"});
    let errand = Errand {
        cluster: Cluster::from("main"),
        task_definition: TaskDefinitionArn::new(definition),
        token: "once".to_owned(),
        members: placement(&Service::new(network)),
        containers: Vec::new(),
    };
    let ran = run_errand(
        &errand,
        Patience::Started,
        &lossy.aws,
        &lossy.clock,
        |_, _| {},
    )
    .await;
    assert_eq!(ran, Ok(ErrandRan::Started));
    let bodies = tape.bodies("RunTask");
    assert!(bodies.len() > 7, "{}", bodies.len());
    assert!(bodies.iter().all(|body| body["clientToken"] == "once"));
    let tasks = stage
        .ecs()
        .list_tasks()
        .cluster("main")
        .started_by("ecsdeploy")
        .send()
        .await
        .unwrap();
    assert_eq!(tasks.task_arns().len(), 1);
    assert_eq!(Map::new(), placement(&Service::new(json!({}))));
}
