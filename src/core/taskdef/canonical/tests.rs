//! Every rule both ways (equal when equal, different when different), a real-shaped pair, and properties.

use super::place::{each, each_object};
use super::*;
use crate::core::taskdef::{Described, TaskDefinition};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn read(document: Value) -> TaskDefinition {
    TaskDefinition::from_value(document).unwrap()
}

/// A definition with `value` at `place` (`null`: nothing), and an unrelated member in every object on the way.
fn planted(place: &str, value: Value) -> TaskDefinition {
    let mut document =
        json!({"family": "f", "containerDefinitions": [{"name": "web", "image": "nginx"}]});
    plant(&mut document, place, value);
    read(document)
}

fn plant(target: &mut Value, place: &str, value: Value) {
    target["anchor"] = json!(1);
    let (step, rest) = place.split_once('.').unwrap_or((place, ""));
    let member = step.strip_suffix("[]");
    let inner = &mut target[member.unwrap_or(step)];
    match (member, rest) {
        (None, "") => *inner = value,
        (None, rest) => plant(object(inner), rest, value),
        (Some(_), rest) => plant(object(list(inner)), rest, value),
    }
}

fn object(value: &mut Value) -> &mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    value
}

fn list(value: &mut Value) -> &mut Value {
    if !value.is_array() {
        *value = json!([{}]);
    }
    &mut value[0]
}

fn join(at: &str, member: &str) -> String {
    if at.is_empty() {
        member.to_owned()
    } else {
        format!("{at}.{member}")
    }
}

fn alike(place: &str, left: Value, right: Value) {
    let forms = compared(&planted(place, left), &planted(place, right));
    assert_eq!(forms.0, forms.1, "{place}");
    assert_eq!(forms.0.to_string(), forms.1.to_string(), "{place}");
}

fn unlike(place: &str, left: Value, right: Value) {
    assert!(
        !same(&planted(place, left), &planted(place, right)),
        "{place}"
    );
}

#[test]
fn every_default_means_the_same_as_nothing_and_no_other_value_does() {
    for rule in DEFAULTS {
        let other = match rule.value {
            Literal::Text(text) => json!(format!("not {text}")),
            Literal::Number(number) => json!(number + 1),
            Literal::Flag(flag) => json!(!flag),
        };
        let place = join(rule.at, rule.member);
        alike(&place, rule.value.to_value(), Value::Null);
        unlike(&place, other, Value::Null);
        assert!(!rule.source.is_empty());
    }
}

#[test]
fn every_set_may_be_in_any_order_but_must_hold_the_same() {
    for rule in SETS {
        let item = |id: &str| match rule.by {
            [] => json!(id),
            members => json!(
                members
                    .iter()
                    .map(|&it| (it.to_owned(), json!(id)))
                    .collect::<Map<_, _>>()
            ),
        };
        let (a, b, c) = (item("a"), item("b"), item("c"));
        let (a, b, c) = if rule.at == "containerDefinitions" {
            (named("a"), named("b"), named("c"))
        } else {
            (a, b, c)
        };
        alike(rule.at, json!([a, b]), json!([b, a]));
        unlike(rule.at, json!([a, b]), json!([a, c]));
        unlike(rule.at, json!([a, b]), json!([a]));
    }
}

fn named(name: &str) -> Value {
    json!({"name": name})
}

#[test]
fn every_empty_object_means_the_same_as_nothing_and_a_filled_one_does_not() {
    for rule in EMPTY_OBJECTS {
        let place = join(rule.at, rule.member);
        alike(&place, json!({}), Value::Null);
        unlike(&place, json!({"k": "v"}), Value::Null);
    }
}

#[test]
fn the_order_of_a_list_counts_where_it_has_a_meaning() {
    for place in [
        "containerDefinitions[].command",
        "containerDefinitions[].entryPoint",
        "containerDefinitions[].links",
        "containerDefinitions[].dnsServers",
        "containerDefinitions[].healthCheck.command",
        "containerDefinitions[].environmentFiles",
        "containerDefinitions[].dependsOn",
        "containerDefinitions[].bornTomorrow",
        "bornTomorrow",
    ] {
        unlike(place, json!(["a", "b"]), json!(["b", "a"]));
    }
}

