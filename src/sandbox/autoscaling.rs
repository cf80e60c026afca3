//! Application Auto Scaling for ECS services: scalable targets, and policies that are kept but never act.
//!
//! What is modelled of its effect is the rule that a deployment meets: a desired count outside `MinCapacity` and
//! `MaxCapacity` is brought back, except 0, which people set by hand; scale-in waits while a deployment runs; a suspended
//! direction stands still. Target tracking is **not** evaluated: a policy makes no alarms and changes no count. How soon
//! AWS brings a count back is not published; here it is looked at every ten seconds.
//!
//! Source: Application Auto Scaling API reference; ECS developer guide, "service auto scaling".

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration, Time, World, ecs, ids, looking};

const SERVICE: &str = "application-autoscaling";
const NAMESPACE: &str = "ecs";
const DIMENSION: &str = "ecs:service:DesiredCount";
const LOOKS_EVERY: Duration = Duration::from_secs(10);
const PER_PAGE: u64 = 50;
const SUSPENSIONS: [&str; 3] = [
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
];

/// Everything that Application Auto Scaling remembers, by resource id (`service/CLUSTER/NAME`).
#[derive(Clone, Debug, Default)]
pub struct AutoScaling {
    targets: BTreeMap<String, Target>,
}

/// A scalable target with its policies by name.
#[derive(Clone, Debug)]
struct Target {
    arn: String,
    least: u64,
    most: u64,
    role: String,
    suspended: BTreeMap<&'static str, bool>,
    created: Time,
    policies: BTreeMap<String, Value>,
}

/// Answers one operation.
pub fn answer(world: &mut World, op: &str, input: &Value) -> Result<Value, ApiError> {
    let input = Input::new(SERVICE, op, input);
    match op {
        "RegisterScalableTarget" => register(world, input),
        "DescribeScalableTargets" => describe_targets(world, input),
        "DeregisterScalableTarget" => deregister(world, input),
        "PutScalingPolicy" => put_policy(world, input),
        "DescribeScalingPolicies" => describe_policies(world, input),
        "DeleteScalingPolicy" => delete_policy(world, input),
        _ => Err(ApiError::not_modelled(SERVICE, op)),
    }
}

/// Checks the namespace and, where it is given, the dimension.
fn scope(input: Input<'_>) -> Result<(), ApiError> {
    match (
        input.need("ServiceNamespace")?,
        input.text("ScalableDimension"),
    ) {
        (NAMESPACE, None | Some(DIMENSION)) => Ok(()),
        (NAMESPACE, Some(other)) => Err(input.invalid(&format!(
            "Unsupported service namespace, resource type or scalable dimension: {other}"
        ))),
        (other, _) => Err(input.not_modelled(&format!("ServiceNamespace {other}"))),
    }
}

/// Cluster and service of a resource id.
fn parts(resource: &str) -> Option<(&str, &str)> {
    resource.strip_prefix("service/")?.split_once('/')
}

fn not_found(resource: &str) -> ApiError {
    ApiError::client(
        "ObjectNotFoundException",
        format!(
            "No scalable target found for service namespace: {NAMESPACE}, resource ID: {resource}, scalable dimension: {DIMENSION}"
        ),
    )
}

fn existing<'a>(world: &'a mut World, resource: &str) -> Result<&'a mut Target, ApiError> {
    let found = world.auto_scaling.targets.get_mut(resource);
    found.ok_or_else(|| not_found(resource))
}

