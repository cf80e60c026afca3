//! Differences as data, and the two properties that every reader of a diff relies on.

use super::{Change, Kind, diff};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One line a change: `+ path value`, `- path value`, `~ path from -> to`, `% path order -> order`.
fn check(from: &Value, to: &Value, expected: &[&str]) {
    let line = |Change { path, kind }: Change| match kind {
        Kind::Added(value) => format!("+ {path} {value}"),
        Kind::Removed(value) => format!("- {path} {value}"),
        Kind::Changed { from, to } => format!("~ {path} {from} -> {to}"),
        Kind::Reordered { from, to } => {
            format!("% {path} {} -> {}", from.join(","), to.join(","))
        }
    };
    let lines: Vec<String> = diff(from, to).into_iter().map(line).collect();
    assert_eq!(lines, expected);
}

#[test]
fn members_come_in_the_order_of_the_new_document_and_removed_ones_after() {
    let (from, to) = (
        json!({"gone": 1, "b": 1, "a": 1}),
        json!({"new": 2, "a": 2, "b": 1}),
    );
    check(&from, &to, &["+ new 2", "~ a 1 -> 2", "- gone 1"]);
}

#[test]
fn items_with_a_name_are_matched_by_it() {
    let from = json!({"containerDefinitions": [
        {"name": "log"},
        {"name": "web", "environment": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "OLD", "value": "1"}]},
    ]});
    let to = json!({"containerDefinitions": [
        {"name": "web", "environment": [{"name": "LOG_LEVEL", "value": "debug"}, {"name": "NEW", "value": "1"}]},
    ]});
    check(
        &from,
        &to,
        &[
            r#"~ containerDefinitions[web].environment[LOG_LEVEL].value "info" -> "debug""#,
            r#"+ containerDefinitions[web].environment[NEW] {"name":"NEW","value":"1"}"#,
            r#"- containerDefinitions[web].environment[OLD] {"name":"OLD","value":"1"}"#,
            r#"- containerDefinitions[log] {"name":"log"}"#,
        ],
    );
}

#[test]
fn each_list_has_its_own_kind_of_name() {
    let check = |list: &str, item: Value, expected: &str| {
        let mut other = item.clone();
        other["born"] = json!("tomorrow");
        let expected = format!("+ {list}[{expected}].born \"tomorrow\"");
        check(
            &json!({list: [item]}),
            &json!({list: [other]}),
            &[&expected],
        );
    };
    check("portMappings", json!({"containerPort": 80}), "80/tcp");
    check(
        "portMappings",
        json!({"containerPort": 53, "protocol": "udp"}),
        "53/udp",
    );
    check(
        "portMappings",
        json!({"containerPortRange": "80-90", "protocol": "tcp"}),
        "80-90/tcp",
    );
    check(
        "mountPoints",
        json!({"containerPath": "/var/data", "sourceVolume": "a"}),
        "/var/data",
    );
    check(
        "dependsOn",
        json!({"containerName": "db", "condition": "HEALTHY"}),
        "db",
    );
    check("tags", json!({"key": "team:a", "value": "x"}), "team:a");
    check(
        "systemControls",
        json!({"namespace": "net.core.somaxconn", "value": "1"}),
        "net.core.somaxconn",
    );
    check("ulimits", json!({"name": "nofile"}), "nofile");
    check("bornTomorrow", json!({"name": "0"}), "\"0\"");
}

