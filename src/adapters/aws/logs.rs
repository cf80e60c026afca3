//! What containers wrote, out of CloudWatch Logs.
//!
//! **Invariant:** only the last lines are asked for, in one call: a log may be long, and is no part of any verdict.

use serde_json::{Value, json};

use super::Aws;
use super::json_service::{Api, Repeat};
use crate::core::errand::LogStream;
use crate::core::rollout::Fault;

/// Source: the service's Smithy model.
pub const API: Api = Api {
    id: "CloudWatch Logs",
    host: "logs",
    target: "Logs_20140328",
    content_type: "application/x-amz-json-1.1",
};

impl Aws {
    /// The last lines of a stream, oldest first.
    pub async fn last_lines(&self, stream: &LogStream, most: u32) -> Result<Vec<String>, Fault> {
        let input = json!({
            "logGroupName": stream.group,
            "logStreamName": stream.name,
            "limit": most,
            "startFromHead": false,
        });
        let answer = self
            .logs
            .call("GetLogEvents", input, Repeat::Freely)
            .await?;
        let events = answer["events"].as_array().into_iter().flatten();
        let message = |event: &Value| event["message"].as_str().map(str::to_owned);
        Ok(events.filter_map(message).collect())
    }
}
