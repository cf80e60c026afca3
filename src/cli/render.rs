//! `ecsdeploy render`: template and values to the document that RegisterTaskDefinition gets.

use std::path::PathBuf;

use super::args::{DocumentArgs, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::job::job;
use super::world::World;
use super::{input, stdout};
use crate::core::taskdef::TaskDefinition;
use crate::engine::{Pinning, Wanted, document_of};

/// Render the task definition and print it
///
/// Prints the exact JSON that RegisterTaskDefinition gets. Nothing is called unless --revision names a registered one, or --pin asks ECR for the digests that `register` and `rollout` put in place of tags. It is your own document: secrets in it are printed as they are, which no other command does.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    document: DocumentArgs,
    /// Ask ECR for the digests of image tags
    #[arg(long)]
    pin: bool,
    /// Write to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    world: WorldArgs,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let document = match setting.wanted_by_name(&args.document, &args.service.path)? {
        Wanted::Document(document) if !args.pin => document,
        wanted => super::wait(asked(args, &setting, wanted))?,
    };
    let mut text = serde_json::to_string_pretty(document.as_map()).expect("a JSON document");
    text.push('\n');
    match &args.out {
        Some(file) => {
            input::write(file, &text)?;
            job().outputs(&[("task-definition", file.display().to_string())]);
            Ok(())
        }
        None => stdout::own(&text),
    }
}

/// What only AWS can tell: a registered revision, digests.
async fn asked(args: &Args, setting: &Setting, wanted: Wanted) -> Result<TaskDefinition, Failure> {
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let pinning = if args.pin {
        Pinning::Pin
    } else {
        Pinning::Keep
    };
    let document = document_of(wanted, pinning, &world.aws).await?;
    Ok(document.expect("wanted_by_name gives no running one"))
}
