//! `ecsdeploy plan`: what a rollout would do, as words and as an artifact that a rollout can be held to.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::diff::learn;
use super::document::Setting;
use super::failure::{Exit, Failure};
use super::forge::ForgeArgs;
use super::job::job;
use super::journal::JournalArgs;
use super::rehearse::Rehearsing;
use super::release::ReleaseArgs;
use super::rules::Rules;
use super::world::World;
use super::{forge, input, rehearse, stdout};
use crate::core::fate::Fate;
use crate::core::journal::Work;
use crate::core::plan::{Course, Plan, Refusal, Survey};
use crate::core::preflight::refuses;
use crate::core::proposal::{Proposal, VERSION};
use crate::core::service::{Contest, Intent, StrategyAsked};
use crate::core::taskdef::{Finding, Severity, TaskDefinition};
use crate::engine::{
    Pinning, Request, SurveyError, Wanted, admit, compare, left_by_others, propose_over,
};
use crate::ports::Clock as _;
use crate::text::ci::github::{Spot, Tone};
use crate::text::lines::line_of;
use crate::text::{self, markdown};

/// Show what a rollout would change, how and why, and what it would not
///
/// Looks, and changes nothing. With --out the plan becomes an artifact for `ecsdeploy rollout --plan FILE`: given the same inputs, that does exactly this plan, or refuses and says what moved. The artifact holds no secrets and no digest of one. A rollout is therefore held to everything but the exact value of a secret; whether each secret changes is part of the plan.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    release: ReleaseArgs,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    forge: ForgeArgs,
    #[command(flatten)]
    journal: JournalArgs,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Also write the plan to this file, for `rollout --plan`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Do not play the rollout on a copy of the service to foretell how long it takes; that reads the service's tasks and its load balancing
    #[arg(long)]
    no_rehearsal: bool,
    /// Exit with 3 if anything would change
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    /// As a comment on a pull request
    Markdown,
    Json,
}

