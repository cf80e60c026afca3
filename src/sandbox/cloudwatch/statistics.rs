//! `GetMetricStatistics`, the older question: several statistics of one metric.

use serde_json::{Map, Value, json};

use crate::sandbox::cloudwatch::data::read_window;
use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::point::{Point, Statistic};
use crate::sandbox::cloudwatch::statement::{read_period, read_statistic};
use crate::sandbox::input::Input;
use crate::sandbox::wire::mark::{entries, instant};
use crate::sandbox::{ApiError, World};

/// Datapoints of one call (CloudWatch API reference, `GetMetricStatistics`).
const MOST_POINTS: u64 = 1440;

pub fn get(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let known = [
        "Namespace",
        "MetricName",
        "Dimensions",
        "StartTime",
        "EndTime",
        "Period",
        "Statistics",
        "ExtendedStatistics",
        "Unit",
    ];
    let input = input.only(&known)?;
    let metric = Metric::read(input)?;
    let period = read_period(input)?.ok_or_else(|| input.missing("Period"))?;
    let window = read_window(input, world.now)?;
    let plain = read_statistics(input, "Statistics")?;
    let extended = read_statistics(input, "ExtendedStatistics")?;
    if plain.is_empty() && extended.is_empty() {
        let text =
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.";
        return Err(ApiError::client("MissingRequiredParameterException", text));
    }
    if window
        .to
        .since(window.from)
        .millis()
        .div_ceil(period.millis())
        > MOST_POINTS
    {
        let text = format!(
            "You have requested more than the limit of {MOST_POINTS} datapoints. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        );
        return Err(ApiError::client(
            "InvalidParameterCombinationException",
            text,
        ));
    }
    let store = &world.cloudwatch.store;
    let unit = store.unit(&metric).unwrap_or("None");
    let points = store.points(&metric, input.text("Unit"), period, window);
    let datapoints: Vec<Value> = points
        .iter()
        .map(|(at, point)| {
            let mut written = write(point, &plain);
            written.insert("Timestamp".to_owned(), instant(*at));
            written.insert("Unit".to_owned(), unit.into());
            if !extended.is_empty() {
                written.insert(
                    "ExtendedStatistics".to_owned(),
                    entries(write(point, &extended)),
                );
            }
            Value::Object(written)
        })
        .collect();
    Ok(json!({"Label": metric.name, "Datapoints": datapoints}))
}

fn read_statistics<'a>(
    input: Input<'a>,
    member: &str,
) -> Result<Vec<(&'a str, Statistic)>, ApiError> {
    input
        .texts(member)
        .into_iter()
        .map(|name| Ok((name, read_statistic(input, name)?)))
        .collect()
}

fn write(point: &Point, statistics: &[(&str, Statistic)]) -> Map<String, Value> {
    let value = |statistic| point.statistic(statistic).map(Value::from);
    statistics
        .iter()
        .filter_map(|(name, statistic)| Some(((*name).to_owned(), value(*statistic)?)))
        .collect()
}
