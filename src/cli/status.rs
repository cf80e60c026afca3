//! `ecsdeploy status`: the service as it is.

use super::args::{Output, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::stdout;
use super::world::World;
use crate::engine::inspect;
use crate::ports::Clock as _;
use crate::text::status;

/// Show the service, its deployments, tasks, target health and last events
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let target = setting.target(&args.service.path)?;
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let (service, seen) = inspect(&target, &world.aws).await?;
    match args.output {
        Output::Text => stdout::data(&status::text(&service, &seen, world.clock.now())),
        Output::Json => stdout::data(&format!("{:#}\n", status::json(&service, &seen))),
        Output::Jsonl => stdout::data(&format!("{}\n", status::json(&service, &seen))),
    }
}
