//! Which function answers which `ELBv2` operation, and how a new thing gets its id.

use serde_json::Value;

use crate::sandbox::elb::{attributes, balancers, groups, listeners, rules, tags, targets};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World, ids};

pub const SERVICE: &str = "elasticloadbalancing";

/// Where a new thing comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Made by a call: a fresh id.
    Api,
    /// Born of the world file, long ago: the ARN it gives, or an id from the thing's name.
    WorldFile { arn: Option<String> },
}

impl Origin {
    /// The ARN of a new thing: `path` and 16 hexadecimal digits. In a world file the digits depend on path and `key`,
    /// which tells apart the things under one path.
    pub fn arn(&self, world: &mut World, path: &str, key: &str) -> String {
        let id = match self {
            Self::WorldFile { arn: Some(arn) } => return arn.clone(),
            Self::WorldFile { arn: None } => ids::hex(&mut world.named(path, key), 16),
            Self::Api => ids::hex(&mut world.rng, 16),
        };
        world.arn(SERVICE, &format!("{path}/{id}"))
    }

    /// The origin of what is made along with a thing of this origin.
    pub fn child(&self) -> Self {
        match self {
            Self::Api => Self::Api,
            Self::WorldFile { .. } => Self::WorldFile { arn: None },
        }
    }
}

/// What follows `:KIND/` in an ARN: the path that its children's ARNs go on with.
pub fn tail<'a>(arn: &'a str, kind: &str) -> &'a str {
    arn.split_once(&format!(":{kind}/"))
        .map_or(arn, |(_, tail)| tail)
}

/// Answers one operation.
pub fn answer(world: &mut World, op: &str, input: &Value) -> Result<Value, ApiError> {
    let input = Input::new(SERVICE, op, input);
    match op {
        "CreateLoadBalancer" => balancers::create(world, input, &Origin::Api),
        "DescribeLoadBalancers" => balancers::describe(world, input),
        "DescribeCapacityReservation" => balancers::describe_capacity(world, input),
        "DeleteLoadBalancer" => balancers::delete(world, input),
        "CreateListener" => listeners::create(world, input, &Origin::Api),
        "DescribeListeners" => listeners::describe(world, input),
        "ModifyListener" => listeners::modify(world, input),
        "DeleteListener" => listeners::delete(world, input),
        "CreateRule" => rules::create(world, input, &Origin::Api),
        "DescribeRules" => rules::describe(world, input),
        "ModifyRule" => rules::modify(world, input),
        "DeleteRule" => rules::delete(world, input),
        "SetRulePriorities" => rules::set_priorities(world, input),
        "CreateTargetGroup" => groups::create(world, input, &Origin::Api),
        "DescribeTargetGroups" => groups::describe(world, input),
        "ModifyTargetGroup" => groups::modify(world, input),
        "DeleteTargetGroup" => groups::delete(world, input),
        "RegisterTargets" => targets::register(world, input),
        "DeregisterTargets" => targets::deregister(world, input),
        "DescribeTargetHealth" => targets::describe_health(world, input),
        "AddTags" => tags::add(world, input),
        "RemoveTags" => tags::remove(world, input),
        "DescribeTags" => tags::describe(world, input),
        _ => attributes::answer(world, op, input),
    }
}
