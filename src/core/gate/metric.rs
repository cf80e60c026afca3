//! CloudWatch metrics: what is asked for, over which window, and whether the points are within bounds.
//!
//! **Invariants:** a window never reaches into the minutes that CloudWatch may still be filling. A period without a
//! point is no data unless the gate's author declared that it is zero.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::reading::{Reading, Readings};
use super::subject::Side;

/// How long CloudWatch and Elastic Load Balancing may take to publish a minute. AWS documents no number; back-filled
/// minutes were seen to settle within about two.
pub const PUBLICATION_DELAY: Duration = Duration::from_mins(2);

/// Points of one query of GetMetricData, and what they may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricCheck {
    /// Dimension values and expressions may hold the placeholders of [`super::Side`].
    pub queries: Vec<MetricQuery>,
    /// The id of the query whose points are judged.
    pub result: String,
    /// The id of a query that counts samples, and how many a period must have to be judged.
    pub sample: Option<MinimumSample>,
    /// Seconds.
    pub period: u32,
    pub delay: Duration,
    pub bounds: Bounds,
    pub missing: Missing,
}

/// A period with fewer samples is no data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinimumSample {
    pub id: String,
    pub least: f64,
}

/// What a point may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bounds {
    /// Both ends are allowed values.
    Range { min: Option<f64>, max: Option<f64> },
    /// The same queries, asked for the new side and for the old: new over old is at most this.
    NewOverOld { max: f64 },
}

/// What a period without a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    NoData,
    /// For counts that CloudWatch publishes only when they are not zero.
    Zero,
}

/// One MetricDataQuery.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MetricQuery {
    /// A lower-case letter, then letters, digits and underscores.
    pub id: String,
    pub measure: Measure,
    /// Seconds.
    pub period: u32,
}

/// A metric's statistic, or metric math over other queries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Stat {
        namespace: String,
        metric: String,
        dimensions: BTreeMap<String, String>,
        /// `Sum`, `Average`, `p99`, …
        stat: String,
    },
    Expression(String),
}

/// One GetMetricData: `from` is in the window, `to` is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricsRequest {
    pub queries: Vec<MetricQuery>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Values by the start of their period.
pub type Series = BTreeMap<Timestamp, f64>;

/// One series for each query id.
pub type SeriesById = BTreeMap<String, Series>;

/// What was asked, and what it gave for the sides that were asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    pub window: Window,
    pub new: SeriesById,
    pub old: SeriesById,
}

/// Whole periods: `from` and `to` are multiples of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
    pub period: u32,
}

impl Window {
    /// The whole periods after `since` that are published by `now`; `None` before the first is.
    pub fn published(
        since: Timestamp,
        now: Timestamp,
        period: u32,
        delay: Duration,
    ) -> Option<Self> {
        let span = i64::from(period.max(1));
        let delay = i64::try_from(delay.as_secs()).unwrap_or(i64::MAX);
        let from = since.as_second().div_euclid(span) * span;
        let from = if Timestamp::from_second(from).ok()? < since {
            from + span
        } else {
            from
        };
        let to = now.as_second().saturating_sub(delay).div_euclid(span) * span;
        (to > from).then_some(Self {
            from: Timestamp::from_second(from).ok()?,
            to: Timestamp::from_second(to).ok()?,
            period,
        })
    }

    /// When the first whole period after `since` is published.
    pub fn first_published(since: Timestamp, period: u32, delay: Duration) -> Timestamp {
        let span = i64::from(period.max(1));
        let start = since.as_second().div_euclid(span) * span;
        let whole = Timestamp::from_second(start).is_ok_and(|start| start >= since);
        let end = start + if whole { span } else { 2 * span };
        let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
        Timestamp::from_second(end)
            .ok()
            .and_then(|end| end.checked_add(delay).ok())
            .unwrap_or(Timestamp::MAX)
    }

    /// The start of each period.
    pub fn periods(&self) -> impl Iterator<Item = Timestamp> + use<> {
        let (from, to) = (self.from.as_second(), self.to.as_second());
        (from..to)
            .step_by(self.period.max(1) as usize)
            .filter_map(|second| Timestamp::from_second(second).ok())
    }
}

