//! `ecsdeploy render`: template and values to the document that RegisterTaskDefinition gets.

use std::path::PathBuf;

use super::args::{DocumentArgs, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::stdout;
use super::world::World;
use crate::adapters::host;
use crate::core::taskdef::TaskDefinition;
use crate::engine::{Pinning, pin};

/// Render the task definition and print it
///
/// Prints the exact JSON that RegisterTaskDefinition gets. Nothing is called unless --pin asks ECR for the digests that `register` and `rollout` put in place of tags. It is your own document: secrets in it are printed as they are, which no other command does.
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
    let document = setting.wanted_document(&args.document, &args.service.path)?;
    let document = if args.pin {
        super::wait(pinned(args, &setting, document))?
    } else {
        document
    };
    let mut text = serde_json::to_string_pretty(document.as_map()).expect("a JSON document");
    text.push('\n');
    match &args.out {
        Some(file) => Ok(host::write(file, &text)?),
        None => stdout::own(&text),
    }
}

async fn pinned(
    args: &Args,
    setting: &Setting,
    document: TaskDefinition,
) -> Result<TaskDefinition, Failure> {
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    Ok(pin(document, Pinning::Pin, &world.aws).await?)
}