/// Makes a target, or changes the members that are given.
fn register(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
        "MinCapacity",
        "MaxCapacity",
        "RoleARN",
        "SuspendedState",
    ])?;
    scope(input)?;
    let resource = input.need("ResourceId")?;
    let mut target = match world.auto_scaling.targets.get(resource) {
        Some(known) => known.clone(),
        None => create(world, input, resource)?,
    };
    let capacity = 0..=u64::from(u32::MAX);
    target.least = input
        .int("MinCapacity", capacity.clone())?
        .unwrap_or(target.least);
    target.most = input.int("MaxCapacity", capacity)?.unwrap_or(target.most);
    if target.least > target.most {
        return Err(input.invalid("Maximum capacity cannot be less than minimum capacity"));
    }
    if let Some(state) = input.at("SuspendedState") {
        let state = state.only(&SUSPENSIONS)?;
        for name in SUSPENSIONS {
            if let Some(flag) = state.flag(name)? {
                target.suspended.insert(name, flag);
            }
        }
    }
    let arn = target.arn.clone();
    world
        .auto_scaling
        .targets
        .insert(resource.to_owned(), target);
    Ok(json!({"ScalableTargetARN": arn}))
}

fn create(world: &mut World, input: Input<'_>, resource: &str) -> Result<Target, ApiError> {
    let exists = parts(resource)
        .and_then(|(cluster, name)| looking::service(world, cluster, name))
        .is_some_and(|service| service["status"] == "ACTIVE");
    if !exists {
        return Err(input.invalid(&format!("ECS service doesn't exist: {resource}")));
    }
    for member in ["MinCapacity", "MaxCapacity"] {
        if input.get(member).is_none() {
            return Err(input.invalid(&format!(
                "{member} must be specified when registering a new scalable target"
            )));
        }
    }
    let id = ids::hex(&mut world.named("scalable-target", resource), 36);
    let role = ids::arn(
        "iam",
        "",
        &world.account,
        "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
    );
    Ok(Target {
        arn: world.arn(SERVICE, &format!("scalable-target/{id}")),
        least: 0,
        most: 0,
        role,
        suspended: SUSPENSIONS.into_iter().map(|name| (name, false)).collect(),
        created: world.now,
        policies: BTreeMap::new(),
    })
}

fn describe_targets(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "ServiceNamespace",
        "ResourceIds",
        "ScalableDimension",
        "MaxResults",
        "NextToken",
    ])?;
    scope(input)?;
    let wanted = input.texts("ResourceIds");
    let shown = world
        .auto_scaling
        .targets
        .iter()
        .filter(|(resource, _)| wanted.is_empty() || wanted.contains(&resource.as_str()))
        .map(|(resource, target)| show_target(resource, target))
        .collect();
    page(input, "ScalableTargets", shown)
}

fn show_target(resource: &str, target: &Target) -> Value {
    json!({
        "ServiceNamespace": NAMESPACE,
        "ResourceId": resource,
        "ScalableDimension": DIMENSION,
        "MinCapacity": target.least,
        "MaxCapacity": target.most,
        "RoleARN": target.role,
        "CreationTime": target.created.epoch_seconds(),
        "SuspendedState": target.suspended,
        "ScalableTargetARN": target.arn,
    })
}

fn deregister(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ServiceNamespace", "ResourceId", "ScalableDimension"])?;
    scope(input)?;
    let resource = input.need("ResourceId")?;
    let removed = world.auto_scaling.targets.remove(resource);
    removed
        .map(|_| json!({}))
        .ok_or_else(|| not_found(resource))
}

fn put_policy(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "PolicyName",
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
        "PolicyType",
        "StepScalingPolicyConfiguration",
        "TargetTrackingScalingPolicyConfiguration",
    ])?;
    scope(input)?;
    let (name, resource) = (input.need("PolicyName")?, input.need("ResourceId")?);
    let kind = input.text("PolicyType").unwrap_or("StepScaling");
    let configuration = match kind {
        "StepScaling" | "TargetTrackingScaling" => format!("{kind}PolicyConfiguration"),
        other => return Err(input.not_modelled(&format!("PolicyType {other}"))),
    };
    let Some(given) = input.get(&configuration) else {
        return Err(input.missing(&configuration));
    };
    let (now, id) = (
        world.now,
        ids::uuid(&mut world.named("scaling-policy", &format!("{resource}/{name}"))),
    );
    let arn = world.arn(
        "autoscaling",
        &format!("scalingPolicy:{id}:resource/ecs/{resource}:policyName/{name}"),
    );
    let policies = &mut existing(world, resource)?.policies;
    let created = policies.get(name).map_or_else(
        || now.epoch_seconds(),
        |known| known["CreationTime"].clone(),
    );
    let policy = json!({
        "PolicyARN": arn,
        "PolicyName": name,
        "ServiceNamespace": NAMESPACE,
        "ResourceId": resource,
        "ScalableDimension": DIMENSION,
        "PolicyType": kind,
        configuration: given,
        "Alarms": [],
        "CreationTime": created,
    });
    policies.insert(name.to_owned(), policy);
    Ok(json!({"PolicyARN": arn, "Alarms": []}))
}

