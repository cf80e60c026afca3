//! CloudWatch: alarms and metric data, over awsJson.
//!
//! **Invariant:** an alarm that CloudWatch does not name is absent, and a series that it could not compute is a fault;
//! only what was computed and is empty is empty.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Aws;
use super::json_service::{Api, Repeat};
use super::observe::unreadable;
use crate::core::gate::{MetricsRequest, SeriesById};
use crate::core::live::Alarm;
use crate::core::rollout::{Fault, Seen};

pub const API: Api = Api {
    id: "CloudWatch",
    host: "monitoring",
    target: "GraniteServiceVersion20100801",
    content_type: "application/x-amz-json-1.0",
};

/// DescribeAlarms takes so many names at most.
const NAMES_PER_CALL: usize = 100;

/// One result of GetMetricData that is whole, and one that goes on with the next page.
const COMPUTED: [&str; 2] = ["Complete", "PartialData"];

impl Aws {
    /// Each of `names`, seen, absent or unreadable.
    pub(super) async fn alarms(&self, names: &BTreeSet<String>) -> BTreeMap<String, Seen<Alarm>> {
        let all: Vec<&String> = names.iter().collect();
        let mut seen = BTreeMap::new();
        for names in all.chunks(NAMES_PER_CALL) {
            let found = self.describe_alarms(names).await;
            for name in names {
                let alarm = match &found {
                    Ok(alarms) => alarms
                        .iter()
                        .find(|alarm| alarm.name == **name)
                        .map_or(Seen::Absent, |alarm| Seen::Is(alarm.clone())),
                    Err(fault) => Seen::Unreadable(fault.clone()),
                };
                seen.insert((*name).clone(), alarm);
            }
        }
        seen
    }

    async fn describe_alarms(&self, names: &[&String]) -> Result<Vec<Alarm>, Fault> {
        let mut input = Map::new();
        input.insert("AlarmNames".to_owned(), json!(names));
        // Composite alarms are answered only when they are asked for.
        let types = json!(["MetricAlarm", "CompositeAlarm"]);
        input.insert("AlarmTypes".to_owned(), types);
        input.insert("MaxRecords".to_owned(), NAMES_PER_CALL.into());
        let pages = self.pages("DescribeAlarms", input).await?;
        let lists = pages.iter().filter_map(Value::as_object).flatten();
        let alarms = lists
            .filter(|(member, _)| member.ends_with("Alarms"))
            .filter_map(|(_, list)| list.as_array())
            .flatten();
        Ok(alarms.map(Alarm::read).collect())
    }

    pub(super) async fn metrics(&self, request: &MetricsRequest) -> Result<SeriesById, Fault> {
        let pages = self.pages("GetMetricData", request.members()).await?;
        let mut series = SeriesById::new();
        for result in pages
            .iter()
            .filter_map(|page| page.get("MetricDataResults")?.as_array())
            .flatten()
        {
            take(result, &mut series)?;
        }
        Ok(series)
    }

    /// All pages of an operation that goes on by `NextToken`.
    async fn pages(
        &self,
        operation: &'static str,
        mut input: Map<String, Value>,
    ) -> Result<Vec<Value>, Fault> {
        let mut pages = Vec::new();
        loop {
            let sent = Value::Object(input.clone());
            let page = self
                .cloudwatch
                .call(operation, sent, Repeat::Freely)
                .await?;
            let token = page.get("NextToken").filter(|token| token.is_string());
            let token = token.cloned();
            pages.push(page);
            match token {
                Some(token) => input.insert("NextToken".to_owned(), token),
                None => return Ok(pages),
            };
        }
    }
}

