//! Inputs as workflows give them, and the command lines they come to.

use std::collections::BTreeSet;

use super::line::Line;
use super::translate::{Inputs, Place, lines};
use super::{INPUTS, Of};
use crate::cli::parse;

fn place(configured: bool) -> Place {
    Place {
        configured,
        rendered: "/temp/td.json".to_owned(),
        is_file: |name| name == "td",
    }
}

fn inputs(of: &[(&str, &str)]) -> Inputs {
    // GitHub gives every input that is declared, the unset ones empty.
    let mut inputs: Inputs = INPUTS
        .iter()
        .map(|it| (it.name.to_owned(), String::new()))
        .collect();
    for (name, text) in of {
        let declared = inputs.insert((*name).to_owned(), (*text).to_owned());
        assert!(declared.is_some(), "{name} is no input");
    }
    inputs
}

fn shown(lines: &[Line]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

fn check(of: &[(&str, &str)], expect: &[&str]) {
    let script =
        lines(&inputs(of), &place(false)).unwrap_or_else(|error| panic!("{}", error.render()));
    assert_eq!(shown(&script), expect);
}

fn refused(of: &[(&str, &str)], says: &str) {
    let Err(failure) = lines(&inputs(of), &place(false)) else {
        panic!("{of:?} is understood");
    };
    assert!(failure.render().contains(says), "{}", failure.render());
}

#[test]
fn the_render_action_s_inputs_render() {
    check(
        &[
            ("task-definition", "td.json"),
            ("container-name", "web"),
            ("image", "r/web:2"),
        ],
        &["ecsdeploy render --task-definition=td.json --image=web=r/web:2 --out=/temp/td.json"],
    );
    check(
        &[
            ("task-definition", "td.json"),
            ("container-name", "web, log"),
            ("image", "r/web:2"),
            ("environment-variables", "A=1\n\n  MOTD=it's on\n"),
            ("secrets", "TOKEN=arn:aws:ssm:r:1:parameter/t"),
            ("docker-labels", "a=b=c"),
            ("command", r#"["serve"]"#),
            ("log-configuration-log-driver", "awslogs"),
            ("log-configuration-options", "awslogs-group=/ecs/web"),
            ("task-role-arn", "arn:aws:iam::1:role/a"),
            ("execution-role-arn", "arn:aws:iam::1:role/b"),
            ("env-files", "arn:aws:s3:::b/a.env"),
        ],
        &[concat!(
            "ecsdeploy render --task-definition=td.json --task-role=arn:aws:iam::1:role/a ",
            "--execution-role=arn:aws:iam::1:role/b --image=web=r/web:2 --image=log=r/web:2 --variable=A=1 ",
            r"'--variable=MOTD=it'\''s on' --secret=TOKEN=arn:aws:ssm:r:1:parameter/t ",
            "--variables-file=arn:aws:s3:::b/a.env --docker-label=a=b=c '--command=[\"serve\"]' ",
            "--log-driver=awslogs --log-option=awslogs-group=/ecs/web --container=web --container=log ",
            "--out=/temp/td.json",
        )],
    );
    check(
        &[
            ("task-definition-family", "web"),
            ("task-definition-revision", "7"),
            ("container-name", "web"),
            ("image", "r/web:2"),
        ],
        &["ecsdeploy render --revision=web:7 --image=web=r/web:2 --out=/temp/td.json"],
    );
}

#[test]
fn the_deploy_action_s_inputs_roll_out() {
    check(
        &[
            ("task-definition", "td.json"),
            ("service", "web"),
            ("cluster", "main"),
            ("wait-for-service-stability", "true"),
        ],
        &["ecsdeploy rollout --service=web --cluster=main --task-definition=td.json"],
    );
    check(
        &[
            ("task-definition", "web"),
            ("service", "web"),
            ("wait-for-minutes", "10"),
            ("force-new-deployment", "True"),
            ("desired-count", "0"),
            ("propagate-tags", "SERVICE"),
            ("enable-ecs-managed-tags", "true"),
            ("service-managed-ebs-volume-name", "data"),
            ("service-managed-ebs-volume", r#"{"sizeInGiB": 10}"#),
        ],
        &[concat!(
            "ecsdeploy rollout --service=web --cluster=default --revision=web --timeout=10m --desired-count=0 ",
            "--force-new-deployment '--members={\"enableECSManagedTags\":true,\"propagateTags\":\"SERVICE\",",
            "\"volumeConfigurations\":[{\"name\":\"data\",\"managedEBSVolume\":{\"sizeInGiB\":10}}]}'",
        )],
    );
    check(
        &[("task-definition", "td.json")],
        &["ecsdeploy register --task-definition=td.json"],
    );
    check(
        &[("task-definition", "td")],
        &["ecsdeploy register --task-definition=td"],
    );
    check(&[], &[]);
}

#[test]
fn a_task_is_run_before_the_service_is_rolled_out() {
    check(
        &[
            ("task-definition", "td.json"),
            ("service", "web"),
            ("cluster", "main"),
            ("run-task", "true"),
            ("wait-for-task-stopped", "true"),
            ("run-task-subnets", "subnet-1,subnet-2"),
            ("run-task-security-groups", "sg-1"),
            ("run-task-assign-public-IP", "ENABLED"),
            (
                "run-task-container-overrides",
                r#"[{"name": "web", "command": ["migrate"]}]"#,
            ),
            ("run-task-started-by", "ci"),
            ("run-task-tags", r#"[{"key": "a", "value": "b"}]"#),
        ],
        &[
            concat!(
                "ecsdeploy run --service=web --cluster=main --task-definition=td.json --subnet=subnet-1,subnet-2 ",
                "--security-group=sg-1 --public-ip '--members={\"overrides\":{\"containerOverrides\":",
                "[{\"name\":\"web\",\"command\":[\"migrate\"]}]},\"startedBy\":\"ci\",",
                "\"tags\":[{\"key\":\"a\",\"value\":\"b\"}]}'",
            ),
            "ecsdeploy rollout --service=web --cluster=main --task-definition=td.json",
        ],
    );
    check(
        &[
            ("task-definition", "td.json"),
            ("run-task", "true"),
            ("run-task-subnets", "subnet-1"),
        ],
        &["ecsdeploy run --cluster=default --task-definition=td.json --subnet=subnet-1 --no-wait"],
    );
}

#[test]
fn a_command_that_is_named_gets_the_inputs_it_knows() {
    check(
        &[
            ("subcommand", "plan"),
            ("environment", "production"),
            ("plan", "plan.json"),
            ("comment", "auto"),
        ],
        &["ecsdeploy plan --env=production --out=plan.json --comment=auto"],
    );
    check(
        &[
            ("subcommand", "rollout"),
            ("config", "deploy"),
            ("canary", "10%"),
            ("args", "--bake\n10m\n--note=a b"),
        ],
        &["ecsdeploy rollout deploy --canary=10% --bake 10m '--note=a b'"],
    );
    check(
        &[
            ("subcommand", "rollback"),
            ("service", "web"),
            ("on-cancel", "leave"),
        ],
        &["ecsdeploy rollback --service=web --cluster=default --on-cancel=leave"],
    );
    check(
        &[
            ("subcommand", "status"),
            ("image", "r/web:2"),
            ("cluster", "c"),
        ],
        &["ecsdeploy status --cluster=c"],
    );
    let script = lines(&inputs(&[("service", "web")]), &place(true)).unwrap();
    assert_eq!(shown(&script), ["ecsdeploy rollout --service=web"]);
}

#[test]
fn a_value_is_never_an_option() {
    check(
        &[
            ("task-definition", "td.json"),
            ("config", "-x"),
            ("service", "--sandbox"),
            ("cluster", "--plan x"),
            ("image", "--help"),
        ],
        &[
            "ecsdeploy rollout ./-x --service=--sandbox '--cluster=--plan x' --task-definition=td.json --image=--help",
        ],
    );
}

#[test]
fn an_input_that_cannot_be_understood_is_refused_by_its_name() {
    refused(
        &[("service", "web"), ("wait-for-minutes", "ten")],
        "wait-for-minutes is ten",
    );
    refused(
        &[("service", "web"), ("force-new-deployment", "yes")],
        "force-new-deployment is yes",
    );
    refused(
        &[("task-definition-revision", "3"), ("image", "r/web:2")],
        "of no family",
    );
    refused(
        &[("run-task", "true"), ("run-task-tags", "{}")],
        "run-task-tags is no JSON list",
    );
    refused(
        &[("run-task", "true"), ("run-task-tags", "a=b")],
        "run-task-tags is no JSON",
    );
    refused(
        &[("run-task", "true"), ("run-task-managed-ebs-volume", "{}")],
        "belong together",
    );
    refused(&[("subcommand", "sandbox")], "does not run sandbox");
}

#[test]
fn a_wish_not_to_wait_hands_the_rollout_over() {
    let rollout = "ecsdeploy rollout --service=web --cluster=c";
    let wish = |wish| {
        [
            ("service", "web"),
            ("cluster", "c"),
            ("wait-for-service-stability", wish),
        ]
    };
    check(&wish("false"), &[&format!("{rollout} --detach")]);
    check(&wish("true"), &[rollout]);
    check(&wish(""), &[rollout]);
    refused(&wish("no"), "wait-for-service-stability is no");
}

/// Every input at once, so that an option that the program does not know is found.
#[test]
fn the_program_understands_whatever_the_inputs_come_to() {
    let value = |name: &str| match name {
        "wait-for-minutes" | "desired-count" | "pull-request" => "10",
        "bake" | "timeout" => "5m",
        "canary" => "1",
        "on-cancel" => "leave",
        "strategy" | "comment" | "commit-status" | "deployment" => "auto",
        "environment-url" => "https://web.example",
        "environment-variables"
        | "secrets"
        | "docker-labels"
        | "log-configuration-options"
        | "set" => "A=b",
        "force-new-deployment"
        | "keep-tags"
        | "exit-code"
        | "run-task"
        | "wait-for-task-stopped"
        | "wait-for-service-stability"
        | "enable-ecs-managed-tags" => "true",
        "run-task-tags"
        | "run-task-container-overrides"
        | "run-task-capacity-provider-strategy" => "[{}]",
        "run-task-managed-ebs-volume" | "service-managed-ebs-volume" => "{}",
        // A canary and weights exclude each other.
        "weights"
        | "subcommand"
        | "plan"
        | "args"
        | "task-definition-arn"
        | "task-definition-family"
        | "task-definition-revision" => "",
        "task-definition" => "td.json",
        _ => "text",
    };
    let of: Vec<_> = INPUTS.iter().map(|it| (it.name, value(it.name))).collect();
    for command in [
        "rollout", "plan", "diff", "render", "register", "run", "rollback", "watch", "status",
        "rehearse",
    ] {
        let mut of = of.clone();
        of.push(("subcommand", command));
        let script =
            lines(&inputs(&of), &place(false)).unwrap_or_else(|error| panic!("{}", error.render()));
        for line in script {
            let words = std::iter::once("ecsdeploy").chain(line.0.iter().map(String::as_str));
            if let Err(error) = parse(words.map(Into::into)) {
                panic!("{line}\n{error}");
            }
        }
    }
}

#[test]
fn each_input_is_named_once_and_says_what_it_means() {
    let names: BTreeSet<_> = INPUTS.iter().map(|it| it.name).collect();
    assert_eq!(names.len(), INPUTS.len());
    assert!(INPUTS.iter().all(|it| !it.means.is_empty()));
    assert!(INPUTS.iter().any(|it| it.of == Of::Install));
}
