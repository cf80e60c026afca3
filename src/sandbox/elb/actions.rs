//! Rule actions: read, checked, and echoed as AWS echoes them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::elb::model::{Action, Elb, WeightedGroup};
use crate::sandbox::input::Input;

const GROUPS_PER_ACTION: usize = 5;
const WEIGHT: std::ops::RangeInclusive<u64> = 0..=999;
const STICKY_SECONDS: std::ops::RangeInclusive<u64> = 1..=604_800;

/// Reads a list of actions: exactly one forward, redirect or fixed response, and that one last.
pub fn read(
    elb: &Elb,
    load_balancer: &str,
    input: Input<'_>,
    member: &str,
) -> Result<Vec<Action>, ApiError> {
    let mut given: Vec<Input<'_>> = input.each(member).collect();
    given.sort_by_key(|action| action.int("Order", 1..=50_000).ok().flatten());
    let ends: Vec<bool> = given
        .iter()
        .map(|a| {
            matches!(
                a.text("Type"),
                Some("forward" | "redirect" | "fixed-response")
            )
        })
        .collect();
    if ends.iter().filter(|end| **end).count() != 1 || ends.last() != Some(&true) {
        let text = "You must specify exactly one forward, redirect or fixed-response action, and it must be the last action to be performed";
        return Err(ApiError::client("InvalidLoadBalancerActionException", text));
    }
    let actions = given
        .into_iter()
        .map(read_one)
        .collect::<Result<Vec<_>, _>>()?;
    check_groups(elb, load_balancer, &actions)?;
    Ok(actions)
}

fn read_one(action: Input<'_>) -> Result<Action, ApiError> {
    match action.need("Type")? {
        "forward" => read_forward(action),
        "redirect" => read_redirect(action),
        "fixed-response" => {
            action
                .at("FixedResponseConfig")
                .ok_or_else(|| action.missing("FixedResponseConfig"))?
                .need("StatusCode")?;
            Ok(Action::Other(action.value().clone()))
        }
        "authenticate-oidc" | "authenticate-cognito" | "jwt-validation" => {
            Ok(Action::Other(action.value().clone()))
        }
        other => Err(action.invalid(&format!("'{other}' is not a valid action type"))),
    }
}

fn read_forward(action: Input<'_>) -> Result<Action, ApiError> {
    let action = action.only(&["Type", "Order", "TargetGroupArn", "ForwardConfig"])?;
    let order = action.int("Order", 1..=50_000)?;
    let mut groups = Vec::new();
    let mut sticky_seconds = None;
    if let Some(config) = action.at("ForwardConfig") {
        let config = config.only(&["TargetGroups", "TargetGroupStickinessConfig"])?;
        for group in config.each("TargetGroups") {
            let weight = group.int("Weight", WEIGHT)?.unwrap_or(1) as u32;
            groups.push(WeightedGroup {
                arn: group.need("TargetGroupArn")?.to_owned(),
                weight,
            });
        }
        sticky_seconds = read_stickiness(config)?;
    }
    match (action.text("TargetGroupArn"), groups.as_slice()) {
        (None, []) => return Err(action.missing("TargetGroupArn")),
        (Some(arn), []) => groups.push(WeightedGroup { arn: arn.to_owned(), weight: 1 }),
        (Some(arn), [only]) if only.arn == arn => {}
        (Some(_), _) => return Err(action.invalid("You can specify both TargetGroupArn and ForwardConfig only for one and the same target group")),
        (None, _) => {}
    }
    Ok(Action::Forward {
        order,
        groups,
        sticky_seconds,
    })
}

fn read_stickiness(config: Input<'_>) -> Result<Option<u64>, ApiError> {
    let Some(stickiness) = config.at("TargetGroupStickinessConfig") else {
        return Ok(None);
    };
    let seconds = stickiness.int("DurationSeconds", STICKY_SECONDS)?;
    match stickiness.flag("Enabled")? {
        Some(true) => seconds
            .map(Some)
            .ok_or_else(|| stickiness.missing("DurationSeconds")),
        _ => Ok(None),
    }
}

