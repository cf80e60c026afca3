//! awsJson 1.0 and 1.1.

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::sandbox::ApiError;
use crate::sandbox::wire::Protocol;

/// The input object; an empty body counts as `{}`.
pub fn read(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(input)) => Ok(Value::Object(input)),
        Ok(_) => Err(ApiError::client(
            "SerializationException",
            "the body is not a JSON object",
        )),
        Err(error) => Err(ApiError::client(
            "SerializationException",
            error.to_string(),
        )),
    }
}

pub fn answer(protocol: Protocol, output: &Value, request_id: &str) -> Response<Bytes> {
    respond(protocol, 200, output, request_id)
}

/// `{"__type": code, "message": …}` with the modelled members beside them.
pub fn error(protocol: Protocol, error: &ApiError, request_id: &str) -> Response<Bytes> {
    let mut body = Map::new();
    body.insert("__type".to_owned(), error.code.clone().into());
    body.insert("message".to_owned(), error.message.clone().into());
    body.extend(error.fields.clone());
    respond(protocol, error.status, &Value::Object(body), request_id)
}

fn respond(protocol: Protocol, status: u16, body: &Value, request_id: &str) -> Response<Bytes> {
    let content_type = if protocol == Protocol::Json10 {
        "application/x-amz-json-1.0"
    } else {
        "application/x-amz-json-1.1"
    };
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-amzn-RequestId", request_id)
        .body(Bytes::from(body.to_string()))
        .expect("a status and plain headers make a response")
}
