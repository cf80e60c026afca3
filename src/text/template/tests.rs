//! Templates rendered and refused, through one door each, and the promise about structure as a property.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::render;

fn map(values: Value) -> Map<String, Value> {
    values.as_object().unwrap().clone()
}

/// A template makes this JSON text of these values.
fn check(template: &str, values: Value, expect: &str) {
    match render("t.json.hbs", template, &map(values)) {
        Ok(document) => assert_eq!(document.to_string(), expect, "for {template}"),
        Err(complaint) => panic!("{complaint}\nfor {template}"),
    }
}

/// A template and these values are refused with this line and these hints.
fn refuse(template: &str, values: Value, line: &str, hints: &str) {
    let complaint = render("t.json.hbs", template, &map(values)).expect_err(template);
    assert_eq!(
        complaint.to_string(),
        format!("t.json.hbs:{line}"),
        "for {template}"
    );
    assert_eq!(complaint.hints().join("; "), hints, "for {template}");
}

#[test]
fn values_stand_where_the_template_puts_them() {
    let values = json!({"s": "a\"b\\\n}", "n": 512, "f": 0.5, "t": true, "z": null, "l": [1, "x"], "o": {"k": {"d": 1}}});
    let one = |template: &str, expect: &str| check(template, values.clone(), expect);
    one(r#"{"a": "{{s}}"}"#, r#"{"a":"a\"b\\\n}"}"#);
    one(r#"{"a": "x{{s}}y{{n}}"}"#, r#"{"a":"xa\"b\\\n}y512"}"#);
    one(r#"{"{{s}}": 1}"#, r#"{"a\"b\\\n}":1}"#);
    one(
        r#"{"a": {{n}}, "b": {{f}}, "c": {{t}}, "d": {{z}}}"#,
        r#"{"a":512,"b":0.5,"c":true,"d":null}"#,
    );
    one(
        r#"{"a": "{{n}}", "b": "{{f}}", "c": "{{t}}"}"#,
        r#"{"a":"512","b":"0.5","c":"true"}"#,
    );
    one(r#"{"a":{{n}}}"#, r#"{"a":512}"#);
    one(
        r#"{"a": {{json l}}, "b": {{json o}}, "c": {{json s}}, "d": {{json z}}}"#,
        r#"{"a":[1,"x"],"b":{"k":{"d":1}},"c":"a\"b\\\n}","d":null}"#,
    );
    one(r#"{"a": "{{json o}}"}"#, r#"{"a":"{\"k\":{\"d\":1}}"}"#);
    one(
        r#"{"a": {{o.k.d}}, "b": {{lookup l 0}}, "c": "{{lookup l 1}}", "d": {{len l}}}"#,
        r#"{"a":1,"b":1,"c":"x","d":2}"#,
    );
    one(
        r#"{"a": {{json o}}}{{! nothing }}"#,
        r#"{"a":{"k":{"d":1}}}"#,
    );
    one("{{!-- a \"comment }} --}}\n{\"a\": 1}", r#"{"a":1}"#);
    one(r#"{"a": {{~ n ~}} }"#, r#"{"a":512}"#);
    one(
        r#"{"a": "\{{n}}", "b": "\\{{n}}"}"#,
        r#"{"a":"{{n}}","b":"\\512"}"#,
    );
    one(r#"{"a": "<&>'{{json "<&>'"}}"}"#, r#"{"a":"<&>'\"<&>'\""}"#);
    one("\u{feff}{\"a\": {{n}}}", r#"{"a":512}"#);
    one(
        r#"{"a": {{(n)}}, "b": {{[n]}}, "c": {{this.n}}, "d": {{@root.n}}}"#,
        r#"{"a":512,"b":512,"c":512,"d":512}"#,
    );
    one(r#"{"a": {{"x"}}}"#, r#"{"a":"x"}"#);
}
