//! Making, changing and removing alarms.

use serde_json::{Value, json};

use crate::sandbox::cloudwatch::alarm::model::{Actions, Alarm, AlarmState, Reason};
use crate::sandbox::cloudwatch::alarm::settings::Settings;
use crate::sandbox::cloudwatch::alarm::tags;
use crate::sandbox::cloudwatch::math::Scope;
use crate::sandbox::cloudwatch::store::{Store, Window};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration, Time, World};

/// Alarms named in one call (CloudWatch API reference, `DeleteAlarms`).
const MOST_NAMES: usize = 100;

/// `PutMetricAlarm`.
pub fn put(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    if input.get("StateValue").is_some() {
        return Err(input.invalid("StateValue is set with SetAlarmState"));
    }
    add(world, input)?;
    Ok(json!({}))
}

/// An alarm of a world file: the input of `PutMetricAlarm`, with the `StateValue` that it has had for long.
pub fn add(world: &mut World, input: Input<'_>) -> Result<(), ApiError> {
    let settings = Settings::read(input)?;
    try_out(&settings, input)?;
    let state = input
        .text("StateValue")
        .map(|text| read_state(input, text))
        .transpose()?;
    let name = settings.name.clone();
    let arn = world.arn("cloudwatch", &format!("alarm:{name}"));
    let now = world.now;
    if let Some(alarm) = world.cloudwatch.alarms.get_mut(&name) {
        alarm.configure(settings, now);
        return Ok(());
    }
    let mut alarm = Alarm::new(arn, settings, now);
    tags::put(&mut alarm, input)?;
    if let Some(state) = state {
        alarm.assume(state);
    }
    world.cloudwatch.alarms.insert(name, alarm);
    Ok(())
}

/// What an expression comes to depends on its form alone, so an empty store shows whether it will do.
fn try_out(settings: &Settings, input: Input<'_>) -> Result<(), ApiError> {
    let epoch = Time::default();
    let window = Window {
        from: epoch,
        to: epoch + Duration::from_secs(60),
        now: epoch,
    };
    let store = Store::default();
    let tried = Scope::new(&settings.statements, &store, window).line(settings.watched());
    tried
        .map(drop)
        .map_err(|error| input.invalid(&format!("Invalid metrics list: {error}")))
}

/// `DeleteAlarms`. If one is not there, none is deleted.
pub fn delete(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let names = read_names(input)?;
    if let Some(missing) = names
        .iter()
        .find(|name| !world.cloudwatch.alarms.contains_key(**name))
    {
        return Err(not_found(missing));
    }
    world
        .cloudwatch
        .alarms
        .retain(|name, _| !names.contains(&name.as_str()));
    Ok(json!({}))
}

/// `SetAlarmState`: it lasts until the alarm looks at its metric again.
pub fn set_state(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["AlarmName", "StateValue", "StateReason", "StateReasonData"])?;
    let (name, value) = (input.need("AlarmName")?, input.need("StateValue")?);
    let state = read_state(input, value)?;
    let text = input
        .text("StateReason")
        .ok_or_else(|| input.missing("StateReason"))?;
    let data = input.text("StateReasonData");
    if data.is_some_and(|data| serde_json::from_str::<Value>(data).is_err()) {
        return Err(ApiError::client(
            "InvalidFormatFault",
            "StateReasonData is not JSON",
        ));
    }
    let reason = Reason {
        text: text.to_owned(),
        data: data.map(str::to_owned),
    };
    let now = world.now;
    let alarm = world
        .cloudwatch
        .alarms
        .get_mut(name)
        .ok_or_else(|| not_found(name))?;
    alarm.enter(state, reason, now);
    Ok(json!({}))
}

/// `EnableAlarmActions` and `DisableAlarmActions`. Names that are not there are passed over.
pub fn switch_actions(
    world: &mut World,
    input: Input<'_>,
    actions: Actions,
) -> Result<Value, ApiError> {
    for name in read_names(input)? {
        if let Some(alarm) = world.cloudwatch.alarms.get_mut(name) {
            alarm.actions = actions;
        }
    }
    Ok(json!({}))
}

/// A `StateValue`.
pub fn read_state(input: Input<'_>, text: &str) -> Result<AlarmState, ApiError> {
    let state = AlarmState::parse(text);
    state.ok_or_else(|| input.invalid(&format!("{text} is not OK, ALARM or INSUFFICIENT_DATA")))
}

fn read_names(input: Input<'_>) -> Result<Vec<&str>, ApiError> {
    let names = input.only(&["AlarmNames"])?.texts("AlarmNames");
    if names.len() > MOST_NAMES {
        return Err(input.invalid(&format!("AlarmNames must hold at most {MOST_NAMES} names")));
    }
    Ok(names)
}

fn not_found(name: &str) -> ApiError {
    let mut error = ApiError::client("ResourceNotFound", format!("Alarm {name} does not exist"));
    error.status = 404;
    error
}
