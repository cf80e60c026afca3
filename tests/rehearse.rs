//! `ecsdeploy rehearse` as a stranger meets it: what it foretells, what it reads, what it writes down.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ecsdeploy::sandbox::Sandbox;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a run printed.
struct Printed {
    stdout: String,
    stderr: String,
}

/// Runs `ecsdeploy` with these words in this folder; it must exit with `exit`.
fn run(folder: &TempDir, line: &str, exit: i32) -> Printed {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let words = line.replace('@', &format!("{}/", examples.display()));
    let mut program = assert_cmd::Command::cargo_bin("ecsdeploy").expect("the program is built");
    let output = program
        .args(words.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.path())
        .timeout(Duration::from_mins(2))
        .output()
        .expect("the program runs");
    let printed = Printed {
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    };
    let told = format!(
        "{line}\n--- stdout\n{}\n--- stderr\n{}",
        printed.stdout, printed.stderr
    );
    assert_eq!(output.status.code(), Some(exit), "{told}");
    printed
}

/// The rehearsals of a run that prints JSON, by release.
fn rehearsals(printed: &Printed) -> Value {
    let told: Value = serde_json::from_str(&printed.stdout).expect("stdout is JSON");
    let each = told["rehearsals"].as_array().expect("a list").iter();
    each.map(|one| {
        (
            one["release"].as_str().expect("a name").to_owned(),
            one.clone(),
        )
    })
    .collect()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("it can be written to");
    }
    folder
}

fn seconds(of: &Value) -> i64 {
    of["seconds"].as_i64().expect("seconds")
}

/// A worker without a load balancer.
fn worker(desired: u32, percents: &str) -> String {
    format!(
        "{{region: eu-central-1, clusters: [{{clusterName: c}}],
           taskDefinitions: [{{family: w, networkMode: awsvpc, requiresCompatibilities: [FARGATE], cpu: '256',
             memory: '512', revision: 41, containerDefinitions: [{{name: w, image: 'ghcr.io/acme/w:1', essential: true,
             environment: [{{name: API_TOKEN, value: s3cr3t-t0k3n-v4lu3}}]}}]}}],
           services: [{{cluster: c, serviceName: w, taskDefinition: w, desiredCount: {desired}, launchType: FARGATE,
             networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-1], securityGroups: [sg-1]}}}},
             deploymentConfiguration: {percents}}}]}}"
    )
}

const USUAL: &str = "{maximumPercent: 200, minimumHealthyPercent: 100}";
const WORKER: &str =
    "rehearse --sandbox --cluster c --service w --image w=ghcr.io/acme/w:2 --output json";

#[test]
fn a_rehearsal_foretells_what_the_rollout_does() {
    let check = |name: &str, options: &str, least: u64, most: u64| {
        let here = folder(&[]);
        let told = rehearsals(&run(
            &here,
            &format!("rehearse @{name} --sandbox --output json {options}"),
            0,
        ));
        let good = &told["good"];
        assert_eq!(good["outcome"], "completed");
        assert_eq!(good["leastServing"], least, "{name}");
        assert_eq!(good["mostTasks"], most, "{name}");
        assert_eq!(good["requestsLost"], 0, "{name}");
        assert!(good["requests"].as_u64() > Some(500), "{name}: {good}");
        let went = run(
            &here,
            &format!("rollout @{name} --sandbox --output json {options}"),
            0,
        );
        let went: Value = serde_json::from_str(&went.stdout).expect("stdout is JSON");
        // The copy starts tasks at the pace that was measured, the world at the image's own.
        let apart = (seconds(good) - seconds(&went)).abs();
        assert!(
            apart <= 20,
            "{name}: {} and {}",
            seconds(good),
            seconds(&went)
        );
        for bad in ["crash_loop", "unhealthy", "no_image"] {
            assert_eq!(told[bad]["outcome"], "rolled_back", "{name}: {bad}");
            assert_eq!(told[bad]["leastServing"], least, "{name}: {bad}");
            assert!(told[bad]["undoSeconds"].as_i64() > Some(0), "{name}: {bad}");
        }
    };
    check("fargate-web", "", 2, 4);
    check("ec2-bridge-nginx", "--image nginx=nginx:1.29", 2, 6);
    check("fargate-canary-shift", "", 2, 4);
    check("external-task-sets", "", 2, 4);
}

#[test]
fn a_canary_joins_by_itself() {
    let told = rehearsals(&run(
        &folder(&[]),
        "rehearse @fargate-web --sandbox --canary 1 --output json",
        0,
    ));
    let events = told["good"]["timeline"].as_array().expect("a list");
    assert!(
        events.iter().any(|event| event["event"] == "canary"),
        "{events:?}"
    );
    assert_eq!(told["good"]["mostTasks"], 5);
    assert_eq!(told["crash_loop"]["outcome"], "rolled_back");
}

