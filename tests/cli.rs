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

/// Runs `ecsdeploy` with the words of `line` (`@NAME` is the folder of an example) beside these files: it must exit
/// with `exit` and say each of `says`.
fn check(files: Files, line: &str, exit: i32, says: &[&str]) -> Printed {
    let folder = folder(files);
    let output = assert_cmd::Command::from_std(program(&folder))
        .args(words(line))
        .timeout(Duration::from_mins(2))
        .output()
        .expect("the program runs");
    let printed = Printed {
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    };
    let Printed { stdout, stderr } = &printed;
    let told = format!("ecsdeploy {line}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    assert_eq!(output.status.code(), Some(exit), "{told}");
    for sentence in says {
        let is_said = stdout.contains(sentence) || stderr.contains(sentence);
        assert!(is_said, "not said: {sentence}\n{told}");
    }
    // A plan that would not succeed is a plan all the same.
    if exit == 2 || (exit == 1 && !line.starts_with("plan ")) {
        assert!(stderr.starts_with("error: "), "{told}");
        assert_eq!(stdout, "", "an error is no data\n{told}");
    }
    printed
}

fn words(line: &str) -> Vec<String> {
    let words = line.split_whitespace();
    words
        .map(|word| word.strip_prefix('@').map_or(word.to_owned(), example))
        .collect()
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
    check(&[], "--help", 0, &codes);
}

#[test]
fn an_unknown_option_command_or_word_is_a_usage_error() {
    let wrong = |line: &str, says: &[&str]| {
        check(&[], line, 2, says);
    };
    wrong("rolout", &["rolout", "rollout"]);
    wrong("rollout --imgae x", &["--imgae", "--image"]);
    wrong("rollout --speed 0", &["--speed", "max"]);
    wrong("rollout --timeout 5", &["--timeout"]);
    wrong("render --image web=", &["--image"]);
}

#[test]
fn without_a_configuration_it_says_what_to_name() {
    let wrong = |line: &str, says: &[&str]| {
        check(&[("README", "")], line, 2, says);
    };
    let none = "there is no ecsdeploy.yml in .";
    wrong("rollout", &[none, "--cluster NAME --service NAME"]);
    wrong("status .", &[none, "--cluster NAME --service NAME"]);
    wrong("rollout --env production", &[none]);
    wrong("rollout nowhere", &["failed to read nowhere"]);
    wrong(
        "rollout --service web",
        &["no cluster is named for the service web"],
    );
    wrong(
        "render",
        &["there is no ecsdeploy.yml", "--task-definition FILE"],
    );
    wrong(
        "status --sandbox --cluster c --service s",
        &["there is no ./sandbox.yml"],
    );
}

#[test]
fn a_fault_in_the_configuration_is_shown_in_its_place_with_the_nearest_spelling() {
    let wrong = |config: &str, line: &str, says: &[&str]| {
        check(&[("ecsdeploy.yml", config)], line, 2, says);
    };
    let typo = "region: eu-central-1\nclutser: main\nservices: { web: {} }\n";
    let place = "./ecsdeploy.yml:2:1";
    wrong(
        typo,
        "render",
        &["unknown key `clutser`", place, "did you mean `cluster`?"],
    );
    let deep = "cluster: main\nservices:\n  web:\n    task_defintion: td.json\n";
    wrong(
        deep,
        "rollout",
        &["./ecsdeploy.yml:4:5", "did you mean `task_definition`?"],
    );
    wrong(
        "cluster: [main\nservices: {}\n",
        "render",
        &["./ecsdeploy.yml:"],
    );
    wrong(CONFIG, "render", &["failed to read ./td.json.hbs"]);
    wrong(
        CONFIG,
        "status --service wbe",
        &["unknown service `wbe`", "did you mean `web`?"],
    );
    let environments = format!("{CONFIG}environments:\n  production: {{}}\n");
    let says = [
        "unknown environment `prodution`",
        "did you mean `production`?",
    ];
    wrong(&environments, "render --env prodution", &says);
}

#[test]
fn a_missing_value_is_shown_in_the_template() {
    let files = [("ecsdeploy.yml", CONFIG), ("td.json.hbs", TEMPLATE)];
    for command in ["render", "register", "rollout"] {
        let says = [
            "`image` has no value",
            "./td.json.hbs:4:34",
            "--set image=…",
        ];
        check(&files, command, 2, &says);
    }
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
        let printed = check(&files, "render --values values.json", 0, &[]);
        let document: Value = serde_json::from_str(&printed.stdout).expect("it is JSON");
        let container = json!({ "name": "web", "image": value });
        let whole = json!({ "family": "web", "containerDefinitions": [container] });
        assert_eq!(document, whole, "{value}");
    }
    let files = [("ecsdeploy.yml", CONFIG), ("td.json.hbs", TEMPLATE)];
    let escaped = r#""x\"}],\"x\":\"""#;
    check(&files, r#"render --set image=x"}],"x":""#, 0, &[escaped]);
    check(
        &files,
        r#"render --set image="}],"x":""#,
        2,
        &["--set:1:12"],
    );
}

#[test]
fn a_rendered_text_that_is_not_json_is_shown_in_the_template() {
    let wrong = |template: &str, set: &str, says: &[&str]| {
        let files = [("ecsdeploy.yml", CONFIG), ("td.json.hbs", template)];
        check(&files, &format!("render --set {set}"), 2, says);
    };
    let commas =
        "{\n  \"family\": \"web\",\n  \"cpu\": {{cpu}},,\n  \"containerDefinitions\": []\n}\n";
    wrong(commas, "cpu=256", &["not JSON", "./td.json.hbs:3:18"]);
    let bare = "{\n  \"family\": {{name}}\n}\n";
    wrong(bare, "name=web", &["./td.json.hbs:2:13", "{{json name}}"]);
    wrong(
        "{\n  \"family\": \"{{name}}\"\n",
        "name=web",
        &["./td.json.hbs:"],
    );
    wrong(
        "{ \"family\": \"{{#if name}}\" }\n",
        "name=web",
        &["./td.json.hbs:1:"],
    );
}

#[test]
fn a_task_definition_that_is_none_is_refused() {
    let wrong = |file: &str, text: &str, says: &[&str]| {
        check(
            &[(file, text)],
            &format!("render --task-definition {file}"),
            2,
            says,
        );
    };
    wrong(
        "td.json",
        "[]",
        &["td.json:1:1", "a task definition is an object"],
    );
    wrong("td.json", "{}", &["td.json is not a task definition"]);
    wrong("td.json", "{\"a\":", &["td.json:1:6"]);
    wrong(
        "td.txt",
        "{}",
        &["`td.txt` is no kind of task definition", ".json.hbs"],
    );
    check(
        &[],
        "render --task-definition td.json",
        2,
        &["failed to read td.json"],
    );
}

#[test]
fn without_a_region_or_credentials_it_says_how_to_get_them() {
    let rollout = "rollout --cluster c --service s --image web=a:1";
    check(&[], rollout, 2, &["no AWS region is set", "AWS_REGION"]);
    let says = ["credentials", "aws sso login", "--sandbox"];
    check(&[], &format!("{rollout} --region eu-central-1"), 1, &says);
}

#[test]
fn a_reader_that_has_gone_away_ends_output_quietly() {
    for line in [
        "schema",
        "--help",
        "render @fargate-web",
        "status --sandbox @fargate-web",
    ] {
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        drop(reader);
        let folder = folder(&[]);
        let output = program(&folder)
            .args(words(line))
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), stderr.as_ref()),
            (Some(0), ""),
            "{line}"
        );
    }
}

