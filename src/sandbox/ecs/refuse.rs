//! The errors of ECS, with AWS's texts where they have been seen in the wild.
//!
//! Texts that AWS does not document and nobody has published are marked as ours at the place of use.

use crate::sandbox::ApiError;

pub fn client(message: impl Into<String>) -> ApiError {
    ApiError::client("ClientException", message)
}

pub fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

/// A member of the wrong JSON type, refused before the operation sees it.
pub fn wrong_type(found: &serde_json::Value, wanted: &str) -> ApiError {
    let kind = match found {
        serde_json::Value::Null => "NULL_VALUE",
        serde_json::Value::Bool(true) => "TRUE_VALUE",
        serde_json::Value::Bool(false) => "FALSE_VALUE",
        serde_json::Value::Number(_) => "NUMBER_VALUE",
        serde_json::Value::String(_) => "STRING_VALUE",
        serde_json::Value::Array(_) => "START_ARRAY",
        serde_json::Value::Object(_) => "START_OBJECT",
    };
    let article = if wanted.starts_with(['A', 'I']) {
        "an"
    } else {
        "a"
    };
    ApiError::client(
        "SerializationException",
        format!("{kind} can not be converted to {article} {wanted}"),
    )
}

pub fn no_cluster() -> ApiError {
    ApiError::client("ClusterNotFoundException", "Cluster not found.")
}

pub fn no_service() -> ApiError {
    ApiError::client("ServiceNotFoundException", "Service not found.")
}

pub fn service_not_active() -> ApiError {
    ApiError::client("ServiceNotActiveException", "Service was not ACTIVE.")
}

pub fn no_service_deployment() -> ApiError {
    ApiError::client(
        "ServiceDeploymentNotFoundException",
        "The service deployment does not exist.",
    )
}
