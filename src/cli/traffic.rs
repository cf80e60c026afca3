//! How the new revision comes to serve: strategy, steps, listener rules, CodeDeploy's names; options over ecsdeploy.yml.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value;

use super::args;
use super::document::Setting;
use super::failure::Failure;
use super::input;
use crate::core::id::RuleArn;
use crate::core::said::{Hearer, Said};
use crate::core::service::{CanarySize, CodeDeployAsked, Intent, Share, Step, StrategyAsked};
use crate::core::weights::Weights;
use crate::text::config::{CanaryTasks, Rollout, StrategyName};
use crate::text::document::{parse_json, parse_yaml};

/// Each overrides ecsdeploy.yml.
#[derive(clap::Args, Debug)]
pub struct TrafficArgs {
    /// How the new revision comes to serve; by default what the service is set up for
    #[arg(long, value_enum)]
    strategy: Option<StrategyArg>,
    /// Canary first: a number of tasks, or a percentage
    #[arg(long, value_name = "N|N%")]
    canary: Option<CanaryTasks>,
    /// Task sets: percent of production traffic, step by step: rising, a last 100 understood
    #[arg(long, value_name = "N,N,…", conflicts_with = "canary")]
    weights: Option<Weights>,
    /// Task sets: the listener rule of the production traffic, where the target groups do not tell it
    #[arg(long, value_name = "ARN")]
    rule: Option<String>,
    /// Task sets: the listener rule of the test traffic
    #[arg(long, value_name = "ARN")]
    test_rule: Option<String>,
    /// Task sets: how long the side without traffic is kept at most
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    drain: Option<Duration>,
    /// CodeDeploy: the application; by default found, or AppECS-CLUSTER-SERVICE
    #[arg(long, value_name = "NAME")]
    codedeploy_application: Option<String>,
    /// CodeDeploy: the deployment group; by default found, or DgpECS-CLUSTER-SERVICE
    #[arg(long, value_name = "NAME")]
    codedeploy_deployment_group: Option<String>,
    /// CodeDeploy: the deployment configuration of this deployment; by default the group's own
    #[arg(long, value_name = "NAME")]
    codedeploy_deployment_config: Option<String>,
    /// CodeDeploy: an AppSpec (.json, .yaml, .yml) whose task definition is replaced; by default one is made of the service
    #[arg(long, value_name = "FILE")]
    codedeploy_appspec: Option<PathBuf>,
}

/// ECS's own defaults: `canaryConfiguration.canaryPercent` and `linearConfiguration.stepPercent`.
const DEFAULT_CANARY: CanarySize = CanarySize::Percent(5.0);
const DEFAULT_LINEAR_STEP: f64 = 10.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StrategyArg {
    Auto,
    Rolling,
    BlueGreen,
    Canary,
    Linear,
    TaskSets,
    CodeDeploy,
}

/// What it comes to.
pub struct Traffic {
    pub strategy: StrategyAsked,
    pub weights: Weights,
    pub steps: Vec<Step>,
    pub rule: Option<RuleArn>,
    pub test_rule: Option<RuleArn>,
    pub drain: Duration,
    pub said: Vec<Said>,
}

impl TrafficArgs {
    /// What was asked for; options that contradict each other are refused here, and what the service makes of the rest
    /// is the plan's to say.
    pub fn settle(&self, config: &Rollout) -> Result<Traffic, Failure> {
        let rest = Intent::default();
        self.check_named()?;
        let arn = |asked: &Option<String>, configured: &Option<String>| {
            let arn = asked.as_ref().or(configured.as_ref());
            arn.map(RuleArn::new)
        };
        Ok(Traffic {
            strategy: self.strategy(config),
            weights: self.weights(config),
            steps: match self.weights {
                Some(_) => Vec::new(),
                None => config.steps.clone(),
            },
            rule: arn(&self.rule, &config.rule),
            test_rule: arn(&self.test_rule, &config.test_rule),
            drain: self.drain.or(config.drain).unwrap_or(rest.drain),
            said: self.said().collect(),
        })
    }

    /// The options that only one kind of strategy hears.
    fn said(&self) -> impl Iterator<Item = Said> {
        let (sets, code_deploy) = (Hearer::TaskSets, Hearer::CodeDeploy);
        let options = [
            ("--weights", self.weights.is_some(), sets),
            ("--rule", self.rule.is_some(), sets),
            ("--test-rule", self.test_rule.is_some(), sets),
            ("--drain", self.drain.is_some(), sets),
            (
                "--codedeploy-application",
                self.codedeploy_application.is_some(),
                code_deploy,
            ),
            (
                "--codedeploy-deployment-group",
                self.codedeploy_deployment_group.is_some(),
                code_deploy,
            ),
            (
                "--codedeploy-deployment-config",
                self.codedeploy_deployment_config.is_some(),
                code_deploy,
            ),
            (
                "--codedeploy-appspec",
                self.codedeploy_appspec.is_some(),
                code_deploy,
            ),
        ];
        let given = options.into_iter().filter(|(_, given, _)| *given);
        given.map(|(option, _, to)| Said { option, to })
    }