#[test]
fn a_good_release_of_each_example_is_rolled_out() {
    let says = ["done            the new revision serves", "UpdateService 1"];
    check(&[], "rollout --sandbox @fargate-web", 0, &says);
    check(&[], "rollout --sandbox @ec2-bridge-nginx", 0, &says);
}

#[test]
fn a_bad_release_of_each_example_is_rolled_back() {
    let undone = |line: &str, why: &str| {
        let says = [
            why,
            "rolling back",
            "error: the rollout failed; the old revision serves again",
        ];
        check(&[], line, 4, &says);
    };
    undone(
        "rollout --sandbox @fargate-web --set image_tag=1.2.0",
        "container web: exit code 1",
    );
    undone(
        "rollout --sandbox @ec2-bridge-nginx --image nginx=nginx:1.30-broken",
        "container nginx: exit code 127",
    );
}

#[test]
fn a_service_that_needs_a_hand_is_shown_with_what_is_left_to_do() {
    let line = |example, tag| {
        format!("rollout --sandbox @{example} --set image_tag={tag} --on-failure leave")
    };
    check(
        &[],
        &line("fargate-web", "1.2.0"),
        5,
        &[
            "by hand         aws ecs update-service --cluster main --service web --task-definition web:1\n",
            "\ndeployments\n  PRIMARY  IN_PROGRESS web:2",
            "error: the rollout failed and the service needs a hand\n",
        ],
    );
    check(
        &[],
        &line("external-task-sets", "1.3.0"),
        5,
        &[
            "aws elbv2 modify-rule --rule-arn arn:aws:elasticloadbalancing:",
            "traffic          90 % to web, 10 % to web-alternate",
        ],
    );
}

