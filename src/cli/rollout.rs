//! `ecsdeploy rollout`: plan, register, deploy, follow to the verdict.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::args::{DocumentArgs, Output, PinArgs, ServiceArgs, WorldArgs};
use super::diff::learn;
use super::document::Setting;
use super::failure::{Exit, Failure, judge};
use super::rules::Rules;
use super::world::World;
use super::{plan, stdout};
use crate::core::plan::Plan;
use crate::core::proposal::Proposal;
use crate::core::report::{Entry, Outcome, Report};
use crate::core::rollout::State;
use crate::engine::{Driven, compare, drive};
use crate::ports::{Audience, Clock as _};
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
