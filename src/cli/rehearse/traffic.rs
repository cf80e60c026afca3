//! The requests that the copy's clients send, so that lost ones can be counted.
//!
//! **Invariant:** each source meets the conditions of the rule that it was made for, and only production rules have one:
//! a test rule may lead nowhere before a rollout.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::adapters::aws::Routing;
use crate::core::live::{Service, TaskSet};

const REQUESTS_PER_SECOND: u32 = 10;

/// Steady requests through each listener and rule of an application load balancer that leads to what serves now.
pub fn traffic(routing: &Routing, service: &Service, assumed: &mut Vec<String>) -> Value {
    let (tests, serving) = (test_rules(service), serving_groups(service));
    let web: BTreeSet<&str> = routing
        .listeners
        .iter()
        .filter(|listener| matches!(listener["Protocol"].as_str(), Some("HTTP" | "HTTPS")))
        .filter_map(|listener| listener["ListenerArn"].as_str())
        .collect();
    let leads = |action: &&Value| is_led_by(action, &serving);
    let by_default = routing.listeners.iter().filter_map(|listener| {
        let arn = listener["ListenerArn"].as_str()?;
        let actions = listener["DefaultActions"].as_array()?;
        let is_ours = !tests.contains(arn) && actions.iter().any(|action| leads(&action));
        is_ours.then(|| (arn, Map::new()))
    });
    let by_rule = routing.rules.iter().filter_map(|rule| {
        let arn = rule["RuleArn"].as_str().unwrap_or_default();
        let is_ours = !tests.contains(arn) && rule["Actions"].as_array()?.iter().any(|a| leads(&a));
        let request = request(rule["Conditions"].as_array()?)?;
        is_ours.then_some((rule["ListenerArn"].as_str()?, request))
    });
    let sources: Vec<Value> = by_default
        .chain(by_rule)
        .filter(|(listener, _)| web.contains(listener))
        .map(|(listener, mut request)| {
            request.insert("listener".to_owned(), json!(listener));
            request.insert("requestsPerSecond".to_owned(), json!(REQUESTS_PER_SECOND));
            Value::Object(request)
        })
        .collect();
    if !sources.is_empty() {
        assumed.push(format!(
            "each listener and rule that leads to the service gets {REQUESTS_PER_SECOND} requests a second"
        ));
    }
    json!(sources)
}

/// Rules, or listeners for default rules, that the service names for its test traffic.
fn test_rules(service: &Service) -> BTreeSet<&str> {
    let balancers = service.as_value()["loadBalancers"].as_array();
    balancers
        .into_iter()
        .flatten()
        .filter_map(|one| one["advancedConfiguration"]["testListenerRule"].as_str())
        .collect()
}

/// The groups of the service, or of its primary task set.
fn serving_groups(service: &Service) -> BTreeSet<String> {
    let of_set = service.primary_task_set().and_then(TaskSet::target_group);
    let of_service = service.target_groups();
    let alternate = service.alternate_target_groups();
    let groups = match of_set {
        Some(group) => vec![group],
        None => of_service.into_iter().chain(alternate).collect(),
    };
    groups
        .into_iter()
        .map(|group| group.as_str().to_owned())
        .collect()
}

/// Whether a forward action gives one of these groups a part of the traffic.
fn is_led_by(action: &Value, groups: &BTreeSet<String>) -> bool {
    let is_one = |arn: &Value| arn.as_str().is_some_and(|arn| groups.contains(arn));
    let weighted = action["ForwardConfig"]["TargetGroups"].as_array();
    let gets = |group: &Value| group["Weight"].as_u64() != Some(0);
    is_one(&action["TargetGroupArn"])
        || weighted
            .into_iter()
            .flatten()
            .any(|group| gets(group) && is_one(&group["TargetGroupArn"]))
}

/// A request that meets all the conditions; `None` if there is a kind of condition that no request here can meet.
fn request(conditions: &[Value]) -> Option<Map<String, Value>> {
    let mut request = Map::new();
    for condition in conditions {
        let field = condition["Field"].as_str()?;
        let (config, member) = match field {
            "path-pattern" => ("PathPatternConfig", "path"),
            "host-header" => ("HostHeaderConfig", "host"),
            "http-request-method" => ("HttpRequestMethodConfig", "method"),
            "http-header" => ("HttpHeaderConfig", "headers"),
            _ => return None,
        };
        let values = condition[config]["Values"]
            .as_array()
            .or_else(|| condition["Values"].as_array())?;
        let fit = plain(values.first()?.as_str()?);
        let value = match condition[config]["HttpHeaderName"].as_str() {
            Some(name) => {
                let mut headers = request.get("headers").cloned().unwrap_or(json!({}));
                headers[name] = json!(fit);
                headers
            }
            None => json!(fit),
        };
        request.insert(member.to_owned(), value);
    }
    Some(request)
}

/// A text that fits the pattern: `*` may stand for nothing, `?` stands for one character.
fn plain(pattern: &str) -> String {
    pattern.replace('*', "").replace('?', "x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_meets_all_conditions_of_its_rule() {
        let check = |conditions: Value, expected: Value| {
            let conditions = conditions.as_array().expect("a list");
            assert_eq!(
                request(conditions).map_or(Value::Null, Value::Object),
                expected
            );
        };
        check(json!([]), json!({}));
        check(
            json!([{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*", "/b"]}}]),
            json!({"path": "/api/"}),
        );
        check(
            json!([
                {"Field": "host-header", "Values": ["*.example.com"]},
                {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["v?"]}},
                {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}},
            ]),
            json!({"host": ".example.com", "headers": {"X-A": "vx"}, "method": "POST"}),
        );
        check(
            json!([{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}}]),
            Value::Null,
        );
    }
}
