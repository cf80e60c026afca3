//! Members of a `rollout` block that say nothing to the strategy which the same block names, or which an environment's
//! block lies over.
//!
//! **Invariant:** only what is heard nowhere is refused. A service's block without a strategy, or whose strategy an
//! environment changes, may hold what that environment needs.

use super::code_deploy::CodeDeployConfig;
use super::gate_shape::StepList;
use super::shape::{Config, RolloutConfig, StrategyName};
use crate::core::service::Share;
use crate::text::complaint::Complaint;
use crate::text::yaml;

use StrategyName::{Auto, BlueGreen, Canary, CodeDeploy, Linear, Rolling, TaskSets};

impl Config {
    pub(super) fn check_strategies(&self, name: &str, text: &str) -> Result<(), Complaint> {
        for (service, config) in &self.services {
            let overs = self.environments.values();
            let mut overs = overs.filter_map(|environment| environment.services.get(service));
            if overs.all(|over| over.rollout.strategy.is_none()) {
                let path = ["services", service];
                check(name, text, &path, &config.rollout, config.rollout.strategy)?;
            }
        }
        for (environment, block) in &self.environments {
            for (service, config) in &block.services {
                let path = ["environments", environment, "services", service];
                let base = self.services.get(service);
                let strategy = config.rollout.strategy;
                let strategy = strategy.or_else(|| base?.rollout.strategy);
                check(name, text, &path, &config.rollout, strategy)?;
            }
        }
        Ok(())
    }
}

fn check(
    name: &str,
    text: &str,
    path: &[&str],
    block: &RolloutConfig,
    strategy: Option<StrategyName>,
) -> Result<(), Complaint> {
    let Some(strategy) = strategy else {
        return Ok(());
    };
    let said = members(block);
    let mut unheard = said
        .into_iter()
        .filter(|(_, said, to)| *said && !to.contains(&strategy));
    let Some((member, _, to)) = unheard.next() else {
        return Ok(());
    };
    let complaint = Complaint::new(format!(
        "`{member}` does not go with strategy `{}`",
        word(strategy)
    ))
    .hint(format!(
        "it goes with {}",
        to.iter().copied().map(word).collect::<Vec<_>>().join(", ")
    ));
    let path: Vec<&str> = path.iter().copied().chain(["rollout", member]).collect();
    let place = yaml::place_of(name, text, &path);
    Err(place.into_iter().fold(complaint, Complaint::at))
}

type Member = (&'static str, bool, &'static [StrategyName]);

/// What may be said, whether it is, and the strategies that it says something to.
fn members(block: &RolloutConfig) -> [Member; 7] {
    // Services of the EXTERNAL controller do a blue/green, canary or linear shift between task sets.
    const SETS: &[StrategyName] = &[Auto, TaskSets, BlueGreen, Canary, Linear];
    let is_partial = |share| matches!(share, Share::Traffic(percent) if percent < 100.0);
    let steps = block.steps.as_ref();
    let in_part =
        steps.is_some_and(|StepList(steps)| steps.iter().any(|step| is_partial(step.share)));
    [
        ("canary", block.canary.is_some(), &[Auto, Canary]),
        ("weights", block.weights.is_some(), &[Auto, TaskSets]),
        ("rule", block.rule.is_some(), SETS),
        ("test_rule", block.test_rule.is_some(), SETS),
        ("drain", block.drain.is_some(), SETS),
        (
            "codedeploy",
            block.codedeploy != CodeDeployConfig::default(),
            &[Auto, CodeDeploy],
        ),
        (
            "steps",
            in_part,
            &[Auto, BlueGreen, Canary, Linear, TaskSets, CodeDeploy],
        ),
    ]
}

fn word(strategy: StrategyName) -> &'static str {
    match strategy {
        Auto => "auto",
        Rolling => "rolling",
        BlueGreen => "blue_green",
        Canary => "canary",
        Linear => "linear",
        TaskSets => "task_sets",
        CodeDeploy => "code_deploy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_block_s_own_strategy_leaves_unheard_is_refused_at_its_place() {
        let check = |rollout: &str, environment: &str, expect: Option<&str>| {
            let text = format!(
                "services:\n  web:\n    rollout: {{ {rollout} }}\nenvironments:\n  staging:\n    services:\n      \
                 web:\n        rollout: {{ {environment} }}\n"
            );
            let found = Config::parse("ecsdeploy.yml", &text).err();
            let found = found.map(|complaint| complaint.to_string());
            assert_eq!(found.as_deref(), expect, "{text}");
        };
        let canary = "ecsdeploy.yml:3:35: `canary` does not go with strategy `rolling`";
        check("strategy: rolling, canary: 1", "", Some(canary));
        check("strategy: rolling, canary: 1", "strategy: canary", None);
        check("canary: 1", "strategy: rolling", None);
        let canary = "ecsdeploy.yml:8:20: `canary` does not go with strategy `rolling`";
        check("strategy: rolling", "canary: 1", Some(canary));
        check("", "canary: 1", None);
        check("strategy: auto, canary: 1, drain: 1m", "", None);
        check("strategy: linear, drain: 1m", "", None);
        let steps = "ecsdeploy.yml:8:39: `steps` does not go with strategy `rolling`";
        check(
            "",
            "strategy: rolling, steps: [{ traffic: 10 }]",
            Some(steps),
        );
        check(
            "strategy: rolling, steps: [{ traffic: 100, gates: [] }]",
            "",
            None,
        );
    }
}
