//! Places in a document: `containerDefinitions[].portMappings[]`, where `[]` means every item and `""` the document.

use serde_json::{Map, Value};

/// Calls `act` on every value at `place`; a place that the document does not have is no place.
pub(super) fn each(value: &mut Value, place: &str, act: &mut dyn FnMut(&mut Value)) {
    if place.is_empty() {
        return act(value);
    }
    let (step, rest) = place.split_once('.').unwrap_or((place, ""));
    let member = step.strip_suffix("[]");
    let Some(inner) = value.get_mut(member.unwrap_or(step)) else {
        return;
    };
    match (member, inner) {
        (None, inner) => each(inner, rest, act),
        (Some(_), Value::Array(items)) => items.iter_mut().for_each(|item| each(item, rest, act)),
        (Some(_), _) => {}
    }
}

/// [`each`], for the values that are objects.
pub(super) fn each_object(
    value: &mut Value,
    place: &str,
    act: &mut dyn FnMut(&mut Map<String, Value>),
) {
    each(value, place, &mut |found| {
        if let Value::Object(members) = found {
            act(members);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_at_a_place_is_visited_and_nothing_else() {
        let mut document = json!({"a": [{"b": {"c": 1}}, {"b": 2}, 3], "d": 4});
        let mut check = |place: &str, expected: &[Value]| {
            let mut seen = Vec::new();
            each(&mut document, place, &mut |value| seen.push(value.clone()));
            assert_eq!(seen, expected, "{place}");
        };
        check("d", &[json!(4)]);
        check("a[].b", &[json!({"c": 1}), json!(2)]);
        check("a[].b.c", &[json!(1)]);
        check("d[]", &[]);
        check("a.b", &[]);
        check("x[].y", &[]);
    }
}
