//! `ecsdeploy status`: the service as it is, and the rollout of it that is on record.

use super::args::{Output, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::interrupted::stands;
use super::journal::JournalArgs;
use super::stdout;
use super::world::World;
use crate::engine::inspect;
use crate::ports::Clock as _;
use crate::text::status::{self, OnRecord};

/// Show the service, the rollout of it that is on record, and where its traffic goes
///
/// Deployments or task sets, the weights of listener rules, tasks, target health and the last events; and of a rollout that somebody drives or left: what it deploys, where it stands, which gate or pause it waits at and until when, and how it goes on. Only looks; what could not be read is said.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    journal: JournalArgs,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let target = setting.target(&args.service.path)?;
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let config = setting.config.as_ref();
    let journal = args.journal.open(config, &setting.directory, &world.config);
    let overview = Box::pin(inspect(&target, &world.aws, &journal)).await?;
    let now = world.clock.now();
    let on_record = OnRecord::of(&overview, stands, now);
    let on_record = on_record.as_ref();
    match args.output {
        Output::Text => {
            let date = world.aws.date().unwrap_or(now);
            stdout::data(&status::text(&overview, on_record, now, date))
        }
        Output::Json => stdout::data(&format!("{:#}\n", status::json(&overview, on_record))),
        Output::Jsonl => stdout::data(&format!("{}\n", status::json(&overview, on_record))),
    }
}