    /// Refuses options beside a named strategy that leaves them unheard, whatever the service is.
    fn check_named(&self) -> Result<(), Failure> {
        use StrategyArg::{Auto, BlueGreen, Canary, CodeDeploy, Linear, TaskSets};
        let Some(named) = self.strategy else {
            return Ok(());
        };
        let beside = |option: &'static str, goes: &[StrategyArg]| {
            (!goes.contains(&named)).then_some((option, goes.to_vec()))
        };
        let of_sets = self.said().map(|said| match (said.option, said.to) {
            ("--weights", _) => beside(said.option, &[Auto, TaskSets]),
            // A blue/green, canary or linear shift of an EXTERNAL service is one between task sets.
            (_, Hearer::TaskSets) => {
                beside(said.option, &[Auto, TaskSets, BlueGreen, Canary, Linear])
            }
            (_, Hearer::CodeDeploy) => beside(said.option, &[Auto, CodeDeploy]),
        });
        let canary = self.canary.map(|_| beside("--canary", &[Auto, Canary]));
        let Some((option, goes)) = canary.into_iter().chain(of_sets).flatten().next() else {
            return Ok(());
        };
        let name = |strategy: &StrategyArg| {
            let value = strategy.to_possible_value();
            value.expect("no strategy is hidden").get_name().to_owned()
        };
        let goes: Vec<String> = goes.iter().map(name).collect();
        Err(Failure::usage(format!(
            "{option} does not go with --strategy {}",
            name(&named)
        ))
        .hint(format!(
            "it goes with --strategy {}, or without one",
            goes.join(", ")
        )))
    }

    /// An option `--canary` asks for a canary, and `--weights` for task sets, whatever the configuration says; without one, steps that begin with tasks
    /// beside the service do.
    fn strategy(&self, config: &Rollout) -> StrategyAsked {
        let beside = config.steps.iter().find_map(|step| match step.share {
            Share::Tasks(size) => Some(size),
            Share::Traffic(_) => None,
        });
        let asked = self.canary.map(|CanaryTasks(size)| size);
        let size = asked.or(config.canary).or(beside);
        let named = match (self.strategy, asked) {
            (Some(named), _) => named,
            (None, Some(_)) => StrategyArg::Canary,
            (None, None) if self.weights.is_some() => StrategyArg::TaskSets,
            (None, None) => config.strategy.into(),
        };
        let weighted = self.weights.is_some() || config.weights.is_some();
        match (named, size) {
            (StrategyArg::Auto | StrategyArg::Canary, Some(size)) => StrategyAsked::Canary(size),
            (StrategyArg::Canary, None) => StrategyAsked::Canary(DEFAULT_CANARY),
            (StrategyArg::Linear, _) => StrategyAsked::Linear(DEFAULT_LINEAR_STEP),
            (StrategyArg::BlueGreen, _) => StrategyAsked::BlueGreen,
            (StrategyArg::Rolling, _) => StrategyAsked::Rolling,
            (StrategyArg::TaskSets, _) => StrategyAsked::TaskSets,
            (StrategyArg::CodeDeploy, _) => StrategyAsked::CodeDeploy,
            // Weights are asked for to be kept to: a service that cannot is not to be rolled out in some other way.
            (StrategyArg::Auto, None) if weighted => StrategyAsked::TaskSets,
            (StrategyArg::Auto, None) => StrategyAsked::Auto,
        }
    }

    /// The option, over the shares of traffic of the configured steps, over the configured weights, over the default.
    fn weights(&self, config: &Rollout) -> Weights {
        let of_steps = of_steps(&config.steps);
        let layers = [&self.weights, &of_steps, &config.weights];
        let said = layers.into_iter().flatten().next();
        said.cloned().unwrap_or_default()
    }

    /// A file in the configuration is relative to the configuration; one in the option to where it is typed.
    pub fn code_deploy(&self, setting: &Setting) -> Result<CodeDeployAsked, Failure> {
        let config = setting
            .config
            .as_ref()
            .map(|c| c.rollout.codedeploy.clone());
        let config = config.unwrap_or_default();
        let configured = config.appspec.map(|file| setting.directory.join(file));
        let file = self.codedeploy_appspec.clone().or(configured);
        let appspec = file.as_deref().map(appspec).transpose()?;
        let or = |asked: &Option<String>, configured| asked.clone().or(configured);
        Ok(CodeDeployAsked {
            application: or(&self.codedeploy_application, config.application),
            group: or(&self.codedeploy_deployment_group, config.deployment_group),
            config: or(&self.codedeploy_deployment_config, config.deployment_config),
            appspec,
        })
    }
}

/// The shares of traffic, rounded up to whole percents.
fn of_steps(steps: &[Step]) -> Option<Weights> {
    let shares = steps.iter().filter_map(|step| match step.share {
        Share::Traffic(percent) if percent > 0.0 => Some(percent.ceil() as u32),
        Share::Traffic(_) | Share::Tasks(_) => None,
    });
    let mut shares: Vec<u32> = shares.collect();
    shares.dedup();
    let rising = "the configuration's steps rise, to 100 at most";
    (!shares.is_empty()).then(|| shares.try_into().expect(rising))
}

fn appspec(file: &std::path::Path) -> Result<Value, Failure> {
    let text = input::read(file)?;
    let name = file.display().to_string();
    let is_json = file.extension().is_some_and(|end| end == "json");
    let document = if is_json {
        parse_json(&name, &text)?
    } else {
        parse_yaml(&name, &text)?
    };
    Ok(document)
}

impl From<StrategyName> for StrategyArg {
    fn from(name: StrategyName) -> Self {
        match name {
            StrategyName::Auto => Self::Auto,
            StrategyName::Rolling => Self::Rolling,
            StrategyName::BlueGreen => Self::BlueGreen,
            StrategyName::Canary => Self::Canary,
            StrategyName::Linear => Self::Linear,
            StrategyName::TaskSets => Self::TaskSets,
            StrategyName::CodeDeploy => Self::CodeDeploy,
        }
    }
}
