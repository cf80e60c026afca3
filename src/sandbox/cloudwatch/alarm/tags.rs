//! Tags of alarms, by ARN.

use serde_json::{Value, json};

use crate::sandbox::cloudwatch::alarm::model::Alarm;
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

/// Tags of one thing (CloudWatch API reference, `TagResource`).
const MOST: usize = 50;

/// Adds `Tags` to an alarm.
pub fn put(alarm: &mut Alarm, input: Input<'_>) -> Result<(), ApiError> {
    for tag in input.each("Tags") {
        let key = tag.need("Key")?.to_owned();
        alarm
            .tags
            .insert(key, tag.text("Value").unwrap_or_default().to_owned());
    }
    if alarm.tags.len() > MOST {
        Err(input.invalid(&format!("At most {MOST} tags are allowed")))
    } else {
        Ok(())
    }
}

pub fn list(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let alarm = find(world, input.only(&["ResourceARN"])?)?;
    let tags: Vec<Value> = alarm
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({"Tags": tags}))
}

pub fn tag(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    put(find(world, input.only(&["ResourceARN", "Tags"])?)?, input)?;
    Ok(json!({}))
}

pub fn untag(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let alarm = find(world, input.only(&["ResourceARN", "TagKeys"])?)?;
    let keys = input.texts("TagKeys");
    alarm.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}

fn find<'a>(world: &'a mut World, input: Input<'_>) -> Result<&'a mut Alarm, ApiError> {
    let arn = input.need("ResourceARN")?;
    let found = world
        .cloudwatch
        .alarms
        .values_mut()
        .find(|alarm| alarm.arn == arn);
    found.ok_or_else(|| {
        let mut error =
            ApiError::client("ResourceNotFoundException", format!("{arn} does not exist"));
        error.status = 404;
        error
    })
}