fn read_redirect(action: Input<'_>) -> Result<Action, ApiError> {
    let config = action
        .at("RedirectConfig")
        .ok_or_else(|| action.missing("RedirectConfig"))?;
    config.need("StatusCode")?;
    let defaults = [
        ("Protocol", "#{protocol}"),
        ("Port", "#{port}"),
        ("Host", "#{host}"),
        ("Path", "/#{path}"),
        ("Query", "#{query}"),
    ];
    let mut echo = action.value().clone();
    if let Some(members) = echo
        .get_mut("RedirectConfig")
        .and_then(Value::as_object_mut)
    {
        for (name, value) in defaults {
            members.entry(name).or_insert_with(|| value.into());
        }
    }
    Ok(Action::Other(echo))
}

/// The groups must exist, be few and differ, and belong to no other load balancer.
fn check_groups(elb: &Elb, load_balancer: &str, actions: &[Action]) -> Result<(), ApiError> {
    for action in actions {
        let Action::Forward { groups, .. } = action else {
            continue;
        };
        if groups.len() > GROUPS_PER_ACTION {
            return Err(ApiError::client(
                "ValidationError",
                format!(
                    "You can specify up to {GROUPS_PER_ACTION} target groups in a forward action"
                ),
            ));
        }
        let distinct: BTreeSet<&str> = groups.iter().map(|group| group.arn.as_str()).collect();
        if distinct.len() != groups.len() {
            return Err(ApiError::client(
                "ValidationError",
                "A target group may be named only once in a forward action",
            ));
        }
        for arn in distinct {
            check_group(elb, load_balancer, arn)?;
        }
    }
    Ok(())
}

fn check_group(elb: &Elb, load_balancer: &str, arn: &str) -> Result<(), ApiError> {
    let Some(group) = elb.groups.get(arn) else {
        return Err(ApiError::client(
            "TargetGroupNotFoundException",
            format!("Target groups '{arn}' not found"),
        ));
    };
    if elb
        .load_balancers_of(arn)
        .iter()
        .any(|other| other != load_balancer)
    {
        let text = format!(
            "The following target groups cannot be associated with more than one load balancer: {arn}"
        );
        return Err(ApiError::client(
            "TargetGroupAssociationLimitException",
            text,
        ));
    }
    let application = elb
        .load_balancers
        .get(load_balancer)
        .is_some_and(|lb| lb.kind == "application");
    if application != matches!(group.protocol.as_str(), "HTTP" | "HTTPS") {
        let text = format!(
            "The target group '{arn}' has protocol {}, which does not go with this load balancer",
            group.protocol
        );
        return Err(ApiError::client("IncompatibleProtocolsException", text));
    }
    Ok(())
}

/// An action as Describe calls return it: a forward to one group has both forms, a forward to several only the long one.
pub fn echo(action: &Action) -> Value {
    let (order, groups, sticky_seconds) = match action {
        Action::Other(value) => return value.clone(),
        Action::Forward {
            order,
            groups,
            sticky_seconds,
        } => (order, groups, sticky_seconds),
    };
    let mut echo = Map::new();
    echo.insert("Type".into(), "forward".into());
    if let [only] = groups.as_slice() {
        echo.insert("TargetGroupArn".into(), only.arn.clone().into());
    }
    if let Some(order) = order {
        echo.insert("Order".into(), (*order).into());
    }
    let weights: Vec<Value> = groups
        .iter()
        .map(|g| json!({"TargetGroupArn": g.arn, "Weight": g.weight}))
        .collect();
    let stickiness = match sticky_seconds {
        Some(seconds) => json!({"Enabled": true, "DurationSeconds": seconds}),
        None => json!({"Enabled": false}),
    };
    echo.insert(
        "ForwardConfig".into(),
        json!({"TargetGroups": weights, "TargetGroupStickinessConfig": stickiness}),
    );
    echo.into()
}
