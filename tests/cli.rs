//! The command line as a stranger meets it: bad input of every kind, and both examples with a good and a bad release.
//!
//! Each case is data: files, arguments, the exact exit code and what must be said. **Invariant:** every run is the real
//! program in an empty folder with an empty home, no environment and no network; nothing here reaches AWS.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Files of the folder that the program runs in: name and content.
type Files<'a> = &'a [(&'a str, &'a str)];

const CONFIG: &str =
    "region: eu-central-1\ncluster: c\nservices:\n  web:\n    task_definition: td.json.hbs\n";
const TEMPLATE: &str = r#"{
  "family": "web",
  "containerDefinitions": [
    { "name": "web", "image": "{{image}}" }
  ]
}
"#;

/// What a run printed.
struct Printed {
    stdout: String,
    stderr: String,
}

/// Runs `ecsdeploy` with these arguments beside these files: it must exit with `exit` and say each of `says`, in its
/// data when it did what was asked and else in its errors.
fn check(files: Files, arguments: &[&str], exit: i32, says: &[&str]) -> Printed {
    let folder = folder(files);
    let output = assert_cmd::Command::from_std(program(&folder))
        .args(arguments)
        .timeout(Duration::from_mins(2))
        .output()
        .expect("the program runs");
    let printed = Printed {
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    };
    let Printed { stdout, stderr } = &printed;
    let told = format!("ecsdeploy {arguments:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    assert_eq!(output.status.code(), Some(exit), "{told}");
    let heard = if exit == 0 { stdout } else { stderr };
    for sentence in says {
        assert!(heard.contains(sentence), "not said: {sentence}\n{told}");
    }
    if exit == 1 || exit == 2 {
        assert!(stderr.starts_with("error: "), "{told}");
        assert_eq!(stdout, "", "an error is no data\n{told}");
    }
    printed
}

fn folder(files: Files) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, content) in files {
        fs::write(folder.path().join(name), content).expect("it can be written to");
    }
    folder
}

