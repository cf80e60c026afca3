//! What is given to begin with: starter task definitions that render and raise no finding, workflows and a GitLab component
//! that run as they are.
//!
//! Tools by others are installed by `.ci/run` under `target/third-party`; without them their tests say that they were
//! skipped, and with `ECSDEPLOY_THIRD_PARTY=required` they fail.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[path = "action/runner.rs"]
#[expect(dead_code, reason = "only its root is needed here")]
mod runner;
#[path = "action/served.rs"]
mod served;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use ecsdeploy::core::taskdef::{Launch, TaskDefinition, lint};
use runner::{action, root};
use served::Served;

/// A tool by others, unless it is missing and need not be there.
fn tool(path: &str) -> Option<PathBuf> {
    let tool = root().join("target/third-party").join(path);
    if tool.exists() {
        return Some(tool);
    }
    let is_required = std::env::var("ECSDEPLOY_THIRD_PARTY").is_ok_and(|it| it == "required");
    assert!(!is_required, "{} is missing", tool.display());
    let test = std::thread::current();
    let name = test.name().unwrap_or("a test");
    // Past the capture of a passing test's output.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {name}: {path} is installed by .ci/run"
    );
    None
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The starter `name` renders with these values, and the lint has nothing to say of it.
fn check(name: &str, launch: Launch, values: &[&str]) {
    let file = root().join("templates/taskdefs").join(name);
    let mut command = Command::new(cargo_bin!("ecsdeploy"));
    command
        .args([
            "render",
            "--cluster",
            "main",
            "--service",
            "web",
            "--image",
            "r.example/web:1.0.0",
        ])
        .args(["--set", "region=eu-central-1"])
        .arg("--task-definition")
        .arg(&file)
        .args([
            "--execution-role",
            "arn:aws:iam::123456789012:role/web-execution",
        ])
        .args(["--task-role", "arn:aws:iam::123456789012:role/web-task"])
        .current_dir(std::env::temp_dir());
    for value in values {
        command.args(["--set", value]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{name}: {}", said(&output));
    let document = serde_json::from_slice(&output.stdout).unwrap();
    let definition = TaskDefinition::from_value(document).unwrap();
    assert_eq!(lint(&definition, launch), [], "{name}");
}

#[test]
fn each_starter_task_definition_renders_and_raises_no_finding() {
    let parameter =
        "database_url_parameter=arn:aws:ssm:eu-central-1:123456789012:parameter/web/database-url";
    check("fargate-web.json.hbs", Launch::Fargate, &[parameter]);
    check(
        "fargate-worker.json.hbs",
        Launch::Fargate,
        &["queue_url=https://sqs.eu-central-1.amazonaws.com/1/q"],
    );
    check("fargate-firelens.json.hbs", Launch::Fargate, &[]);
    check("ec2-web.json.hbs", Launch::Ec2, &[]);
    assert_eq!(
        fs::read_dir(root().join("templates/taskdefs"))
            .unwrap()
            .count(),
        4
    );
}

fn workflows() -> Vec<PathBuf> {
    let of = |folder: &str| {
        let files = fs::read_dir(root().join(folder)).unwrap();
        files.map(|it| it.unwrap().path()).collect::<Vec<_>>()
    };
    let mut all = of(".github/workflows");
    all.extend(of("templates/github"));
    all
}

#[test]
fn actionlint_finds_nothing_in_any_workflow() {
    let Some(actionlint) = tool("bin/actionlint") else {
        return;
    };
    let lint = |files: &[PathBuf]| {
        Command::new(&actionlint)
            .args(files)
            .current_dir(root())
            .output()
    };
    let output = lint(&workflows()).unwrap();
    assert!(output.status.success(), "{}", said(&output));
    // A judge that finds nothing must be shown to be awake, for our own action too.
    let planted = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted.yml");
    let workflow = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: ./\n        with: { servce: web }\n";
    fs::write(&planted, workflow).unwrap();
    let output = lint(&[planted]).unwrap();
    assert!(said(&output).contains("servce"), "{}", said(&output));
}

#[test]
fn shellcheck_finds_nothing_in_any_script() {
    let Some(shellcheck) = tool("bin/shellcheck") else {
        return;
    };
    let scripts = [
        ".ci/run",
        ".github/action/install.sh",
        ".github/release/build.sh",
    ];
    let output = Command::new(shellcheck)
        .args(scripts)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn each_action_is_pinned_by_a_commit_and_no_checkout_keeps_its_token() {
    for file in workflows() {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.display();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let line = line.trim_start().trim_start_matches("- ");
            let Some(uses) = line.strip_prefix("uses: ") else {
                continue;
            };
            let (action, rest) = uses.split_once('@').unwrap_or((uses, ""));
            let commit = rest.split(' ').next().unwrap_or_default();
            let pinned = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            let ours = matches!(action, "./" | "OWNER/ecsdeploy");
            assert!(pinned || ours, "{name}: {uses} is not pinned");
            assert!(
                ours || rest.contains(" # v"),
                "{name}: {uses} does not say its version"
            );
            if action == "actions/checkout" {
                let with: Vec<&str> = lines.by_ref().take(2).collect();
                assert!(
                    with[1].contains("persist-credentials: false"),
                    "{name}: {uses}"
                );
            }
        }
        assert!(
            text.contains("\npermissions:"),
            "{name} does not limit its token"
        );
    }
}

#[test]
fn the_workflow_template_gives_the_action_only_inputs_that_it_has() {
    let workflow = fs::read_to_string(root().join("templates/github/ecsdeploy.yml")).unwrap();
    let workflow: serde_json::Value = serde_saphyr::from_str(&workflow).unwrap();
    let declared = action()["inputs"].clone();
    let mut given = BTreeSet::new();
    for job in workflow["jobs"].as_object().unwrap().values() {
        for step in job["steps"].as_array().unwrap() {
            let uses = step["uses"].as_str().unwrap_or_default();
            if uses.starts_with("OWNER/ecsdeploy@") {
                given.extend(step["with"].as_object().unwrap().keys().cloned());
            }
        }
    }
    assert!(!given.is_empty());
    for name in given {
        assert!(
            declared.get(&name).is_some(),
            "action.yml has no input {name}"
        );
    }
}

/// A repository with the example, which includes the component, and a run of one of its jobs.
fn gitlab(job: &str, inputs: &str, variables: &[&str]) -> Option<Output> {
    let gitlab = tool("npm/node_modules/.bin/gitlab-ci-local")?;
    let served = Served::example("fargate-web", 600);
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &Path, to: &str| {
        let to = folder.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    for name in ["ecsdeploy.yml", "service.json.hbs"] {
        copy(&root().join("examples/fargate-web").join(name), name);
    }
    copy(
        &root().join("templates/ecsdeploy/template.yml"),
        "templates/ecsdeploy/template.yml",
    );
    let binary = cargo_bin!("ecsdeploy").display().to_string();
    let include = format!(
        "include:\n  - local: templates/ecsdeploy/template.yml\n    inputs:\n      binary: {binary}\n{inputs}"
    );
    fs::write(folder.path().join(".gitlab-ci.yml"), include).unwrap();
    let script = "git init --quiet --initial-branch=main . && git add . && \
        git -c user.name=a -c user.email=a@example commit --quiet -m x && \
        git remote add origin https://gitlab.example/group/web.git";
    let made = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .status();
    assert!(made.unwrap().success());
    let mut run = Command::new(gitlab);
    run.args(["--force-shell-executor", job]);
    for variable in variables {
        run.args(["--variable", variable]);
    }
    let path = std::env::var("PATH").unwrap();
    run.current_dir(folder.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder.path())
        .envs(served.environment.clone());
    let output = run.output().unwrap();
    let before = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:1";
    let is_changed = served.service()["taskDefinition"] != before;
    assert_eq!(
        is_changed,
        job == "rollout" && output.status.success(),
        "{}",
        said(&output)
    );
    Some(output)
}

#[test]
fn the_gitlab_component_rolls_out_what_is_merged() {
    let inputs = "      values: image_tag=1.1.0\n      environment: production\n";
    let Some(output) = gitlab("rollout", inputs, &[]) else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("the new revision serves"),
        "{}",
        said(&output)
    );
}

#[test]
fn the_gitlab_component_plans_what_a_merge_request_would_change() {
    let inputs = "      values: image_tag=1.1.0\n";
    let variables = ["CI_PIPELINE_SOURCE=merge_request_event"];
    let Some(output) = gitlab("plan", inputs, &variables) else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("web:1.1.0"), "{}", said(&output));
}
