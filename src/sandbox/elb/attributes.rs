//! Attributes of load balancers, listeners and target groups: string keys, string values, known keys only.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::elb::groups::is_http;
use crate::sandbox::elb::{balancers, groups, listeners};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

type Attributes = BTreeMap<String, String>;

const GROUP: [(&str, &str); 7] = [
    ("deregistration_delay.timeout_seconds", "300"),
    ("stickiness.enabled", "false"),
    (
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
    ),
    (
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "1",
    ),
    (
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "off",
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "1",
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
    ),
];
const HTTP_GROUP: [(&str, &str); 7] = [
    ("stickiness.type", "lb_cookie"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.app_cookie.cookie_name", ""),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("slow_start.duration_seconds", "0"),
    ("load_balancing.algorithm.type", "round_robin"),
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
];
const TCP_GROUP: [(&str, &str); 5] = [
    ("stickiness.type", "source_ip"),
    (
        "deregistration_delay.connection_termination.enabled",
        "false",
    ),
    ("preserve_client_ip.enabled", "true"),
    ("proxy_protocol_v2.enabled", "false"),
    (
        "target_health_state.unhealthy.connection_termination.enabled",
        "true",
    ),
];
const BALANCER: [(&str, &str); 5] = [
    ("deletion_protection.enabled", "false"),
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.prefix", ""),
    ("zonal_shift.config.enabled", "false"),
];
const APPLICATION_BALANCER: [(&str, &str); 14] = [
    ("idle_timeout.timeout_seconds", "60"),
    ("client_keep_alive.seconds", "3600"),
    ("load_balancing.cross_zone.enabled", "true"),
    ("routing.http2.enabled", "true"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    (
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "false",
    ),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("waf.fail_open.enabled", "false"),
    ("connection_logs.s3.enabled", "false"),
    ("connection_logs.s3.bucket", ""),
    ("connection_logs.s3.prefix", ""),
];
const NETWORK_BALANCER: [(&str, &str); 2] = [
    ("load_balancing.cross_zone.enabled", "false"),
    ("dns_record.client_routing_policy", "any_availability_zone"),
];

/// A new target group's attributes.
pub fn of_group(protocol: &str) -> Attributes {
    let special = if is_http(protocol) {
        HTTP_GROUP.as_slice()
    } else {
        TCP_GROUP.as_slice()
    };
    collect(&[GROUP.as_slice(), special])
}

/// A new load balancer's attributes.
pub fn of_load_balancer(kind: &str) -> Attributes {
    let special = if kind == "network" {
        NETWORK_BALANCER.as_slice()
    } else {
        APPLICATION_BALANCER.as_slice()
    };
    collect(&[BALANCER.as_slice(), special])
}

/// A new listener's attributes.
pub fn of_listener(protocol: &str) -> Attributes {
    let own = if is_http(protocol) {
        [("routing.http.response.server.enabled", "true")]
    } else {
        [("tcp.idle_timeout.seconds", "350")]
    };
    collect(&[own.as_slice()])
}

fn collect(tables: &[&[(&str, &str)]]) -> Attributes {
    tables
        .iter()
        .flat_map(|table| table.iter())
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Answers the Describe and Modify operations for attributes; any other operation is not modelled.
pub fn answer(world: &mut World, op: &str, input: Input<'_>) -> Result<Value, ApiError> {
    let (arn_member, change) = match op {
        "DescribeTargetGroupAttributes" => ("TargetGroupArn", None),
        "ModifyTargetGroupAttributes" => ("TargetGroupArn", Some(input)),
        "DescribeLoadBalancerAttributes" => ("LoadBalancerArn", None),
        "ModifyLoadBalancerAttributes" => ("LoadBalancerArn", Some(input)),
        "DescribeListenerAttributes" => ("ListenerArn", None),
        "ModifyListenerAttributes" => ("ListenerArn", Some(input)),
        _ => {
            return Err(ApiError::not_modelled(
                crate::sandbox::elb::api::SERVICE,
                op,
            ));
        }
    };
    let known: &[&str] = if change.is_some() {
        &[arn_member, "Attributes"]
    } else {
        &[arn_member]
    };
    let arn = input.only(known)?.need(arn_member)?;
    let attributes = find(world, arn_member, arn)?;
    if let Some(change) = change {
        put(attributes, change)?;
    }
    let pairs: Vec<Value> = attributes
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({"Attributes": pairs}))
}

fn find<'a>(
    world: &'a mut World,
    arn_member: &str,
    arn: &str,
) -> Result<&'a mut Attributes, ApiError> {
    let elb = &mut world.elb;
    match arn_member {
        "TargetGroupArn" => elb
            .groups
            .get_mut(arn)
            .map(|g| &mut g.attributes)
            .ok_or_else(groups::not_found),
        "LoadBalancerArn" => elb
            .load_balancers
            .get_mut(arn)
            .map(|lb| &mut lb.attributes)
            .ok_or_else(balancers::not_found),
        _ => elb
            .listeners
            .get_mut(arn)
            .map(|l| &mut l.attributes)
            .ok_or_else(listeners::not_found),
    }
}

/// Puts the input's `Attributes` over what is there: all of them or, on the first bad one, none.
pub fn put(attributes: &mut Attributes, input: Input<'_>) -> Result<(), ApiError> {
    let mut changed = attributes.clone();
    for pair in input.each("Attributes") {
        let (key, value) = (pair.need("Key")?, pair.text("Value").unwrap_or_default());
        let slot = changed
            .get_mut(key)
            .ok_or_else(|| input.invalid(&format!("Attribute key '{key}' is not recognized")))?;
        check(input, key, value)?;
        value.clone_into(slot);
    }
    *attributes = changed;
    Ok(())
}

fn check(input: Input<'_>, key: &str, value: &str) -> Result<(), ApiError> {
    let number = value.parse::<u64>().ok();
    let (fits, range) = match key {
        "deregistration_delay.timeout_seconds" => (number.is_some_and(|n| n <= 3600), "0 and 3600"),
        "slow_start.duration_seconds" => (
            number.is_some_and(|n| n == 0 || (30..=900).contains(&n)),
            "30 and 900, or 0",
        ),
        _ => (true, ""),
    };
    if fits {
        Ok(())
    } else {
        Err(input.invalid(&format!("'{key}' value '{value}' must be between {range}")))
    }
}