fn program(folder: &TempDir) -> Command {
    let mut command = Command::new(cargo_bin!("ecsdeploy"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder.path().join("home"))
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// An example's folder.
fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    folder.join(name).display().to_string()
}

/// The world of an example alone, for runs without a configuration.
fn world_of(name: &str) -> String {
    let file = Path::new(&example(name)).join("sandbox.yml");
    fs::read_to_string(file).expect("the example has a world")
}

#[test]
fn help_lists_every_exit_code() {
    let codes = [
        "  0  done ",
        "  1  failed ",
        "  2  usage ",
        "  4  rolled back ",
        "  5  stopped ",
        "  6  interrupted ",
        "  7  contested ",
    ];
    check(&[], &["--help"], 0, &codes);
}

#[test]
fn an_unknown_option_or_command_is_a_usage_error() {
    check(&[], &["rolout"], 2, &["rolout", "rollout"]);
    check(
        &[],
        &["rollout", "--imgae", "x"],
        2,
        &["--imgae", "--image"],
    );
    check(&[], &["rollout", "--speed", "0"], 2, &["--speed", "max"]);
    check(&[], &["rollout", "--timeout", "5"], 2, &["--timeout"]);
    check(&[], &["render", "--image", "web="], 2, &["--image"]);
}

#[test]
fn without_a_configuration_it_says_what_to_name() {
    let hints = [
        "there is no ecsdeploy.yml in .",
        "--cluster NAME --service NAME",
    ];
    check(&[], &["rollout"], 2, &hints);
    check(&[("README", "")], &["status", "."], 2, &hints);
    check(
        &[],
        &["rollout", "--env", "production"],
        2,
        &["there is no ecsdeploy.yml in ."],
    );
    check(&[], &["rollout", "nowhere"], 2, &["failed to read nowhere"]);
    check(
        &[],
        &["render"],
        2,
        &["no task definition is named", "--task-definition FILE"],
    );
    check(
        &[],
        &["rollout", "--service", "web"],
        2,
        &["no cluster is named for the service web"],
    );
    let sandbox = ["rollout", "--sandbox", "--cluster", "c", "--service", "s"];
    check(
        &[],
        &sandbox,
        2,
        &["there is no ./sandbox.yml", "examples/"],
    );
}

#[test]
fn a_typo_in_the_configuration_is_shown_in_its_place_with_the_nearest_spelling() {
    let wrong = |config: &str, says: &[&str]| {
        check(&[("ecsdeploy.yml", config)], &["render"], 2, says);
    };
    wrong(
        "region: eu-central-1\nclutser: main\nservices: { web: {} }\n",
        &[
            "unknown key `clutser`",
            "./ecsdeploy.yml:2:1",
            "did you mean `cluster`?",
        ],
    );
    wrong(
        "cluster: main\nservices:\n  web:\n    task_defintion: td.json\n",
        &["./ecsdeploy.yml:4:5", "did you mean `task_definition`?"],
    );
    wrong("cluster: [main\nservices: {}\n", &["./ecsdeploy.yml:"]);
    let files = [("ecsdeploy.yml", CONFIG)];
    check(
        &files,
        &["render", "--service", "wbe"],
        2,
        &["unknown service `wbe`", "did you mean `web`?"],
    );
    check(&files, &["render"], 2, &["failed to read ./td.json.hbs"]);
    let environments = format!("{CONFIG}environments:\n  production: {{}}\n");
    let files = [("ecsdeploy.yml", environments.as_str())];
    check(
        &files,
        &["render", "--env", "prodution"],
        2,
        &[
            "unknown environment `prodution`",
            "did you mean `production`?",
        ],
    );
}

#[test]
fn a_missing_value_is_shown_in_the_template() {
    let files = [("ecsdeploy.yml", CONFIG), ("td.json.hbs", TEMPLATE)];
    let says = [
        "`image` has no value",
        "./td.json.hbs:4:34",
        "--set image=…",
    ];
    check(&files, &["render"], 2, &says);
    check(&files, &["register"], 2, &says);
    check(&files, &["rollout"], 2, &says);
}

#[test]
fn a_hostile_value_stays_one_string_of_the_document() {
    let hostile = [
        r#"x"}],"x":""#,
        r#""}],"x":""#,
        "a\nb\\\"",
        "</script>&amp;'{{image}}",
        "\u{1b}[31m",
    ];
    for value in hostile {
        let values = json!({ "image": value }).to_string();
        let files = [
            ("ecsdeploy.yml", CONFIG),
            ("td.json.hbs", TEMPLATE),
            ("values.json", values.as_str()),
        ];
        let printed = check(&files, &["render", "--values", "values.json"], 0, &[]);
        let document: Value = serde_json::from_str(&printed.stdout).expect("it is JSON");
        let container = json!({ "name": "web", "image": value });
        let whole = json!({ "family": "web", "containerDefinitions": [container] });
        assert_eq!(document, whole, "{value}");
    }
    let files = [("ecsdeploy.yml", CONFIG), ("td.json.hbs", TEMPLATE)];
    check(
        &files,
        &["render", "--set", r#"image=x"}],"x":""#],
        0,
        &[r#""x\"}],\"x\":\"""#],
    );
    check(
        &files,
        &["render", "--set", r#"image="}],"x":""#],
        2,
        &["--set:1:12"],
    );
}

#[test]
fn a_rendered_text_that_is_not_json_is_shown_in_the_template() {
    let wrong = |template: &str, set: &str, says: &[&str]| {
        let files = [("ecsdeploy.yml", CONFIG), ("td.json.hbs", template)];
        check(&files, &["render", "--set", set], 2, says);
    };
    wrong(
        "{\n  \"family\": \"web\",\n  \"cpu\": {{cpu}},,\n  \"containerDefinitions\": []\n}\n",
        "cpu=256",
        &["not JSON", "./td.json.hbs:3:18"],
    );
    wrong(
        "{\n  \"family\": \"{{name}}\"\n",
        "name=web",
        &["./td.json.hbs:"],
    );
    wrong(
        "{\n  \"family\": {{name}}\n}\n",
        "name=web",
        &["./td.json.hbs:2:13", "{{json name}}"],
    );
    wrong(
        "{ \"family\": \"{{#if name}}\" }\n",
        "name=web",
        &["./td.json.hbs:1:"],
    );
}

#[test]
fn a_task_definition_that_is_none_is_refused() {
    let files = [
        ("td.json", "[]"),
        ("td.txt", "{}"),
        ("empty.json", "{}"),
        ("cut.json", "{\"a\":"),
    ];
    let wrong = |file: &str, says: &[&str]| {
        check(&files, &["render", "--task-definition", file], 2, says);
    };
    wrong(
        "td.json",
        &["td.json:1:1", "a task definition is an object"],
    );
    wrong(
        "td.txt",
        &["`td.txt` is no kind of task definition", ".json.hbs"],
    );
    wrong("empty.json", &["empty.json is not a task definition"]);
    wrong("cut.json", &["cut.json:1:6"]);
    wrong("gone.json", &["failed to read gone.json"]);
}

#[test]
fn without_credentials_or_region_it_says_how_to_get_them_and_changes_nothing() {
    let rollout = [
        "rollout",
        "--cluster",
        "c",
        "--service",
        "s",
        "--image",
        "web=a:1",
    ];
    check(&[], &rollout, 2, &["no AWS region is set", "AWS_REGION"]);
    let with_region = [&rollout[..], &["--region", "eu-central-1"]].concat();
    check(
        &[],
        &with_region,
        1,
        &["credentials", "aws sso login", "--sandbox"],
    );
}

#[test]
fn a_reader_that_has_gone_away_ends_output_quietly() {
    for arguments in [
        vec!["schema"],
        vec!["--help"],
        vec!["render", &example("fargate-web")],
    ] {
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        drop(reader);
        let folder = folder(&[]);
        let output = program(&folder)
            .args(&arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), stderr.as_ref()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_good_release_of_each_example_is_rolled_out() {
    check(
        &[],
        &["rollout", "--sandbox", &example("fargate-web")],
        0,
        &[],
    );
    check(
        &[],
        &["rollout", "--sandbox", &example("ec2-bridge-nginx")],
        0,
        &[],
    );
}

#[test]
fn a_bad_release_of_each_example_is_rolled_back() {
    let undone = |name: &str, release: &[&str], says: &[&str]| {
        let folder = example(name);
        let arguments = [&["rollout", "--sandbox", &folder], release].concat();
        let printed = check(&[], &arguments, 4, says);
        let says = "the old revision serves again";
        assert!(printed.stderr.contains(says), "{}", printed.stderr);
    };
    undone("fargate-web", &["--set", "image_tag=1.2.0"], &["hint: "]);
    undone(
        "ec2-bridge-nginx",
        &["--image", "nginx=nginx:1.30-broken"],
        &["127"],
    );
}

#[test]
fn a_service_is_rolled_out_with_no_configuration_at_all() {
    let world = world_of("fargate-web");
    let image = "web=123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:1.1.0";
    let arguments = [
        "rollout",
        "--sandbox",
        "--cluster",
        "main",
        "--service",
        "web",
        "--image",
        image,
    ];
    check(&[("sandbox.yml", &world)], &arguments, 0, &[]);
}

#[test]
fn an_image_that_does_not_exist_is_found_before_anything_is_changed() {
    let folder = example("fargate-web");
    for command in ["register", "rollout"] {
        let arguments = [command, "--sandbox", &folder, "--set", "image_tag=9.9.9"];
        let printed = check(&[], &arguments, 1, &["web:9.9.9", "push the image first"]);
        assert!(
            !printed.stderr.contains("UpdateService"),
            "{}",
            printed.stderr
        );
        assert!(
            !printed.stderr.contains("RegisterTaskDefinition"),
            "{}",
            printed.stderr
        );
    }
}

#[test]
fn an_unknown_service_or_cluster_is_named_with_what_to_do() {
    let world = world_of("fargate-web");
    let unknown = |cluster: &str, service: &str, says: &[&str]| {
        let files = [("sandbox.yml", world.as_str())];
        let named = ["--sandbox", "--cluster", cluster, "--service", service];
        check(&files, &[&["status"], &named[..]].concat(), 1, says);
        check(
            &files,
            &[&["rollout", "--image", "web=a:1"], &named[..]].concat(),
            1,
            says,
        );
    };
    unknown(
        "main",
        "wbe",
        &[
            "there is no service wbe in cluster main",
            "aws ecs create-service",
        ],
    );
    unknown(
        "mian",
        "web",
        &["ClusterNotFoundException", "aws ecs list-clusters"],
    );
}