#[test]
fn the_last_of_two_variables_of_one_name_still_wins() {
    let variable = |value: &str| json!({"name": "A", "value": value});
    let place = "containerDefinitions[].environment";
    unlike(
        place,
        json!([variable("1"), variable("2")]),
        json!([variable("2"), variable("1")]),
    );
}

#[test]
fn an_empty_list_is_no_list_wherever_it_is() {
    for place in [
        "volumes",
        "placementConstraints",
        "bornTomorrow",
        "containerDefinitions[].links",
        "a.b",
        "a[].b",
    ] {
        alike(place, json!([]), Value::Null);
        unlike(place, json!([{}]), Value::Null);
    }
}

#[test]
fn an_empty_object_that_no_rule_knows_is_something() {
    unlike("bornTomorrow", json!({}), Value::Null);
    unlike(
        "containerDefinitions[].environment",
        json!([{}]),
        Value::Null,
    );
}

#[test]
fn sizes_are_the_same_in_every_spelling() {
    alike("cpu", json!("1 vCPU"), json!("1024"));
    alike("cpu", json!(".25 vcpu"), json!("256"));
    alike("memory", json!("2 GB"), json!("2048"));
    alike("memory", json!("0.5GB"), json!("512"));
    unlike("cpu", json!("1 vCPU"), json!("1"));
    unlike("cpu", json!("1 GB"), json!("1024"));
    unlike("memory", json!("some"), json!("2048"));
    unlike("containerDefinitions[].user", json!("1 GB"), json!("1024"));
}

#[test]
fn numbers_are_the_same_in_every_spelling() {
    alike("bornTomorrow", json!(2.0), json!(2));
    alike("containerDefinitions[].cpu", json!(0.0), Value::Null);
    unlike("bornTomorrow", json!(2.5), json!(2));
    unlike("bornTomorrow", json!("2"), json!(2));
    unlike("bornTomorrow", json!(u64::MAX), json!(u64::MAX - 1));
}

#[test]
fn a_digest_decides_what_runs_and_a_tag_only_without_one() {
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let place = "containerDefinitions[].image";
    let (one, two) = (digest("1"), digest("2"));
    alike(
        place,
        json!(format!("r.io/web:v1@{one}")),
        json!(format!("r.io/web@{one}")),
    );
    alike(
        place,
        json!(format!("r.io/web:v1@{one}")),
        json!(format!("r.io/web:v2@{one}")),
    );
    unlike(
        place,
        json!(format!("r.io/web:v1@{one}")),
        json!(format!("r.io/web:v1@{two}")),
    );
    unlike(
        place,
        json!(format!("r.io/web:v1@{one}")),
        json!(format!("s.io/web:v1@{one}")),
    );
    unlike(place, json!("r.io/web:v1"), json!("r.io/web:v2"));
    unlike(
        place,
        json!(format!("r.io/web:v1@{one}")),
        json!("r.io/web:v1"),
    );
}

#[test]
fn a_host_port_counts_where_ecs_would_not_choose_it_anyway() {
    let with = |mode: &str, port: Value| {
        let mapping = json!({"containerPort": 80, "hostPort": port});
        let containers = json!([{"name": "web", "portMappings": [mapping]}]);
        read(json!({"family": "f", "networkMode": mode, "containerDefinitions": containers}))
    };
    for (mode, left, right, alike) in [
        ("awsvpc", json!(80), Value::Null, true),
        ("awsvpc", json!(0), json!(80), true),
        ("awsvpc", json!(81), Value::Null, false),
        ("host", json!(80), Value::Null, true),
        ("host", json!(81), Value::Null, false),
        ("bridge", json!(0), Value::Null, true),
        ("bridge", json!(80), Value::Null, false),
        ("bridge", json!(80), json!(81), false),
        ("mode-born-tomorrow", json!(80), Value::Null, false),
    ] {
        assert_eq!(
            same(&with(mode, left.clone()), &with(mode, right.clone())),
            alike,
            "{mode} {left} {right}"
        );
    }
}

