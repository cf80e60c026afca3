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
        StrategyAsked::Auto | StrategyAsked::TaskSets => Ok(rising(intent.weights.iter().copied())),
        StrategyAsked::BlueGreen => Ok(vec![100]),
        StrategyAsked::Canary(CanarySize::Percent(percent)) => Ok(rising([whole(percent)])),
        StrategyAsked::Linear(step) => {
            let step = whole(step);
            Ok(rising((1..=100 / step).map(|times| times * step)))
        }
        StrategyAsked::Canary(CanarySize::Tasks(_)) => refused("a canary of single tasks"),
        StrategyAsked::Rolling => refused("a rolling deployment"),
        StrategyAsked::CodeDeploy => refused("a deployment by CodeDeploy"),
    }
}

fn whole(percent: f64) -> u32 {
    (percent.round() as u32).clamp(1, 100)
}

fn rising(asked: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let within = |step: &u32| (1..100).contains(step);
    let mut steps: Vec<u32> = asked.into_iter().filter(within).collect();
    steps.sort_unstable();
    steps.dedup();
    steps.push(100);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(strategy: StrategyAsked, weights: &[u32], expected: Option<&[u32]>) {
        let intent = Intent {
            strategy,
            weights: weights.to_vec(),
            ..Intent::default()
        };
        let found = steps(&intent).ok();
        assert_eq!(found.as_deref(), expected, "{strategy:?} {weights:?}");
    }

    #[test]
    fn weights_rise_to_100_and_other_strategies_come_to_weights() {
        use StrategyAsked::{Auto, BlueGreen, Canary, Linear, Rolling, TaskSets};
        check(Auto, &[50, 5, 50, 0, 100, 400], Some(&[5, 50, 100]));
        check(TaskSets, &[], Some(&[100]));
        check(BlueGreen, &[5, 100], Some(&[100]));
        check(Canary(CanarySize::Percent(10.0)), &[100], Some(&[10, 100]));
        check(Canary(CanarySize::Percent(0.1)), &[100], Some(&[1, 100]));
        check(Linear(40.0), &[100], Some(&[40, 80, 100]));
        check(Linear(50.0), &[100], Some(&[50, 100]));
        check(Canary(CanarySize::Tasks(1)), &[100], None);
        check(Rolling, &[100], None);
    }
}
