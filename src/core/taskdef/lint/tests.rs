//! Findings as data: what is put over a sound definition, and what is said of it.

use super::{Finding, Launch, Severity, lint};
use crate::core::taskdef::TaskDefinition;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A definition that runs on Fargate and has nothing wrong.
fn sound() -> Value {
    json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "512", "memory": "1024", "executionRoleArn": "exec",
        "volumes": [{"name": "scratch"}],
        "containerDefinitions": [
            {
                "name": "web", "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:v1",
                "portMappings": [{"containerPort": 3000}],
                "environment": [{"name": "PORT", "value": "3000"}],
                "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch"}],
                "dependsOn": [{"containerName": "init", "condition": "SUCCESS"}],
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "web"}},
            },
            {"name": "init", "image": "busybox", "essential": false, "privileged": false, "links": []},
        ],
    })
}

/// A definition that runs on instances and has nothing wrong.
fn sound_on_instances() -> Value {
    json!({"family": "web", "containerDefinitions": [
        {"name": "web", "image": "nginx", "memory": 256, "portMappings": [{"containerPort": 80, "hostPort": 0}]},
        {"name": "log", "image": "fluent-bit", "memoryReservation": 64, "links": ["web"], "privileged": true},
    ]})
}

/// `E path: message (hint)`, or `W …`.
fn said(document: Value) -> Vec<String> {
    let definition = TaskDefinition::from_value(document).unwrap();
    let line = |finding: Finding| {
        let severity = if finding.severity == Severity::Error {
            "E"
        } else {
            "W"
        };
        let hint = finding
            .hint
            .as_ref()
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        format!("{severity} {finding}{hint}")
    };
    lint(&definition, Launch::Unknown)
        .into_iter()
        .map(line)
        .collect()
}

fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match member.parse::<usize>() {
        Ok(_) => parent.as_array_mut().unwrap().push(value),
        Err(_) => parent[member] = value,
    }
    document
}

/// Puts `value` at `pointer` in the Fargate definition.
fn check(pointer: &str, value: Value, expected: &[&str]) {
    assert_eq!(said(with(sound(), pointer, value)), expected, "{pointer}");
}

/// Puts `value` at `pointer` in the definition for instances.
fn check_instances(pointer: &str, value: Value, expected: &[&str]) {
    assert_eq!(
        said(with(sound_on_instances(), pointer, value)),
        expected,
        "{pointer}"
    );
}

#[test]
fn sound_definitions_have_no_findings() {
    assert_eq!(said(sound()), [""; 0]);
    assert_eq!(said(sound_on_instances()), [""; 0]);
}

#[test]
fn a_value_of_the_wrong_kind_is_found_with_the_right_spelling() {
    check(
        "/cpu",
        json!(512),
        &["E cpu: must be a string, found a number (write \"512\")"],
    );
    check(
        "/containerDefinitions/0/environment/9",
        json!({"name": "DEBUG", "value": true}),
        &[
            "E containerDefinitions[0].environment[1].value: must be a string, found true or false (write \"true\")",
        ],
    );
    check(
        "/containerDefinitions/0/portMappings/9",
        json!({"containerPort": "80"}),
        &[
            "E containerDefinitions[0].portMappings[1].containerPort: must be a number, found a string (write 80)",
        ],
    );
    check(
        "/containerDefinitions/0/logConfiguration/options/x",
        json!(1),
        &[
            "E containerDefinitions[0].logConfiguration.options.x: must be a string, found a number (write \"1\")",
        ],
    );
}

#[test]
fn a_null_in_a_list_is_found() {
    let expected = ["E containerDefinitions[0].command[1]: null is not an item of a list"];
    check(
        "/containerDefinitions/0/command",
        json!(["a", null]),
        &expected,
    );
}

#[test]
fn names_are_letters_digits_hyphens_and_underscores() {
    let rule = "must be up to 255 letters, digits, hyphens and underscores";
    check(
        "/family",
        json!("a.b"),
        &[&format!("E family: \"a.b\" {rule}")],
    );
    check(
        "/containerDefinitions/1/name",
        json!("init container"),
        &[
            &format!("E containerDefinitions[1].name: \"init container\" {rule}"),
            "E containerDefinitions[0].dependsOn[0].containerName: no container is named \"init\"",
        ],
    );
}