/// One element of `MetricDataResults`: times and values stand side by side.
fn take(result: &Value, series: &mut SeriesById) -> Result<(), Fault> {
    let text = |member: &str| result.get(member).and_then(Value::as_str);
    let id = text("Id").unwrap_or_default();
    let status = text("StatusCode").unwrap_or(COMPUTED[0]);
    if !COMPUTED.contains(&status) {
        let why = result.pointer("/Messages/0/Value").and_then(Value::as_str);
        let why = why.unwrap_or("no reason given");
        return Err(unreadable(
            "GetMetricData",
            &format!("{id} is {status}: {why}"),
        ));
    }
    let list = |member: &str| {
        let values = result.get(member).and_then(Value::as_array);
        values.into_iter().flatten().filter_map(Value::as_f64)
    };
    let points = list("Timestamps").zip(list("Values"));
    series
        .entry(id.to_owned())
        .or_default()
        .extend(points.filter_map(|(at, value)| {
            let at = Timestamp::from_second(at.round() as i64).ok()?;
            Some((at, value))
        }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
    use aws_types::SdkConfig;
    use aws_types::region::Region;
    use bytes::Bytes;

    use super::*;
    use crate::adapters::aws::Function;
    use crate::core::gate::{Measure, MetricQuery};
    use crate::core::live::AlarmState;

    /// A client that is answered these bodies in turn, and what it sent.
    fn aws(answers: &[Value]) -> (Aws, Arc<Mutex<Vec<Value>>>) {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        let answers = answers.to_vec();
        let function = Function::new(move |request| {
            let mut sent = kept.lock().unwrap();
            let answer = answers[sent.len()].to_string();
            sent.push(serde_json::from_slice(request.body()).unwrap());
            Ok(http::Response::new(Bytes::from(answer)))
        });
        let keys = Credentials::from_keys("AKID", "secret", None);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(function)
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            .build();
        (Aws::new(&config), sent)
    }

    #[tokio::test]
    async fn alarms_of_every_kind_and_page_are_found_by_name() {
        let (aws, sent) = aws(&[
            json!({"MetricAlarms": [{"AlarmName": "a", "StateValue": "OK"}], "NextToken": "2"}),
            json!({"CompositeAlarms": [{"AlarmName": "b", "StateValue": "ALARM", "StateReason": "r"}]}),
        ]);
        let names = ["a", "b", "c"].map(str::to_owned).into();
        let seen = aws.alarms(&names).await;
        let state = |name: &str| seen[name].is().map(|alarm| alarm.state.clone());
        assert_eq!(state("a"), Some(AlarmState::Ok));
        assert_eq!(state("b"), Some(AlarmState::Alarm));
        assert_eq!(seen["c"], Seen::Absent);
        let sent = sent.lock().unwrap();
        assert_eq!(
            sent[0],
            json!({"AlarmNames": ["a", "b", "c"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100})
        );
        assert_eq!(sent[1]["NextToken"], "2");
    }

    fn request() -> MetricsRequest {
        MetricsRequest {
            queries: vec![MetricQuery {
                id: "m".to_owned(),
                measure: Measure::Stat {
                    namespace: "N".to_owned(),
                    metric: "M".to_owned(),
                    dimensions: BTreeMap::from([("D".to_owned(), "v".to_owned())]),
                    stat: "Sum".to_owned(),
                },
                period: 60,
            }],
            from: Timestamp::from_second(600).unwrap(),
            to: Timestamp::from_second(720).unwrap(),
        }
    }

    #[tokio::test]
    async fn metric_data_is_put_together_from_its_pages() {
        let page = |at: i64, value: f64, status: &str| {
            json!({"MetricDataResults": [
                {"Id": "m", "Timestamps": [at], "Values": [value], "StatusCode": status}]})
        };
        let mut first = page(660, 2.0, "PartialData");
        first["NextToken"] = "2".into();
        let (aws, sent) = aws(&[first, page(600, 1.0, "Complete")]);
        let series = aws.metrics(&request()).await.unwrap();
        let values: Vec<f64> = series["m"].values().copied().collect();
        assert_eq!(values, [1.0, 2.0]);
        assert_eq!(
            sent.lock().unwrap()[0],
            json!({
                "MetricDataQueries": [{
                    "Id": "m",
                    "MetricStat": {
                        "Metric": {"Namespace": "N", "MetricName": "M",
                            "Dimensions": [{"Name": "D", "Value": "v"}]},
                        "Period": 60,
                        "Stat": "Sum",
                    },
                    "ReturnData": true,
                }],
                "StartTime": 600,
                "EndTime": 720,
            })
        );
    }

    #[tokio::test]
    async fn a_series_that_was_not_computed_is_a_fault_and_an_empty_one_is_empty() {
        let result = |status: &str| {
            json!({"MetricDataResults": [{"Id": "m", "Timestamps": [], "Values": [],
                "StatusCode": status, "Messages": [{"Code": "c", "Value": "why"}]}]})
        };
        let (forbidden, _) = aws(&[result("Forbidden")]);
        let fault = forbidden.metrics(&request()).await.unwrap_err();
        assert_eq!(fault.message, "m is Forbidden: why");
        let (empty, _) = aws(&[result("Complete")]);
        let series = empty.metrics(&request()).await.unwrap();
        assert!(series["m"].is_empty());
    }
}
