//! No secret leaves the program, whatever it is asked and whatever goes wrong; `render` alone prints the user's own
//! document as it is.
//!
//! Canaries stand where secrets stand: in values, in the template, in the running task definition, in arguments and in
//! the environment. Every reporter and every error path is run, and nothing that it printed or wrote may hold one.

#[path = "common/double.rs"]
mod double;
#[expect(dead_code, reason = "the double does more than is asked here")]
#[path = "common/github.rs"]
mod github;

use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

const CANARIES: [&str; 6] = [
    "canary-old-0451",
    "canary-new-0451",
    "canary-url-0451",
    "canary-arg-0451",
    "canary-env-0451",
    "canary-bad-0451",
];

const TEMPLATE: &str = r#"{
  "family": "web",
  "networkMode": "awsvpc",
  "requiresCompatibilities": ["FARGATE"],
  "cpu": "512",
  "memory": "1024",
  "executionRoleArn": "arn:aws:iam::123456789012:role/web-execution",
  "taskRoleArn": "arn:aws:iam::123456789012:role/web-task",
  "containerDefinitions": [
    {
      "name": "web",
      "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{{image_tag}}",
      "portMappings": [{ "containerPort": 3000, "protocol": "tcp" }],
      "command": ["serve", "--api-token", "{{api_token}}"],
      "environment": [
        { "name": "DB_PASSWORD", "value": "{{db_password}}" },
        { "name": "DATABASE_URL", "value": "postgres://app:canary-url-0451@db/app" }
      ]
    }
  ]
}
"#;

const CONFIG: &str = "region: eu-central-1
cluster: main
services:
  web:
    task_definition: service.json.hbs
    values:
      image_tag: 1.1.0
      api_token: canary-arg-0451
      db_password: canary-new-0451
";

/// The example's world, whose running task definition has a secret too.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fargate-web/sandbox.yml");
    let world = fs::read_to_string(example).expect("the example is there");
    let secret = "          - { name: DB_PASSWORD, value: canary-old-0451 }\n";
    let world = world.replacen(
        "        environment:\n",
        &format!("        environment:\n{secret}"),
        1,
    );
    assert!(
        world.contains("canary"),
        "the example's world has an environment"
    );
    for (file, text) in [
        ("sandbox.yml", world.as_str()),
        ("ecsdeploy.yml", CONFIG),
        ("service.json.hbs", TEMPLATE),
    ] {
        fs::write(folder.path().join(file), text).expect("it can be written to");
    }
    folder
}

/// What the program printed and wrote.
fn run(folder: &TempDir, line: &str, exit: i32) -> String {
    run_in(
        folder,
        &[("GITHUB_TOKEN", "canary-env-0451".to_owned())],
        line,
        exit,
    )
}

fn run_in(folder: &TempDir, variables: &[(&str, String)], line: &str, exit: i32) -> String {
    let output = assert_cmd::Command::new(cargo_bin!("ecsdeploy"))
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.path())
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .args(line.split_whitespace())
        .timeout(Duration::from_mins(2))
        .output()
        .expect("the program runs");
    let mut told = String::from_utf8_lossy(&output.stdout).into_owned();
    told.push_str(&String::from_utf8_lossy(&output.stderr));
    if let Ok(written) = fs::read_to_string(folder.path().join("out")) {
        told.push_str(&written);
    }
    assert_eq!(output.status.code(), Some(exit), "ecsdeploy {line}\n{told}");
    told
}

fn check_told(line: &str, told: &str, says: &str) {
    assert!(
        told.contains(says),
        "not said: {says}\necsdeploy {line}\n{told}"
    );
    for canary in CANARIES {
        assert!(
            !told.contains(canary),
            "{canary} got out\necsdeploy {line}\n{told}"
        );
    }
}

fn check(line: &str, exit: i32, says: &str) {
    check_told(line, &run(&folder(), line, exit), says);
}

/// With one file put in place of another.
fn check_with(file: &str, text: &str, line: &str, says: &str) {
    let folder = folder();
    fs::write(folder.path().join(file), text).expect("it can be written to");
    check_told(line, &run(&folder, line, 2), says);
}

#[test]
fn every_reporter_hides_secrets() {
    check("diff --sandbox", 0, "«redacted:changed»");
    check("diff --sandbox --format compact", 0, "«redacted:changed»");
    check(
        "diff --sandbox --format json --exit-code",
        3,
        "«redacted:changed»",
    );
    check("plan --sandbox", 0, "«redacted:changed»");
    check("plan --sandbox --format markdown", 0, "«redacted:changed»");
    check(
        "plan --sandbox --format json --out out --exit-code",
        3,
        "«redacted:changed»",
    );
    check("register --sandbox", 0, "web:2");
    check("status --sandbox", 0, "web:1");
    check("status --sandbox --output json", 0, "web:1");
    check("rollout --sandbox", 0, "the new revision serves");
    check("rollout --sandbox --output json", 0, "completed");
    check("rollout --sandbox --output jsonl", 0, "completed");
    check("rollout --sandbox --set image_tag=1.2.0", 4, "rolling back");
}

