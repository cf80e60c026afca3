//! The numbers of a traffic shift: shares, the weights that stand for them, and the steps of each strategy.
//!
//! **Invariant:** the weights of a share are whole, at most 999, and sum to the same total whatever the share.

use serde_json::Value;

use crate::sandbox::Duration;
use crate::sandbox::ecs::defaults::{LinearRest, WeightScale};
use crate::sandbox::ecs::document::{Document, member, object, whole};
use crate::sandbox::ecs::native::configuration::Strategy;

/// A share of traffic in tenths of a percent, 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(1000);

    /// Reads a percentage; ECS takes multiples of 0.1.
    pub fn read(percent: &Value) -> Option<Self> {
        let tenths = percent.as_f64()? * 10.0;
        let is_whole = (tenths - tenths.round()).abs() < 1e-6;
        (is_whole && (0.0..=1000.0).contains(&tenths)).then_some(Self(tenths.round() as u32))
    }

    pub const fn tenths(self) -> u32 {
        self.0
    }

    /// 0.0 to 100.0.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 10.0
    }

    /// What is left for the other side.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(1000 - self.0)
    }

    /// The weights of this share and of the rest.
    pub fn weights(self, scale: WeightScale) -> (u32, u32) {
        let is_whole = self.0.is_multiple_of(10);
        if is_whole && scale == WeightScale::Hundred {
            (self.0 / 10, 100 - self.0 / 10)
        } else {
            let weight = (self.0 * 999 + 500) / 1000;
            (weight, 999 - weight)
        }
    }
}

/// How production moves: a share for each step, and the waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Rising, the last is [`Share::ALL`].
    pub steps: Vec<Share>,
    /// After each step but the last.
    pub step_bake: Duration,
    /// After the last.
    pub bake: Duration,
}

impl Plan {
    /// The plan of a configuration that [`super::check`] has passed.
    pub fn read(configuration: &Document, rest: LinearRest) -> Self {
        let empty = Document::new();
        let part = |key| object(configuration, key).unwrap_or(&empty);
        let (steps, step_bake) = match Strategy::of(configuration) {
            Strategy::Rolling | Strategy::BlueGreen => (vec![Share::ALL], Duration::ZERO),
            Strategy::Linear => {
                let linear = part("linearConfiguration");
                let step = share(linear, "stepPercent", 100);
                (
                    linear_steps(step, rest),
                    minutes(linear, "stepBakeTimeInMinutes", 6),
                )
            }
            Strategy::Canary => {
                let canary = part("canaryConfiguration");
                let mut steps = vec![share(canary, "canaryPercent", 50), Share::ALL];
                steps.dedup();
                (steps, minutes(canary, "canaryBakeTimeInMinutes", 10))
            }
        };
        Self {
            steps,
            step_bake,
            bake: minutes(configuration, "bakeTimeInMinutes", 0),
        }
    }
}

fn share(of: &Document, key: &str, usual_tenths: u32) -> Share {
    member(of, key)
        .and_then(Share::read)
        .unwrap_or(Share(usual_tenths))
}

fn minutes(of: &Document, key: &str, usual: u64) -> Duration {
    let given = whole(of, key).and_then(|minutes| u64::try_from(minutes).ok());
    Duration::from_secs(60 * given.unwrap_or(usual))
}

fn linear_steps(step: Share, rest: LinearRest) -> Vec<Share> {
    let size = step.0.max(1);
    let mut steps: Vec<Share> = (size..Share::ALL.0)
        .step_by(size as usize)
        .map(Share)
        .collect();
    let remainder = steps.last().map_or(size, |last| last.rest().0);
    if rest == LinearRest::JoinsLast && remainder < size {
        steps.pop();
    }
    steps.push(Share::ALL);
    steps
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_percents_sum_to_a_hundred_and_tenths_to_999() {
        let check = |percent: f64, weights: (u32, u32)| {
            let share = Share::read(&json!(percent)).unwrap();
            assert_eq!(share.weights(WeightScale::Hundred), weights, "{percent} %");
        };
        check(0.0, (0, 100));
        check(10.0, (10, 90));
        check(100.0, (100, 0));
        check(0.1, (1, 998));
        check(12.5, (125, 874));
        check(99.9, (998, 1));
        assert_eq!(Share::ALL.weights(WeightScale::Fine), (999, 0));
        assert_eq!(Share::read(&json!(0.05)), None);
        assert_eq!(Share::read(&json!(100.1)), None);
    }

    #[test]
    fn every_share_above_none_has_weight_on_its_side() {
        for scale in [WeightScale::Hundred, WeightScale::Fine] {
            for tenths in 0..=1000 {
                let (weight, rest) = Share(tenths).weights(scale);
                assert_eq!(weight > 0, tenths > 0, "{tenths}");
                assert_eq!(rest > 0, tenths < 1000, "{tenths}");
            }
        }
    }

    #[test]
    fn each_strategy_has_its_steps() {
        let check = |configuration: Value, rest: LinearRest, percents: &[f64]| {
            let plan = Plan::read(configuration.as_object().unwrap(), rest);
            let steps: Vec<f64> = plan.steps.iter().map(|share| share.percent()).collect();
            assert_eq!(steps, percents, "{configuration}");
        };
        let linear = |percent: f64| json!({ "strategy": "LINEAR", "linearConfiguration": { "stepPercent": percent } });
        check(
            json!({ "strategy": "BLUE_GREEN" }),
            LinearRest::IsAStep,
            &[100.0],
        );
        check(
            linear(25.0),
            LinearRest::IsAStep,
            &[25.0, 50.0, 75.0, 100.0],
        );
        check(
            linear(30.0),
            LinearRest::IsAStep,
            &[30.0, 60.0, 90.0, 100.0],
        );
        check(linear(30.0), LinearRest::JoinsLast, &[30.0, 60.0, 100.0]);
        check(
            linear(25.0),
            LinearRest::JoinsLast,
            &[25.0, 50.0, 75.0, 100.0],
        );
        check(linear(60.0), LinearRest::JoinsLast, &[100.0]);
        check(linear(100.0), LinearRest::IsAStep, &[100.0]);
        check(
            json!({ "strategy": "CANARY" }),
            LinearRest::IsAStep,
            &[5.0, 100.0],
        );
        check(
            json!({ "strategy": "CANARY", "canaryConfiguration": { "canaryPercent": 0.1 } }),
            LinearRest::IsAStep,
            &[0.1, 100.0],
        );
    }
}
