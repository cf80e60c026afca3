//! How a rollout is to go: the options that `rollout` and `plan` share, laid over ecsdeploy.yml.

use std::time::Duration;

use clap::ValueEnum;

use super::args;
use super::document::Setting;
use super::failure::Failure;
use super::traffic::{Traffic, TrafficArgs};
use crate::core::service::{Contest, FailedTasks, Intent, Limits, OnFailure, Redeploy};
use crate::text::config::{OnFailure as OnFailureConfig, Rollout};

/// How this rollout is to go; each overrides ecsdeploy.yml.
#[derive(clap::Args, Debug)]
pub struct Rules {
    /// Give up when the revision does not serve within this time: 90s, 15m, 1h30m. The time that steps are held, by bake times, gates and people, is added to it
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    timeout: Option<Duration>,
    /// Fail when so many tasks of the new deployment have failed; 0 leaves it to ECS
    #[arg(long, value_name = "N")]
    max_failed_tasks: Option<u32>,
    /// What to do with a deployment that failed
    #[arg(long, value_enum)]
    on_failure: Option<OnFailureArg>,
    #[command(flatten)]
    traffic: TrafficArgs,
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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnFailureArg {
    Rollback,
    Leave,
}

impl Rules {
    /// The options, over the configuration, over the defaults.
    pub fn intent(&self, setting: &Setting) -> Result<Intent, Failure> {
        let config = setting.config.as_ref().map(|config| &config.rollout);
        let defaults = Limits::default();
        let rest = Intent::default();
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
        let usual = Rollout::default();
        let Traffic {
            strategy,
            weights,
            steps,
            rule,
            test_rule,
            drain,
            said,
        } = self.traffic.settle(config.unwrap_or(&usual))?;
        Ok(Intent {
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
            strategy,
            bake: hold.unwrap_or(rest.bake),
            hold,
            weights,
            gates: config.and_then(|c| c.gates.clone()),
            steps,
            rule,
            test_rule,
            drain,
            said,
            code_deploy: self.traffic.code_deploy(setting)?,
            ..rest
        })
    }
}