#[test]
fn a_rollout_held_to_a_plan_hides_secrets() {
    let folder = folder();
    run(&folder, "plan --sandbox --out out", 0);
    let line = "rollout --sandbox --plan out";
    check_told(line, &run(&folder, line, 0), "the new revision serves");
    let line = "rollout --sandbox --plan out --set db_password=canary-old-0451";
    check_told(line, &run(&folder, line, 1), "the plan no longer holds");
}

#[test]
fn every_error_path_hides_secrets() {
    check(
        "diff --sandbox --bogus db_password=canary-arg-0451",
        2,
        "--bogus",
    );
    check(
        "diff db_password=canary-arg-0451 token=canary-env-0451",
        2,
        "error",
    );
    check(
        "render --set db_password=canary-arg-0451 --set broken",
        2,
        "broken",
    );
    check(
        "rollout --sandbox --set image_tag=9 --set db_password=canary-arg-0451",
        1,
        "web:9",
    );
    check(
        "render --set image_tag=canary-env-0451 --set api_token",
        2,
        "error",
    );
}

#[test]
fn what_cannot_be_parsed_is_quoted_without_its_secrets() {
    let config = CONFIG.replace("canary-new-0451", "canary-bad-0451 : [");
    check_with("ecsdeploy.yml", &config, "render", "ecsdeploy.yml:9");
    let config = CONFIG.replace("      db_password:", "      db_password: {");
    check_with("ecsdeploy.yml", &config, "render", "ecsdeploy.yml");
    let template = TEMPLATE.replace("\"{{db_password}}\" }", "\"canary-bad-0451\" \"x\" }");
    check_with(
        "service.json.hbs",
        &template,
        "render",
        "service.json.hbs:16",
    );
    let template = TEMPLATE.replace("{{db_password}}", "canary-bad-0451{{if}}");
    check_with(
        "service.json.hbs",
        &template,
        "render",
        "service.json.hbs:16",
    );
    let template = TEMPLATE.replace("{{db_password}}", "canary-bad-0451{{unheard_of}}");
    check_with("service.json.hbs", &template, "render", "unheard_of");
    check_with(
        "values.yml",
        "db_password: [canary-bad-0451\n",
        "render --values values.yml",
        "values.yml",
    );
    check_with(
        "td.json",
        r#"{"environment": [{"name": "A_TOKEN", "value": "canary-bad-0451"}"#,
        "render --task-definition td.json",
        "td.json",
    );
    check_with(
        "plan.json",
        r#"{"version": 1, "token": "canary-bad-0451"}"#,
        "rollout --sandbox --plan plan.json",
        "not a plan",
    );
}

/// What GitHub and the job are told; the masks that hide secrets from then on are for the runner alone.
#[test]
fn the_forge_and_the_job_are_told_no_secrets() {
    for (line, exit, says) in [
        ("plan --sandbox", 0, "«redacted:changed»"),
        (
            "plan --sandbox --set image_tag=canary-url-0451",
            1,
            "### ❌ Failed",
        ),
        ("rollout --sandbox --env production", 2, "production"),
        ("rollout --sandbox", 0, "### ✅ Serves"),
        (
            "rollout --sandbox --set image_tag=1.2.0",
            4,
            "### ↩️ Rolled back",
        ),
        ("register --sandbox", 0, "task-definition-arn"),
    ] {
        let (folder, github) = (folder(), github::GitHub::start());
        let file = |name: &str| folder.path().join(name).display().to_string();
        let mut variables = github.environment();
        variables.push(("GITHUB_STEP_SUMMARY", file("summary")));
        variables.push(("GITHUB_OUTPUT", file("out")));
        let printed = run_in(&folder, &variables, line, exit);
        let mut told: String = printed
            .lines()
            .filter(|line| !line.starts_with("::add-mask::"))
            .collect();
        told.push_str(&fs::read_to_string(folder.path().join("summary")).unwrap_or_default());
        for exchange in &github.state().exchanges {
            told.push_str(&exchange.to_string());
        }
        check_told(line, &told, says);
        assert!(
            !told.contains(github::TOKEN),
            "the token got out\necsdeploy {line}\n{told}"
        );
    }
}

#[test]
fn the_users_own_document_is_printed_as_it_is() {
    let told = run(&folder(), "render", 0);
    for canary in ["canary-new-0451", "canary-url-0451", "canary-arg-0451"] {
        assert!(told.contains(canary), "{canary} is missing in {told}");
    }
}
