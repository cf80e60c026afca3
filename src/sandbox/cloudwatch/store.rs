//! The data of all metrics: points by metric and minute, each with the instant from which it can be read.
//!
//! **Invariant:** a reader at some instant sees what had been published by then, whatever is stored.

use std::collections::BTreeMap;

use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::point::{Point, Statistic};
use crate::sandbox::{Duration, Time};

/// All data.
#[derive(Clone, Debug, Default)]
pub struct Store {
    series: BTreeMap<Metric, Series>,
}

#[derive(Clone, Debug)]
struct Series {
    unit: String,
    points: BTreeMap<Time, Published>,
}

#[derive(Clone, Debug)]
struct Published {
    from: Time,
    point: Point,
}

/// A span of time as a reader asks for it: `from` belongs to it, `to` does not. Periods are counted from `from`.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub from: Time,
    pub to: Time,
    /// When it is read.
    pub now: Time,
}

/// Values by the start of their period.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub period: Duration,
    pub values: BTreeMap<Time, f64>,
}

impl Window {
    /// The window that a caller's times mean for a period: its start is rounded down to a whole minute, or to a multiple
    /// of a period below a minute (CloudWatch API reference, `GetMetricData.StartTime`).
    #[must_use]
    pub fn aligned(self, period: Duration) -> Self {
        let unit = period.millis().clamp(1000, 60_000);
        let from = self.from.millis() / unit * unit;
        Self {
            from: Time::from_millis(from),
            ..self
        }
    }

    /// The starts of the periods.
    pub fn starts(self, period: Duration) -> impl Iterator<Item = Time> {
        let aligned = self.aligned(period);
        let (from, to, step) = (
            aligned.from.millis(),
            self.to.millis(),
            period.millis().max(1),
        );
        (from..to)
            .step_by(usize::try_from(step).unwrap_or(usize::MAX))
            .map(Time::from_millis)
    }
}

impl Store {
    /// Adds values to a metric at `at` (a whole minute or second), to be read from `from` on.
    pub fn put(&mut self, metric: Metric, unit: &str, at: Time, from: Time, point: &Point) {
        let series = self.series.entry(metric).or_insert_with(|| Series {
            unit: unit.to_owned(),
            points: BTreeMap::new(),
        });
        match series.points.get_mut(&at) {
            Some(there) => {
                there.point.merge(point);
                there.from = there.from.min(from);
            }
            None => {
                series.points.insert(
                    at,
                    Published {
                        from,
                        point: point.clone(),
                    },
                );
            }
        }
    }

    /// One statistic over the window, period by period. A metric that is not there has no values.
    pub fn read(
        &self,
        metric: &Metric,
        unit: Option<&str>,
        statistic: Statistic,
        period: Duration,
        window: Window,
    ) -> Line {
        let points = self.points(metric, unit, period, window);
        let values = points
            .into_iter()
            .filter_map(|(at, point)| Some((at, point.statistic(statistic)?)))
            .collect();
        Line { period, values }
    }

    /// The points of the window, merged by period.
    pub fn points(
        &self,
        metric: &Metric,
        unit: Option<&str>,
        period: Duration,
        window: Window,
    ) -> BTreeMap<Time, Point> {
        let mut merged: BTreeMap<Time, Point> = BTreeMap::new();
        let Some(series) = self
            .series
            .get(metric)
            .filter(|series| unit.is_none_or(|unit| unit == series.unit))
        else {
            return merged;
        };
        let start = window.aligned(period).from;
        if start >= window.to {
            return merged;
        }
        let readable = series
            .points
            .range(start..window.to)
            .filter(|(_, published)| published.from <= window.now);
        for (at, published) in readable {
            let into_period = at.since(start).millis() % period.millis().max(1);
            let key = *at - Duration::from_millis(into_period);
            merged
                .entry(key)
                .and_modify(|point| point.merge(&published.point))
                .or_insert_with(|| published.point.clone());
        }
        merged
    }

    pub fn unit(&self, metric: &Metric) -> Option<&str> {
        self.series.get(metric).map(|series| series.unit.as_str())
    }

    /// The metrics that can be seen, each with the time of its newest point.
    pub fn metrics(&self, now: Time) -> impl Iterator<Item = (&Metric, Time)> {
        self.series.iter().filter_map(move |(metric, series)| {
            let newest = series
                .points
                .iter()
                .rev()
                .find(|(_, published)| published.from <= now);
            newest.map(|(at, _)| (metric, *at))
        })
    }

    /// Drops what is older than `before`.
    pub fn forget(&mut self, before: Time) {
        for series in self.series.values_mut() {
            series.points = series.points.split_off(&before);
        }
        self.series.retain(|_, series| !series.points.is_empty());
    }
}
