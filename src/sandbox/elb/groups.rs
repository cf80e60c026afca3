//! Target groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::elb::api::Origin;
use crate::sandbox::elb::health::HealthCheck;
use crate::sandbox::elb::model::{Elb, TargetGroup};
use crate::sandbox::elb::page::page;
use crate::sandbox::elb::{attributes, balancers, tags};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration, World};

const PORT: std::ops::RangeInclusive<u64> = 1..=65_535;
const THRESHOLD: std::ops::RangeInclusive<u64> = 2..=10;
const CHECK_MEMBERS: [&str; 9] = [
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckEnabled",
    "HealthCheckPath",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "Matcher",
];

pub fn create(world: &mut World, input: Input<'_>, origin: &Origin) -> Result<Value, ApiError> {
    let own = [
        "Name",
        "Protocol",
        "ProtocolVersion",
        "Port",
        "VpcId",
        "TargetType",
        "Tags",
        "IpAddressType",
    ];
    let input = input.only(&[own.as_slice(), CHECK_MEMBERS.as_slice()].concat())?;
    let mut group = read(input)?;
    if let Some(existing) = world.elb.groups.values().find(|g| g.name == group.name) {
        group.arn.clone_from(&existing.arn);
        return if settings(existing) == settings(&group) {
            Ok(json!({"TargetGroups": [echo(&world.elb, existing)]}))
        } else {
            let text = format!(
                "A target group with the same name '{}' exists, but with different settings",
                group.name
            );
            Err(ApiError::client("DuplicateTargetGroupNameException", text))
        };
    }
    group.arn = origin.arn(world, &format!("targetgroup/{}", group.name), "");
    let arn = group.arn.clone();
    world.elb.groups.insert(arn.clone(), group);
    tags::put(world, &arn, input)?;
    Ok(json!({"TargetGroups": [echo(&world.elb, &world.elb.groups[&arn])]}))
}

/// A group as asked for, without its ARN.
fn read(input: Input<'_>) -> Result<TargetGroup, ApiError> {
    let target_type = match input.text("TargetType").unwrap_or("instance") {
        known @ ("ip" | "instance") => known.to_owned(),
        other => return Err(input.not_modelled(&format!("TargetType {other}"))),
    };
    let protocol = match input.need("Protocol")? {
        known @ ("HTTP" | "HTTPS" | "TCP" | "TLS" | "UDP" | "TCP_UDP") => known.to_owned(),
        other => return Err(input.not_modelled(&format!("Protocol {other}"))),
    };
    let protocol_version = match (is_http(&protocol), input.text("ProtocolVersion")) {
        (true, None | Some("HTTP1")) => Some("HTTP1".to_owned()),
        (true, Some("HTTP2")) => Some("HTTP2".to_owned()),
        (false, None) => None,
        (_, Some(other)) => {
            return Err(
                input.not_modelled(&format!("ProtocolVersion {other} with Protocol {protocol}"))
            );
        }
    };
    Ok(TargetGroup {
        arn: String::new(),
        name: read_name(input)?,
        port: input
            .int("Port", PORT)?
            .ok_or_else(|| input.missing("Port"))? as u16,
        vpc: input.need("VpcId")?.to_owned(),
        ip_address_type: input.text("IpAddressType").unwrap_or("ipv4").to_owned(),
        check: read_check(input, &default_check(&protocol))?,
        attributes: attributes::of_group(&protocol),
        targets: BTreeMap::new(),
        target_type,
        protocol,
        protocol_version,
    })
}

