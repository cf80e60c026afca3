//! What a native shift changes of the service for its own time, in words: all that whoever keeps the service elsewhere
//! may meet meanwhile.

use std::time::Duration;

use serde_json::Value;

use super::duration;
use crate::core::proposal::Way;

/// What the deployment configuration is for the time of a native shift.
pub fn during(way: &Way) -> Vec<String> {
    let Way::Shift {
        sets, own, pauses, ..
    } = way
    else {
        return Vec::new();
    };
    let said = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let members = sets.iter().map(|(name, value)| {
        let now = own.get(name).unwrap_or(&Value::Null);
        format!("{name} {} (now {})", said(value), said(now))
    });
    let pauses = pauses.iter().map(|pause| {
        let stages: Vec<&str> = pause.stages.iter().map(String::as_str).collect();
        let limit = duration(Duration::from_mins(pause.minutes));
        let stages = stages.join(", ");
        format!(
            "a PAUSE hook at {stages}, where ECS goes back after {limit} unless the gates open it"
        )
    });
    members.chain(pauses).collect()
}
