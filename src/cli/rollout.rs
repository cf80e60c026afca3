//! `ecsdeploy rollout`: plan, register, deploy, follow to the verdict.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::args::Output;
use super::diff::learn;
use super::failure::{Exit, Failure, judge};
use super::forge::{ForgeArgs, Reached};
use super::interrupted::{interrupted, left_off};
use super::journal::{CancelArgs, JournalArgs};
use super::owner::owner;
use super::release::ReleaseArgs;
use super::rules::Rules;
use super::status::show_stranded;
use super::teller::{Scene, Teller, told};
use super::world::World;
use super::{plan, stdout};
use crate::core::plan::Plan;
use crate::core::proposal::Proposal;
use crate::core::report::{Outcome, Report};
use crate::core::rollout::State;
use crate::core::service::Detach;
use crate::engine::{
    Eyes, Means, Ran, Request, Unawaited, compare, left_by_others, propose_over, roll_out,
};
use crate::ports::Journal;
use crate::text;

/// Roll the service out to the task definition and wait for the verdict
///
/// Resolves image tags to digests, registers a revision if it differs, updates the service once, and follows the deployment that this starts until it serves, fails or is rolled back. Without a task definition file, the running one is taken with the overrides applied.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    release: ReleaseArgs,
    #[command(flatten)]
    rules: Rules,
    /// Do exactly what `ecsdeploy plan --out FILE` wrote, or refuse if the inputs or the service are not what they were
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// End as soon as AWS's own engine has the deployment, before it is known whether it serves: finish leaves it to ECS or CodeDeploy (no gates are asked, no pauses set); hold keeps the pauses of a native shift, at which ECS rolls back unless the same command is run again in time. The same command, or ecsdeploy watch, attaches
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "finish")]
    detach: Option<DetachArg>,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    cancel: CancelArgs,
    #[command(flatten)]
    forge: ForgeArgs,
    /// What to print on stdout; progress goes to stderr
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DetachArg {
    Finish,
    Hold,
}

impl Args {
    fn detach(&self) -> Detach {
        match self.detach {
            None => Detach::No,
            Some(DetachArg::Finish) => Detach::Finish,
            Some(DetachArg::Hold) => Detach::Hold,
        }
    }
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = args.release.setting()?;
    let planned = args.plan.as_deref().map(plan::read).transpose()?;
    let mut request = args.release.request(&setting, &args.rules)?;
    request.intent.detach = args.detach();
    for finding in args.release.unread(&setting)? {
        stdout::note(&format!("{}\n", text::plan::finding(&finding)));
    }
    let posting = args.forge.open(setting.environment()).await?;
    let world = args.release.world(&setting).await?;
    let scene = Scene::of(&request.target, &setting, &world, "rolling out");
    let mut teller = Teller::new(scene, args.output);
    let config = setting.config.as_ref();
    let eyes = Eyes {
        cloud: &world.aws,
        prober: &world.prober,
        people: &Reached(posting.as_ref()),
    };
    let means = Means {
        cloud: &eyes,
        clock: &world.clock,
        journal: &args.journal.open(config, &setting.directory, &world.config),
        owner: owner(),
        on_cancel: args.cancel.settle(config),
        wish: None,
    };
    let work = async |teller: &mut Teller| {
        if let Some(planned) = planned {
            Box::pin(hold_to(&planned, request.clone(), &world, means.journal)).await?;
        }
        Ok(Box::pin(roll_out(request, &means, teller)).await?)
    };
    let ran = Box::pin(told(work, &mut teller, posting.as_ref(), &world.clock)).await?;
    show_stranded(&ran, &world, means.journal).await;
    world.note_calls();
    conclude(ran, &teller)
}

/// Refuses unless what would be done now is what was planned.
async fn hold_to(
    planned: &Proposal,
    request: Request,
    world: &World,
    journal: &impl Journal,
) -> Result<(), Failure> {
    let asked = request.wanted.clone();
    let looked = compare(&request.target, asked, request.pinning, &world.aws);
    let (wanted, mut survey) = looked.await?;
    learn(&wanted, &survey);
    let left = left_by_others(&request, &wanted, &survey, journal).await;
    let work = left.as_ref().and_then(|(record, _)| record.unfinished());
    let plan = propose_over(&request, &wanted, work, &mut survey, &world.aws).await?;
    let proposal = Proposal::of(&plan, &wanted, &survey, &stdout::redactor());
    plan::hold(planned, &proposal)
}

/// The verdict as data, as words and as an exit code.
pub fn conclude(ran: Ran, teller: &Teller) -> Result<(), Failure> {
    match ran {
        Ran::Ended { plan, outcome } => {
            if teller.output() == Output::Json {
                stdout::data(&summary(&plan, &outcome, teller.report()))?;
            }
            judge(&outcome)
        }
        Ran::HandedOver { plan, state } => {
            if teller.output() == Output::Json {
                stdout::data(&handed_over(&plan, &state, teller.report()))?;
            }
            Ok(())
        }
        Ran::Interrupted { stood } => {
            let stood = stood.as_ref().map(|(plan, state)| (&**plan, &**state));
            Err(interrupted(stood))
        }
        Ran::LeftOff { plan, state, cause } => Err(left_off(&plan, &state, &cause)),
        Ran::Underway { stands, why } => Err(unawaited(&stands, why)),
        Ran::Held { owner, since } => Err(Failure::new(
            Exit::Contested,
            format!("another rollout has the service since {since:.0}"),
        )
        .cause(owner)
        .hint("ecsdeploy watch follows it, ecsdeploy abort tells it to roll back")
        .hint("--supersede takes over deployments that no run drives, never a living run's")),
    }
}

fn unawaited(stands: &str, why: Unawaited) -> Failure {
    let (headline, hint) = match why {
        Unawaited::TimeIsOver => (
            "it is still under way, and the time to wait for it is over",
            "ecsdeploy watch follows it further; --timeout says for how long",
        ),
        Unawaited::ToldToStop => ("interrupted", "ecsdeploy watch follows it further"),
    };
    Failure::new(Exit::Interrupted, headline)
        .cause(stands)
        .hint(hint)
        .hint("ecsdeploy status shows where it stands")
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

fn handed_over(plan: &Plan, state: &State, report: &Report) -> String {
    let summary = json!({
        "service": plan.target,
        "plan": plan.digest(),
        "outcome": "handed_over",
        "deployment": state.deployment,
        "taskDefinition": state.revision,
        "taskDefinitionBefore": plan.before.task_definition,
        "seconds": report.seconds(),
        "events": report.entries,
    });
    format!("{summary:#}\n")
}
