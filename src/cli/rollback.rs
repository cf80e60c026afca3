//! `ecsdeploy rollback`: back to the revision before, or to a named one.

use std::time::Duration;

use super::args::{self, Output, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::forge::ForgeArgs;
use super::journal::{CancelArgs, JournalArgs};
use super::owner::owner;
use super::rollout::conclude;
use super::status::show_stranded;
use super::teller::{Scene, Teller, told};
use super::world::World;
use crate::core::preflight::Lasting;
use crate::core::report::Outcome;
use crate::core::rollout::Wish;
use crate::core::service::{Intent, Limits};
use crate::engine::{Means, Ran, To, roll_back};

/// Go back to the revision before, or to a named one, and wait until it serves
///
/// A rollout that runs is turned back by whoever drives it, and followed until its old revision serves. Otherwise the last revision that completed before the running one is deployed (as ECS remembers its deployments), or the one that --to names, and followed like any rollout. A revision that the service went back from is never chosen: going there takes --to. Where ECS goes back by itself, it is watched until the old revision serves; where the last release was taken back already, nothing is done (exit code 1), and going further back takes --to.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    journal: JournalArgs,
    #[command(flatten)]
    cancel: CancelArgs,
    #[command(flatten)]
    forge: ForgeArgs,
    /// Revision to go back to: a number, FAMILY:NUMBER, or an ARN
    #[arg(long, value_name = "REVISION")]
    to: Option<String>,
    /// Give up when the revision does not serve within this time: 90s, 15m, 1h30m. The time that steps are held, by bake times, gates and people, is added to it
    #[arg(long, value_name = "DURATION", value_parser = args::duration)]
    timeout: Option<Duration>,
    /// What to print on stdout; progress goes to stderr
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let target = setting.target(&args.service.path)?;
    let posting = args.forge.open(setting.environment()).await?;
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let config = setting.config.as_ref();
    let owner = owner();
    let by = owner.to_string();
    let means = Means {
        cloud: &world.aws,
        clock: &world.clock,
        journal: &args.journal.open(config, &setting.directory, &world.config),
        owner,
        on_cancel: args.cancel.settle(config),
        wish: Some(Wish::Undo { by }),
    };
    let to = args.to.clone().map_or(To::Previous, To::Revision);
    let scene = Scene::of(&target, &setting, &world, "going back");
    let mut teller = Teller::new(scene, args.output);
    let intent = args.intent(config);
    let limit = intent.limits.timeout;
    let work = async |teller: &mut Teller| {
        teller.mind_the_session(Lasting::Rollout, limit);
        let ran = Box::pin(roll_back(target, to, intent, &means, teller)).await?;
        Ok(went_back(ran))
    };
    let ran = Box::pin(told(work, &mut teller, posting.as_ref(), &world.clock)).await?;
    show_stranded(&ran, &world, means.journal).await;
    world.note_calls();
    conclude(ran, &teller)
}

impl Args {
    fn intent(&self, config: Option<&crate::text::config::Resolved>) -> Intent {
        let defaults = Limits::default();
        let timeout = self.timeout.or(config.map(|c| c.rollout.timeout));
        let timeout = timeout.unwrap_or(defaults.timeout);
        Intent {
            limits: Limits {
                timeout,
                undo_timeout: timeout.max(Duration::from_mins(10)),
                ..defaults
            },
            ..Intent::default()
        }
    }
}

/// That a running rollout was rolled back, or ended before it changed anything, is what was asked for.
fn went_back(ran: Ran) -> Ran {
    match ran {
        Ran::Ended {
            plan,
            outcome: Outcome::RolledBack { cause } | Outcome::Failed { cause },
        } if cause.is_asked_for() => Ran::Ended {
            plan,
            outcome: Outcome::Completed,
        },
        ran => ran,
    }
}
