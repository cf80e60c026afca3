//! What is kept of the values that a metric got in one minute, and the statistics of them.
//!
//! Every distinct value is kept with its count, as long as there are few; that is what percentiles are computed from.

/// Distinct values kept; above that, the two neighbours with the fewest samples become one, which makes percentiles
/// approximate.
const MOST_VALUES: usize = 512;

/// The values of one minute (or several, merged).
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    count: f64,
    sum: f64,
    least: f64,
    most: f64,
    /// Values and their counts, in the order of values; `None` if a part of the values came as a statistic set.
    values: Option<Vec<(f64, f64)>>,
}

/// A statistic that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    /// 0 to 100.
    Percentile(f64),
}

impl Statistic {
    /// Reads `Sum`, `p99`, `p99.9`. Trimmed means and ranks are not modelled: `None`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "SampleCount" => Some(Self::SampleCount),
            "Average" => Some(Self::Average),
            "Sum" => Some(Self::Sum),
            "Minimum" => Some(Self::Minimum),
            "Maximum" => Some(Self::Maximum),
            _ => {
                let percent: f64 = text.strip_prefix('p')?.parse().ok()?;
                (0.0..=100.0)
                    .contains(&percent)
                    .then_some(Self::Percentile(percent))
            }
        }
    }
}

impl Point {
    /// One value that was seen `count` times; `count` is above zero.
    pub fn value(value: f64, count: f64) -> Self {
        Self {
            count,
            sum: value * count,
            least: value,
            most: value,
            values: Some(vec![(value, count)]),
        }
    }

    /// A statistic set: percentiles are known only if all its values are the same.
    pub fn set(count: f64, sum: f64, least: f64, most: f64) -> Self {
        let values = (least.total_cmp(&most).is_eq() || count <= 1.0).then(|| vec![(least, count)]);
        Self {
            count,
            sum,
            least,
            most,
            values,
        }
    }

    /// The values of both.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.values = match (self.values.take(), &other.values) {
            (Some(mut values), Some(others)) => {
                for (value, count) in others {
                    add(&mut values, *value, *count);
                }
                Some(values)
            }
            _ => None,
        };
    }

    pub fn statistic(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::SampleCount => Some(self.count),
            Statistic::Sum => Some(self.sum),
            Statistic::Average => Some(self.sum / self.count),
            Statistic::Minimum => Some(self.least),
            Statistic::Maximum => Some(self.most),
            Statistic::Percentile(percent) => self.percentile(percent),
        }
    }

    /// The least value that so many percent of the values do not exceed (nearest rank).
    fn percentile(&self, percent: f64) -> Option<f64> {
        let values = self.values.as_ref()?;
        let wanted = self.count * percent / 100.0;
        let mut below = 0.0;
        let reached = values.iter().find(|(_, count)| {
            below += count;
            below >= wanted
        });
        reached.or(values.last()).map(|(value, _)| *value)
    }
}

fn add(values: &mut Vec<(f64, f64)>, value: f64, count: f64) {
    match values.binary_search_by(|(known, _)| known.total_cmp(&value)) {
        Ok(at) => values[at].1 += count,
        Err(at) => values.insert(at, (value, count)),
    }
    if values.len() > MOST_VALUES {
        let samples = |at: &usize| values[*at].1 + values[at + 1].1;
        let least = (0..values.len() - 1).min_by(|a, b| samples(a).total_cmp(&samples(b)));
        let at = least.expect("there are more than two values");
        let (next, others) = values.remove(at + 1);
        let (value, count) = values[at];
        values[at] = (
            (value * count + next * others) / (count + others),
            count + others,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(values: &[(f64, f64)]) -> Point {
        let mut parts = values
            .iter()
            .map(|(value, count)| Point::value(*value, *count));
        let first = parts.next().unwrap();
        parts.fold(first, |mut all, part| {
            all.merge(&part);
            all
        })
    }

    #[test]
    fn statistics_are_of_all_values() {
        let point = point(&[(0.5, 1.0), (0.1, 98.0), (2.0, 1.0)]);
        let check = |name: &str, expected: Option<f64>| {
            let found = Statistic::parse(name).and_then(|statistic| point.statistic(statistic));
            assert_eq!(found.map(|v| (v * 1e9).round() / 1e9), expected, "{name}");
        };
        check("SampleCount", Some(100.0));
        check("Sum", Some(12.3));
        check("Average", Some(0.123));
        check("Minimum", Some(0.1));
        check("Maximum", Some(2.0));
        check("p50", Some(0.1));
        check("p99", Some(0.5));
        check("p99.9", Some(2.0));
        check("p100", Some(2.0));
        check("p101", None);
        check("tm99", None);
    }

    #[test]
    fn a_statistic_set_has_no_percentiles_unless_its_values_are_all_the_same() {
        let p50 = Statistic::Percentile(50.0);
        assert_eq!(Point::set(10.0, 30.0, 1.0, 5.0).statistic(p50), None);
        assert_eq!(Point::set(10.0, 30.0, 3.0, 3.0).statistic(p50), Some(3.0));
    }

    #[test]
    fn many_distinct_values_stay_few() {
        let values: Vec<(f64, f64)> = (0..10_000).map(|n| (f64::from(n), 1.0)).collect();
        let point = point(&values);
        assert!(point.values.as_ref().unwrap().len() <= MOST_VALUES);
        let median = point.statistic(Statistic::Percentile(50.0)).unwrap();
        assert!((median - 5000.0).abs() < 200.0, "{median}");
    }
}