#[test]
fn weights_that_a_service_cannot_keep_to_are_refused() {
    for example in ["@fargate-web", "@fargate-canary-shift", "@code-deploy"] {
        let line = format!("rollout --sandbox {example} --weights 1,50,100");
        let says = ["the service cannot do a weighted shift between task sets"];
        check(&[], &line, 1, &says);
    }
    let line = "rollout --sandbox @external-task-sets --weights 50,1,100";
    let says = ["the weights must rise, and 1 follows 50"];
    check(&[], line, 2, &says);
}

#[test]
fn a_rollout_of_what_runs_already_changes_nothing() {
    let line = "rollout --sandbox @fargate-web --keep-tags --set image_tag=1.0.0";
    let printed = check(&[], line, 0, &["nothing to do", "DescribeServices 2"]);
    for operation in ["RegisterTaskDefinition", "UpdateService"] {
        assert!(!printed.stderr.contains(operation), "{}", printed.stderr);
    }
}

#[test]
fn a_service_is_rolled_out_with_no_configuration_at_all() {
    let world = world_of("fargate-web");
    let files = [("sandbox.yml", world.as_str())];
    let image = "web=123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:1.1.0";
    let line = format!("rollout --sandbox --cluster main --service web --image {image}");
    check(&files, &line, 0, &["the new revision serves"]);
}

#[test]
fn a_shift_whose_end_cannot_be_learnt_is_interrupted_and_says_who_goes_on() {
    let world = world_of("fargate-canary-shift");
    let faults = "\nfaults:\n  - { operation: DescribeServiceDeployments, fault: error }\n";
    let world = format!("{world}{faults}");
    let image = "web=123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:1.1.0";
    let says = [
        "error: how deployment ecs-svc/",
        "ends is not known",
        "DescribeServiceDeployments",
        "rolls back by itself if nobody lets it go on within 30 min",
        "hint: the same command takes it up again",
        "hint: ecsdeploy watch tells how it ends",
        "UpdateService 1",
    ];
    let line = format!("rollout --sandbox --cluster main --service web --image {image}");
    check(&[("sandbox.yml", &world)], &line, 6, &says);
}

#[test]
fn an_image_that_does_not_exist_is_found_before_anything_is_changed() {
    for command in ["register", "rollout"] {
        let line = format!("{command} --sandbox @fargate-web --set image_tag=9.9.9");
        check(&[], &line, 1, &["web:9.9.9", "push the image first"]);
    }
}

#[test]
fn an_unknown_service_or_cluster_is_named_with_what_to_do() {
    let world = world_of("fargate-web");
    let unknown = |named: &str, says: &[&str]| {
        let files = [("sandbox.yml", world.as_str())];
        for command in ["status", "rollout --image web=a:1"] {
            check(&files, &format!("{command} --sandbox {named}"), 1, says);
        }
    };
    let service = [
        "there is no service wbe in cluster main",
        "aws ecs create-service",
    ];
    unknown("--cluster main --service wbe", &service);
    let cluster = ["ClusterNotFoundException", "aws ecs list-clusters"];
    unknown("--cluster mian --service web", &cluster);
}