fn describe_policies(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "PolicyNames",
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
        "MaxResults",
        "NextToken",
    ])?;
    scope(input)?;
    let (names, resource) = (input.texts("PolicyNames"), input.text("ResourceId"));
    let targets = world.auto_scaling.targets.iter();
    let shown = targets
        .filter(|(id, _)| resource.is_none_or(|wanted| wanted == *id))
        .flat_map(|(_, target)| &target.policies)
        .filter(|(name, _)| names.is_empty() || names.contains(&name.as_str()))
        .map(|(_, policy)| policy.clone())
        .collect();
    page(input, "ScalingPolicies", shown)
}

fn delete_policy(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "PolicyName",
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
    ])?;
    scope(input)?;
    let (name, resource) = (input.need("PolicyName")?, input.need("ResourceId")?);
    let removed = existing(world, resource)?.policies.remove(name);
    removed.map(|_| json!({})).ok_or_else(|| {
        let text = format!("No scaling policy found for service namespace: {NAMESPACE}, resource ID: {resource}, scalable dimension: {DIMENSION}, policy name: {name}");
        ApiError::client("ObjectNotFoundException", text)
    })
}

/// One page; the token is the place of the next page's first item.
fn page(input: Input<'_>, member: &str, items: Vec<Value>) -> Result<Value, ApiError> {
    let size = input.int("MaxResults", 1..=PER_PAGE)?.unwrap_or(PER_PAGE) as usize;
    let start = match input.text("NextToken") {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| ApiError::client("InvalidNextTokenException", "Invalid NextToken"))?,
    };
    let mut output = Map::new();
    if items.len() > start + size {
        output.insert("NextToken".to_owned(), (start + size).to_string().into());
    }
    let shown = items.into_iter().skip(start).take(size).collect();
    output.insert(member.to_owned(), shown);
    Ok(Value::Object(output))
}

/// One second has passed: now and then, brings desired counts back within their bounds.
pub fn tick(world: &mut World) {
    let due = world.now.millis().is_multiple_of(LOOKS_EVERY.millis());
    if !due || world.auto_scaling.targets.is_empty() {
        return;
    }
    let targets: Vec<(String, Target)> = world
        .auto_scaling
        .targets
        .iter()
        .map(|(resource, target)| (resource.clone(), target.clone()))
        .collect();
    for (resource, target) in targets {
        if let Some((cluster, name)) = parts(&resource)
            && let Some(service) = looking::service(world, cluster, name)
            && let Some(count) = wanted(&target, &service)
        {
            let input = json!({"cluster": cluster, "service": name, "desiredCount": count});
            // A service that takes no count now (draining, a daemon) is let be.
            let _ = ecs::answer(world, "UpdateService", &input);
        }
    }
}

/// The count that the service should have instead of its own, if another.
fn wanted(target: &Target, service: &Value) -> Option<u64> {
    let count = service["desiredCount"]
        .as_u64()
        .filter(|count| *count > 0)?;
    let deploys = service["deployments"]
        .as_array()
        .is_some_and(|d| d.len() > 1);
    let suspended = |name: &str| target.suspended.get(name) == Some(&true);
    if count < target.least && !suspended("DynamicScalingOutSuspended") {
        Some(target.least)
    } else if count > target.most && !deploys && !suspended("DynamicScalingInSuspended") {
        Some(target.most)
    } else {
        None
    }
}

#[cfg(test)]
#[path = "autoscaling_tests.rs"]
mod tests;
