//! `ecsdeploy rehearse`: the planned rollout, played with good and bad releases on a copy of the live service.

mod assume;
mod code_deploy;
mod copy;
mod images;
mod play;
mod record;
mod release;
mod service;
mod tell;
mod traffic;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::diff::learn;
use super::document::Setting;
use super::failure::{Exit, Failure};
use super::release::ReleaseArgs;
use super::rules::Rules;
use super::stage::SharedSandbox;
use super::stdout;
use super::world::listen;
use crate::adapters::aws::Aws;
use crate::adapters::host::Signals;
use crate::core::plan::{Course, Plan, Survey};
use crate::core::proposal::{Expected, Proposal};
use crate::core::report::Outcome;
use crate::core::taskdef::TaskDefinition;
use crate::engine::{Pinning, Request, Wanted, compare, propose, service_of};
use crate::text;

use copy::Copy;
pub use play::Rehearsing;
use play::play;
use release::Release;
use tell::Story;

/// Play the rollout on a copy of the live service and tell how it would go
///
/// Reads the live service, copies it into a sandbox, and plays the planned rollout there in virtual time: with a good release, and with ones that crash, fail their health check or cannot be pulled. Tells how long each takes, how much capacity is left to serve and what going back looks like. Changes nothing. What could not be read is assumed, and listed.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    release: ReleaseArgs,
    #[command(flatten)]
    rules: Rules,
    /// Rehearse on a copy that --record wrote, and read nothing live
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sandbox", "record"])]
    from: Option<PathBuf>,
    /// Also write the copy, without secrets, to this file: a world for --from and for `ecsdeploy sandbox`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// The rollout that is rehearsed, and the copy that it is rehearsed on.
struct Rehearsed {
    request: Request,
    wanted: TaskDefinition,
    plan: Plan,
    copy: Copy,
    strategy: String,
    desired: u32,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = args.release.setting()?;
    let stage = Rehearsing {
        seed: args.release.world.seed,
        signals: listen()?,
    };
    let surveyed = async {
        match &args.from {
            Some(file) => recorded(args, &setting, file).await,
            None => live(args, &setting, &stage.signals).await,
        }
    };
    let rehearsed = stage.signals.attend(Box::pin(surveyed)).await;
    let rehearsed = rehearsed.unwrap_or_else(|| Err(Failure::stopped()))?;
    if let Some(file) = &args.record {
        record::write(file, &rehearsed.copy, &stdout::redactor())?;
    }
    let story = rehearse(&rehearsed, &stage).await?;
    stdout::data(&match args.output {
        Format::Text => story.text(),
        Format::Json => format!("{:#}\n", story.json()),
    })?;
    verdict(&story)
}

/// Looks at the service where it is, and copies it.
async fn live(args: &Args, setting: &Setting, signals: &Signals) -> Result<Rehearsed, Failure> {
    let request = request(args, setting)?;
    let world = args.release.world_with(setting, signals.clone()).await?;
    let rehearsed = survey(request, &world.aws, None).await;
    world.note_calls();
    rehearsed
}

/// Takes the copy as the world that is looked at, too.
async fn recorded(args: &Args, setting: &Setting, file: &Path) -> Result<Rehearsed, Failure> {
    let copy = record::read(file)?;
    let sandbox = SharedSandbox::new(play::open(&copy, args.release.world.seed)?);
    let aws = Aws::new(&sandbox.config());
    survey(request(args, setting)?, &aws, Some(copy)).await
}

/// A record holds no registry: what was pushed since is not in it.
fn request(args: &Args, setting: &Setting) -> Result<Request, Failure> {
    let request = args.release.request(setting, &args.rules)?;
    Ok(match args.from {
        Some(_) => Request {
            pinning: Pinning::Keep,
            ..request
        },
        None => request,
    })
}