fn read_name(input: Input<'_>) -> Result<String, ApiError> {
    let name = input.need("Name")?;
    if name.len() > 32 {
        return Err(input.invalid(&format!(
            "Target group name '{name}' cannot be longer than '32' characters"
        )));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        || name.starts_with('-')
        || name.ends_with('-')
    {
        return Err(input.invalid(&format!("Target group name '{name}' can only contain characters that are alphanumeric characters and hyphens(-), and cannot begin or end with a hyphen")));
    }
    Ok(name.to_owned())
}

pub fn is_http(protocol: &str) -> bool {
    matches!(protocol, "HTTP" | "HTTPS")
}

fn default_check(group_protocol: &str) -> HealthCheck {
    let http = is_http(group_protocol);
    HealthCheck {
        protocol: if http { "HTTP" } else { "TCP" }.to_owned(),
        path: http.then(|| "/".to_owned()),
        port: "traffic-port".to_owned(),
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(if http { 5 } else { 10 }),
        healthy_threshold: 5,
        unhealthy_threshold: 2,
        matcher: http.then(|| "200".to_owned()),
    }
}

/// A check with the members that are given put over `base`.
fn read_check(input: Input<'_>, base: &HealthCheck) -> Result<HealthCheck, ApiError> {
    if input.flag("HealthCheckEnabled")? == Some(false) {
        return Err(input.not_modelled("HealthCheckEnabled false"));
    }
    let mut check = base.clone();
    if let Some(protocol) = input.text("HealthCheckProtocol") {
        change_protocol(&mut check, protocol);
    }
    if let Some(port) = read_check_port(input)? {
        check.port = port;
    }
    let seconds = |member, range, old| {
        Ok::<_, ApiError>(input.int(member, range)?.map_or(old, Duration::from_secs))
    };
    check.interval = seconds("HealthCheckIntervalSeconds", 5..=300, check.interval)?;
    check.timeout = seconds("HealthCheckTimeoutSeconds", 2..=120, check.timeout)?;
    if check.timeout >= check.interval {
        return Err(input.invalid("Health check interval must be greater than the timeout."));
    }
    let count =
        |member, old| Ok::<_, ApiError>(input.int(member, THRESHOLD)?.map_or(old, |n| n as u32));
    check.healthy_threshold = count("HealthyThresholdCount", check.healthy_threshold)?;
    check.unhealthy_threshold = count("UnhealthyThresholdCount", check.unhealthy_threshold)?;
    if let Some(path) = input.text("HealthCheckPath") {
        check.path = Some(path.to_owned());
    }
    if let Some(matcher) = input.at("Matcher") {
        check.matcher = Some(matcher.only(&["HttpCode"])?.need("HttpCode")?.to_owned());
    }
    Ok(check)
}

/// Checks by HTTP have a path and a matcher, checks by TCP have neither.
fn change_protocol(check: &mut HealthCheck, protocol: &str) {
    protocol.clone_into(&mut check.protocol);
    if is_http(protocol) {
        check.path.get_or_insert_with(|| "/".to_owned());
        check.matcher.get_or_insert_with(|| "200-399".to_owned());
    } else {
        (check.path, check.matcher) = (None, None);
    }
}

/// `traffic-port` or a number; a world file may write the number without quotes.
fn read_check_port(input: Input<'_>) -> Result<Option<String>, ApiError> {
    let port = match input.get("HealthCheckPort") {
        None => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if port == "traffic-port" || port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Ok(Some(port));
    }
    let text = format!("Health check port '{port}' must be 'traffic-port' or in the range 1-65535");
    Err(input.invalid(&text))
}

/// What was asked for, as Describe calls return it.
fn settings(group: &TargetGroup) -> Value {
    let check = &group.check;
    let mut echo = json!({
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "Port": group.port,
        "VpcId": group.vpc,
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        "HealthCheckEnabled": true,
        "HealthCheckIntervalSeconds": check.interval.millis() / 1000,
        "HealthCheckTimeoutSeconds": check.timeout.millis() / 1000,
        "HealthyThresholdCount": check.healthy_threshold,
        "UnhealthyThresholdCount": check.unhealthy_threshold,
        "TargetType": group.target_type,
        "IpAddressType": group.ip_address_type,
    });
    if let Some(path) = &check.path {
        echo["HealthCheckPath"] = path.clone().into();
    }
    if let Some(matcher) = &check.matcher {
        echo["Matcher"] = json!({"HttpCode": matcher});
    }
    if let Some(version) = &group.protocol_version {
        echo["ProtocolVersion"] = version.clone().into();
    }
    echo
}

fn echo(elb: &Elb, group: &TargetGroup) -> Value {
    let mut echo = settings(group);
    echo["LoadBalancerArns"] = elb.load_balancers_of(&group.arn).into_iter().collect();
    echo
}

pub fn describe(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "LoadBalancerArn",
        "TargetGroupArns",
        "Names",
        "Marker",
        "PageSize",
    ])?;
    let elb = &world.elb;
    let (arns, names) = (input.texts("TargetGroupArns"), input.texts("Names"));
    if names
        .iter()
        .any(|name| !elb.groups.values().any(|g| g.name == *name))
        || arns.iter().any(|arn| !elb.groups.contains_key(*arn))
    {
        return Err(not_found());
    }
    let balancer = input.text("LoadBalancerArn");
    if balancer.is_some_and(|arn| !elb.load_balancers.contains_key(arn)) {
        return Err(balancers::not_found());
    }
    let wanted = |group: &&TargetGroup| {
        (arns.is_empty() || arns.contains(&group.arn.as_str()))
            && (names.is_empty() || names.contains(&group.name.as_str()))
            && balancer.is_none_or(|lb| elb.load_balancers_of(&group.arn).contains(lb))
    };
    let found = elb
        .groups
        .values()
        .filter(wanted)
        .map(|group| echo(elb, group))
        .collect();
    page(input, "TargetGroups", "TargetGroupArn", found)
}

/// Changes the health check; protocol, port, VPC and target type cannot be changed.
pub fn modify(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[["TargetGroupArn"].as_slice(), CHECK_MEMBERS.as_slice()].concat())?;
    let arn = input.need("TargetGroupArn")?;
    let group = world.elb.existing_group(arn)?;
    group.check = read_check(input, &group.check)?;
    Ok(json!({"TargetGroups": [echo(&world.elb, &world.elb.groups[arn])]}))
}

/// Deletes a group that no rule names; one that does not exist is no error.
pub fn delete(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let arn = input.only(&["TargetGroupArn"])?.need("TargetGroupArn")?;
    if world.elb.groups_in_use().contains(arn) {
        let text = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(ApiError::client("ResourceInUseException", text));
    }
    world.elb.groups.remove(arn);
    world.elb.tags.remove(arn);
    Ok(json!({}))
}

pub fn not_found() -> ApiError {
    ApiError::client(
        "TargetGroupNotFoundException",
        "One or more target groups not found",
    )
}
