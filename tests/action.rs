//! action.yml, run: its steps in bash as GitHub's runner starts them, against the sandbox.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[path = "action/runner.rs"]
mod runner;
#[path = "action/served.rs"]
mod served;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use runner::{Ended, Runner, action, root};
use served::Served;

/// A second is ten virtual minutes: one pause between two looks outlasts a deployment.
const FAST: u32 = 600;

const IMAGE: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

/// What `aws ecs describe-task-definition` gives, as people keep it in their repositories.
const DEFINITION: &str = r#"{
  "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024",
  "revision": 1, "status": "ACTIVE",
  "executionRoleArn": "arn:aws:iam::123456789012:role/web-execution",
  "containerDefinitions": [{
    "name": "web", "image": "replaced", "portMappings": [{ "containerPort": 3000 }],
    "environment": [{ "name": "LOG_LEVEL", "value": "info" }], "bornTomorrow": [1]
  }]
}"#;

impl Ended {
    fn check(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.log);
        for sentence in says {
            assert!(
                self.log.contains(sentence),
                "not said: {sentence}\n{}",
                self.log
            );
        }
    }
}

/// The example's folder, played in virtual time.
fn example() -> Runner {
    let file =
        |name: &str| fs::read_to_string(root().join("examples/fargate-web").join(name)).unwrap();
    let names = ["ecsdeploy.yml", "sandbox.yml", "service.json.hbs"];
    let texts = names.map(file);
    let files: Vec<(&str, &str)> = names
        .into_iter()
        .zip(texts.iter().map(String::as_str))
        .collect();
    Runner::new(&files)
}

#[test]
fn a_workflow_of_the_two_aws_actions_deploys_by_changing_its_uses_lines() {
    let served = Served::example("fargate-web", FAST);
    let runner = Runner::new(&[("td.json", DEFINITION)]).with(served.environment.clone());
    let image = format!("{IMAGE}:1.1.0");
    let rendered = runner.run(&[
        ("task-definition", "td.json"),
        ("container-name", "web"),
        ("image", &image),
        (
            "environment-variables",
            "LOG_LEVEL=debug\nMOTD=it's $(touch pwned)\n",
        ),
        (
            "secrets",
            "TOKEN=arn:aws:ssm:eu-central-1:123456789012:parameter/web/token",
        ),
    ]);
    rendered.check(0, &["$ ecsdeploy render --task-definition=td.json"]);
    let file = rendered.outputs["task-definition"].clone();
    assert!(
        file.starts_with(
            runner
                .home
                .path()
                .join("temp")
                .canonicalize()
                .unwrap()
                .to_str()
                .unwrap()
        ),
        "{file}"
    );
    let deployed = runner.run(&[
        ("task-definition", &file),
        ("service", "web"),
        ("cluster", "main"),
        ("wait-for-service-stability", "true"),
        ("wait-for-minutes", "60"),
    ]);
    deployed.check(
        0,
        &[
            "$ ecsdeploy rollout --service=web --cluster=main",
            "the new revision serves",
        ],
    );
    let revision = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2";
    assert_eq!(served.service()["taskDefinition"], revision);
    assert_eq!(deployed.outputs["task-definition-arn"], revision);
    assert_eq!(deployed.outputs["outcome"], "completed");
    let text = fs::read_to_string(&file).unwrap();
    for kept in [
        "bornTomorrow",
        "it's $(touch pwned)",
        "parameter/web/token",
        "debug",
    ] {
        assert!(text.contains(kept), "{text}");
    }
    assert!(!runner.work().join("pwned").exists());
}

#[test]
fn a_task_is_run_before_the_rollout_and_its_failure_ends_the_job() {
    let served = Served::example("fargate-web", FAST);
    let runner = Runner::new(&[("td.json", DEFINITION)]).with(served.environment.clone());
    let run = |tag: &str| {
        runner.run(&[
            ("task-definition", "td.json"),
            ("image", &format!("{IMAGE}:{tag}")),
            ("service", "web"),
            ("cluster", "main"),
            ("run-task", "true"),
            ("wait-for-task-stopped", "true"),
        ])
    };
    // The image of 1.2.0 crashes.
    let failed = run("1.2.0");
    failed.check(1, &["error: task ", "exit code 1"]);
    assert!(
        failed.outputs["run-task-arn"].starts_with("[\"arn:aws:ecs:"),
        "{:?}",
        failed.outputs
    );
    assert!(
        !failed.log.contains("$ ecsdeploy rollout"),
        "{}",
        failed.log
    );
    let before = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:1";
    assert_eq!(served.service()["taskDefinition"], before);
}

#[test]
fn a_definition_alone_is_registered_and_told_as_an_output() {
    let served = Served::example("fargate-web", FAST);
    let definition = DEFINITION.replace("replaced", &format!("{IMAGE}:1.1.0"));
    let runner = Runner::new(&[("td.json", &definition)]).with(served.environment.clone());
    for _ in 0..2 {
        let ended = runner.run(&[("task-definition", "td.json")]);
        ended.check(0, &["$ ecsdeploy register"]);
        let revision = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2";
        assert_eq!(ended.outputs["task-definition-arn"], revision);
    }
}

