//! Templates rendered and refused, through one door each, and the promise about structure as a property.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::render;

fn map(values: Value) -> Map<String, Value> {
    match values {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
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
        r#"{"a": "\{{n}}", "b": "\\\{{n}}"}"#,
        r#"{"a":"{{n}}","b":"\\512"}"#,
    );
    one(r#"{"a": "<&>'{{json "<&>'"}}"}"#, r#"{"a":"<&>'\"<&>'\""}"#);
    one("\u{feff}{\"a\": {{n}}}", r#"{"a":512}"#);
    one(
        r#"{"a": {{(n)}}, "b": {{[n]}}, "c": {{this.n}}, "d": {{@root.n}}}"#,
        r#"{"a":512,"b":512,"c":512,"d":512}"#,
    );
}

#[test]
fn blocks_choose_and_repeat_the_templates_own_text() {
    let values = json!({
        "ports": [80, 443], "env": {"A": "1", "B": "\"},{"}, "name": "web", "none": [], "off": false, "n": 3,
        "rows": [{"k": "a", "v": 1}, {"k": "b", "v": null}],
    });
    let one = |template: &str, expect: &str| check(template, values.clone(), expect);
    one(
        "{\"p\": [{{#each ports}}{{this}}{{#unless @last}},{{/unless}}{{/each}}]}",
        r#"{"p":[80,443]}"#,
    );
    one(
        "{\"p\": [\n  {{#each ports}}\n  {{this}}{{#unless @last}},{{/unless}}\n  {{/each}}\n]}\n",
        r#"{"p":[80,443]}"#,
    );
    one(
        r#"{"e": [{{#each env}}{"name": "{{@key}}", "value": "{{this}}"}{{#unless @last}},{{/unless}}{{/each}}]}"#,
        r#"{"e":[{"name":"A","value":"1"},{"name":"B","value":"\"},{"}]}"#,
    );
    one(
        r#"{"r": [{{#each rows as |row|}}{"{{row.k}}": {{json row.v}}}{{#unless @last}},{{/unless}}{{/each}}]}"#,
        r#"{"r":[{"a":1},{"b":null}]}"#,
    );
    one(
        r#"{"r": "{{#each rows}}{{k}}{{@index}}{{../name}}{{@root.n}}{{/each}}"}"#,
        r#"{"r":"a0web3b1web3"}"#,
    );
    one(
        r#"{"n": [{{#each none}}1{{else}}"empty"{{/each}}]}"#,
        r#"{"n":["empty"]}"#,
    );
    one(
        r#"{"a": {{#if off}}1{{else if name}}2{{else}}3{{/if}}}"#,
        r#"{"a":2}"#,
    );
    one(r#"{"a": {{#if absent}}1{{else}}2{{/if}}}"#, r#"{"a":2}"#);
    one(r#"{"a": {{#unless absent}}1{{/unless}}}"#, r#"{"a":1}"#);
    one(
        r#"{"a": {{#if (and name (not absent) (or absent n))}}1{{/if}}}"#,
        r#"{"a":1}"#,
    );
    one(
        r#"{"a": {{#if (eq name "web")}}1{{else}}2{{/if}}}"#,
        r#"{"a":1}"#,
    );
    one(
        r#"{"a": {{#eq name "api"}}1{{else}}2{{/eq}}}"#,
        r#"{"a":2}"#,
    );
    one(
        r#"{"a": {{eq n 3}}, "b": {{gt n 5}}, "c": "{{not off}}"}"#,
        r#"{"a":true,"b":false,"c":"true"}"#,
    );
    one(r#"{"a": {{#with env}}"{{A}}"{{/with}}}"#, r#"{"a":"1"}"#);
    one(
        r#"{"a": {{#if n}}{{n}}{{/if}}, "b": {{#if 0 includeZero=true}}1{{/if}}}"#,
        r#"{"a":3,"b":1}"#,
    );
    one(
        r#"{"a": {{len ports}}, "b": {{#if (gt (len ports) 1)}}1{{/if}}}"#,
        r#"{"a":2,"b":1}"#,
    );
}

#[test]
fn default_stands_in_for_what_is_missing_or_null() {
    let one = |template: &str, expect: &str| {
        check(
            template,
            json!({"n": 1, "z": null, "e": "", "o": {"a": 1}}),
            expect,
        );
    };
    one(
        r#"{"a": "{{default x "fall\"back"}}"}"#,
        r#"{"a":"fall\"back"}"#,
    );
    one(
        r#"{"a": {{default x 5}}, "b": {{default n 5}}, "c": {{default z 5}}}"#,
        r#"{"a":5,"b":1,"c":5}"#,
    );
    one(
        r#"{"a": "{{default e "x"}}", "b": {{default x n}}}"#,
        r#"{"a":"","b":1}"#,
    );
    one(
        r#"{"a": {{json (default x o)}}, "b": {{json (default x "s")}}}"#,
        r#"{"a":{"a":1},"b":"s"}"#,
    );
    one(
        r#"{"a": {{default o.b.c 2}}, "b": {{default (lookup o "b") 3}}}"#,
        r#"{"a":2,"b":3}"#,
    );
    one(
        r#"{"a": {{#if (default flag true)}}1{{/if}}}"#,
        r#"{"a":1}"#,
    );
    one(r#"{"a": {{default (default x y) 4}}}"#, r#"{"a":4}"#);
}

#[test]
fn a_value_called_like_a_helper_is_a_value() {
    let values = json!({"json": 1, "len": 2, "default": 3, "log": 4, "if": 5});
    let template = r#"{"a": [{{json}}, {{len}}, {{default}}, {{log}}, {{if}}, {{json json}}]}"#;
    check(template, values, r#"{"a":[1,2,3,4,5,1]}"#);
}

#[test]
fn a_name_without_a_value_is_shown_where_it_stands() {
    let values = json!({"image": "i", "log": {"group": "g"}, "list": [{"port": 1}], "top": 1});
    let one =
        |template: &str, line: &str, hints: &str| refuse(template, values.clone(), line, hints);
    let set = |name: &str| {
        format!(
            "set it under `values`, in a values file or with --set {name}=…, or write {{{{default {name} …}}}}"
        )
    };
    let near = |word: &str, name: &str| format!("did you mean `{word}`?; {}", set(name));
    one(
        "{\n  \"a\": \"x{{imgae}}\"\n}",
        "2:12: `imgae` has no value",
        &near("image", "imgae"),
    );
    one(
        r#"{"é": {{ cpu }}}"#,
        "1:10: `cpu` has no value",
        &set("cpu"),
    );
    one(
        r#"{"a": "{{log.gruop}}"}"#,
        "1:10: `log.gruop` has no value",
        &near("log.group", "log.gruop"),
    );
    one(
        r#"{"a": {{json (lookup log nobody)}}}"#,
        "1:26: `nobody` has no value",
        &set("nobody"),
    );
    one(
        r#"{"a": {{#if (eq stage "x")}}1{{/if}}}"#,
        "1:17: `stage` has no value",
        &set("stage"),
    );
    one(
        r#"{"a": {{len images}}}"#,
        "1:13: `images` has no value",
        &near("image", "images"),
    );
    one(
        "{\"a\": [\n{{#each items}}\n1\n{{/each}}]}",
        "2:9: `items` has no value",
        &set("items"),
    );
    one(
        r#"{"a": {{#with logs}}1{{/with}}}"#,
        "1:15: `logs` has no value",
        &near("log", "logs"),
    );
    one(
        "{\"a\": [{{#each list}}\n  {{prot}}\n{{/each}}]}",
        "2:5: `prot` has no value",
        &near("port", "prot"),
    );
    one(
        "{\"a\": [{{#each list}}{{top}}{{/each}}]}",
        "1:24: `top` has no value",
        "inside a block, names are those of the item; write {{@root.top}}",
    );
    one(
        r#"{"a": {{lookup log "b"}}}"#,
        "1:7: `{{lookup log \"b\"}}` has no value",
        "",
    );
    one(
        r#"{"a": {{#each image}}1{{/each}}}"#,
        "1:15: `image` is a string, not something to go through",
        "",
    );
    one(
        r#"{"a": {{@index}}}"#,
        "1:9: `@index` has no value",
        &set("@index"),
    );
}

#[test]
fn a_value_that_does_not_fit_its_spot_is_refused() {
    let values = json!({"s": "x", "z": null, "l": [1], "o": {}});
    let one =
        |template: &str, line: &str, hints: &str| refuse(template, values.clone(), line, hints);
    let quotes = "put quotes around it, or write {{json s}}";
    one(
        r#"{"a": {{s}}}"#,
        "1:7: `{{s}}` is a string and stands outside quotes",
        quotes,
    );
    one(
        "{\n\"b\": 1,\n{{s}}: 1}",
        "3:1: `{{s}}` is a string and stands outside quotes",
        quotes,
    );
    one(
        r#"{"a": "{{z}}"}"#,
        "1:8: `{{z}}` is null and stands between quotes",
        "set it, or write {{default z \"…\"}}",
    );
    let member = "write {{json l}}, or name one of its members";
    one(
        r#"{"a": "{{l}}"}"#,
        "1:8: `{{l}}` is a list or an object",
        member,
    );
    one(
        r#"{"a": {{l}}}"#,
        "1:7: `{{l}}` is a list or an object",
        member,
    );
    one(
        r#"{"a": "\\{{s}}"}"#,
        "1:10: `{{s}}` stands after a backslash",
        r"before a tag, Handlebars takes one backslash away: write \\\{{s}} for one in the string",
    );
}

#[test]
fn what_could_put_text_in_unescaped_is_refused() {
    let values = json!({"x": "1"});
    let one =
        |template: &str, line: &str, hints: &str| refuse(template, values.clone(), line, hints);
    let raw = "1:8: `{{{…}}}` and `{{&…}}` would put a value in unescaped";
    let write = "write {{name}} between quotes, or {{json name}} outside them";
    one(r#"{"a": "{{{x}}}"}"#, raw, write);
    one(r#"{"a": "{{&x}}"}"#, raw, write);
    one(r#"{"a": "{{~{x}~}}"}"#, raw, write);
    let share = "put what they share into values and write {{json name}}";
    one(
        "{\n{{> other}}}",
        "2:1: a template cannot include another",
        share,
    );
    one(
        "{{#> other}}{}{{/other}}",
        "1:1: a template cannot include another",
        share,
    );
    one(
        "{{#*inline \"a\"}}x{{/inline}}{}",
        "1:1: decorators are not supported",
        "remove this tag",
    );
    one(
        "{{* set x=1}}{}",
        "1:1: decorators are not supported",
        "remove this tag",
    );
    one(
        "{{{{raw}}}} {{x}} {{{{/raw}}}}",
        "1:1: raw blocks are not supported",
        "",
    );
    one(
        "{\"a\": \"\u{1}v0\u{2}1\u{3}\"}",
        "1:8: the control character \\u{1} stands in the text",
        "",
    );
    one(
        r#"{"a": {{#json x}}{{/json}}}"#,
        "1:10: `json` is not a block",
        "write {{json …}}",
    );
    one(
        r#"{"a": {{#lookup x "a"}}{{/lookup}}}"#,
        "1:10: `lookup` is not a block",
        "write {{lookup …}}",
    );
}

#[test]
fn a_wrong_helper_or_argument_is_named() {
    let values = json!({"x": "1", "l": [1]});
    let one =
        |template: &str, line: &str, hints: &str| refuse(template, values.clone(), line, hints);
    one(
        r#"{"a": "{{jsn x}}"}"#,
        "1:10: unknown helper `jsn`",
        "did you mean `json`?",
    );
    one(r#"{"a": "{{log x}}"}"#, "1:10: unknown helper `log`", "");
    one(
        r#"{"a": {{#ech l}}{{/ech}}}"#,
        "1:10: unknown block helper `ech`",
        "did you mean `each`?",
    );
    one(
        r#"{"a": {{#l}}1{{/l}}}"#,
        "1:10: unknown block helper `l`",
        "",
    );
    one(
        r#"{"a": {{if x "a"}}}"#,
        "1:9: `if` is a block",
        "write {{#if …}}…{{/if}}",
    );
    one(
        r#"{"a": {{eq x}}}"#,
        "1:9: `eq` takes 2 arguments, found 1",
        "",
    );
    one(
        r#"{"a": {{json x l}}}"#,
        "1:9: `json` takes 1 argument, found 2",
        "",
    );
    one(
        r#"{"a": {{#if}}1{{/if}}}"#,
        "1:10: `if` takes 1 argument, found 0",
        "",
    );
    one(
        r#"{"a": {{len x indent=2}}}"#,
        "1:9: `len` has no option `indent`",
        "",
    );
    one(
        r#"{"a": {{l.first}}}"#,
        "1:7: `first` is not the number of an item of a list",
        "",
    );
}

#[test]
fn a_template_that_cannot_be_read_is_shown_where() {
    let one =
        |template: &str, line: &str, hints: &str| refuse(template, json!({"x": 1}), line, hints);
    let close = "close every {{ with }}, and every {{#name}} with {{/name}}";
    one(
        "{\n{{#if x}}\n}",
        "3:2: the template ends inside a tag or a block",
        close,
    );
    one(
        "{\"a\": {{x}",
        "1:7: this tag is not closed",
        "close every {{ with }}; for braces that are no tag, write \\{{",
    );
    one(
        "{{#if x}}{{/each}}",
        "1:10: `{{/each}}` closes `{{#if}}`",
        "",
    );
    one(
        "{}{{/if}}",
        "1:5: no Handlebars tag can be read here",
        "for braces that are no tag, write \\{{",
    );
}

#[test]
fn what_is_not_json_after_rendering_is_shown_in_the_template() {
    let values = json!({"n": 1, "long": "a string that moves every column", "l": [1, 2], "k": "a"});
    let one = |template: &str, line: &str, hints: &str| {
        let line = line.replacen(": ", ": the rendered text is not JSON here: ", 1);
        refuse(template, values.clone(), &line, hints);
    };
    let comma = "remove the comma: JSON allows none before a closing bracket; \
                 in a loop, write {{#unless @last}},{{/unless}} between the items";
    one(
        "{\n  \"a\": \"{{long}}\", \"b\": {{n}},\n}",
        "2:30: trailing comma",
        comma,
    );
    one(
        "{\n\"a\": [\n{{#each l}}\n  {{this}},\n{{/each}}\n]}",
        "4:11: trailing comma",
        comma,
    );
    one(
        "{\"a\": \"{{long}}\"\n  \"b\": 1}",
        "2:3: expected `,` or `}`",
        "is a comma missing before this?",
    );
    one("{\"a\": {{n}}{{n}}}", "1:12: expected `,` or `}`", "");
    one("{\"a\": {{n}}0}", "1:12: expected `,` or `}`", "");
    one("{\"a\": {{n}}", "1:7: the text ends inside an object", "");
    one(
        "{\"é{{long}}\": tru}",
        "1:18: expected true, false or null",
        "",
    );
    one(
        "{\n\"a\": 1,\n\"{{k}}\": 2}",
        "3:1: duplicate member `a`",
        "",
    );
    one("{{n}}: 1", "1:6: trailing characters", "");
    one(
        "{\\{{ }",
        "1:3: key must be a string",
        "member names stand in double quotes",
    );
}

#[test]
fn a_missing_quote_is_shown_where_the_string_begins() {
    let template = "{\n  \"a\": \"{{x}},\n  \"b\": \"{{x}}\"\n}";
    let hint = "is a closing quote missing? A line end in a string is written \\n";
    refuse(
        template,
        json!({"x": "v"}),
        "2:8: the string does not end on its line",
        hint,
    );
}

#[test]
fn a_document_that_is_no_object_is_refused() {
    refuse("[]", json!({}), "1:1: a task definition is an object", "");
    refuse(
        "",
        json!({}),
        "1:1: the rendered text is not JSON here: the text ends inside a value",
        "",
    );
}

#[test]
fn a_value_that_looks_like_the_end_of_the_document_is_only_text() {
    let template = r#"{"containers": [{"name": "{{x}}", "cpu": 1}], "last": true}"#;
    for attack in [
        r#""}],"x":""#,
        "\\",
        "\\\"",
        "\\u0022}",
        "\n",
        "{{x}}",
        "{{{x}}}",
        "\u{1}v0\u{2}1\u{3}",
        "\u{2028}",
        "\u{e000}\u{e001}",
        "\u{0}",
    ] {
        let document = render("t", template, &map(json!({"x": attack}))).unwrap();
        let expect = json!({"containers": [{"name": attack, "cpu": 1}], "last": true});
        assert_eq!(document, expect);
    }
}

/// Strings with more than their share of what matters to JSON, to Handlebars and to the marks.
fn nasty() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\"",
        "\\",
        "}",
        "{",
        "{{",
        "}}",
        "[",
        "]",
        ",",
        ":",
        "\n",
        "\r",
        "\t",
        "\u{0}",
        "\u{1}",
        "\u{2}",
        "\u{3}",
        "t0",
        "v0",
        "j0",
        "{{x}}",
        "\\u0022",
        "\"}],\"x\":\"",
        "null",
        "/",
        "\u{2028}",
        "é",
        "💥",
    ]);
    let piece = prop_oneof![special.prop_map(str::to_owned), any::<String>()];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        nasty().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(nasty(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_string_between_quotes_comes_back_exactly_and_moves_nothing(a in nasty(), b in nasty()) {
        let template = r#"{"k": ["{{a}}", "pre {{b}}{{a}} post"], "{{#if a}}x{{/if}}y": {"n": {{n}}}}"#;
        let document = render("t", template, &map(json!({"a": a, "b": b, "n": 7}))).unwrap();
        let key = if a.is_empty() { "y" } else { "xy" };
        let expect = json!({"k": [a, format!("pre {b}{a} post")], key: {"n": 7}});
        prop_assert_eq!(document, expect);
    }

    #[test]
    fn any_value_comes_back_through_json_exactly(value in any_json()) {
        let template = r#"{"out": {{json v}}, "in": "{{json v}}", "items": [{{#each l}}{{json this}}{{/each}}], "z": 1}"#;
        let document = render("t", template, &map(json!({"v": value, "l": [value]}))).unwrap();
        let expect = json!({"out": value, "in": value.to_string(), "items": [value], "z": 1});
        prop_assert_eq!(document, expect);
    }

    #[test]
    fn no_template_and_no_value_makes_it_panic(template in nasty(), wrapped in any::<bool>(), x in any_json()) {
        let template = if wrapped { format!("{{\"a\": \"{template}\", \"b\": {template}}}") } else { template };
        let _ = render("t", &template, &map(json!({"x": x})));
    }
}