pub async fn run(args: &Args) -> Result<Exit, Failure> {
    let setting = args.release.setting()?;
    let target = setting.target(&args.release.service.path)?;
    let posting = args.forge.open(setting.environment()).await?;
    let world = args.release.world(&setting).await?;
    let planned = Box::pin(made(args, &setting, &world));
    let planned = world.signals.attend(planned).await;
    let planned = match planned {
        None => return Err(Failure::stopped()),
        Some(Err(failure)) if failure.exit == Exit::Interrupted => return Err(failure),
        Some(planned) => planned,
    };
    let environment = setting.environment();
    let page = |limit| match &planned {
        Ok(proposal) => markdown::plan(proposal, environment, limit),
        Err(failure) => {
            let told = stdout::redactor().text(&failure.render());
            markdown::failed(&target, environment, &told, limit)
        }
    };
    job().summary(page);
    let marker = markdown::marker(&target.to_string(), environment);
    forge::comment(posting, &world.clock, marker, page).await;
    let proposal = planned?;
    tell(args, &setting, &proposal)?;
    refused(&proposal)?;
    Ok(if args.exit_code && proposal.course != Course::Nothing {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// What ends every rollout of the plan is a failure of it, whatever else it says.
fn refused(proposal: &Proposal) -> Result<(), Failure> {
    let is_error = |finding: &&Finding| finding.severity == Severity::Error;
    let errors: Vec<_> = proposal.findings.iter().filter(is_error).collect();
    if errors.is_empty() || proposal.course == Course::Nothing {
        return Ok(());
    }
    let failure = Failure::new(Exit::Failed, "the rollout would not succeed as things are");
    let failure = errors.iter().fold(failure, Failure::cause);
    Err(failure.hint("ecsdeploy rollout refuses it too, or AWS does; nothing was changed"))
}

impl Args {
    /// What would be refused, or change nothing, is not played.
    fn is_rehearsed(&self, proposal: &Proposal) -> bool {
        let is_played = proposal.course == Course::Deploy && !refuses(&proposal.findings);
        is_played && !self.no_rehearsal
    }
}

async fn made(args: &Args, setting: &Setting, world: &World) -> Result<Proposal, Failure> {
    let asked = args.release.request(setting, &args.rules)?;
    let looked = compare(&asked.target, asked.wanted, asked.pinning, &world.aws);
    let (wanted, mut survey) = looked.await?;
    learn(&wanted, &survey);
    let request = Request {
        wanted: Wanted::Document(wanted.clone()),
        pinning: Pinning::Keep,
        target: asked.target,
        intent: asked.intent,
    };
    let (config, folder) = (setting.config.as_ref(), &setting.directory);
    let journal = args.journal.open(config, folder, &world.config);
    let left = left_by_others(&request, &wanted, &survey, &journal).await;
    let work = left.as_ref().and_then(|(record, _)| record.unfinished());
    let looked = Box::pin(planned(&request, &wanted, work, &mut survey, world));
    let (plan, passed_over) = looked.await?;
    let mut proposal = Proposal::of(&plan, &wanted, &survey, &stdout::redactor());
    proposal.findings.extend(passed_over);
    proposal.findings.extend(args.release.unread(setting)?);
    let now = world.clock.now();
    proposal.on_record = left.and_then(|(record, fate)| Fate::told(&record, fate, now));
    if args.is_rehearsed(&proposal) {
        let stage = Rehearsing {
            seed: args.release.world.seed,
            signals: world.signals.clone(),
        };
        let played = rehearse::foretell(&request, &wanted, &survey, &world.aws, &stage);
        match Box::pin(played).await {
            Ok(expected) => proposal.expected = Some(expected),
            Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
            Err(failure) => stdout::note(&format!("not rehearsed    {}\n", failure.line())),
        }
    }
    Ok(proposal)
}

/// The plan. Of what a rollout is refused for, as far as something can be planned all the same: what would be done once
/// that is out of the way, with what it is.
async fn planned(
    request: &Request,
    wanted: &TaskDefinition,
    left: Option<&Work>,
    survey: &mut Survey,
    world: &World,
) -> Result<(Plan, Vec<Finding>), Failure> {
    let mut asked = request.clone();
    let mut first = None;
    let mut findings = Vec::new();
    let mut plan = loop {
        match propose_over(&asked, wanted, left, survey, &world.aws).await {
            Err(SurveyError::Refused(refusal)) => {
                let passed_over = pass_over(&refusal, &mut asked.intent);
                let first = &*first.get_or_insert(refusal);
                let Some(finding) = passed_over else {
                    return Err(first.clone().into());
                };
                findings.push(finding);
            }
            plan => break plan?,
        }
    };
    if plan.course == Course::Nothing {
        // All that there is to say is what stands in the way.
        first.map_or(Ok(()), |refusal| Err(Failure::from(refusal)))?;
        admit(&plan, wanted, survey)?;
    }
    plan.intent.contest = request.intent.contest;
    plan.intent.strategy = request.intent.strategy;
    Ok((plan, findings))
}

/// Asks for no more than what can be planned: after somebody else's deployment, for who runs one is a matter of the
/// moment; by the service's own strategy, where it cannot do what was asked for.
fn pass_over(refusal: &Refusal, intent: &mut Intent) -> Option<Finding> {
    match refusal {
        Refusal::Busy { .. } if intent.contest == Contest::Refuse => {
            intent.contest = Contest::Supersede;
            let message = format!("{refusal}: a rollout now is refused");
            let hint = "wait for it to end, or take the service over with --supersede";
            Some(Finding::warning("deployments", message).hint(hint))
        }
        Refusal::Strategy { change, .. } if intent.strategy != StrategyAsked::Auto => {
            intent.strategy = StrategyAsked::Auto;
            intent.said.clear();
            let message =
                format!("{refusal}; this plan is what the service's own strategy would do");
            Some(Finding::error("strategy", message).hint(change.join("\n")))
        }
        _ => None,
    }
}

/// The plan as a file, as data, and to the job that runs this.
fn tell(args: &Args, setting: &Setting, proposal: &Proposal) -> Result<(), Failure> {
    let json = format!("{:#}\n", text::plan::json(proposal));
    if let Some(file) = &args.out {
        input::write(file, &stdout::redactor().text(&json))?;
    }
    let limit = markdown::COMMENT;
    stdout::data(&match args.format {
        Format::Text => text::plan::text(proposal),
        Format::Markdown => markdown::plan(proposal, setting.environment(), limit),
        Format::Json => json,
    })?;
    let changes = proposal.comparison.changes().len() + proposal.service_changes().len();
    let is_changed = proposal.course != Course::Nothing;
    job().outputs(&[
        ("changed", is_changed.to_string()),
        ("changes", changes.to_string()),
        ("plan", proposal.name()),
    ]);
    annotate(args, setting, proposal);
    Ok(())
}

/// Findings as marks on the lines of the task definition's file.
fn annotate(args: &Args, setting: &Setting, proposal: &Proposal) {
    let file = setting.task_definition_file(&args.release.document);
    let text = file.as_ref().and_then(|file| input::read(file).ok());
    for finding in &proposal.findings {
        let tone = match finding.severity {
            Severity::Error => Tone::Error,
            Severity::Warning => Tone::Warning,
        };
        let line = text
            .as_deref()
            .and_then(|text| line_of(text, &finding.path));
        let spot = file.as_ref().map(|file| Spot {
            file: file.display().to_string(),
            line: line.unwrap_or(1),
            column: None,
        });
        let message = text::plan::finding(finding);
        job().annotate(tone, &proposal.target.to_string(), spot.as_ref(), &message);
    }
}

/// The artifact that `--out` wrote.
pub fn read(file: &Path) -> Result<Proposal, Failure> {
    let name = file.display();
    let text = input::read(file)?;
    let value = text::document::parse_json(&name.to_string(), &text)?;
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    if version != Some(u64::from(VERSION)) {
        return Err(
            Failure::usage(format!("{name} is no plan of version {VERSION}"))
                .hint("make it with: ecsdeploy plan --out FILE"),
        );
    }
    serde_json::from_value(value).map_err(|error| {
        Failure::usage(format!("{name} is not a plan"))
            .because(&error)
            .hint("make it with: ecsdeploy plan --out FILE")
    })
}

/// Refuses if the world or the inputs are not what they were when the plan was made.
pub fn hold(planned: &Proposal, now: &Proposal) -> Result<(), Failure> {
    let moved = planned.moved(now);
    if moved.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        Exit::Failed,
        "the plan no longer holds; nothing was changed",
    );
    let failure = moved.iter().fold(failure, |failure, change| {
        failure.cause(text::diff::line(change))
    });
    Err(failure.hint("look at it again: ecsdeploy plan"))
}
