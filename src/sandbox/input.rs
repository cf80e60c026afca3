//! Reads an operation's input, whichever protocol brought it: awsQuery has only text, awsJson and the world file have
//! types. A member that the sandbox does not know is refused, because ignoring it would be a guess.

use serde_json::Value;

use crate::sandbox::{ApiError, Time};

/// The input of one call, or one structure inside it.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    service: &'static str,
    operation: &'a str,
    value: &'a Value,
}

impl<'a> Input<'a> {
    pub fn new(service: &'static str, operation: &'a str, value: &'a Value) -> Self {
        Self {
            service,
            operation,
            value,
        }
    }

    /// Refuses members other than these.
    pub fn only(self, known: &[&str]) -> Result<Self, ApiError> {
        let mut members = self
            .value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name);
        match members.find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(ApiError::part_not_modelled(
                self.service,
                self.operation,
                &format!("member {name}"),
            )),
            None => Ok(self),
        }
    }

    pub fn value(self) -> &'a Value {
        self.value
    }

    /// A member that is there and not null.
    pub fn get(self, member: &str) -> Option<&'a Value> {
        self.value.get(member).filter(|v| !v.is_null())
    }

    pub fn text(self, member: &str) -> Option<&'a str> {
        self.get(member).and_then(Value::as_str)
    }

    /// A text that must be there.
    pub fn need(self, member: &str) -> Result<&'a str, ApiError> {
        self.text(member)
            .filter(|t| !t.is_empty())
            .ok_or_else(|| self.missing(member))
    }

    /// A whole number within a range, if the member is there.
    pub fn int(
        self,
        member: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.get(member) else {
            return Ok(None);
        };
        let number = value
            .as_u64()
            .or_else(|| value.as_str().and_then(|t| t.parse().ok()));
        match number {
            Some(n) if range.contains(&n) => Ok(Some(n)),
            _ => Err(self.invalid(&format!(
                "{member} must be a whole number from {} to {}, not {value}",
                range.start(),
                range.end()
            ))),
        }
    }

    /// A number, whole or not, if the member is there; never infinite.
    pub fn number(self, member: &str) -> Result<Option<f64>, ApiError> {
        let Some(value) = self.get(member) else {
            return Ok(None);
        };
        let number = value
            .as_f64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .filter(|number| number.is_finite());
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(self.invalid(&format!("{member} must be a number, not {value}"))),
        }
    }

    /// An instant: epoch seconds, or `2026-01-15T09:00:00Z` (awsQuery and the world file).
    pub fn time(self, member: &str) -> Result<Option<Time>, ApiError> {
        let Some(value) = self.get(member) else {
            return Ok(None);
        };
        let time = match value.as_str() {
            Some(text) => Time::parse(text),
            None => value
                .as_f64()
                .filter(|seconds| *seconds >= 0.0)
                .map(|seconds| Time::from_millis((seconds * 1000.0).round() as u64)),
        };
        match time {
            Some(time) => Ok(Some(time)),
            None => Err(self.invalid(&format!("{member} must be a timestamp, not {value}"))),
        }
    }

    pub fn flag(self, member: &str) -> Result<Option<bool>, ApiError> {
        let Some(value) = self.get(member) else {
            return Ok(None);
        };
        match (value.as_bool(), value.as_str()) {
            (Some(flag), _) => Ok(Some(flag)),
            (None, Some("true")) => Ok(Some(true)),
            (None, Some("false")) => Ok(Some(false)),
            _ => Err(self.invalid(&format!("{member} must be true or false, not {value}"))),
        }
    }

    /// A list; absent and empty are the same. (awsQuery writes an empty list as an empty text.)
    pub fn list(self, member: &str) -> &'a [Value] {
        self.get(member)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    pub fn texts(self, member: &str) -> Vec<&'a str> {
        self.list(member).iter().filter_map(Value::as_str).collect()
    }

    /// The structures of a list, each to be read like an input.
    pub fn each(self, member: &str) -> impl Iterator<Item = Input<'a>> {
        self.list(member)
            .iter()
            .map(move |value| Input { value, ..self })
    }

    /// One structure, to be read like an input.
    pub fn at(self, member: &str) -> Option<Input<'a>> {
        self.get(member).map(|value| Input { value, ..self })
    }

    pub fn missing(self, member: &str) -> ApiError {
        self.invalid(&format!("1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must not be null"))
    }

    /// The service's error for a bad parameter.
    pub fn invalid(self, message: &str) -> ApiError {
        let code = match self.service {
            "ecs" | "ecr" => "InvalidParameterException",
            "elasticloadbalancing" | "monitoring" => "ValidationError",
            _ => "ValidationException",
        };
        ApiError::client(code, message)
    }

    /// The refusal of a value that AWS takes but the sandbox does not model.
    pub fn not_modelled(self, part: &str) -> ApiError {
        ApiError::part_not_modelled(self.service, self.operation, part)
    }
}
