//! Targets: registering, deregistering, and how they are.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::sandbox::elb::groups;
use crate::sandbox::elb::health::TargetHealth;
use crate::sandbox::elb::model::TargetGroup;
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

const PORT: std::ops::RangeInclusive<u64> = 1..=65_535;

/// A target that a call names.
struct Named<'a> {
    id: &'a str,
    port: u16,
    zone: Option<&'a str>,
}

/// Reads `Targets`; a target without a port has the group's.
fn read<'a>(group: &TargetGroup, input: Input<'a>) -> Result<Vec<Named<'a>>, ApiError> {
    input
        .each("Targets")
        .map(|target| read_one(group, target))
        .collect()
}

fn read_one<'a>(group: &TargetGroup, target: Input<'a>) -> Result<Named<'a>, ApiError> {
    let target = target.only(&["Id", "Port", "AvailabilityZone"])?;
    let id = target.need("Id")?;
    if group.target_type == "ip" && id.parse::<IpAddr>().is_err() {
        return Err(target.invalid(&format!(
            "The IP address '{id}' is not a valid IPv4 or IPv6 address"
        )));
    }
    if group.target_type == "instance" && !id.starts_with("i-") {
        return Err(ApiError::client(
            "InvalidTargetException",
            format!("The following targets are not valid instances: '{id}'"),
        ));
    }
    let port = target
        .int("Port", PORT)?
        .map_or(group.port, |port| port as u16);
    Ok(Named {
        id,
        port,
        zone: target.text("AvailabilityZone"),
    })
}

pub fn register(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["TargetGroupArn", "Targets"])?;
    let arn = input.need("TargetGroupArn")?;
    let targets = read(world.elb.existing_group(arn)?, input)?;
    for target in targets {
        world
            .elb
            .register(world.now, arn, target.id, target.port, target.zone)?;
    }
    Ok(json!({}))
}

pub fn deregister(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["TargetGroupArn", "Targets"])?;
    let arn = input.need("TargetGroupArn")?;
    let targets = read(world.elb.existing_group(arn)?, input)?;
    for target in targets {
        world
            .elb
            .deregister(world.now, arn, target.id, target.port)?;
    }
    Ok(json!({}))
}

/// The targets that the call names, or all. A named target that is not registered is `unused`.
pub fn describe_health(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["TargetGroupArn", "Targets"])?;
    let group = world
        .elb
        .group(input.need("TargetGroupArn")?)
        .ok_or_else(groups::not_found)?;
    let named = read(group, input)?;
    let descriptions: Vec<Value> = if named.is_empty() {
        group
            .targets
            .iter()
            .map(|((id, port), t)| {
                describe(group, id, *port, t.zone.as_deref(), &t.health.report())
            })
            .collect()
    } else {
        named
            .iter()
            .map(|target| describe_named(group, target))
            .collect()
    };
    Ok(json!({"TargetHealthDescriptions": descriptions}))
}

fn describe_named(group: &TargetGroup, named: &Named<'_>) -> Value {
    match group.targets.get(&(named.id.to_owned(), named.port)) {
        Some(target) => describe(
            group,
            named.id,
            named.port,
            target.zone.as_deref(),
            &target.health.report(),
        ),
        None => json!({
            "Target": {"Id": named.id, "Port": named.port},
            "TargetHealth": {
                "State": "unused",
                "Reason": "Target.NotRegistered",
                "Description": "Target is not registered to the target group",
            },
        }),
    }
}

fn describe(
    group: &TargetGroup,
    id: &str,
    port: u16,
    zone: Option<&str>,
    health: &TargetHealth,
) -> Value {
    let check_port = group.check.port.parse().unwrap_or(port);
    json!({
        "Target": {"Id": id, "Port": port, "AvailabilityZone": zone},
        "HealthCheckPort": check_port.to_string(),
        "TargetHealth": {"State": health.state.as_str(), "Reason": health.reason, "Description": health.description},
    })
}
