//! `ecsdeploy rollout`: plan, register, deploy, follow to the verdict.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{self, DocumentArgs, Output, PinArgs, ServiceArgs, WorldArgs};
use super::diff::learn;
use super::document::Setting;
use super::failure::{Exit, Failure, judge};
use super::world::World;
use super::{plan, stdout};
use crate::core::plan::Plan;
use crate::core::proposal::Proposal;
use crate::core::report::{Entry, Outcome, Report};
use crate::core::rollout::State;
use crate::core::service::{
    CanarySize, Contest, FailedTasks, Intent, Limits, OnFailure, Redeploy, StrategyAsked,
};
use crate::engine::{Driven, compare, drive};
use crate::ports::{Audience, Clock as _};
use crate::text::config::{OnFailure as OnFailureConfig, Resolved};
use crate::text::terminal;

/// Roll the service out to the task definition and wait for the verdict
///
/// Resolves image tags to digests, registers a revision if it differs, updates the service once, and follows the deployment that this starts until it serves, fails or is rolled back. Without a task definition file, the running one is taken with the overrides applied.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    document: DocumentArgs,
    #[command(flatten)]
    pin: PinArgs,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    rules: Rules,
    /// Do exactly what `ecsdeploy plan --out FILE` wrote, or refuse if the inputs or the service are not what they were
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// What to print on stdout; progress goes to stderr
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// How this rollout is to go; each overrides ecsdeploy.yml.
#[derive(clap::Args, Debug)]
pub(super) struct Rules {
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
    /// How long a canary must run well before the rollout goes on
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

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let target = setting.target(&args.service.path)?;
    let planned = args.plan.as_deref().map(plan::read).transpose()?;
    let wanted = setting.wanted(&args.document)?;
    let pinning = setting.pinning(&args.pin);
    let intent = args.rules.intent(setting.config.as_ref());
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let mut teller = Teller::new(world.clock.now(), args.output);
    let (wanted, survey) = compare(&target, wanted, pinning, &world.aws).await?;
    learn(&wanted, &survey);
    let plan = Plan::make(target, wanted.clone(), intent, &survey)?;
    let proposal = Proposal::of(&plan, &wanted, &survey, &stdout::redactor());
    if let Some(planned) = planned {
        plan::hold(&planned, &proposal)?;
    }
    stdout::note(&format!(
        "rolling out      {} ({})\n",
        plan.target,
        world.place()
    ));
    let driven = drive(&plan, &world.aws, &world.clock, &mut teller).await;
    world.note_calls();
    match driven {
        Driven::Ended(outcome) => {
            if args.output == Output::Json {
                stdout::data(&summary(&proposal, &outcome, &teller.report))?;
            }
            judge(&outcome)
        }
        Driven::Interrupted(state) => Err(interrupted(&state)),
    }
}

impl Rules {
    fn strategy(&self) -> StrategyAsked {
        match (self.strategy, self.canary) {
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

    /// The options, over the configuration, over the defaults.
    pub(super) fn intent(&self, config: Option<&Resolved>) -> Intent {
        let config = config.map(|config| &config.rollout);
        let defaults = Limits::default();
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
            strategy: self.strategy(),
            bake: self.bake.unwrap_or(Intent::default().bake),
            ..Intent::default()
        }
    }
}

/// Tells the terminal, keeps the report, and writes lines of JSON when asked.
struct Teller {
    since: Timestamp,
    output: Output,
    report: Report,
}

impl Teller {
    fn new(since: Timestamp, output: Output) -> Self {
        let report = Report::new();
        Self {
            since,
            output,
            report,
        }
    }
}

impl Audience for Teller {
    fn hear(&mut self, entry: &Entry) {
        stdout::note(&terminal::entry(entry, self.since));
        if self.output == Output::Jsonl {
            let line = serde_json::to_string(entry).expect("an entry is JSON");
            // A closed stdout must not end a rollout; the verdict still goes to stderr and the exit code.
            let _ = stdout::data(&format!("{line}\n"));
        }
        self.report.record(entry.at, entry.event.clone());
    }
}

fn summary(plan: &Proposal, outcome: &Outcome, report: &Report) -> String {
    let mut summary = json!({
        "service": plan.target,
        "plan": plan.name(),
        "taskDefinitionBefore": plan.before.task_definition,
        "seconds": report.seconds(),
        "events": report.entries,
    });
    if let (Some(summary), Ok(Value::Object(outcome))) =
        (summary.as_object_mut(), serde_json::to_value(outcome))
    {
        summary.extend(outcome);
    }
    format!("{summary:#}\n")
}

fn interrupted(state: &State) -> Failure {
    let failure = Failure::new(Exit::Interrupted, "interrupted");
    match &state.deployment {
        Some(deployment) => failure.cause(format!("ECS goes on with deployment {deployment}")),
        None => failure.cause("the service was not changed"),
    }
    .hint("the same command takes it up again; nothing is registered or deployed twice")
}