#[test]
fn bridge_is_the_network_mode_of_who_says_nothing_but_not_on_windows() {
    alike("networkMode", json!("bridge"), Value::Null);
    unlike("networkMode", json!("awsvpc"), Value::Null);
    let windows = |mode: Value| {
        let platform = json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"});
        read(
            json!({"family": "f", "networkMode": mode, "runtimePlatform": platform, "containerDefinitions": [named("web")]}),
        )
    };
    assert!(!same(&windows(json!("bridge")), &windows(Value::Null)));
}

#[test]
fn a_role_by_name_is_the_role_of_that_name_and_two_arns_are_compared_whole() {
    for place in ["taskRoleArn", "executionRoleArn"] {
        let arn = |account: &str, name: &str| json!(format!("arn:aws:iam::{account}:role/{name}"));
        alike(place, json!("app"), arn("123456789012", "app"));
        alike(place, arn("123456789012", "team/app"), json!("app"));
        unlike(place, json!("app"), arn("123456789012", "app2"));
        unlike(place, json!("app"), json!("app2"));
        unlike(
            place,
            arn("123456789012", "app"),
            arn("210987654321", "app"),
        );
        unlike(
            place,
            arn("123456789012", "a/app"),
            arn("123456789012", "b/app"),
        );
        unlike(place, arn("123456789012", "app"), Value::Null);
    }
}

#[test]
fn a_form_alone_keeps_its_roles() {
    let arn = "arn:aws:iam::123456789012:role/team/app";
    assert_eq!(
        canonical(&planted("taskRoleArn", json!(arn))).value()["taskRoleArn"],
        arn
    );
}

/// A definition as people write it, and what AWS answers after registering it.
fn written_and_answered() -> (Value, Value) {
    let written = json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": ".5 vCPU", "memory": "1 GB", "executionRoleArn": "exec",
        "taskRoleArn": "arn:aws:iam::123456789012:role/app",
        "volumes": [{"name": "scratch"}],
        "containerDefinitions": [{
            "name": "web", "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:v1",
            "portMappings": [{"containerPort": 3000}],
            "environment": [{"name": "PORT", "value": "3000"}, {"name": "LOG_LEVEL", "value": "info"}],
            "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch"}],
            "healthCheck": {"command": ["CMD-SHELL", "curl -f localhost:3000"]},
        }, {"name": "log", "image": "fluent-bit:3", "essential": false, "user": null}],
        "tags": [{"key": "team", "value": "a"}],
    });
    let answered = json!({
        "taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7",
            "containerDefinitions": [{
                "name": "web", "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:v1", "cpu": 0,
                "portMappings": [{"containerPort": 3000, "hostPort": 3000, "protocol": "tcp"}],
                "essential": true,
                "environment": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "PORT", "value": "3000"}],
                "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch"}],
                "volumesFrom": [],
                "healthCheck": {"command": ["CMD-SHELL", "curl -f localhost:3000"], "interval": 30, "timeout": 5, "retries": 3},
                "systemControls": [],
            }, {
                "name": "log", "image": "fluent-bit:3", "cpu": 0, "portMappings": [], "essential": false,
                "environment": [], "mountPoints": [], "volumesFrom": [], "systemControls": [],
            }],
            "family": "web", "taskRoleArn": "arn:aws:iam::123456789012:role/app",
            "executionRoleArn": "arn:aws:iam::123456789012:role/exec", "networkMode": "awsvpc", "revision": 7,
            "volumes": [{"name": "scratch", "host": {}}], "status": "ACTIVE",
            "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.ecr-auth"}], "placementConstraints": [],
            "compatibilities": ["EC2", "FARGATE", "MANAGED_INSTANCES"], "requiresCompatibilities": ["FARGATE"],
            "cpu": "512", "memory": "1024", "registeredAt": 1_776_000_000.123,
            "registeredBy": "arn:aws:sts::123456789012:assumed-role/ci/run",
        },
        "tags": [{"key": "team", "value": "a"}],
    });
    (written, answered)
}

#[test]
fn a_definition_and_the_answer_for_it_are_the_same() {
    let (written, answered) = written_and_answered();
    let (written, answered) = (
        read(written),
        Described::from_value(answered).unwrap().definition,
    );
    let (left, right) = compared(&written, &answered);
    assert_eq!(left.to_string(), right.to_string());
    assert!(same(&written, &answered));
}