#[test]
fn an_image_is_there_and_readable() {
    check(
        "/containerDefinitions/1/image",
        Value::Null,
        &["E containerDefinitions[1].image: is missing (name one with --image CONTAINER=REF)"],
    );
    check(
        "/containerDefinitions/1/image",
        json!("web:"),
        &[
            "W containerDefinitions[1].image: the tag \"\" of the image is not up to 128 letters, digits, '_', '.' and '-' \
         that start with none of '.' and '-'",
        ],
    );
}

#[test]
fn ranges_and_lengths_are_kept() {
    check(
        "/containerDefinitions/0/healthCheck",
        json!({"command": ["CMD", "x"], "interval": 4, "retries": 11}),
        &[
            "E containerDefinitions[0].healthCheck.interval: must be 5 to 300, found 4",
            "E containerDefinitions[0].healthCheck.retries: must be 1 to 10, found 11",
        ],
    );
    check(
        "/containerDefinitions/0/credentialSpecs",
        json!(["a", "b"]),
        &["E containerDefinitions[0].credentialSpecs: must have at most 1 items, found 2"],
    );
    check(
        "/ephemeralStorage",
        json!({"sizeInGiB": 20}),
        &["E ephemeralStorage.sizeInGiB: must be 21 to 200, found 20"],
    );
    check(
        "/containerDefinitions/0/stopTimeout",
        json!(121),
        &["E containerDefinitions[0].stopTimeout: must be 2 to 120, found 121"],
    );
    check_instances("/containerDefinitions/0/stopTimeout", json!(121), &[]);
}

#[test]
fn tags_of_aws_are_not_ours_to_set() {
    check(
        "/tags",
        json!([{"key": "AWS:x", "value": "y"}]),
        &["E tags[0]: tag keys that start with aws: belong to AWS"],
    );
}

#[test]
fn what_is_named_is_named_once_and_what_is_used_is_there() {
    let named = |name: &str| json!({"name": name, "image": "nginx", "essential": false});
    check(
        "/containerDefinitions/9",
        named("web"),
        &["E containerDefinitions[2].name: another container is named \"web\""],
    );
    check(
        "/volumes/9",
        json!({"name": "scratch"}),
        &["E volumes[1].name: another volume is named \"scratch\""],
    );
    check(
        "/containerDefinitions/0/mountPoints/9",
        json!({"sourceVolume": "data"}),
        &["E containerDefinitions[0].mountPoints[1].sourceVolume: no volume is named \"data\""],
    );
    check(
        "/containerDefinitions/0/volumesFrom",
        json!([{"sourceContainer": "x"}]),
        &["E containerDefinitions[0].volumesFrom[0].sourceContainer: no container is named \"x\""],
    );
}

#[test]
fn a_task_needs_an_essential_container() {
    check(
        "/containerDefinitions/0/essential",
        json!(false),
        &[
            "E containerDefinitions: no container is essential, and a task needs one \
         (leave out \"essential\": false of the container that the task is about)",
        ],
    );
}

#[test]
fn a_dependency_can_be_met() {
    let path = "/containerDefinitions/0/dependsOn/9";
    let on = |name: &str, condition: &str| json!({"containerName": name, "condition": condition});
    let at = "containerDefinitions[0].dependsOn[1]";
    check(
        path,
        on("web", "START"),
        &[&format!("E {at}: container \"web\" waits for itself")],
    );
    check(
        path,
        on("init", "HEALTHY"),
        &[&format!(
            "W {at}: container \"init\" has no healthCheck in this definition"
        )],
    );
    check(path, on("init", "BORN_TOMORROW"), &[]);
    check(
        "/containerDefinitions/1/essential",
        json!(true),
        &[
            "E containerDefinitions[0].dependsOn[0]: container \"init\" is essential: the task ends when it does \
         (set \"essential\": false on \"init\")",
        ],
    );
}

#[test]
fn a_secret_shares_its_name_with_no_variable() {
    check(
        "/containerDefinitions/0/secrets",
        json!([{"name": "PORT", "valueFrom": "x"}]),
        &[
            "E containerDefinitions[0].secrets[0].name: another variable or secret is named \"PORT\"",
        ],
    );
    check(
        "/containerDefinitions/0/environment/9",
        json!({"name": "PORT", "value": "1"}),
        &[
            "W containerDefinitions[0].environment[1].name: another variable or secret is named \"PORT\"",
        ],
    );
}

