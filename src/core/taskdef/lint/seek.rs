//! Values by the kind of place they are at, each with its own path.
//!
//! A place is written `containerDefinitions[].environment[].value`; `[]` means every item, `{}` every entry of a map.

use serde_json::{Map, Value};

/// Every value at `place`, with its path: `containerDefinitions[0].environment[2].value`.
pub(super) fn seek<'a>(document: &'a Map<String, Value>, place: &str) -> Vec<(String, &'a Value)> {
    let (step, rest) = place.split_once('.').unwrap_or((place, ""));
    let name = step.trim_end_matches(['[', ']', '{', '}']);
    let Some(member) = document.get(name) else {
        return Vec::new();
    };
    let found = match &step[name.len()..] {
        "[]" => items(name, member),
        "{}" => entries(name, member),
        _ => vec![(name.to_owned(), member)],
    };
    if rest.is_empty() {
        found
    } else {
        found
            .into_iter()
            .flat_map(|(path, inner)| deeper(&path, inner, rest))
            .collect()
    }
}

fn deeper<'a>(path: &str, value: &'a Value, rest: &str) -> Vec<(String, &'a Value)> {
    let Value::Object(members) = value else {
        return Vec::new();
    };
    seek(members, rest)
        .into_iter()
        .map(|(inner, found)| (format!("{path}.{inner}"), found))
        .collect()
}

fn items<'a>(name: &str, list: &'a Value) -> Vec<(String, &'a Value)> {
    let items = list.as_array().into_iter().flatten();
    items
        .enumerate()
        .map(|(index, item)| (format!("{name}[{index}]"), item))
        .collect()
}

fn entries<'a>(name: &str, map: &'a Value) -> Vec<(String, &'a Value)> {
    let entries = map.as_object().into_iter().flatten();
    entries
        .map(|(key, value)| (format!("{name}.{key}"), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_at_a_place_comes_with_its_own_path() {
        let document = json!({"a": [{"b": {"x": 1, "y": 2}}, {"c": 3}, 4], "d": 5});
        let check = |place: &str, expected: &[&str]| {
            let found = seek(document.as_object().unwrap(), place);
            let found: Vec<String> = found
                .into_iter()
                .map(|(path, value)| format!("{path} {value}"))
                .collect();
            assert_eq!(found, expected, "{place}");
        };
        check("d", &["d 5"]);
        check("a[].c", &["a[1].c 3"]);
        check("a[].b{}", &["a[0].b.x 1", "a[0].b.y 2"]);
        check("d[]", &[]);
        check("d.e", &[]);
    }
}
