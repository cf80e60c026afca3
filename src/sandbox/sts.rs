//! AWS STS: who is calling.

use serde_json::{Value, json};

use crate::sandbox::{ApiError, World, ids};

/// Answers one operation. Every caller is the account's `sandbox` user, because nothing here checks signatures.
pub fn answer(world: &World, op: &str) -> Result<Value, ApiError> {
    match op {
        "GetCallerIdentity" => Ok(json!({
            "UserId": "AIDASANDBOXSANDBOX00",
            "Account": world.account,
            "Arn": ids::arn("iam", "", &world.account, "user/sandbox"),
        })),
        _ => Err(ApiError::not_modelled("sts", op)),
    }
}