impl MetricQuery {
    /// One element of `MetricDataQueries`.
    pub fn member(&self) -> Value {
        match &self.measure {
            Measure::Expression(expression) => json!({
                "Id": self.id, "Expression": expression, "Period": self.period, "ReturnData": true,
            }),
            Measure::Stat {
                namespace,
                metric,
                dimensions,
                stat,
            } => {
                let dimensions: Vec<Value> = dimensions
                    .iter()
                    .map(|(name, value)| json!({"Name": name, "Value": value}))
                    .collect();
                let metric = json!({
                    "Namespace": namespace, "MetricName": metric, "Dimensions": dimensions,
                });
                let stat = json!({"Metric": metric, "Period": self.period, "Stat": stat});
                json!({"Id": self.id, "MetricStat": stat, "ReturnData": true})
            }
        }
    }

    /// Whether it is of a target group or its load balancer, which have points only while there are requests.
    pub fn is_of_a_target_group(&self) -> bool {
        let names =
            |text: &String| text.contains("{target_group}") || text.contains("{load_balancer}");
        match &self.measure {
            Measure::Expression(expression) => names(expression),
            Measure::Stat { dimensions, .. } => dimensions.values().any(names),
        }
    }

    /// The query for one side; `Err` names the placeholder that the side cannot fill.
    pub(super) fn about(&self, side: &Side) -> Result<Self, &'static str> {
        let measure = match &self.measure {
            Measure::Expression(expression) => Measure::Expression(side.fill(expression)?),
            Measure::Stat {
                namespace,
                metric,
                dimensions,
                stat,
            } => Measure::Stat {
                namespace: namespace.clone(),
                metric: metric.clone(),
                dimensions: dimensions
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), side.fill(value)?)))
                    .collect::<Result<_, &'static str>>()?,
                stat: stat.clone(),
            },
        };
        Ok(Self {
            measure,
            ..self.clone()
        })
    }
}

impl MetricCheck {
    /// Each period of the window, judged.
    pub(super) fn read(&self, metrics: &Metrics) -> Readings {
        let each = metrics
            .window
            .periods()
            .map(|start| self.read_period(metrics, start));
        Readings::of(each, metrics.window.to)
    }

    fn read_period(&self, metrics: &Metrics, start: Timestamp) -> Reading {
        match self.bounds {
            Bounds::Range { min, max } => match self.point(&metrics.new, start) {
                Ok(value) => within(value, min, max),
                Err(lack) => Reading::NoData(lack),
            },
            Bounds::NewOverOld { max } => {
                let sides = (
                    self.point(&metrics.new, start),
                    self.point(&metrics.old, start),
                );
                match sides {
                    (Ok(new), Ok(old)) if old > 0.0 => ratio(new, old, max),
                    (Ok(new), Ok(old)) => Reading::NoData(format!("{new} over {old} is no ratio")),
                    (Err(lack), _) => Reading::NoData(format!("new side: {lack}")),
                    (_, Err(lack)) => Reading::NoData(format!("old side: {lack}")),
                }
            }
        }
    }

    /// The period's point, if it rests on enough samples.
    fn point(&self, series: &SeriesById, start: Timestamp) -> Result<f64, String> {
        let at = |id: &str| series.get(id).and_then(|s| s.get(&start)).copied();
        if let Some(MinimumSample { id, least }) = &self.sample {
            let samples = at(id).unwrap_or_default();
            if samples < *least {
                return Err(format!("{samples} of at least {least} samples at {start}"));
            }
        }
        match (at(&self.result), self.missing) {
            (Some(value), _) if value.is_finite() => Ok(value),
            (None, Missing::Zero) => Ok(0.0),
            _ => Err(format!("no point at {start}")),
        }
    }
}

fn within(value: f64, min: Option<f64>, max: Option<f64>) -> Reading {
    match (min, max) {
        (Some(min), _) if value < min => Reading::Fail(format!("{value} is below {min}")),
        (_, Some(max)) if value > max => Reading::Fail(format!("{value} is above {max}")),
        _ => Reading::Pass(format!("{value}")),
    }
}

fn ratio(new: f64, old: f64, max: f64) -> Reading {
    let ratio = new / old;
    let said = format!("{new} is {ratio:.2} times the old side's {old}");
    if ratio > max {
        Reading::Fail(format!("{said}, above {max}"))
    } else {
        Reading::Pass(said)
    }
}
