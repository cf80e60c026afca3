//! An alarm as DescribeAlarms answers it, metric or composite.

use serde_json::Value;

use super::text;

/// What a gate reads of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    pub name: String,
    pub state: AlarmState,
    /// CloudWatch's words (`StateReason`).
    pub reason: String,
}

/// `StateValue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmState {
    Ok,
    Alarm,
    InsufficientData,
    /// A value this program does not know, or none at all (empty).
    Other(String),
}

impl Alarm {
    /// One element of `MetricAlarms`, `CompositeAlarms` or a list of alarms born later.
    pub fn read(document: &Value) -> Self {
        Self {
            name: text(document, "AlarmName").to_owned(),
            state: match text(document, "StateValue") {
                "OK" => AlarmState::Ok,
                "ALARM" => AlarmState::Alarm,
                "INSUFFICIENT_DATA" => AlarmState::InsufficientData,
                other => AlarmState::Other(other.to_owned()),
            },
            reason: text(document, "StateReason").to_owned(),
        }
    }
}
