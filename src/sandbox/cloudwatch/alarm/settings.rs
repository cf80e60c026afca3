//! The input of `PutMetricAlarm`, read and echoed.

use serde_json::{Map, Value, json};

use crate::sandbox::cloudwatch::alarm::judge::Treatment;
use crate::sandbox::cloudwatch::alarm::model::Actions;
use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::statement::{
    self, MetricStat, Source, Statement, read_period, read_statistic, seconds,
};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration};

/// The longest look back: a day, or a week for periods of an hour and more (CloudWatch user guide).
const DAY: u64 = 86_400;
const MEMBERS: [&str; 22] = [
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "Tags",
    "StateValue",
];

/// What an alarm watches and when it alarms.
#[derive(Clone, Debug)]
pub struct Settings {
    pub name: String,
    pub actions: Actions,
    /// What is watched; one of the statements is returned.
    pub statements: Vec<Statement>,
    form: Form,
    pub evaluation_periods: u64,
    datapoints_to_alarm: Option<u64>,
    pub threshold: f64,
    pub comparison: Comparison,
    pub missing: Treatment,
    /// Descriptions and actions, echoed as given.
    echoed: Map<String, Value>,
}

/// Whether the caller gave one metric or a list of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Metric,
    Statements,
}

/// `ComparisonOperator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    GreaterOrEqual,
    Greater,
    Less,
    LessOrEqual,
}

const COMPARISONS: [(&str, Comparison, &str); 4] = [
    (
        "GreaterThanOrEqualToThreshold",
        Comparison::GreaterOrEqual,
        "greater than or equal to",
    ),
    ("GreaterThanThreshold", Comparison::Greater, "greater than"),
    ("LessThanThreshold", Comparison::Less, "less than"),
    (
        "LessThanOrEqualToThreshold",
        Comparison::LessOrEqual,
        "less than or equal to",
    ),
];
const MISSINGS: [(&str, Treatment); 4] = [
    ("missing", Treatment::Missing),
    ("ignore", Treatment::Ignore),
    ("breaching", Treatment::Breaching),
    ("notBreaching", Treatment::NotBreaching),
];

impl Comparison {
    fn row(self) -> (&'static str, Self, &'static str) {
        *COMPARISONS
            .iter()
            .find(|(_, known, _)| *known == self)
            .expect("the table has a row for every comparison")
    }

    pub fn words(self) -> &'static str {
        self.row().2
    }

    pub fn is_breached(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterOrEqual => value >= threshold,
            Self::Greater => value > threshold,
            Self::Less => value < threshold,
            Self::LessOrEqual => value <= threshold,
        }
    }
}