#[test]
fn a_port_that_starts_to_say_tcp_is_the_same_port() {
    let with = |mapping: Value| json!({"portMappings": [mapping]});
    let (from, to) = (
        with(json!({"containerPort": 80})),
        with(json!({"containerPort": 80, "protocol": "tcp"})),
    );
    check(&from, &to, &[r#"+ portMappings[80/tcp].protocol "tcp""#]);
}

#[test]
fn another_order_of_named_items_is_said_once() {
    let named = |names: &[&str]| json!({"dependsOn": names.iter().map(|it| json!({"containerName": it})).collect::<Value>()});
    check(
        &named(&["a", "b", "c"]),
        &named(&["c", "a", "b"]),
        &["% dependsOn a,b,c -> c,a,b"],
    );
    check(
        &named(&["a", "b"]),
        &named(&["b"]),
        &[r#"- dependsOn[a] {"containerName":"a"}"#],
    );
}

#[test]
fn plain_values_are_a_sequence() {
    let check = |from: Value, to: Value, expected: &[&str]| {
        check(&json!({"command": from}), &json!({"command": to}), expected);
    };
    check(
        json!(["a", "b"]),
        json!(["a", "x", "b"]),
        &[r#"+ command[1] "x""#],
    );
    check(
        json!(["a", "b", "c"]),
        json!(["a", "c"]),
        &[r#"- command[1] "b""#],
    );
    check(
        json!(["a", "b"]),
        json!(["a", "x"]),
        &[r#"~ command[1] "b" -> "x""#],
    );
    check(
        json!(["a", "b"]),
        json!(["x"]),
        &[r#"~ command[0] "a" -> "x""#, r#"- command[1] "b""#],
    );
}

#[test]
fn items_that_share_a_name_are_a_sequence() {
    let with = |values: &[&str]| json!({"environment": values.iter().map(|it| json!({"name": "A", "value": it})).collect::<Value>()});
    check(
        &with(&["1", "2"]),
        &with(&["1", "3"]),
        &[r#"~ environment[1].value "2" -> "3""#],
    );
}

#[test]
fn json_in_a_string_is_compared_inside() {
    let with = |text: &str| json!({"environment": [{"name": "CONFIG", "value": text}]});
    let at = "environment[CONFIG].value";
    check(
        &with(r#"{"a": {"b": 1}, "c": 2}"#),
        &with(r#"{"c":2,"a":{"b":3}}"#),
        &[&format!("~ {at}(json).a.b 1 -> 3")],
    );
    check(
        &with("[1]"),
        &with("[1, 2]"),
        &[&format!("+ {at}(json)[1] 2")],
    );
    check(
        &with("{a}"),
        &with(r#"{"a":1}"#),
        &[&format!(r#"~ {at} "{{a}}" -> "{{\"a\":1}}""#)],
    );
    check(&with("1"), &with("2"), &[&format!(r#"~ {at} "1" -> "2""#)]);
}

#[test]
fn another_layout_of_the_json_in_a_string_is_a_change_of_the_string() {
    check(
        &json!({"value": "[1]"}),
        &json!({"value": "[ 1 ]"}),
        &[r#"~ value "[1]" -> "[ 1 ]""#],
    );
}

#[test]
fn values_of_another_kind_are_changed_whole() {
    check(
        &json!({"a": [1]}),
        &json!({"a": {"b": 1}}),
        &[r#"~ a [1] -> {"b":1}"#],
    );
    check(&json!(1), &json!(null), &["~ $ 1 -> null"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "a",
            "[1]",
            "[1 ]",
            "{\"a\":1}",
            "{\"a\":[2]}",
            "{",
            "é"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 5, |inner| {
        let keys = prop::sample::select(vec![
            "name",
            "key",
            "value",
            "portMappings",
            "tags",
            "containerPort",
            "x.y",
            "",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn there_are_no_changes_exactly_if_the_documents_are_equal(from in any_json(), to in any_json()) {
        prop_assert!(diff(&from, &from).is_empty());
        prop_assert_eq!(diff(&from, &to).is_empty(), from == to);
    }

    #[test]
    fn no_place_is_named_twice_for_the_same_kind_of_change(from in any_json(), to in any_json()) {
        let seen: Vec<String> = diff(&from, &to).iter().map(|it| format!("{}{:?}", it.path, std::mem::discriminant(&it.kind))).collect();
        let distinct: BTreeSet<&String> = seen.iter().collect();
        prop_assert_eq!(distinct.len(), seen.len());
    }
}