async fn survey(request: Request, aws: &Aws, copy: Option<Copy>) -> Result<Rehearsed, Failure> {
    let target = request.target.clone();
    let looked = compare(&target, request.wanted.clone(), request.pinning, aws);
    let (wanted, mut survey) = looked.await?;
    learn(&wanted, &survey);
    let intent = request.intent.clone();
    let plan = propose(&target, &wanted, intent, &mut survey, aws).await?;
    let proposal = Proposal::of(&plan, &wanted, &survey, &stdout::redactor());
    let mut copy = match copy {
        Some(copy) => copy,
        None => copy::copy(&target, &wanted, &survey, aws).await?,
    };
    images::admit(&mut copy, &wanted);
    Ok(Rehearsed {
        strategy: text::plan::strategy(&proposal),
        desired: request
            .intent
            .desired_count
            .unwrap_or(survey.service.desired_count()),
        request,
        wanted,
        plan,
        copy,
    })
}

async fn rehearse(rehearsed: &Rehearsed, stage: &Rehearsing) -> Result<Story, Failure> {
    let Rehearsed {
        request,
        wanted,
        plan,
        copy,
        ..
    } = rehearsed;
    if plan.course == Course::Nothing {
        return Err(Failure::usage(
            "there is nothing to rehearse: the service runs what is wanted",
        )
        .hint("--force-new-deployment rehearses a deployment of the same revision"));
    }
    let sandbox = SharedSandbox::new(play::open(copy, stage.seed)?);
    let aws = Aws::new(&sandbox.config());
    let service = service_of(&request.target, &aws).await?;
    let mut rehearsals = Vec::new();
    let traffic = copy.world.get("traffic").and_then(Value::as_array);
    let has_traffic = traffic.is_some_and(|sources| !sources.is_empty());
    let shown = |release: &Release| *release != Release::Errors || has_traffic;
    for release in Release::ALL.into_iter().filter(shown) {
        let document = release.document(wanted, &service);
        let request = Request {
            wanted: Wanted::Document(document.clone()),
            ..request.clone()
        };
        rehearsals.push(play(release, &document, &request, copy, stage).await?);
    }
    Ok(Story {
        service: request.target.to_string(),
        strategy: rehearsed.strategy.clone(),
        desired: rehearsed.desired,
        assumed: copy
            .assumed
            .iter()
            .cloned()
            .chain(assume::assumptions(&request.intent))
            .collect(),
        rehearsals,
    })
}

/// How the planned rollout goes with a good release.
pub async fn foretell(
    request: &Request,
    wanted: &TaskDefinition,
    survey: &Survey,
    aws: &Aws,
    stage: &Rehearsing,
) -> Result<Expected, Failure> {
    let mut copy = copy::copy(&request.target, wanted, survey, aws).await?;
    images::admit(&mut copy, wanted);
    let played = Box::pin(play(Release::Good, wanted, request, &copy, stage)).await?;
    let completes = played.outcome == Outcome::Completed;
    Ok(Expected {
        seconds: u64::try_from(played.seconds()).unwrap_or_default(),
        least_serving: played.capacity.least_serving,
        most_tasks: played.capacity.most_tasks,
        trouble: (!completes).then(|| outcome_words(&played.outcome)),
    })
}

/// The good release is to serve in the end.
fn verdict(story: &Story) -> Result<(), Failure> {
    let good = story
        .rehearsals
        .iter()
        .find(|each| each.release == Release::Good);
    match good.map(|each| &each.outcome) {
        Some(Outcome::Completed) | None => Ok(()),
        Some(outcome) => Err(Failure::new(
            Exit::Failed,
            "the rollout would not succeed even with a good release",
        )
        .cause(outcome_words(outcome))
        .hint("nothing was changed")),
    }
}

fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::RolledBack { cause } | Outcome::Failed { cause } | Outcome::Stranded { cause } => {
            cause.to_string()
        }
        Outcome::Superseded { by } => format!("deployment {by} would supersede it"),
        Outcome::Unchanged | Outcome::Completed => "nothing would be done".to_owned(),
    }
}