/// JSON of any shape.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        "[a-z{\\[\"é]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,6}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// Something for every place that a set rule names, with items that can be told apart, in a random order.
fn any_definition() -> impl Strategy<Value = Value> {
    let chosen = prop::sample::subsequence(SETS.to_vec(), 0..SETS.len());
    let ids = Just(vec!["a", "b", "c", "d"]).prop_shuffle();
    let network = prop::sample::select(vec!["awsvpc", "bridge", "host", "none", "new"]);
    let odd = prop::collection::btree_map("[a-z]{9}", any_json(), 0..3);
    (chosen, ids, network, odd).prop_map(|(rules, ids, network, odd)| {
        let mut document =
            json!({"family": "f", "containerDefinitions": [{"name": "web", "image": "nginx"}]});
        document["networkMode"] = json!(network);
        document.as_object_mut().unwrap().extend(odd);
        for rule in rules
            .iter()
            .filter(|rule| rule.at != "containerDefinitions")
        {
            plant(&mut document, rule.at, items_of(rule, &ids));
        }
        document
    })
}

fn items_of(rule: &SetRule, ids: &[&str]) -> Value {
    let item = |id: &&str| match rule.by {
        [] => json!(id),
        members => json!(
            members
                .iter()
                .map(|&it| (it.to_owned(), json!(id)))
                .collect::<Map<_, _>>()
        ),
    };
    ids.iter().map(item).collect()
}

/// Every set in another order.
fn shuffled(mut document: Value, by: usize) -> Value {
    for rule in SETS {
        each(&mut document, rule.at, &mut |found| {
            if let Value::Array(items) = found {
                items.reverse();
                let length = items.len().max(1);
                items.rotate_left(by % length);
            }
        });
    }
    document
}

/// Everything that AWS fills in.
fn filled(mut document: Value) -> Value {
    for rule in DEFAULTS {
        each_object(&mut document, rule.at, &mut |members| {
            members.entry(rule.member).or_insert(rule.value.to_value());
        });
    }
    each_object(&mut document, "containerDefinitions[]", &mut |members| {
        for list in [
            "environment",
            "mountPoints",
            "volumesFrom",
            "systemControls",
            "portMappings",
        ] {
            members.entry(list).or_insert(json!([]));
        }
    });
    document
}

fn object_at(value: &mut Value, countdown: &mut usize, unknown: &Value) -> bool {
    if let Value::Object(members) = value {
        if *countdown == 0 {
            members.insert("bornTomorrow".to_owned(), unknown.clone());
            return true;
        }
        *countdown -= 1;
    }
    match value {
        Value::Object(members) => members
            .values_mut()
            .any(|it| object_at(it, countdown, unknown)),
        Value::Array(items) => items.iter_mut().any(|it| object_at(it, countdown, unknown)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn the_canonical_form_of_a_canonical_form_is_itself(document in any_definition()) {
        let form = canonical(&read(document));
        prop_assert_eq!(canonical(&read(form.clone().into_value())).to_string(), form.to_string());
    }

    #[test]
    fn the_order_of_sets_does_not_matter(document in any_definition(), by in 0..4_usize) {
        let form = canonical(&read(document.clone()));
        prop_assert_eq!(canonical(&read(shuffled(document, by))).to_string(), form.to_string());
    }

    #[test]
    fn the_defaults_of_aws_do_not_matter(document in any_definition()) {
        let form = canonical(&read(document.clone()));
        prop_assert_eq!(canonical(&read(filled(document))).to_string(), form.to_string());
    }

    #[test]
    fn an_unknown_member_anywhere_is_kept_and_makes_a_difference(
        document in any_definition(), unknown in any_json(), at in 0..12_usize,
    ) {
        prop_assume!(!unknown.is_null() && unknown != json!([]));
        let mut changed = document.clone();
        prop_assume!(object_at(&mut changed, &mut at.clone(), &unknown));
        let (before, after) = (read(document), read(changed));
        prop_assert!(!same(&before, &after));
        prop_assert!(canonical(&after).to_string().contains("bornTomorrow"));
    }
}