#[test]
fn the_exit_code_of_the_step_is_the_program_s() {
    let runner = example();
    let rollout = |set: &str| {
        runner.run(&[
            ("subcommand", "rollout"),
            ("set", set),
            ("args", "--sandbox"),
        ])
    };
    rollout("image_tag=1.1.0").check(0, &["the new revision serves"]);
    let failed = rollout("image_tag=1.2.0");
    failed.check(4, &["the old revision serves again"]);
    assert_eq!(failed.outputs["outcome"], "rolled_back");
    assert_eq!(failed.outputs["cause"], "tasks_failing");
    let plan = [
        ("subcommand", "plan"),
        ("exit-code", "true"),
        ("args", "--sandbox"),
    ];
    runner.run(&plan).check(3, &["1.1.0"]);
    runner
        .run(&[("subcommand", "rollout"), ("canary", "many")])
        .check(2, &["--canary"]);
    runner.run(&[]).check(0, &["ecsdeploy is installed"]);
}

#[test]
fn inputs_are_never_run_whatever_they_hold() {
    let runner = example();
    for hostile in [
        "$(touch pwned)",
        "`touch pwned`",
        "\"; touch pwned; \"",
        "' && touch pwned '",
        "\ntouch pwned\n",
    ] {
        let ended = runner.run(&[
            ("subcommand", "render"),
            ("service", hostile),
            ("image", hostile),
            ("environment-variables", hostile),
            ("command", hostile),
        ]);
        assert_ne!(ended.code, Some(127), "{}", ended.log);
        assert!(!runner.work().join("pwned").exists(), "{hostile} was run");
    }
}

#[test]
fn a_file_that_leads_out_of_the_checkout_is_refused() {
    let runner = example();
    let outside = runner.home.path().join("secret.json");
    fs::write(&outside, DEFINITION).unwrap();
    symlink(&outside, runner.work().join("link.json")).unwrap();
    symlink(runner.home.path(), runner.work().join("up")).unwrap();
    let refused = |name: &str, file: &str, says: &str| {
        let ended = runner.run(&[("subcommand", "render"), (name, file)]);
        ended.check(2, &[says, "--within"]);
        assert!(!ended.log.contains("bornTomorrow"), "{}", ended.log);
    };
    refused("task-definition", "link.json", "leads to");
    refused("task-definition", "up/secret.json", "leads to");
    refused("task-definition", "../secret.json", "is not within");
    refused(
        "task-definition",
        outside.to_str().unwrap(),
        "is not within",
    );
    refused("values", "../secret.json", "is not within");
    refused("config", "up/secret.json", "leads to");
    // What a configuration names is held to the same.
    let config = "cluster: main\nservices:\n  web:\n    task_definition: link.json\n";
    fs::write(runner.work().join("ecsdeploy.yml"), config).unwrap();
    refused("cpu", "512", "leads to");
    let config = "cluster: main\njournal: file:../records\nservices:\n  web:\n    task_definition: td.json\n";
    fs::write(runner.work().join("ecsdeploy.yml"), config).unwrap();
    refused("cpu", "512", "is not within");
}

#[test]
fn secrets_among_the_inputs_are_not_in_the_log() {
    let runner = example();
    let pairs = "DB_PASSWORD=canary-0451 with blanks\nAPI_TOKEN=canary-0452";
    let run = |subcommand: &str, more: &str| {
        runner.run(&[
            ("subcommand", subcommand),
            ("environment-variables", &format!("{pairs}{more}")),
            ("args", "--sandbox"),
        ])
    };
    let hidden = |log: &str| {
        // What a mask hides is told to the runner, which shows no such line.
        let mut shown = log.lines().filter(|line| !line.starts_with("::add-mask::"));
        !shown.any(|line| line.contains("canary-045") || line.contains("with blanks"))
    };
    for subcommand in ["rollout", "plan", "diff"] {
        let ended = run(subcommand, "\nNOT A PAIR canary");
        ended.check(2, &["is not of the form NAME=VALUE"]);
        assert!(hidden(&ended.log), "{}", ended.log);
        let ended = run(subcommand, "");
        ended.check(0, &["$ ecsdeploy ", "DB_PASSWORD"]);
        assert!(hidden(&ended.log), "{}", ended.log);
    }
}

#[test]
fn a_cancelled_job_s_signal_reaches_the_program() {
    let served = Served::example("fargate-web", 1);
    let runner = Runner::new(&[]).with(served.environment.clone());
    let image = format!("{IMAGE}:1.1.0");
    let mut child = runner.start_last(&[
        ("subcommand", "rollout"),
        ("service", "web"),
        ("cluster", "main"),
        ("image", &image),
    ]);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("deploying")));
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(6), "{rest:#?}");
}

