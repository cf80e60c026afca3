//! `PutMetricData`: values of the caller's own. They can be read at once; AWS may take up to two minutes over it.

use serde_json::{Value, json};

use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::point::Point;
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration, Time, World};

/// Limits of one call (CloudWatch API reference, `PutMetricData`).
const MOST_DATA: usize = 1000;
const MOST_VALUES: usize = 150;
const OLDEST: Duration = Duration::from_secs(14 * 86_400);
const NEWEST: Duration = Duration::from_secs(2 * 3600);

struct Datum {
    metric: Metric,
    unit: String,
    at: Time,
    point: Point,
}

pub fn put(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["Namespace", "MetricData"])?;
    let namespace = input.text("Namespace").ok_or_else(|| lacks("Namespace"))?;
    if namespace.starts_with("AWS/") {
        return Err(wrong("The value AWS/ for parameter Namespace is invalid."));
    }
    if input.list("MetricData").len() > MOST_DATA {
        return Err(wrong(&format!(
            "The collection MetricData must not have a size greater than {MOST_DATA}."
        )));
    }
    let data = input
        .each("MetricData")
        .map(|datum| read(namespace, datum, world.now))
        .collect::<Result<Vec<_>, _>>()?;
    for Datum {
        metric,
        unit,
        at,
        point,
    } in data
    {
        world
            .cloudwatch
            .store
            .put(metric, &unit, at, world.now, &point);
    }
    Ok(json!({}))
}

fn read(namespace: &str, input: Input<'_>, now: Time) -> Result<Datum, ApiError> {
    let known = [
        "MetricName",
        "Dimensions",
        "Timestamp",
        "Value",
        "StatisticValues",
        "Values",
        "Counts",
        "Unit",
        "StorageResolution",
    ];
    let input = input.only(&known)?;
    if input.text("MetricName").is_none() {
        return Err(lacks("MetricData.member.1.MetricName"));
    }
    let at = input.time("Timestamp")?.unwrap_or(now);
    if at < now - OLDEST || at > now + NEWEST {
        return Err(wrong(
            "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks and no more than two hours into the future.",
        ));
    }
    let resolution = match input.int("StorageResolution", 1..=60)? {
        Some(1) => 1000,
        _ => 60_000,
    };
    Ok(Datum {
        metric: Metric::read_in(namespace, input)?,
        unit: input.text("Unit").unwrap_or("None").to_owned(),
        at: Time::from_millis(at.millis() / resolution * resolution),
        point: read_point(input)?,
    })
}

/// Exactly one of `Value`, `StatisticValues` and `Values` (with or without `Counts`).
fn read_point(input: Input<'_>) -> Result<Point, ApiError> {
    match (
        input.number("Value")?,
        input.at("StatisticValues"),
        input.list("Values"),
    ) {
        (Some(value), None, []) => Ok(Point::value(value, 1.0)),
        (None, Some(set), []) => read_set(set),
        (None, None, [_, ..]) => read_values(input),
        (None, None, []) => Err(lacks("MetricData.member.1.Value")),
        _ => Err(ApiError::client(
            "InvalidParameterCombinationException",
            "At most one of Value, Values and StatisticValues may be specified for a datum.",
        )),
    }
}

fn read_set(input: Input<'_>) -> Result<Point, ApiError> {
    let input = input.only(&["SampleCount", "Sum", "Minimum", "Maximum"])?;
    let need = |member: &str| {
        input
            .number(member)?
            .ok_or_else(|| lacks(&format!("StatisticValues.{member}")))
    };
    let count = need("SampleCount")?;
    if count <= 0.0 {
        return Err(wrong(
            "The parameter StatisticValues.SampleCount must be greater than 0.",
        ));
    }
    Ok(Point::set(
        count,
        need("Sum")?,
        need("Minimum")?,
        need("Maximum")?,
    ))
}

fn read_values(input: Input<'_>) -> Result<Point, ApiError> {
    let values = numbers(input, "Values")?;
    let counts = if input.list("Counts").is_empty() {
        vec![1.0; values.len()]
    } else {
        numbers(input, "Counts")?
    };
    if values.len() > MOST_VALUES
        || counts.len() != values.len()
        || counts.iter().any(|count| *count <= 0.0)
    {
        return Err(wrong(&format!(
            "Values and Counts must be equally long, with at most {MOST_VALUES} values and positive counts."
        )));
    }
    let mut points = values
        .iter()
        .zip(&counts)
        .map(|(value, count)| Point::value(*value, *count));
    let first = points
        .next()
        .ok_or_else(|| lacks("MetricData.member.1.Values"))?;
    Ok(points.fold(first, |mut all, point| {
        all.merge(&point);
        all
    }))
}

fn numbers(input: Input<'_>, member: &str) -> Result<Vec<f64>, ApiError> {
    let number = |value: &Value| {
        value
            .as_f64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .filter(|number: &f64| number.is_finite())
    };
    let read: Option<Vec<f64>> = input.list(member).iter().map(number).collect();
    read.ok_or_else(|| wrong(&format!("The parameter {member} must hold numbers.")))
}

fn wrong(text: &str) -> ApiError {
    ApiError::client("InvalidParameterValueException", text)
}

fn lacks(member: &str) -> ApiError {
    ApiError::client(
        "MissingRequiredParameterException",
        format!("The parameter {member} is required."),
    )
}
