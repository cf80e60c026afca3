//! What ELBv2 describes, written as the input of the operation that would create it.
//!
//! **Invariant:** AWS's spelling throughout; a member that was not said is left out.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, Listener, LoadBalancer, LoadBalancerSchemeEnum,
    LoadBalancerTypeEnum, ProtocolEnum, Rule, RuleCondition, TargetGroup, TargetTypeEnum,
};
use serde_json::{Map, Value, json};

/// `CreateTargetGroup`, with `TargetGroupArn` and `Attributes`.
pub fn target_group(group: &TargetGroup, attributes: Vec<Value>) -> Value {
    let is_http = matches!(
        group.protocol(),
        Some(ProtocolEnum::Http | ProtocolEnum::Https)
    );
    let matcher = group.matcher().and_then(|matcher| matcher.http_code());
    said(json!({
        "TargetGroupArn": group.target_group_arn(),
        "Name": group.target_group_name(),
        "Protocol": group.protocol().map(ProtocolEnum::as_str),
        "ProtocolVersion": group.protocol_version().filter(|_| is_http),
        "Port": group.port(),
        "VpcId": group.vpc_id(),
        "TargetType": group.target_type().map(TargetTypeEnum::as_str),
        "HealthCheckProtocol": group.health_check_protocol().map(ProtocolEnum::as_str),
        "HealthCheckPort": group.health_check_port(),
        "HealthCheckPath": group.health_check_path(),
        "HealthCheckIntervalSeconds": group.health_check_interval_seconds(),
        "HealthCheckTimeoutSeconds": group.health_check_timeout_seconds(),
        "HealthyThresholdCount": group.healthy_threshold_count(),
        "UnhealthyThresholdCount": group.unhealthy_threshold_count(),
        "Matcher": matcher.map(|code| json!({"HttpCode": code})),
        "Attributes": attributes,
    }))
}

/// `CreateLoadBalancer`, with `LoadBalancerArn`.
pub fn load_balancer(balancer: &LoadBalancer) -> Value {
    let zones = balancer.availability_zones().iter();
    let subnets: Vec<&str> = zones.filter_map(|zone| zone.subnet_id()).collect();
    said(json!({
        "LoadBalancerArn": balancer.load_balancer_arn(),
        "Name": balancer.load_balancer_name(),
        "Subnets": subnets,
        "Scheme": balancer.scheme().map(LoadBalancerSchemeEnum::as_str),
        "Type": balancer.r#type().map(LoadBalancerTypeEnum::as_str),
    }))
}

/// `CreateListener`, with `ListenerArn`. A default action that leads elsewhere becomes a fixed 404.
pub fn listener(listener: &Listener, by_default: bool) -> Value {
    let actions = if by_default {
        vec![forward(listener.default_actions())]
    } else {
        vec![json!({
            "Type": "fixed-response",
            "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": ""},
        })]
    };
    let certificates: Vec<Value> = listener
        .certificates()
        .iter()
        .filter_map(|certificate| Some(json!({"CertificateArn": certificate.certificate_arn()?})))
        .collect();
    said(json!({
        "ListenerArn": listener.listener_arn(),
        "LoadBalancerArn": listener.load_balancer_arn(),
        "Protocol": listener.protocol().map(ProtocolEnum::as_str),
        "Port": listener.port(),
        "SslPolicy": listener.ssl_policy(),
        "Certificates": Some(certificates).filter(|found| !found.is_empty()),
        "DefaultActions": actions,
    }))
}

/// `CreateRule`, with `RuleArn`.
pub fn rule(listener: &str, rule: &Rule) -> Value {
    let priority = rule.priority().and_then(|text| text.parse::<u32>().ok());
    let conditions: Vec<Value> = rule.conditions().iter().map(condition).collect();
    said(json!({
        "RuleArn": rule.rule_arn(),
        "ListenerArn": listener,
        "Priority": priority,
        "Conditions": conditions,
        "Actions": [forward(rule.actions())],
    }))
}

/// The target groups that actions forward to.
pub fn forwards(actions: &[Action]) -> Vec<String> {
    weights(actions)
        .into_iter()
        .map(|(group, _)| group)
        .collect()
}

/// What [`rule`] does not carry over.
pub fn left_out(rule: &Rule) -> Vec<String> {
    let name = rule.rule_arn().unwrap_or_default();
    let others = rule.actions().iter().filter_map(Action::r#type);
    let mut left: Vec<String> = others
        .filter(|kind| **kind != ActionTypeEnum::Forward)
        .map(|kind| format!("the action {} of rule {name}", kind.as_str()))
        .collect();
    if rule
        .conditions()
        .iter()
        .any(|c| !c.regex_values().is_empty())
    {
        left.push(format!(
            "regular expressions in the conditions of rule {name}"
        ));
    }
    left
}

fn weights(actions: &[Action]) -> Vec<(String, i32)> {
    let Some(action) = actions
        .iter()
        .find(|action| action.r#type() == Some(&ActionTypeEnum::Forward))
    else {
        return Vec::new();
    };
    let of_config = action
        .forward_config()
        .map(ForwardActionConfig::target_groups);
    match of_config {
        Some(groups) if !groups.is_empty() => groups
            .iter()
            .filter_map(|group| {
                let weight = group.weight().unwrap_or(1);
                Some((group.target_group_arn()?.to_owned(), weight))
            })
            .collect(),
        _ => action
            .target_group_arn()
            .map(|arn| (arn.to_owned(), 1))
            .into_iter()
            .collect(),
    }
}

fn forward(actions: &[Action]) -> Value {
    let groups: Vec<Value> = weights(actions)
        .into_iter()
        .map(|(group, weight)| json!({"TargetGroupArn": group, "Weight": weight}))
        .collect();
    json!({"Type": "forward", "ForwardConfig": {"TargetGroups": groups}})
}

fn condition(condition: &RuleCondition) -> Value {
    let field = condition.field().unwrap_or_default();
    let plain = |values: &[String]| {
        let values = if values.is_empty() {
            condition.values()
        } else {
            values
        };
        json!({ "Values": values })
    };
    let (member, config) = match field {
        "host-header" => {
            let of = condition.host_header_config();
            (
                "HostHeaderConfig",
                plain(of.map_or(&[][..], |c| c.values())),
            )
        }
        "path-pattern" => {
            let of = condition.path_pattern_config();
            (
                "PathPatternConfig",
                plain(of.map_or(&[][..], |c| c.values())),
            )
        }
        "http-request-method" => {
            let of = condition.http_request_method_config();
            (
                "HttpRequestMethodConfig",
                plain(of.map_or(&[][..], |c| c.values())),
            )
        }
        "source-ip" => {
            let of = condition.source_ip_config();
            ("SourceIpConfig", plain(of.map_or(&[][..], |c| c.values())))
        }
        "http-header" => {
            let of = condition.http_header_config();
            let mut config = plain(of.map_or(&[][..], |c| c.values()));
            config["HttpHeaderName"] = json!(of.and_then(|c| c.http_header_name()));
            ("HttpHeaderConfig", config)
        }
        _ => {
            let pairs = condition
                .query_string_config()
                .map_or(&[][..], |c| c.values());
            let pairs: Vec<Value> = pairs
                .iter()
                .map(|pair| said(json!({"Key": pair.key(), "Value": pair.value()})))
                .collect();
            ("QueryStringConfig", json!({ "Values": pairs }))
        }
    };
    json!({"Field": field, member: config})
}

/// Without the members that are null.
fn said(form: Value) -> Value {
    match form {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect::<Map<String, Value>>(),
        ),
        other => other,
    }
}