#[test]
fn a_rehearsal_only_reads_the_service() {
    let said = run(&folder(&[]), "rehearse @fargate-web --sandbox", 0).stderr;
    let calls = said
        .lines()
        .find_map(|line| line.strip_prefix("calls "))
        .expect("the calls are told");
    for call in calls.split(',') {
        let is_read = ["Describe", "List", "Get"]
            .iter()
            .any(|verb| call.trim().starts_with(verb));
        assert!(is_read, "{calls}");
    }
}

#[test]
fn a_record_is_a_world_without_secrets_and_gives_the_same_rehearsal() {
    let here = folder(&[("sandbox.yml", &worker(3, USUAL))]);
    let live = run(&here, &format!("{WORKER} --record copy.yml"), 0);
    let copy = fs::read_to_string(here.path().join("copy.yml")).expect("the copy is written");
    assert!(copy.contains("API_TOKEN"), "{copy}");
    assert!(!copy.contains("s3cr3t"), "{copy}");
    assert!(copy.contains("# assumed: "), "{copy}");
    let sandbox = Sandbox::new(&copy, 1).expect("a copy is a world");
    assert_eq!(sandbox.world.region, "eu-central-1");
    let again = run(
        &here,
        &format!("{} --from copy.yml", WORKER.replace(" --sandbox", "")),
        0,
    );
    let (live, again) = (rehearsals(&live), rehearsals(&again));
    for release in ["good", "crash_loop", "no_image"] {
        assert_eq!(
            seconds(&live[release]),
            seconds(&again[release]),
            "{release}"
        );
    }
    let registered = &again["good"]["timeline"][0];
    let arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/w:42";
    assert_eq!(registered["task_definition"], json!(arn));
}

#[test]
fn a_failure_that_nothing_looks_at_is_told() {
    let here = folder(&[("sandbox.yml", &worker(2, USUAL))]);
    let said = run(&here, &WORKER.replace("json", "text"), 0).stdout;
    assert!(
        said.contains("warning: a release of the kind \"failing health check\""),
        "{said}"
    );
}

#[test]
fn a_rollout_that_takes_too_long_fails_in_rehearsal() {
    let here = folder(&[("sandbox.yml", &worker(1, USUAL))]);
    let said = run(&here, &format!("{WORKER} --timeout 10s"), 1).stderr;
    assert!(
        said.contains("the rollout would not succeed even with a good release"),
        "{said}"
    );
}

#[test]
fn a_rollout_that_cannot_move_is_refused_before_it_is_rehearsed() {
    let here = folder(&[(
        "sandbox.yml",
        &worker(1, "{maximumPercent: 100, minimumHealthyPercent: 100}"),
    )]);
    let said = run(&here, WORKER, 1).stderr;
    assert!(said.contains("no task can be replaced"), "{said}");
}

#[test]
fn what_cannot_be_rehearsed_is_said() {
    let here = folder(&[("sandbox.yml", &worker(1, USUAL)), ("notes.txt", "a: b")]);
    let unchanged = WORKER.replace(":2", ":1");
    assert!(
        run(&here, &unchanged, 2)
            .stderr
            .contains("there is nothing to rehearse")
    );
    let wrong = format!("{} --from notes.txt", WORKER.replace(" --sandbox", ""));
    assert!(
        run(&here, &wrong, 2)
            .stderr
            .contains("is no copy of a service")
    );
}

/// Whatever a gate looks at has to be seen in one look with what the strategy looks at.
#[test]
fn a_rollout_with_any_kind_of_gate_comes_to_an_end() {
    let check = |example: &str, options: &str, gate: &str| {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(example);
        let here = folder(&[]);
        for file in fs::read_dir(from).expect("the example is there") {
            let file = file.expect("it can be read");
            fs::copy(file.path(), here.path().join(file.file_name())).expect("it can be copied");
        }
        let config = here.path().join("ecsdeploy.yml");
        let text = fs::read_to_string(&config).expect("it can be read");
        let (service, _) = text.split_once("    rollout:").expect("it has a rollout");
        let text = format!("{service}    rollout: {{ timeout: 1h, gates: [{gate}] }}\n");
        fs::write(config, text).expect("it can be written to");
        let line = format!("plan --sandbox --set image_tag=1.2.1 --keep-tags {options}");
        let told = run(&here, &line, 0);
        let foretold = told.stdout.contains("expected         about");
        assert!(
            foretold,
            "{example} {gate}\n{}\n{}",
            told.stdout, told.stderr
        );
    };
    for gate in [
        "{ http: { url: 'http://web.example.com/' } }",
        "{ task: { command: [smoke] } }",
        "{ approval: {} }",
        "{ tasks: {} }, { targets: {} }",
    ] {
        check("code-deploy", "", gate);
        check("external-task-sets", "", gate);
        check("fargate-canary-shift", "", gate);
        check("fargate-web", "--bake 1m", gate);
        check("fargate-web", "--canary 1", gate);
    }
}