#[test]
fn members_of_update_service_are_planned_sent_and_a_reason_to_deploy() {
    let members = r#"{"propagateTags":"SERVICE"}"#;
    let plan = format!("plan --sandbox @fargate-web --members {members}");
    check(
        &[],
        &plan,
        0,
        &[
            "~ propagateTags: \"NONE\" -> \"SERVICE\"",
            "UpdateService, with propagateTags",
            "what the service definition does not name stays",
        ],
    );
    let world = world_of("fargate-web");
    let rollout = format!("rollout --sandbox --cluster main --service web --members {members}");
    check(
        &[("sandbox.yml", &world)],
        &rollout,
        0,
        &["UpdateService 1", "the new revision serves"],
    );
    check(
        &[("sandbox.yml", &world)],
        "rollout --sandbox --cluster main --service web --members []",
        2,
        &["a JSON object"],
    );
}

#[test]
fn a_registered_revision_is_deployed_without_a_new_one() {
    let world = world_of("fargate-web");
    let files: Files = &[("sandbox.yml", &world)];
    let service = "--sandbox --cluster main --service web";
    check(
        files,
        &format!("rollout {service} --revision web:1"),
        0,
        &["done"],
    );
    check(
        files,
        &format!("plan {service} --revision web --variable A=b"),
        0,
        &["register a new revision of web"],
    );
    check(
        files,
        "render --sandbox --revision web:1",
        0,
        &["web:1.0.0"],
    );
    check(
        files,
        "render --sandbox --revision web:9",
        1,
        &["there is no active task definition web:9"],
    );
    check(
        files,
        "render --revision web --task-definition td.json",
        2,
        &["--task-definition"],
    );
}

#[test]
fn an_option_that_the_strategy_leaves_unheard_is_refused() {
    let service = "rollout @fargate-web --sandbox --set image_tag=1.1.0";
    let canary = "--canary does not go with --strategy rolling";
    for (options, says) in [
        ("--strategy rolling --canary 1", canary),
        (
            "--rule arn:rule --strategy rolling",
            "--rule does not go with --strategy rolling",
        ),
        (
            "--rule arn:rule",
            "--rule does not go with a rolling deployment",
        ),
        (
            "--drain 1m --canary 1",
            "--drain does not go with a canary beside the service",
        ),
        (
            "--codedeploy-application x",
            "--codedeploy-application does not go with a rolling deployment",
        ),
        (
            "--weights 10,100 --strategy canary",
            "--weights does not go with --strategy canary",
        ),
    ] {
        check(&[], &format!("{service} {options}"), 2, &[says]);
    }
    let hints = ["keep the controller", "deletes the one that serves"];
    check(&[], &format!("{service} --strategy task-sets"), 1, &hints);
}

#[test]
fn a_value_that_no_template_reads_is_refused_or_warned_of() {
    let line = "rollout @fargate-web --sandbox --set image_tg=1.2.0";
    let says = [
        "--set image_tg has no effect: no template reads `image_tg`",
        "did you mean `image_tag`?",
    ];
    check(&[], line, 2, &says);
    let world = world_of("fargate-web");
    let bare = "rollout --sandbox --cluster main --service web --set image_tag=1.2.0";
    check(
        &[("sandbox.yml", &world)],
        bare,
        2,
        &["--set image_tag has no effect"],
    );
    let config = "services:\n  web:\n    task_definition: td.json.hbs\n    values: { image: web, imge: web }\n";
    let good = good();
    let files: Files = &[
        ("ecsdeploy.yml", config),
        ("td.json.hbs", &good),
        ("sandbox.yml", &world),
    ];
    let warning =
        "values.imge: no template reads it; it is set in ecsdeploy.yml (did you mean `image`?)";
    check(
        files,
        "plan --sandbox --cluster main --no-rehearsal --keep-tags",
        0,
        &[warning],
    );
}

