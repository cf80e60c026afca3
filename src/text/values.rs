//! Template values: read from files, taken from `--set`, laid over each other.
//!
//! **Invariant:** a word that only looks like a number stays a word. `--set tag=12345e6`, `tag=0123456` and `tag=1.10`
//! are commit ids and versions far more often than numbers, so only a number that prints as it was written is one.

use serde_json::{Map, Value};

use super::complaint::{Complaint, Place};
use super::{json, yaml};

/// The values in `text`, the content of the file `name`: JSON if it is named so, else YAML. An empty file has none.
pub fn parse_values_file(name: &str, text: &str) -> Result<Map<String, Value>, Complaint> {
    let text = text.trim_start_matches('\u{feff}');
    let value = if has_ending(name, "json") {
        super::document::read_json(name, text)?
    } else {
        yaml::read::<Option<Value>>(name, text)?.unwrap_or_default()
    };
    match value {
        Value::Object(values) => Ok(values),
        Value::Null => Ok(Map::new()),
        _ => Err(
            Complaint::new("values are written as `name: value`").at(Place::new(name, text, 0..0)),
        ),
    }
}

/// The values of one `--set` argument, `a.b=value`.
///
/// The value is JSON if it is a number, `true`, `false`, `null`, a quoted string, an array or an object; anything else
/// is a string as it stands. `--set 'tag="5"'` makes the string 5.
pub fn parse_set(argument: &str) -> Result<Map<String, Value>, Complaint> {
    let wrong = |message: String| {
        Complaint::new(message).hint("write --set name=value, or --set outer.inner=value")
    };
    let (path, value) = argument
        .split_once('=')
        .ok_or_else(|| wrong(format!("`{argument}` has no `=`")))?;
    if path
        .split('.')
        .any(|part| part.trim() != part || part.is_empty())
    {
        return Err(wrong(format!("`{path}` in `{argument}` is not a name")));
    }
    let value = scalar(argument, value)?;
    let (outer, last) = match path.rsplit_once('.') {
        Some((outer, last)) => (Some(outer), last),
        None => (None, path),
    };
    let outer = outer.into_iter().flat_map(|outer| outer.rsplit('.'));
    Ok(outer.fold(entry(last, value), |inner, part| {
        entry(part, Value::Object(inner))
    }))
}

/// `over` laid over `base`: objects are merged member by member, everything else is replaced.
#[must_use]
pub fn merge(mut base: Map<String, Value>, over: Map<String, Value>) -> Map<String, Value> {
    for (name, above) in over {
        match (base.get_mut(&name), above) {
            (Some(Value::Object(below)), Value::Object(above)) => {
                *below = merge(std::mem::take(below), above);
            }
            (_, above) => {
                base.insert(name, above);
            }
        }
    }
    base
}

fn entry(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}

fn scalar(argument: &str, text: &str) -> Result<Value, Complaint> {
    let structured = text.starts_with(['[', '{', '"']);
    match json::parse(text) {
        Ok(value) if structured || prints_as(&value, text) => Ok(value),
        Err(fault) if structured => {
            let at = argument.len() - text.len() + fault.at;
            Err(Complaint::new(fault.message)
                .at(Place::new("--set", argument, at..at + 1))
                .hint("a value that starts with [, { or \" is read as JSON"))
        }
        _ => Ok(text.into()),
    }
}

/// Compared as text: a value equals many texts that it does not print as.
fn prints_as(value: &Value, text: &str) -> bool {
    let printed = value.to_string();
    printed == text
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, end)| end.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_set_argument_keeps_numbers_numbers_and_words_words() {
        let check = |argument: &str, expect: Value| {
            let values = parse_set(argument).unwrap();
            assert_eq!(Value::Object(values), expect, "for {argument:?}");
        };
        check("cpu=512", json!({"cpu": 512}));
        check("ratio=-1.5", json!({"ratio": -1.5}));
        check("on=true", json!({"on": true}));
        check("none=null", json!({"none": null}));
        check("a.b.c=1", json!({"a": {"b": {"c": 1}}}));
        check("list=[1,\"two\"]", json!({"list": [1, "two"]}));
        check("map={\"k\":{\"v\":1}}", json!({"map": {"k": {"v": 1}}}));
        check("tag=\"012\"", json!({"tag": "012"}));
        check("tag=\"5\"", json!({"tag": "5"}));
        check("url=http://x/?a=b", json!({"url": "http://x/?a=b"}));
        check("empty=", json!({"empty": ""}));
        check("space= x ", json!({"space": " x "}));
        check("yes=yes", json!({"yes": "yes"}));
        check("sum=$(date)", json!({"sum": "$(date)"}));
    }

    #[test]
    fn a_commit_id_or_a_version_is_never_taken_for_a_number() {
        for tag in [
            "12345e6",
            "0123456",
            "1.10",
            "1e9",
            "1.",
            "+5",
            "99999999999999999999",
            "NaN",
        ] {
            let values = parse_set(&format!("tag={tag}")).unwrap();
            assert_eq!(values["tag"], json!(tag));
        }
    }

    #[test]
    fn a_malformed_set_argument_is_named() {
        let check = |argument: &str, line: &str| {
            assert_eq!(parse_set(argument).unwrap_err().to_string(), line);
        };
        check("cpu", "`cpu` has no `=`");
        check("=1", "`` in `=1` is not a name");
        check("a..b=1", "`a..b` in `a..b=1` is not a name");
        check("a. b=1", "`a. b` in `a. b=1` is not a name");
        check("a=[1,", "--set:1:6: the text ends inside a value");
        check("a={\"k\":1,\"k\":2}", "--set:1:10: duplicate member `k`");
    }

    #[test]
    fn a_values_file_is_yaml_or_json_by_its_name() {
        let read = |name: &str, text: &str| parse_values_file(name, text).map(Value::Object);
        assert_eq!(
            read("v.yml", "a: 1\nb: {c: no}\n"),
            Ok(json!({"a": 1, "b": {"c": "no"}}))
        );
        assert_eq!(read("v.json", "{\"a\": 1}"), Ok(json!({"a": 1})));
        assert_eq!(read("v.JSON", "\u{feff}{}"), Ok(json!({})));
        assert_eq!(read("v.yml", "# nothing yet\n"), Ok(json!({})));
        let check = |name: &str, text: &str, line: &str| {
            assert_eq!(read(name, text).unwrap_err().to_string(), line);
        };
        check(
            "v.yml",
            "- 1\n",
            "v.yml:1:1: values are written as `name: value`",
        );
        check(
            "v.yml",
            "a: 1\na: 2\n",
            "v.yml:2:1: the key `a` stands here twice",
        );
        check("v.json", "{\"a\": 1,}", "v.json:1:8: trailing comma");
    }

    #[test]
    fn objects_merge_by_name_and_everything_else_is_replaced() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let base = map(json!({"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}));
        let over = map(json!({"a": {"y": [3], "n": null}, "c": 2, "d": {"e": 1}}));
        let expect = r#"{"a":{"x":1,"y":[3],"n":null},"b":1,"c":2,"d":{"e":1}}"#;
        assert_eq!(Value::Object(merge(base, over)).to_string(), expect);
    }
}