/// A release on disk, and a `gh` that downloads from there; `attests` is its verdict.
fn release(version: &str, attests: bool) -> Runner {
    let runner = Runner::new(&[]);
    let release = runner.home.path().join("release");
    fs::create_dir(&release).unwrap();
    fs::write(
        release.join("ecsdeploy"),
        "#!/bin/sh\necho \"ecsdeploy from a release: $*\"\n",
    )
    .unwrap();
    fs::set_permissions(release.join("ecsdeploy"), fs::Permissions::from_mode(0o755)).unwrap();
    let pack = "tar -czf ecsdeploy-x86_64-unknown-linux-musl.tar.gz ecsdeploy && sha256sum *.tar.gz >SHA256SUMS";
    let packed = Command::new("sh")
        .args(["-c", pack])
        .current_dir(&release)
        .status();
    assert!(packed.unwrap().success());
    let verdict = i32::from(!attests);
    let gh = format!(
        "#!/bin/sh\necho \"gh $*\" >>\"$HOME/calls\"\ncase \"$1 $*\" in\n\
         *--help*) exit 0 ;;\n\
         release*v{version}*) cp \"$HOME/release/$7\" \"$9\" ;;\n\
         attestation*) exit {verdict} ;;\n\
         *) exit 1 ;;\nesac\n"
    );
    let file = runner.home.path().join("bin/gh");
    fs::write(&file, gh).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    runner
}

fn calls(runner: &Runner) -> String {
    fs::read_to_string(runner.home.path().join("calls")).unwrap_or_default()
}

#[test]
fn a_release_is_installed_once_by_its_sum_and_attestation() {
    let runner = release("1.2.3", true);
    let inputs = [("version", "1.2.3"), ("token", "t")];
    runner.steps(&inputs).check(
        0,
        &[
            "ecsdeploy from a release: --version",
            "ecsdeploy from a release: action",
        ],
    );
    let first = calls(&runner);
    assert!(first.contains("attestation verify"), "{first}");
    assert!(
        first.contains("--signer-workflow owner/ecsdeploy/.github/workflows/release.yml"),
        "{first}"
    );
    let again = runner.steps(&inputs);
    again.check(0, &["ecsdeploy 1.2.3 is in the tool cache"]);
    assert_eq!(calls(&runner), first, "nothing is downloaded again");
    let cached = runner
        .home
        .path()
        .join("tools/ecsdeploy/1.2.3/x86_64-unknown-linux-musl/ecsdeploy");
    fs::write(&cached, "#!/bin/sh\necho tampered\n").unwrap();
    let mended = runner.steps(&inputs);
    mended.check(0, &["ecsdeploy from a release: action"]);
    assert!(!mended.log.contains("tampered"), "{}", mended.log);
    assert!(again.outputs["binary"].ends_with("/ecsdeploy"));
}

#[test]
fn a_release_with_another_sum_or_no_attestation_is_not_used() {
    let refused = |runner: &Runner, says: &str| {
        let ended = runner.steps(&[("version", "v1.2.3"), ("token", "t")]);
        ended.check(1, &["::error title=ecsdeploy::", says]);
        assert!(!ended.log.contains("from a release"), "{}", ended.log);
    };
    refused(&release("1.2.3", false), "has no attestation");
    let runner = release("1.2.3", true);
    let sums = runner.home.path().join("release/SHA256SUMS");
    let other = fs::read_to_string(&sums)
        .unwrap()
        .replace(['0', '1', '2', '3'], "4");
    fs::write(&sums, other).unwrap();
    refused(&runner, "does not have the SHA-256");
    fs::write(&sums, "").unwrap();
    refused(&runner, "does not name");
}

#[test]
fn a_version_or_a_runner_that_cannot_be_is_refused() {
    let runner = release("1.2.3", true);
    let version = |text: &str, says: &str| runner.steps(&[("version", text)]).check(1, &[says]);
    version("latest", "latest is no version");
    version("1.2.3/../../x", "is no version");
    version("1\n::add-path::x", "1%0A::add-path::x is no version");
    let runner = runner.with([("RUNNER_ARCH".to_owned(), "X86".to_owned())]);
    runner
        .steps(&[("version", "1.2.3")])
        .check(1, &["there is no release for Linux on X86"]);
    runner
        .steps(&[("binary", "not-there")])
        .check(1, &["there is no program not-there"]);
}

#[test]
fn without_a_version_the_release_is_the_action_s_own() {
    let runner = release(env!("CARGO_PKG_VERSION"), true);
    runner
        .steps(&[("token", "t")])
        .check(0, &["ecsdeploy from a release: action"]);
}

#[test]
fn no_step_has_an_expression_in_its_script() {
    for step in action()["runs"]["steps"].as_array().unwrap() {
        assert!(!step["run"].as_str().unwrap().contains("${{"), "{step:#}");
        assert_eq!(step["shell"], "bash");
    }
    assert_eq!(action()["runs"]["using"], "composite");
}
