//! `ecsdeploy rollout`: plan, register, deploy, follow to the verdict.

use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{self, DocumentArgs, Output, PinArgs, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::{Exit, Failure, judge};
use super::journal::{CancelArgs, JournalArgs};
use super::owner::owner;
use super::stdout;
use super::world::World;
use crate::core::plan::Plan;
use crate::core::report::{Entry, Outcome, Report};
use crate::core::rollout::{Phase, State};
use crate::core::service::{Contest, FailedTasks, Intent, Limits, OnFailure, Redeploy};
use crate::core::taskdef::TaskDefinition;
use crate::engine::{Means, Ran, Request, roll_out};
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
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    cancel: CancelArgs,
    /// What to print on stdout; progress goes to stderr
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// How this rollout is to go; each overrides ecsdeploy.yml.
#[derive(clap::Args, Debug)]
struct Rules {
    /// Give up when the revision does not serve within this time: 90s, 15m, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    timeout: Option<Duration>,
    /// Fail when so many tasks of the new deployment have failed; 0 leaves it to ECS
    #[arg(long, value_name = "N")]
    max_failed_tasks: Option<u32>,
    /// What to do with a deployment that failed
    #[arg(long, value_enum)]
    on_failure: Option<OnFailureArg>,
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

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let target = setting.target(&args.service.path)?;
    let request = Request {
        target,
        wanted: setting.wanted(&args.document)?,
        pinning: setting.pinning(&args.pin),
        intent: args.rules.intent(setting.config.as_ref()),
    };
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let head = format!("rolling out      {} ({})\n", request.target, world.place());
    let mut teller = Teller::new(world.clock.now(), args.output, head);
    let config = setting.config.as_ref();
    let means = Means {
        cloud: &world.aws,
        clock: &world.clock,
        journal: &args.journal.open(config, &setting.directory, &world.config),
        owner: owner(),
        on_cancel: args.cancel.settle(config),
        wish: None,
    };
    let ran = roll_out(request, &means, &mut teller).await?;
    world.note_calls();
    conclude(ran, &teller)
}

/// The verdict as data, as words and as an exit code.
pub fn conclude(ran: Ran, teller: &Teller) -> Result<(), Failure> {
    match ran {
        Ran::Ended { plan, outcome } => {
            if teller.output == Output::Json {
                stdout::data(&summary(&plan, &outcome, &teller.report))?;
            }
            judge(&outcome)
        }
        Ran::Interrupted { state } => Err(interrupted(state.as_deref())),
        Ran::Held { owner, since } => Err(Failure::new(
            Exit::Contested,
            format!("another rollout has the service since {since:.0}"),
        )
        .cause(owner)
        .hint("ecsdeploy watch follows it, ecsdeploy abort tells it to roll back")),
    }
}

impl Rules {
    /// The options, over the configuration, over the defaults.
    fn intent(&self, config: Option<&Resolved>) -> Intent {
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
            ..Intent::default()
        }
    }
}

/// Tells the terminal, keeps the report, and writes lines of JSON when asked.
pub struct Teller {
    since: Timestamp,
    output: Output,
    report: Report,
    /// What is said before the first event; an error before that stands alone.
    head: String,
}

impl Teller {
    pub fn new(since: Timestamp, output: Output, head: String) -> Self {
        let report = Report::new();
        Self {
            since,
            output,
            report,
            head,
        }
    }
}

impl Audience for Teller {
    fn hear(&mut self, entry: &Entry) {
        stdout::note(&std::mem::take(&mut self.head));
        stdout::note(&terminal::entry(entry, self.since));
        if self.output == Output::Jsonl {
            let line = serde_json::to_string(entry).expect("an entry is JSON");
            // A closed stdout must not end a rollout; the verdict still goes to stderr and the exit code.
            let _ = stdout::data(&format!("{line}\n"));
        }
        self.report.record(entry.at, entry.event.clone());
    }

    fn learn(&mut self, document: &TaskDefinition) {
        stdout::learn_document(&document.to_value());
    }
}

fn summary(plan: &Plan, outcome: &Outcome, report: &Report) -> String {
    let mut summary = json!({
        "service": plan.target,
        "plan": plan.digest(),
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

fn interrupted(state: Option<&State>) -> Failure {
    let failure = Failure::new(Exit::Interrupted, "interrupted");
    let Some(state) = state.filter(|state| state.outcome().is_none()) else {
        return failure.cause("the service was not changed");
    };
    match (&state.deployment, &state.phase) {
        (_, Phase::Undo { .. }) => failure.cause("going back has begun, and ECS goes on with it"),
        (Some(deployment), _) => failure.cause(format!("ECS goes on with deployment {deployment}")),
        (None, _) if state.ordered.is_some() => {
            failure.cause("the deployment was ordered, and ECS goes on with it")
        }
        (None, _) => failure.cause("the service was not changed"),
    }
    .hint("the same command takes it up again; nothing is registered or deployed twice")
    .hint("ecsdeploy watch tells how it ends; ecsdeploy rollback turns it back")
}