#[test]
fn on_instances_each_container_has_memory_or_the_task_has() {
    check_instances(
        "/containerDefinitions/0/memory",
        Value::Null,
        &[
            "E containerDefinitions[0]: container \"web\" has no memory, and neither has the task \
         (set memory or memoryReservation in MiB, or memory of the task)",
        ],
    );
    check_instances("/memory", json!("512"), &[]);
}

#[test]
fn memory_adds_up() {
    check_instances(
        "/containerDefinitions/0/memoryReservation",
        json!(257),
        &["E containerDefinitions[0].memory: must not be below memoryReservation"],
    );
    check_instances(
        "/memory",
        json!("300"),
        &["W memory: the containers reserve 320 MiB together, and the task has 300"],
    );
    check(
        "/containerDefinitions/0/cpu",
        json!(513),
        &["W cpu: the containers take 513 CPU units together, and the task has 512"],
    );
}

#[test]
fn firelens_logs_need_a_router() {
    let logs = json!({"logDriver": "awsfirelens"});
    check(
        "/containerDefinitions/0/logConfiguration",
        logs,
        &[
            "E containerDefinitions[0].logConfiguration.logDriver: awsfirelens needs a container with a firelensConfiguration",
        ],
    );
}

#[test]
fn ports_fit_the_network_mode() {
    let port = |container: u64, host: u64| json!({"containerPort": container, "hostPort": host});
    check(
        "/containerDefinitions/0/portMappings/9",
        port(80, 8080),
        &[
            "E containerDefinitions[0].portMappings[1].hostPort: must be the containerPort 80 under awsvpc (leave hostPort out)",
        ],
    );
    check(
        "/containerDefinitions/1/portMappings",
        json!([port(3000, 3000)]),
        &[
            "E containerDefinitions[1].portMappings[0].containerPort: port 3000/tcp is mapped already by this definition",
        ],
    );
    check_instances(
        "/containerDefinitions/1/portMappings",
        json!([port(80, 0), port(81, 8080), port(82, 8080)]),
        &[
            "E containerDefinitions[1].portMappings[2].hostPort: port 8080/tcp is mapped already by this definition",
        ],
    );
    check_instances(
        "/networkMode",
        json!("none"),
        &[
            "E containerDefinitions[0].portMappings[0]: network mode none has no ports to map",
            "E containerDefinitions[1].links[0]: links need bridge, not none",
        ],
    );
    check(
        "/containerDefinitions/0/hostname",
        json!("web"),
        &["E containerDefinitions[0].hostname: hostname is not allowed under awsvpc"],
    );
}

#[test]
fn a_fargate_size_is_one_that_there_is() {
    let nearest = "the nearest size is cpu 512 with memory 2048";
    check(
        "/memory",
        json!("1500"),
        &[&format!(
            "E cpu: Fargate has no size of cpu 512 with memory 1500 ({nearest})"
        )],
    );
    check("/memory", json!("2 GB"), &[]);
    check(
        "/memory",
        json!("2 GiB"),
        &["E memory: \"2 GiB\" is not a size (write MiB (\"1024\") or GB (\"1 GB\"))"],
    );
    check(
        "/cpu",
        Value::Null,
        &["E cpu: is missing, and Fargate needs it"],
    );
    let large = with(
        with(sound(), "/cpu", json!("32 vCPU")),
        "/memory",
        json!("60 GB"),
    );
    assert_eq!(
        said(large),
        ["W cpu: not every region has tasks of 32 vCPUs"]
    );
    check(
        "/runtimePlatform",
        json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}),
        &["E cpu: Windows tasks on Fargate have cpu 1024 to 4096, not 512"],
    );
}

