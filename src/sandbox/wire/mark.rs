//! Values that JSON alone cannot tell apart: an instant is a number in awsJson, text in awsQuery and a tag in CBOR, and
//! a map with free keys is a list of entries in awsQuery. An operation marks them; each protocol writes them its way.

use serde_json::{Map, Value, json};

use crate::sandbox::Time;

const INSTANT: &str = "$instant";
const ENTRIES: &str = "$entries";

/// What a marked value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark<'a> {
    Instant(Time),
    Entries(&'a Map<String, Value>),
}

/// An instant in an answer.
pub fn instant(at: Time) -> Value {
    json!({INSTANT: at.millis()})
}

/// A map with free keys in an answer.
pub fn entries(map: Map<String, Value>) -> Value {
    json!({ENTRIES: map})
}

/// The mark on a value, if it has one.
pub fn read(value: &Value) -> Option<Mark<'_>> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    if let Some(millis) = members.get(INSTANT).and_then(Value::as_u64) {
        return Some(Mark::Instant(Time::from_millis(millis)));
    }
    members
        .get(ENTRIES)
        .and_then(Value::as_object)
        .map(Mark::Entries)
}

/// Turns marks into what awsJson has for them: epoch seconds and plain objects.
pub fn settle(value: &mut Value) {
    let plain = match read(value) {
        Some(Mark::Instant(at)) => Some(at.epoch_seconds()),
        Some(Mark::Entries(map)) => Some(Value::Object(map.clone())),
        None => None,
    };
    if let Some(plain) = plain {
        *value = plain;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(members) => members.values_mut().for_each(settle),
        _ => {}
    }
}
