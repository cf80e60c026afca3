//! `DescribeAlarms` and `DescribeAlarmsForMetric`. A name that is not there is simply absent.

use serde_json::{Map, Value, json};

use crate::sandbox::cloudwatch::alarm::model::Alarm;
use crate::sandbox::cloudwatch::alarm::operations::read_state;
use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::page;
use crate::sandbox::cloudwatch::statement::read_period;
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

const PAGE: u64 = 50;
const MOST: u64 = 100;

pub fn describe(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let known = [
        "AlarmNames",
        "AlarmNamePrefix",
        "AlarmTypes",
        "StateValue",
        "ActionPrefix",
        "MaxRecords",
        "NextToken",
    ];
    let input = input.only(&known)?;
    let names = input.texts("AlarmNames");
    if names.len() > MOST as usize {
        return Err(input.invalid(&format!("AlarmNames must hold at most {MOST} names")));
    }
    if !names.is_empty() && input.get("AlarmNamePrefix").is_some() {
        return Err(ApiError::client(
            "InvalidParameterCombinationException",
            "AlarmNames and AlarmNamePrefix cannot both be specified",
        ));
    }
    input
        .text("StateValue")
        .map(|text| read_state(input, text))
        .transpose()?;
    let types = input.texts("AlarmTypes");
    let has_metric_alarms = types.is_empty() || types.contains(&"MetricAlarm");
    let alarms = world.cloudwatch.alarms.values();
    let found = alarms
        .filter(|alarm| has_metric_alarms && matches(alarm, &names, input))
        .map(Alarm::echo)
        .collect();
    let size = input
        .int("MaxRecords", 1..=MOST)?
        .unwrap_or(PAGE.max(names.len() as u64)) as usize;
    let mut answer: Map<String, Value> = page::page(input, "MetricAlarms", found, size)?;
    answer.insert("CompositeAlarms".to_owned(), json!([]));
    Ok(Value::Object(answer))
}

fn matches(alarm: &Alarm, names: &[&str], input: Input<'_>) -> bool {
    let settings = &alarm.settings;
    let has_action = |prefix: &str| {
        let echo = settings.echo();
        let lists = ["OKActions", "AlarmActions", "InsufficientDataActions"];
        let mut actions = lists
            .iter()
            .filter_map(|list| echo.get(*list)?.as_array())
            .flatten()
            .filter_map(Value::as_str);
        actions.any(|action| action.starts_with(prefix))
    };
    (names.is_empty() || names.contains(&settings.name.as_str()))
        && input
            .text("AlarmNamePrefix")
            .is_none_or(|prefix| settings.name.starts_with(prefix))
        && input
            .text("StateValue")
            .is_none_or(|state| alarm.state().as_str() == state)
        && input.text("ActionPrefix").is_none_or(has_action)
}

pub fn describe_for_metric(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let known = [
        "Namespace",
        "MetricName",
        "Dimensions",
        "Statistic",
        "ExtendedStatistic",
        "Period",
        "Unit",
    ];
    let input = input.only(&known)?;
    let metric = Metric::read(input)?;
    let period = read_period(input)?;
    let statistic = input
        .text("Statistic")
        .or_else(|| input.text("ExtendedStatistic"));
    let watches = |alarm: &&Alarm| {
        alarm.settings.metric().is_some_and(|stat| {
            stat.metric == metric
                && period.is_none_or(|period| stat.period == period)
                && statistic.is_none_or(|name| stat.name == name)
                && input
                    .text("Unit")
                    .is_none_or(|unit| stat.unit.as_deref() == Some(unit))
        })
    };
    let found: Vec<Value> = world
        .cloudwatch
        .alarms
        .values()
        .filter(watches)
        .map(Alarm::echo)
        .collect();
    Ok(json!({"MetricAlarms": found}))
}