#[test]
fn what_fargate_does_not_support_is_found() {
    let unsupported = "is not supported on Fargate";
    check(
        "/networkMode",
        Value::Null,
        &["E networkMode: is missing, and Fargate needs it (write \"awsvpc\")"],
    );
    check(
        "/networkMode",
        json!("bridge"),
        &[&format!(
            "E networkMode: \"bridge\" {unsupported} (Fargate takes awsvpc)"
        )],
    );
    check(
        "/ipcMode",
        json!("task"),
        &[&format!("E ipcMode: {unsupported}")],
    );
    check(
        "/volumes/9",
        json!({"name": "h", "host": {"sourcePath": "/"}}),
        &[&format!("E volumes[1].host.sourcePath: {unsupported}")],
    );
    check(
        "/containerDefinitions/0/privileged",
        json!(true),
        &[&format!(
            "E containerDefinitions[0].privileged: {unsupported}"
        )],
    );
    check(
        "/containerDefinitions/0/linuxParameters",
        json!({"tmpfs": [{}], "capabilities": {"add": ["SYS_PTRACE", "NET_ADMIN"]}}),
        &[
            &format!("E containerDefinitions[0].linuxParameters.tmpfs: {unsupported}"),
            &format!(
                "E containerDefinitions[0].linuxParameters.capabilities.add[1]: \"NET_ADMIN\" {unsupported} (Fargate takes SYS_PTRACE)"
            ),
        ],
    );
    check(
        "/containerDefinitions/0/logConfiguration/logDriver",
        json!("json-file"),
        &[&format!(
            "E containerDefinitions[0].logConfiguration.logDriver: \"json-file\" {unsupported} (Fargate takes awslogs, splunk, awsfirelens)"
        )],
    );
    check(
        "/containerDefinitions/0/resourceRequirements",
        json!([{"type": "GPU", "value": "1"}]),
        &["E containerDefinitions[0].resourceRequirements[0].type: Fargate has no GPUs"],
    );
    check(
        "/containerDefinitions/0/ulimits",
        json!([{"name": "nofile", "softLimit": 1, "hardLimit": 1_048_577}]),
        &["E containerDefinitions[0].ulimits[0].hardLimit: must be 0 to 1048576, found 1048577"],
    );
}

#[test]
fn who_fetches_for_the_task_needs_the_execution_role() {
    let hint = "(name the role with --execution-role or in the definition)";
    check(
        "/executionRoleArn",
        Value::Null,
        &[&format!(
            "E executionRoleArn: is missing, and the task pulls from Amazon ECR (containerDefinitions[0].image) {hint}"
        )],
    );
    check_instances(
        "/containerDefinitions/0/logConfiguration",
        json!({"logDriver": "awslogs"}),
        &[],
    );
    check_instances(
        "/containerDefinitions/0/secrets",
        json!([{"name": "A", "valueFrom": "b"}]),
        &[&format!(
            "E executionRoleArn: is missing, and the task reads a secret (containerDefinitions[0].secrets[0]) {hint}"
        )],
    );
}

#[test]
fn the_launch_decides_where_the_definition_does_not() {
    let definition = TaskDefinition::from_value(sound_on_instances()).unwrap();
    assert_eq!(lint(&definition, Launch::Ec2), []);
    assert!(!lint(&definition, Launch::Fargate).is_empty());
}

/// JSON of any shape, with members that the rules look at.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "", "awsvpc", "none", "1 vCPU", "2 GB", "é", "FARGATE", "COMPLETE"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 5, |inner| {
        let keys = prop::sample::select(vec![
            "name",
            "memory",
            "cpu",
            "portMappings",
            "containerPort",
            "hostPort",
            "dependsOn",
            "containerName",
            "condition",
            "volumes",
            "networkMode",
            "requiresCompatibilities",
            "environment",
            "secrets",
            "ulimits",
            "tags",
            "key",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn no_document_makes_the_linter_or_the_canonical_form_panic(definition in any_json(), container in any_json()) {
        let mut document = definition;
        if !document.is_object() { document = json!({}) }
        let mut first = container;
        if !first.is_object() { first = json!({}) }
        first["name"] = json!("web");
        document["family"] = json!("web");
        document["containerDefinitions"] = json!([first]);
        let definition = TaskDefinition::from_value(document).unwrap();
        for launch in [Launch::Fargate, Launch::Ec2, Launch::External, Launch::Unknown] {
            lint(&definition, launch);
        }
        let form = crate::core::taskdef::canonical(&definition);
        let again = TaskDefinition::from_value(form.value().clone()).unwrap();
        prop_assert_eq!(crate::core::taskdef::canonical(&again).to_string(), form.to_string());
    }
}
