//! What an operation answers when it cannot do what it was asked.

use std::collections::BTreeMap;

use serde_json::Value;

/// An AWS error: HTTP status, code as the service model names it, message, and modelled extra members.
///
/// The code is the model's name (`TargetGroupNotFoundException`); the awsQuery writer drops the suffix on the wire.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// Members beside the message, such as `ConflictException.resourceIds`.
    pub fields: BTreeMap<String, Value>,
}

impl ApiError {
    /// The code of every request that the sandbox does not model. No AWS service uses it, so that no client can take
    /// a gap in the sandbox for an answer of AWS.
    pub const NOT_MODELLED: &'static str = "SandboxNotModelled";

    /// An error that is the caller's doing: HTTP 400.
    pub fn client(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.into(),
            message: message.into(),
            fields: BTreeMap::new(),
        }
    }

    /// The refusal of an operation that the sandbox does not model.
    pub fn not_modelled(service: &str, operation: &str) -> Self {
        Self::client(
            Self::NOT_MODELLED,
            format!("the sandbox does not model {service}:{operation}"),
        )
    }

    /// The refusal of one member or value of an operation that is otherwise modelled.
    pub fn part_not_modelled(service: &str, operation: &str, part: &str) -> Self {
        Self::client(
            Self::NOT_MODELLED,
            format!("the sandbox does not model {part} of {service}:{operation}"),
        )
    }

    /// A modelled member beside the message.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(member.to_owned(), value.into());
        self
    }
}
