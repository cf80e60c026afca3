//! Steps of a shift between task sets: as listed, or as another strategy's words come to.

use super::refuse::needs_ecs;
use crate::core::plan::Refusal;
use crate::core::service::{CanarySize, Intent, StrategyAsked};

/// Percent of production traffic for the new set, each once, rising, and 100 at the end.
pub fn steps(intent: &Intent) -> Result<Vec<u32>, Refusal> {
    let refused = |asked| {
        let instead = "ask for --weights 10,50,100, which moves the traffic between its task sets";
        Err(needs_ecs(asked, "EXTERNAL", instead))
    };
    match intent.strategy {
        StrategyAsked::Auto | StrategyAsked::TaskSets => Ok(intent.weights.steps().to_vec()),
        StrategyAsked::BlueGreen => Ok(vec![100]),
        StrategyAsked::Canary(CanarySize::Percent(percent)) => Ok(up_to_all([whole(percent)])),
        StrategyAsked::Linear(step) => {
            let step = whole(step);
            Ok(up_to_all((1..=100 / step).map(|times| times * step)))
        }
        StrategyAsked::Canary(CanarySize::Tasks(_)) => refused("a canary of single tasks"),
        StrategyAsked::Rolling => refused("a rolling deployment"),
        StrategyAsked::CodeDeploy => refused("a deployment by CodeDeploy"),
    }
}

fn whole(percent: f64) -> u32 {
    (percent.round() as u32).clamp(1, 100)
}

fn up_to_all(rising: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let partial = rising.into_iter().filter(|step| *step < 100);
    partial.chain([100]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(strategy: StrategyAsked, weights: &str, expected: Option<&[u32]>) {
        let intent = Intent {
            strategy,
            weights: weights.parse().expect(weights),
            ..Intent::default()
        };
        let found = steps(&intent).ok();
        assert_eq!(found.as_deref(), expected, "{strategy:?} {weights}");
    }

    #[test]
    fn weights_are_kept_to_and_other_strategies_come_to_weights() {
        use StrategyAsked::{Auto, BlueGreen, Canary, Linear, Rolling, TaskSets};
        check(Auto, "5,50", Some(&[5, 50, 100]));
        check(TaskSets, "100", Some(&[100]));
        check(BlueGreen, "5,100", Some(&[100]));
        check(Canary(CanarySize::Percent(10.0)), "100", Some(&[10, 100]));
        check(Canary(CanarySize::Percent(0.1)), "100", Some(&[1, 100]));
        check(Linear(40.0), "100", Some(&[40, 80, 100]));
        check(Linear(50.0), "100", Some(&[50, 100]));
        check(Canary(CanarySize::Tasks(1)), "100", None);
        check(Rolling, "100", None);
    }
}
