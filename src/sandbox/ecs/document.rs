//! Reads members of JSON documents the way ECS does: an absent member and `null` are the same thing.
//!
//! **Invariant:** nothing here drops a member it does not know; documents are kept as they were given.

use serde_json::{Map, Value};

/// A JSON object, in the order in which it was given.
pub type Document = Map<String, Value>;

/// The member `key`, unless it is absent or `null`.
pub fn member<'a>(of: &'a Document, key: &str) -> Option<&'a Value> {
    of.get(key).filter(|value| !value.is_null())
}

pub fn text<'a>(of: &'a Document, key: &str) -> Option<&'a str> {
    member(of, key).and_then(Value::as_str)
}

/// The text member `key`, unless it is empty too.
pub fn filled<'a>(of: &'a Document, key: &str) -> Option<&'a str> {
    text(of, key).filter(|value| !value.is_empty())
}

pub fn whole(of: &Document, key: &str) -> Option<i64> {
    member(of, key).and_then(Value::as_i64)
}

pub fn is_true(of: &Document, key: &str) -> bool {
    member(of, key).and_then(Value::as_bool).unwrap_or(false)
}

pub fn list<'a>(of: &'a Document, key: &str) -> &'a [Value] {
    member(of, key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The objects in the list `key`; anything else in it is passed over.
pub fn objects<'a>(of: &'a Document, key: &str) -> impl Iterator<Item = &'a Document> {
    list(of, key).iter().filter_map(Value::as_object)
}

/// The texts in the list `key`.
pub fn texts<'a>(of: &'a Document, key: &str) -> impl Iterator<Item = &'a str> {
    list(of, key).iter().filter_map(Value::as_str)
}

/// The object `key`, if it is one.
pub fn object<'a>(of: &'a Document, key: &str) -> Option<&'a Document> {
    member(of, key).and_then(Value::as_object)
}

/// Sets `key` if it is absent or `null`.
pub fn default_to(of: &mut Document, key: &str, value: impl FnOnce() -> Value) {
    if member(of, key).is_none() {
        of.insert(key.to_owned(), value());
    }
}

/// The document without its `null` members, at every depth: ECS does not keep them.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(key, member)| (key.clone(), without_nulls(member)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The last part of an ARN or path: `…:service/CLUSTER/NAME` is `NAME`; a bare name is itself.
pub fn last_part(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}
