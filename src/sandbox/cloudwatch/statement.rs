//! `MetricDataQuery`: the statement that `GetMetricData` and alarms share. Either a statistic of one metric, or an
//! expression over other statements.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::sandbox::cloudwatch::math::Expression;
use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::point::Statistic;
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration};

/// One statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Begins with a small letter.
    pub id: String,
    pub label: Option<String>,
    /// Whether the caller wants to see its values.
    pub is_returned: bool,
    pub source: Source,
}

/// Where a statement's values come from.
#[derive(Clone, Debug)]
pub enum Source {
    Statistic(MetricStat),
    Expression {
        expression: Expression,
        period: Option<Duration>,
    },
}

/// `MetricStat`.
#[derive(Clone, Debug)]
pub struct MetricStat {
    pub metric: Metric,
    pub period: Duration,
    pub statistic: Statistic,
    /// The statistic as the caller spelt it.
    pub name: String,
    pub unit: Option<String>,
}

/// Reads a list of statements with distinct ids.
pub fn read_all(input: Input<'_>, member: &str) -> Result<Vec<Statement>, ApiError> {
    let statements = input
        .each(member)
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    let ids: BTreeSet<&str> = statements
        .iter()
        .map(|statement| statement.id.as_str())
        .collect();
    if ids.len() < statements.len() {
        return Err(input.invalid(&format!(
            "The values for parameter id in {member} are not unique"
        )));
    }
    Ok(statements)
}

fn read(input: Input<'_>) -> Result<Statement, ApiError> {
    let input = input.only(&[
        "Id",
        "MetricStat",
        "Expression",
        "Label",
        "ReturnData",
        "Period",
    ])?;
    let id = input.need("Id")?;
    let fits = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !fits {
        return Err(input.invalid(&format!("The value {id} for parameter Id must start with a lowercase letter and hold only letters, numbers and underscores")));
    }
    let source = match (input.at("MetricStat"), input.text("Expression")) {
        (Some(stat), None) => Source::Statistic(read_stat(stat)?),
        (None, Some(text)) => Source::Expression {
            expression: Expression::parse(text)
                .map_err(|error| input.invalid(&format!("Error in expression '{id}': {error}")))?,
            period: read_period(input)?,
        },
        _ => {
            return Err(input.invalid(&format!(
                "Exactly one of MetricStat and Expression must be given for '{id}'"
            )));
        }
    };
    Ok(Statement {
        id: id.to_owned(),
        label: input.text("Label").map(str::to_owned),
        is_returned: input.flag("ReturnData")?.unwrap_or(true),
        source,
    })
}

fn read_stat(input: Input<'_>) -> Result<MetricStat, ApiError> {
    let input = input.only(&["Metric", "Period", "Stat", "Unit"])?;
    let metric = input.at("Metric").ok_or_else(|| input.missing("Metric"))?;
    let metric = Metric::read(metric.only(&["Namespace", "MetricName", "Dimensions"])?)?;
    let name = input.need("Stat")?.to_owned();
    Ok(MetricStat {
        metric,
        period: read_period(input)?.ok_or_else(|| input.missing("Period"))?,
        statistic: read_statistic(input, &name)?,
        name,
        unit: input.text("Unit").map(str::to_owned),
    })
}

/// A statistic, or the refusal of one that is not modelled.
pub fn read_statistic(input: Input<'_>, name: &str) -> Result<Statistic, ApiError> {
    let is_modelled_elsewhere = [
        "tm", "wm", "tc", "ts", "pr", "TM", "WM", "TC", "TS", "PR", "IQM",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix));
    match Statistic::parse(name) {
        Some(statistic) => Ok(statistic),
        None if is_modelled_elsewhere => Err(input.not_modelled(&format!("statistic {name}"))),
        None => Err(input.invalid(&format!(
            "The value {name} for parameter Stat is not supported"
        ))),
    }
}

/// `Period`: 1, 5, 10, 20, 30 or a multiple of 60, in seconds.
pub fn read_period(input: Input<'_>) -> Result<Option<Duration>, ApiError> {
    match input.int("Period", 1..=86_400 * 30)? {
        None => Ok(None),
        Some(seconds @ (1 | 5 | 10 | 20 | 30)) => Ok(Some(Duration::from_secs(seconds))),
        Some(seconds) if seconds % 60 == 0 => Ok(Some(Duration::from_secs(seconds))),
        Some(seconds) => Err(input.invalid(&format!(
            "The value {seconds} for parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60"
        ))),
    }
}

impl Statement {
    pub fn echo(&self) -> Value {
        let mut echo = Map::new();
        echo.insert("Id".into(), self.id.clone().into());
        match &self.source {
            Source::Statistic(stat) => {
                let mut body = json!({"Metric": stat.metric.echo(), "Period": seconds(stat.period), "Stat": stat.name});
                if let Some(unit) = &stat.unit {
                    body["Unit"] = unit.clone().into();
                }
                echo.insert("MetricStat".into(), body);
            }
            Source::Expression { expression, period } => {
                echo.insert("Expression".into(), expression.text().into());
                if let Some(period) = period {
                    echo.insert("Period".into(), seconds(*period).into());
                }
            }
        }
        if let Some(label) = &self.label {
            echo.insert("Label".into(), label.clone().into());
        }
        echo.insert("ReturnData".into(), self.is_returned.into());
        Value::Object(echo)
    }
}

pub fn seconds(period: Duration) -> u64 {
    period.millis() / 1000
}
