//! `ecsdeploy watch`: attach to whatever deployment runs, and tell its end.

use std::time::Duration;

use super::args::{self, Output, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::journal::JournalArgs;
use super::rollout::conclude;
use super::status::show_stranded;
use super::teller::{Scene, Teller};
use super::world::World;
use crate::core::preflight::Lasting;
use crate::core::service::Limits;
use crate::engine::spectate;

/// Follow whatever deployment runs and exit as its own rollout would, changing nothing
///
/// Where no rollout of ecsdeploy is on record, it says so and tells what AWS's own record of the newest deployment comes to, also when that has ended: 0 if it completed and serves, 4 if it was rolled back, 5 if it failed.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    journal: JournalArgs,
    /// Stop waiting after this time: 90s, 15m, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    timeout: Option<Duration>,
    /// What to print on stdout; progress goes to stderr
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let target = setting.target(&args.service.path)?;
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let config = setting.config.as_ref();
    let journal = args.journal.open(config, &setting.directory, &world.config);
    let timeout = args.timeout.or(config.map(|c| c.rollout.timeout));
    let timeout = timeout.unwrap_or(Limits::default().timeout);
    let scene = Scene::of(&target, &setting, &world, "watching");
    let mut teller = Teller::new(scene, args.output);
    teller.mind_the_session(Lasting::Watch, timeout);
    let ran = Box::pin(spectate(
        &target,
        timeout,
        &world.aws,
        &world.clock,
        &journal,
        &mut teller,
    ))
    .await?;
    show_stranded(&ran, &world, &journal).await;
    world.note_calls();
    conclude(ran, &teller)
}