impl Settings {
    pub fn read(input: Input<'_>) -> Result<Self, ApiError> {
        let input = input.only(&MEMBERS)?;
        let (form, statements) = if input.list("Metrics").is_empty() {
            (Form::Metric, vec![read_metric(input)?])
        } else {
            (Form::Statements, read_statements(input)?)
        };
        let echoed = [
            "AlarmDescription",
            "OKActions",
            "AlarmActions",
            "InsufficientDataActions",
        ];
        let settings = Self {
            name: input.need("AlarmName")?.to_owned(),
            actions: if input.flag("ActionsEnabled")? == Some(false) {
                Actions::Disabled
            } else {
                Actions::Enabled
            },
            statements,
            form,
            evaluation_periods: input
                .int("EvaluationPeriods", 1..=DAY)?
                .ok_or_else(|| input.missing("EvaluationPeriods"))?,
            datapoints_to_alarm: input.int("DatapointsToAlarm", 1..=DAY)?,
            threshold: input
                .number("Threshold")?
                .ok_or_else(|| input.missing("Threshold"))?,
            comparison: read_comparison(input)?,
            missing: read_missing(input)?,
            echoed: echoed
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), input.get(name)?.clone())))
                .collect(),
        };
        settings.check(input)?;
        Ok(settings)
    }

    fn check(&self, input: Input<'_>) -> Result<(), ApiError> {
        if self.needed() > self.evaluation_periods {
            return Err(
                input.invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
            );
        }
        let period = seconds(self.period());
        let longest = if period >= 3600 { 7 * DAY } else { DAY };
        if period * self.evaluation_periods > longest {
            return Err(input.invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), or a week for periods of an hour and more."));
        }
        match input.text("EvaluateLowSampleCountPercentile") {
            None | Some("evaluate") => Ok(()),
            Some(other) => {
                Err(input.not_modelled(&format!("EvaluateLowSampleCountPercentile {other}")))
            }
        }
    }

    /// M of M-of-N.
    pub fn needed(&self) -> u64 {
        self.datapoints_to_alarm.unwrap_or(self.evaluation_periods)
    }

    /// The statement whose values are compared with the threshold.
    pub fn watched(&self) -> &Statement {
        self.statements
            .iter()
            .find(|statement| statement.is_returned)
            .expect("an alarm is made with one returned statement")
    }

    /// The statement's own period, or the shortest of the metrics that an expression may use.
    pub fn period(&self) -> Duration {
        let own = |statement: &Statement| match &statement.source {
            Source::Statistic(stat) => Some(stat.period),
            Source::Expression { period, .. } => *period,
        };
        own(self.watched())
            .or_else(|| self.statements.iter().filter_map(own).min())
            .unwrap_or(Duration::from_secs(60))
    }

    /// The metric, if the alarm watches just one.
    pub fn metric(&self) -> Option<&MetricStat> {
        match (self.form, &self.watched().source) {
            (Form::Metric, Source::Statistic(stat)) => Some(stat),
            _ => None,
        }
    }

    pub fn echo(&self) -> Map<String, Value> {
        let mut echo = self.echoed.clone();
        echo.insert("AlarmName".into(), self.name.clone().into());
        for list in ["OKActions", "AlarmActions", "InsufficientDataActions"] {
            let is_list = echo.get(list).is_some_and(Value::is_array);
            if !is_list {
                echo.insert(list.into(), json!([]));
            }
        }
        echo.insert("EvaluationPeriods".into(), self.evaluation_periods.into());
        if let Some(datapoints) = self.datapoints_to_alarm {
            echo.insert("DatapointsToAlarm".into(), datapoints.into());
        }
        echo.insert("Threshold".into(), self.threshold.into());
        echo.insert("ComparisonOperator".into(), self.comparison.row().0.into());
        let missing = MISSINGS
            .iter()
            .find(|(_, missing)| *missing == self.missing)
            .map(|(name, _)| *name);
        echo.insert("TreatMissingData".into(), missing.into());
        self.echo_watched(&mut echo);
        echo
    }

    fn echo_watched(&self, echo: &mut Map<String, Value>) {
        let Some(stat) = self.metric() else {
            let statements = self.statements.iter().map(Statement::echo).collect();
            echo.insert("Metrics".into(), statements);
            return;
        };
        let member = if stat.name.starts_with('p') {
            "ExtendedStatistic"
        } else {
            "Statistic"
        };
        echo.insert(member.into(), stat.name.clone().into());
        echo.insert("Namespace".into(), stat.metric.namespace.clone().into());
        echo.insert("MetricName".into(), stat.metric.name.clone().into());
        echo.insert("Dimensions".into(), stat.metric.echo_dimensions());
        echo.insert("Period".into(), seconds(stat.period).into());
        if let Some(unit) = &stat.unit {
            echo.insert("Unit".into(), unit.clone().into());
        }
    }
}

fn read_metric(input: Input<'_>) -> Result<Statement, ApiError> {
    let (plain, extended) = (input.text("Statistic"), input.text("ExtendedStatistic"));
    let ((Some(name), None) | (None, Some(name))) = (plain, extended) else {
        return Err(
            input.invalid("Exactly one of Statistic and ExtendedStatistic must be specified")
        );
    };
    let stat = MetricStat {
        metric: Metric::read(input)?,
        period: read_period(input)?.ok_or_else(|| input.missing("Period"))?,
        statistic: read_statistic(input, name)?,
        name: name.to_owned(),
        unit: input.text("Unit").map(str::to_owned),
    };
    Ok(Statement {
        id: "m1".to_owned(),
        label: None,
        is_returned: true,
        source: Source::Statistic(stat),
    })
}

fn read_statements(input: Input<'_>) -> Result<Vec<Statement>, ApiError> {
    if input.get("MetricName").is_some() || input.get("Statistic").is_some() {
        return Err(input.invalid("An alarm watches either one metric or a list of Metrics"));
    }
    let statements = statement::read_all(input, "Metrics")?;
    if statements
        .iter()
        .filter(|statement| statement.is_returned)
        .count()
        != 1
    {
        return Err(input.invalid("Exactly one element of the metrics list should return data."));
    }
    Ok(statements)
}

fn read_comparison(input: Input<'_>) -> Result<Comparison, ApiError> {
    let name = input.need("ComparisonOperator")?;
    match COMPARISONS.iter().find(|(known, ..)| *known == name) {
        Some((_, comparison, _)) => Ok(*comparison),
        None if name.ends_with("Threshold") => {
            Err(input.not_modelled(&format!("ComparisonOperator {name}")))
        }
        None => Err(input.invalid(&format!("{name} is not a ComparisonOperator"))),
    }
}

fn read_missing(input: Input<'_>) -> Result<Treatment, ApiError> {
    let name = input.text("TreatMissingData").unwrap_or("missing");
    let known = MISSINGS.iter().find(|(known, _)| *known == name);
    known.map(|(_, missing)| *missing).ok_or_else(|| {
        input.invalid("TreatMissingData must be breaching, notBreaching, ignore or missing")
    })
}
