//! The `ELBv2` part of a world file: the inputs of the Create operations, put through the same functions that answer
//! calls. Things refer to each other by name instead of ARN where that is shorter.

use serde_json::{Map, Value};

use crate::sandbox::elb::api::{Origin, SERVICE};
use crate::sandbox::elb::model::Elb;
use crate::sandbox::elb::{attributes, balancers, groups, listeners, rules};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World, WorldError};

/// Inputs of `CreateTargetGroup`, `CreateLoadBalancer`, `CreateListener` and `CreateRule`, each with two extra members:
/// its own ARN (optional) and, but for rules, `Attributes` (a list of `Key` and `Value`).
#[derive(Clone, Debug, Default)]
pub struct ElbSeed {
    pub target_groups: Vec<Value>,
    pub load_balancers: Vec<Value>,
    pub listeners: Vec<Value>,
    pub rules: Vec<Value>,
}

/// Makes what the file describes.
pub fn seed(world: &mut World, seed: &ElbSeed) -> Result<(), WorldError> {
    each("targetGroups", &seed.target_groups, |input| {
        add_group(world, input)
    })?;
    each("loadBalancers", &seed.load_balancers, |input| {
        add_balancer(world, input)
    })?;
    each("listeners", &seed.listeners, |input| {
        add_listener(world, input)
    })?;
    each("rules", &seed.rules, |input| add_rule(world, input))
}

fn each(
    section: &str,
    inputs: &[Value],
    mut add: impl FnMut(&Value) -> Result<(), ApiError>,
) -> Result<(), WorldError> {
    for (index, input) in inputs.iter().enumerate() {
        add(input).map_err(|error| {
            WorldError::Invalid(format!("{section}[{index}]: {}", error.message))
        })?;
    }
    Ok(())
}

/// Takes a thing's own ARN, which only world files give, out of an entry.
fn take_origin(call: &mut Map<String, Value>, arn_member: &str) -> Origin {
    let arn = call
        .shift_remove(arn_member)
        .and_then(|arn| arn.as_str().map(str::to_owned));
    Origin::WorldFile { arn }
}

/// Takes the attributes out of an entry, as the input of a Modify operation.
fn take_attributes(call: &mut Map<String, Value>) -> Value {
    call.shift_remove("Attributes")
        .map(|list| Map::from_iter([("Attributes".to_owned(), list)]))
        .unwrap_or_default()
        .into()
}

fn object(entry: &Value) -> Result<Map<String, Value>, ApiError> {
    entry
        .as_object()
        .cloned()
        .ok_or_else(|| ApiError::client("ValidationError", "an entry must be a mapping"))
}

fn add_group(world: &mut World, entry: &Value) -> Result<(), ApiError> {
    let mut call = object(entry)?;
    let (origin, extra) = (
        take_origin(&mut call, "TargetGroupArn"),
        take_attributes(&mut call),
    );
    let made = groups::create(
        world,
        Input::new(SERVICE, "CreateTargetGroup", &call.into()),
        &origin,
    )?;
    let group = world
        .elb
        .existing_group(made_arn(&made, "TargetGroups", "TargetGroupArn"))?;
    attributes::put(
        &mut group.attributes,
        Input::new(SERVICE, "ModifyTargetGroupAttributes", &extra),
    )
}

fn add_balancer(world: &mut World, entry: &Value) -> Result<(), ApiError> {
    let mut call = object(entry)?;
    let (origin, extra) = (
        take_origin(&mut call, "LoadBalancerArn"),
        take_attributes(&mut call),
    );
    let made = balancers::create(
        world,
        Input::new(SERVICE, "CreateLoadBalancer", &call.into()),
        &origin,
    )?;
    let arn = made_arn(&made, "LoadBalancers", "LoadBalancerArn");
    let balancer = world
        .elb
        .load_balancers
        .get_mut(arn)
        .expect("the load balancer was made two lines above");
    attributes::put(
        &mut balancer.attributes,
        Input::new(SERVICE, "ModifyLoadBalancerAttributes", &extra),
    )
}

fn add_listener(world: &mut World, entry: &Value) -> Result<(), ApiError> {
    let mut call = object(entry)?;
    let (origin, extra) = (
        take_origin(&mut call, "ListenerArn"),
        take_attributes(&mut call),
    );
    let mut call = Value::from(call);
    resolve(&mut call, "LoadBalancerArn", |name| {
        find_balancer(&world.elb, name)
    });
    resolve_groups(&world.elb, &mut call);
    let made = listeners::create(world, Input::new(SERVICE, "CreateListener", &call), &origin)?;
    let arn = made_arn(&made, "Listeners", "ListenerArn");
    let listener = world
        .elb
        .listeners
        .get_mut(arn)
        .expect("the listener was made two lines above");
    attributes::put(
        &mut listener.attributes,
        Input::new(SERVICE, "ModifyListenerAttributes", &extra),
    )
}

fn add_rule(world: &mut World, entry: &Value) -> Result<(), ApiError> {
    let mut call = object(entry)?;
    let origin = take_origin(&mut call, "RuleArn");
    let mut call = Value::from(call);
    resolve(&mut call, "ListenerArn", |name| {
        find_listener(&world.elb, name)
    });
    resolve_groups(&world.elb, &mut call);
    rules::create(world, Input::new(SERVICE, "CreateRule", &call), &origin).map(drop)
}

fn made_arn<'a>(made: &'a Value, list: &str, member: &str) -> &'a str {
    made[list][0][member]
        .as_str()
        .expect("a create operation answers the ARN of what it made")
}

fn resolve(call: &mut Value, member: &str, find: impl Fn(&str) -> Option<String>) {
    if let Some(found) = call.get(member).and_then(Value::as_str).and_then(find) {
        call[member] = found.into();
    }
}

/// Puts ARNs for names in every `TargetGroupArn`, however deep.
fn resolve_groups(elb: &Elb, value: &mut Value) {
    resolve(value, "TargetGroupArn", |name| find_group(elb, name));
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| resolve_groups(elb, item)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| resolve_groups(elb, member)),
        _ => {}
    }
}

fn find_balancer(elb: &Elb, name: &str) -> Option<String> {
    elb.load_balancers
        .values()
        .find(|lb| lb.name == name)
        .map(|lb| lb.arn.clone())
}

/// The ARN of the group with this name.
pub fn find_group(elb: &Elb, name: &str) -> Option<String> {
    elb.groups
        .values()
        .find(|group| group.name == name)
        .map(|group| group.arn.clone())
}

/// The ARN of the listener written as `LOAD_BALANCER:PORT`.
pub fn find_listener(elb: &Elb, name: &str) -> Option<String> {
    let (balancer, port) = name.split_once(':')?;
    let (balancer, port) = (find_balancer(elb, balancer)?, port.parse::<u16>().ok()?);
    elb.listeners
        .values()
        .find(|l| l.load_balancer == balancer && l.port == port)
        .map(|l| l.arn.clone())
}

/// The ARN of the rule written as `LOAD_BALANCER:PORT/PRIORITY`, with `default` for the default rule.
pub fn find_rule(elb: &Elb, name: &str) -> Option<String> {
    let (listener, priority) = name.split_once('/')?;
    let listener = find_listener(elb, listener)?;
    let priority = if priority == "default" {
        None
    } else {
        Some(priority.parse::<u32>().ok()?)
    };
    elb.rules
        .values()
        .find(|rule| rule.listener == listener && rule.priority == priority)
        .map(|rule| rule.arn.clone())
}
