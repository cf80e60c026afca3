//! Tags on `ELBv2` resources.

use serde_json::{Value, json};

use crate::sandbox::elb::model::Elb;
use crate::sandbox::elb::{balancers, groups, listeners};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

/// Puts the input's `Tags` on a resource.
pub fn put(world: &mut World, arn: &str, input: Input<'_>) -> Result<(), ApiError> {
    for tag in input.each("Tags") {
        let (key, value) = (tag.need("Key")?, tag.text("Value").unwrap_or_default());
        world
            .elb
            .tags
            .entry(arn.to_owned())
            .or_default()
            .insert(key.to_owned(), value.to_owned());
    }
    Ok(())
}

pub fn add(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ResourceArns", "Tags"])?;
    for arn in checked(&world.elb, input)? {
        put(world, arn, input)?;
    }
    Ok(json!({}))
}

pub fn remove(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ResourceArns", "TagKeys"])?;
    let keys = input.texts("TagKeys");
    for arn in checked(&world.elb, input)? {
        if let Some(tags) = world.elb.tags.get_mut(arn) {
            tags.retain(|key, _| !keys.contains(&key.as_str()));
        }
    }
    Ok(json!({}))
}

pub fn describe(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ResourceArns"])?;
    let described: Vec<Value> = checked(&world.elb, input)?
        .into_iter()
        .map(|arn| describe_one(&world.elb, arn))
        .collect();
    Ok(json!({"TagDescriptions": described}))
}

fn describe_one(elb: &Elb, arn: &str) -> Value {
    let tags: Vec<Value> = elb
        .tags
        .get(arn)
        .into_iter()
        .flatten()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    json!({"ResourceArn": arn, "Tags": tags})
}

/// `ResourceArns`, each of which must exist.
fn checked<'a>(elb: &Elb, input: Input<'a>) -> Result<Vec<&'a str>, ApiError> {
    let arns = input.texts("ResourceArns");
    if arns.is_empty() || arns.len() > 20 {
        return Err(input.invalid("You must specify from 1 to 20 resource ARNs"));
    }
    for arn in &arns {
        let (known, missing) = if arn.contains(":targetgroup/") {
            (elb.groups.contains_key(*arn), groups::not_found())
        } else if arn.contains(":loadbalancer/") {
            (
                elb.load_balancers.contains_key(*arn),
                balancers::not_found(),
            )
        } else if arn.contains(":listener-rule/") {
            (
                elb.rules.contains_key(*arn),
                ApiError::client("RuleNotFoundException", "One or more rules not found"),
            )
        } else {
            (elb.listeners.contains_key(*arn), listeners::not_found())
        };
        if !known {
            return Err(missing);
        }
    }
    Ok(arns)
}