#[test]
fn a_plan_that_would_not_succeed_is_shown_and_fails() {
    let config = |rollout: &str| {
        format!(
            "cluster: main\nservices:\n  web:\n    task_definition: td.json.hbs\n    rollout: {{ {rollout} }}\n"
        )
    };
    let (plain, good) = (config(""), good());
    let world = world_of("fargate-web");
    let template = good.replace("256", "513");
    let plan = "plan --sandbox --image web --keep-tags --no-rehearsal";
    let files = |config, template| {
        [
            ("ecsdeploy.yml", config),
            ("td.json.hbs", template),
            ("sandbox.yml", &*world),
        ]
    };
    let says = [
        "plan             main/web",
        "error: cpu",
        "did you mean essential?",
    ];
    check(&files(&plain, &template), plan, 1, &says[..2]);
    let template = good.replace("\"name\"", "\"esential\": true, \"name\"");
    check(&files(&plain, &template), plan, 0, &says[2..]);
    let early = config("steps: [{ traffic: 10, gates: [{ approval: {} }] }]");
    let never =
        "the rollout never comes to the step of 10 % of the traffic; it holds at the whole service";
    check(&files(&early, &good), plan, 1, &[never]);
    let rollout = "rollout --sandbox --image web --keep-tags";
    check(&files(&early, &good), rollout, 1, &[never]);
    let members = "{\"enableExecuteComand\":true}";
    let managed = format!("{plan} --members {members}");
    check(
        &files(&plain, &good),
        &managed,
        0,
        &["did you mean enableExecuteCommand?"],
    );
    let negative = config("max_failed_tasks: -1");
    check(
        &files(&negative, &good),
        plan,
        2,
        &["`-1` is no number of tasks: 0 or more are allowed"],
    );
}

/// A task definition that the example's service can run.
fn good() -> String {
    let members = "\"networkMode\": \"awsvpc\", \"cpu\": \"256\", \"memory\": \"512\", \"family\"";
    let ports = "\"portMappings\": [{ \"containerPort\": 3000 }], \"name\"";
    TEMPLATE
        .replace("\"family\"", members)
        .replace("\"name\"", ports)
}

/// What stands in the way of a rollout, and what it would do once that is gone.
#[test]
fn a_refused_rollout_is_planned_with_what_it_is_refused_for() {
    let rollout = "--sandbox @fargate-web --strategy task-sets --weights 1,50";
    let cannot = "the service cannot do a weighted shift between task sets: its deployment controller is ECS";
    let says = [
        "plan             main/web: deploy a new revision of web",
        "strategy         rolling, because",
        cannot,
        "    keep the controller and ask for",
        "hint: ecsdeploy rollout refuses it too",
    ];
    check(&[], &format!("plan {rollout}"), 1, &says);
    check(&[], &format!("rollout {rollout}"), 1, &[cannot]);
    let serves = format!("plan {rollout} --set image_tag=1.0.0 --keep-tags");
    let printed = check(&[], &serves, 1, &[cannot]);
    assert!(!printed.stdout.contains("plan "), "{}", printed.stdout);

    let world = world_of("external-task-sets");
    let (whole, half) = (
        "TargetGroupArn: web, Weight: 100",
        "TargetGroupArn: web, Weight: 70",
    );
    assert!(world.contains(whole), "{world}");
    let world = world.replace(whole, half);
    let world = world.replace("web-alternate, Weight: 0", "web-alternate, Weight: 30");
    let files = [("sandbox.yml", world.as_str())];
    let named = "--sandbox --cluster main --service web --keep-tags";
    let image = |tag| format!("web=123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    let uneven = "the service's one task set is behind web, and rule ";
    let says = [
        "strategy         task sets at",
        uneven,
        " gives that 70 and web-alternate 30",
        "    aws elbv2 modify-rule --rule-arn arn:",
    ];
    let line = |command, tag| format!("{command} {named} --image {}", image(tag));
    check(&files, &line("plan", "1.1.0"), 1, &says);
    check(&files, &line("rollout", "1.1.0"), 1, &[uneven]);
    for command in ["plan", "rollout"] {
        check(&files, &line(command, "1.0.0"), 1, &[uneven]);
    }
}
