//! `GetMetricData`.

use serde_json::{Map, Value, json};

use crate::sandbox::cloudwatch::math::Scope;
use crate::sandbox::cloudwatch::page;
use crate::sandbox::cloudwatch::statement::{self, Source, Statement};
use crate::sandbox::cloudwatch::store::{Line, Window};
use crate::sandbox::input::Input;
use crate::sandbox::wire::mark::instant;
use crate::sandbox::{ApiError, Time, World};

/// Limits of one call (CloudWatch API reference, `GetMetricData`).
const MOST_STATEMENTS: usize = 500;
const MOST_VALUES: u64 = 100_800;

/// One statement's values in the order that the caller asked for.
struct Found<'a> {
    statement: &'a Statement,
    values: Vec<(Time, f64)>,
}

pub fn get(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "MetricDataQueries",
        "StartTime",
        "EndTime",
        "NextToken",
        "ScanBy",
        "MaxDatapoints",
        "LabelOptions",
    ])?;
    let statements = statement::read_all(input, "MetricDataQueries")?;
    if statements.is_empty() || statements.len() > MOST_STATEMENTS {
        return Err(input.invalid(&format!(
            "MetricDataQueries must hold 1 to {MOST_STATEMENTS} queries"
        )));
    }
    let window = read_window(input, world.now)?;
    let order = Order::read(input)?;
    let mut scope = Scope::new(&statements, &world.cloudwatch.store, window);
    let mut found = Vec::new();
    for statement in &statements {
        let line = scope.line(statement);
        let line = line.map_err(|error| {
            input.invalid(&format!("Error in expression '{}': {error}", statement.id))
        })?;
        if statement.is_returned {
            found.push(Found {
                statement,
                values: order.sort(line),
            });
        }
    }
    write_page(input, &found)
}

/// `StartTime` and `EndTime`; the first must be earlier.
pub fn read_window(input: Input<'_>, now: Time) -> Result<Window, ApiError> {
    let from = input
        .time("StartTime")?
        .ok_or_else(|| input.missing("StartTime"))?;
    let to = input
        .time("EndTime")?
        .ok_or_else(|| input.missing("EndTime"))?;
    if from >= to {
        return Err(
            input.invalid("The parameter StartTime must be less than the parameter EndTime.")
        );
    }
    Ok(Window { from, to, now })
}

/// `ScanBy`.
#[derive(Clone, Copy)]
pub enum Order {
    NewestFirst,
    OldestFirst,
}

impl Order {
    /// Newest first unless the caller says otherwise.
    pub fn read(input: Input<'_>) -> Result<Self, ApiError> {
        match input.text("ScanBy") {
            None | Some("TimestampDescending") => Ok(Self::NewestFirst),
            Some("TimestampAscending") => Ok(Self::OldestFirst),
            Some(other) => Err(input.invalid(&format!("The value {other} for parameter ScanBy is not TimestampDescending or TimestampAscending"))),
        }
    }

    fn sort(self, line: Line) -> Vec<(Time, f64)> {
        let mut values: Vec<(Time, f64)> = line.values.into_iter().collect();
        if matches!(self, Self::NewestFirst) {
            values.reverse();
        }
        values
    }
}

/// As many values as fit, in the order of the statements. A statement that is cut off is `PartialData`, and goes on
/// where it stopped on the next page.
fn write_page(input: Input<'_>, found: &[Found<'_>]) -> Result<Value, ApiError> {
    let size = input
        .int("MaxDatapoints", 1..=MOST_VALUES)?
        .unwrap_or(MOST_VALUES) as usize;
    let start = page::start(input)?;
    let end = start.saturating_add(size);
    let mut place = 0;
    let mut results = Vec::new();
    for found in found {
        let (first, last) = (place, place + found.values.len());
        place = last;
        let is_empty = found.values.is_empty();
        let is_on_page = if is_empty {
            start == 0
        } else {
            first < end && last > start
        };
        if !is_on_page {
            continue;
        }
        let shown =
            start.saturating_sub(first)..(end.saturating_sub(first)).min(found.values.len());
        let status = if last > end && !is_empty {
            "PartialData"
        } else {
            "Complete"
        };
        results.push(write_result(found.statement, &found.values[shown], status));
    }
    let mut answer = Map::new();
    answer.insert("MetricDataResults".to_owned(), results.into());
    answer.insert("Messages".to_owned(), json!([]));
    page::put_next(&mut answer, end, place);
    Ok(Value::Object(answer))
}

fn write_result(statement: &Statement, values: &[(Time, f64)], status: &str) -> Value {
    json!({
        "Id": statement.id,
        "Label": label(statement),
        "Timestamps": values.iter().map(|(at, _)| instant(*at)).collect::<Vec<_>>(),
        "Values": values.iter().map(|(_, value)| *value).collect::<Vec<f64>>(),
        "StatusCode": status,
    })
}

/// The given label, or the metric's name, or the expression's id.
fn label(statement: &Statement) -> &str {
    match (&statement.label, &statement.source) {
        (Some(label), _) => label,
        (None, Source::Statistic(stat)) => &stat.metric.name,
        (None, Source::Expression { .. }) => &statement.id,
    }
}
