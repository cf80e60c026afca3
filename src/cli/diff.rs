//! `ecsdeploy diff`: the wanted task definition against the running one.

use clap::ValueEnum;

use super::args::{DocumentArgs, PinArgs, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::{Exit, Failure};
use super::stdout;
use super::world::World;
use crate::core::comparison::Comparison;
use crate::core::plan::Survey;
use crate::core::taskdef::TaskDefinition;
use crate::engine::compare;
use crate::text;

/// Show what differs between the wanted task definition and the one that the service runs
///
/// Compares what both mean: defaults that AWS fills in, the order of sets, other spellings of a size or a role, and a tag beside the digest it resolves to are no differences. Secrets are hidden; a changed one says so. Nothing is changed.
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
    /// How to print it
    #[arg(long, value_enum, default_value = "unified")]
    format: Format,
    /// Exit with 3 if anything differs
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines of the documents, as diff -u prints them
    Unified,
    /// One line a change
    Compact,
    Json,
}

pub async fn run(args: &Args) -> Result<Exit, Failure> {
    let setting = Setting::read(&args.service)?;
    let target = setting.target(&args.service.path)?;
    let wanted = setting.wanted(&args.document)?;
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let pinning = setting.pinning(&args.pin);
    let (wanted, survey) = compare(&target, wanted, pinning, &world.aws).await?;
    learn(&wanted, &survey);
    let redactor = stdout::redactor();
    let comparison = Comparison::of(&survey.running.definition, &wanted, &redactor);
    let changes = comparison.changes();
    if changes.is_empty() {
        stdout::note(&format!(
            "no changes       {target} runs this task definition ({})\n",
            survey.running.arn.short()
        ));
    }
    stdout::data(&match args.format {
        Format::Unified => {
            let old = format!("{} (running)", survey.running.arn.short());
            let new = format!("{} (wanted)", wanted.family());
            text::diff::unified((&old, &comparison.running), (&new, &comparison.wanted))
        }
        Format::Compact => text::diff::compact(&changes),
        Format::Json => format!("{:#}\n", text::diff::json(&changes)),
    })?;
    Ok(if args.exit_code && !changes.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// Shows every task definition that was seen to the process's redactor.
pub fn learn(wanted: &TaskDefinition, survey: &Survey) {
    stdout::learn_document(&wanted.to_value());
    for known in std::iter::once(&survey.running).chain(&survey.latest) {
        stdout::learn_document(&known.definition.to_value());
    }
}
