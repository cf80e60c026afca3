//! The ELBv2 operations.

use serde_json::Value;

use crate::sandbox::{ApiError, World};

/// Answers one operation.
pub fn answer(_world: &mut World, op: &str, _input: &Value) -> Result<Value, ApiError> {
    Err(ApiError::not_modelled("elasticloadbalancing", op))
}
