//! Which function answers which CloudWatch operation.

use serde_json::Value;

use crate::sandbox::cloudwatch::alarm::Actions;
use crate::sandbox::cloudwatch::{alarm, data, list, put, statistics};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

/// The name that requests to CloudWatch are signed with.
pub const SERVICE: &str = "monitoring";

/// Answers one operation; one that is not modelled is refused by name.
pub fn answer(world: &mut World, op: &str, input: &Value) -> Result<Value, ApiError> {
    let input = Input::new(SERVICE, op, input);
    match op {
        "GetMetricData" => data::get(world, input),
        "GetMetricStatistics" => statistics::get(world, input),
        "ListMetrics" => list::list(world, input),
        "PutMetricData" => put::put(world, input),
        "PutMetricAlarm" => alarm::put(world, input),
        "DescribeAlarms" => alarm::describe(world, input),
        "DescribeAlarmsForMetric" => alarm::describe_for_metric(world, input),
        "DescribeAlarmHistory" => alarm::describe_history(world, input),
        "DeleteAlarms" => alarm::delete(world, input),
        "SetAlarmState" => alarm::set_state(world, input),
        "EnableAlarmActions" => alarm::switch_actions(world, input, Actions::Enabled),
        "DisableAlarmActions" => alarm::switch_actions(world, input, Actions::Disabled),
        "ListTagsForResource" => alarm::list_tags(world, input),
        "TagResource" => alarm::tag(world, input),
        "UntagResource" => alarm::untag(world, input),
        _ => Err(ApiError::not_modelled(SERVICE, op)),
    }
}
