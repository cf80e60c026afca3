//! AWS STS: who is calling.

use serde_json::{Value, json};

use crate::sandbox::{ApiError, World, ids};

/// Whoever calls: the account's `sandbox` user, because nothing here checks signatures.
pub fn caller(world: &World) -> String {
    ids::arn("iam", "", &world.account, "user/sandbox")
}

/// Answers one operation.
pub fn answer(world: &World, op: &str) -> Result<Value, ApiError> {
    match op {
        "GetCallerIdentity" => Ok(json!({
            "UserId": "AIDASANDBOXSANDBOX00",
            "Account": world.account,
            "Arn": caller(world),
        })),
        _ => Err(ApiError::not_modelled("sts", op)),
    }
}
