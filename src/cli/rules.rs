//! How a rollout is to go: the options that `rollout` and `plan` share, laid over ecsdeploy.yml.

use std::time::Duration;

use clap::ValueEnum;

use super::args;
use crate::core::id::RuleArn;
use crate::core::service::{
    CanarySize, Contest, FailedTasks, Intent, Limits, OnFailure, Redeploy, Share, Step,
    StrategyAsked,
};
use crate::text::config::{OnFailure as OnFailureConfig, Resolved};

/// How this rollout is to go; each overrides ecsdeploy.yml.
#[derive(clap::Args, Debug)]
pub struct Rules {
    /// Give up when the revision does not serve within this time: 90s, 15m, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    timeout: Option<Duration>,
    /// Fail when so many tasks of the new deployment have failed; 0 leaves it to ECS
    #[arg(long, value_name = "N")]
    max_failed_tasks: Option<u32>,
    /// What to do with a deployment that failed
    #[arg(long, value_enum)]
    on_failure: Option<OnFailureArg>,
    /// How the new revision comes to serve; by default what the service is set up for
    #[arg(long, value_enum)]
    strategy: Option<StrategyArg>,
    /// Canary first: a number of tasks, or a percentage
    #[arg(long, value_name = "N|N%", value_parser = canary_size)]
    canary: Option<CanarySize>,
    /// Task sets: percent of production traffic, step by step
    #[arg(long, value_name = "N,N,…", value_delimiter = ',')]
    weights: Vec<u32>,
    /// Task sets: the listener rule of the production traffic, where the target groups do not tell it
    #[arg(long, value_name = "ARN")]
    rule: Option<String>,
    /// Task sets: the listener rule of the test traffic
    #[arg(long, value_name = "ARN")]
    test_rule: Option<String>,
    /// Task sets: how long the side without traffic is kept
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    drain: Option<Duration>,
    /// How long a canary, or each step, must run well before the rollout goes on
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    bake: Option<Duration>,
    /// Set the desired count too; by default it is never sent
    #[arg(long, value_name = "N")]
    desired_count: Option<u32>,
    /// Deploy even if the service runs this task definition already
    #[arg(long)]
    force_new_deployment: bool,
    /// Take over from a running deployment that this command did not start
    #[arg(long)]
    supersede: bool,
}

/// ECS's own defaults: `canaryConfiguration.canaryPercent` and `linearConfiguration.stepPercent`.
const DEFAULT_CANARY: CanarySize = CanarySize::Percent(5.0);
const DEFAULT_LINEAR_STEP: f64 = 10.0;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnFailureArg {
    Rollback,
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StrategyArg {
    Auto,
    Rolling,
    BlueGreen,
    Canary,
    Linear,
}

fn canary_size(text: &str) -> Result<CanarySize, String> {
    let allowed = || "a number of tasks (1) or a percentage (10%) is allowed".to_owned();
    match text.strip_suffix('%') {
        Some(percent) => match percent.parse::<f64>() {
            Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(CanarySize::Percent(percent)),
            _ => Err(allowed()),
        },
        None => match text.parse::<u32>() {
            Ok(tasks) if tasks > 0 => Ok(CanarySize::Tasks(tasks)),
            _ => Err(allowed()),
        },
    }
}

impl Rules {
    /// The options, else what the configured steps begin with: tasks beside the service are a canary.
    fn strategy(&self, steps: &[Step]) -> StrategyAsked {
        let beside = steps.iter().find_map(|step| match step.share {
            Share::Tasks(size) => Some(size),
            Share::Traffic(_) => None,
        });
        match (self.strategy, self.canary.or(beside)) {
            (None | Some(StrategyArg::Auto | StrategyArg::Canary), Some(size)) => {
                StrategyAsked::Canary(size)
            }
            (Some(StrategyArg::Canary), None) => StrategyAsked::Canary(DEFAULT_CANARY),
            (Some(StrategyArg::Linear), _) => StrategyAsked::Linear(DEFAULT_LINEAR_STEP),
            (Some(StrategyArg::BlueGreen), _) => StrategyAsked::BlueGreen,
            (Some(StrategyArg::Rolling), _) => StrategyAsked::Rolling,
            (None | Some(StrategyArg::Auto), None) => StrategyAsked::Auto,
        }
    }

    /// The option, over the shares of traffic of the configured steps, over the default.
    fn weights(&self, steps: &[Step], rest: Vec<u32>) -> Vec<u32> {
        let configured: Vec<u32> = steps
            .iter()
            .filter_map(|step| match step.share {
                Share::Traffic(percent) => Some(percent.ceil() as u32),
                Share::Tasks(_) => None,
            })
            .collect();
        match (self.weights.as_slice(), configured.as_slice()) {
            ([], []) => rest,
            ([], _) => configured,
            (asked, _) => asked.to_vec(),
        }
    }

    /// The options, over the configuration, over the defaults.
    pub fn intent(&self, config: Option<&Resolved>) -> Intent {
        let config = config.map(|config| &config.rollout);
        let defaults = Limits::default();
        let rest = Intent::default();
        let steps = config.map_or(&[][..], |c| &c.steps);
        let hold = self.bake.or(config.and_then(|c| c.bake));
        let timeout = self
            .timeout
            .or(config.map(|c| c.timeout))
            .unwrap_or(defaults.timeout);
        let failed_tasks = self
            .max_failed_tasks
            .or(config.and_then(|c| c.max_failed_tasks));
        let leave = match (self.on_failure, config.map(|c| c.on_failure)) {
            (Some(asked), _) => matches!(asked, OnFailureArg::Leave),
            (None, configured) => configured == Some(OnFailureConfig::Leave),
        };
        Intent {
            limits: Limits {
                timeout,
                undo_timeout: timeout.max(Duration::from_mins(10)),
                failed_tasks: match failed_tasks {
                    None => FailedTasks::Automatic,
                    Some(0) => FailedTasks::LeaveToEcs,
                    Some(limit) => FailedTasks::After(limit),
                },
                ..defaults
            },
            on_failure: if leave {
                OnFailure::Leave
            } else {
                OnFailure::RollBack
            },
            redeploy: if self.force_new_deployment {
                Redeploy::Always
            } else {
                Redeploy::WhenChanged
            },
            contest: if self.supersede {
                Contest::Supersede
            } else {
                Contest::Refuse
            },
            desired_count: self.desired_count,
            strategy: self.strategy(steps),
            bake: hold.unwrap_or(rest.bake),
            hold,
            weights: self.weights(steps, rest.weights),
            gates: config.and_then(|c| c.gates.clone()),
            steps: if self.weights.is_empty() {
                steps.to_vec()
            } else {
                Vec::new()
            },
            rule: self.rule.as_ref().map(RuleArn::new),
            test_rule: self.test_rule.as_ref().map(RuleArn::new),
            drain: self.drain.unwrap_or(rest.drain),
            ..rest
        }
    }
}
