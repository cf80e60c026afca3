//! `ecsdeploy promote` and `ecsdeploy abort`: a word to whoever drives the rollout, heard within 15 s, and at its next look
//! (5 to 15 s later) where it waits for a person.

use super::args::{ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::{Exit, Failure};
use super::journal::JournalArgs;
use super::owner::owner;
use super::stdout;
use super::world::World;
use crate::core::rollout::Wish;
use crate::ports::{Clock as _, Journal as _};

/// Approve what the running rollout waits for
#[derive(clap::Args, Debug)]
pub struct Promote {
    #[command(flatten)]
    to: To,
}

/// Tell the running rollout to roll back
#[derive(clap::Args, Debug)]
pub struct Abort {
    #[command(flatten)]
    to: To,
}

#[derive(clap::Args, Debug)]
struct To {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    journal: JournalArgs,
}

pub async fn promote(args: &Promote) -> Result<(), Failure> {
    let by = owner().to_string();
    send(&args.to, Wish::Promote { by }).await
}

pub async fn abort(args: &Abort) -> Result<(), Failure> {
    let by = owner().to_string();
    send(&args.to, Wish::Undo { by }).await
}

async fn send(to: &To, wish: Wish) -> Result<(), Failure> {
    let setting = Setting::read(&to.service)?;
    let target = setting.target(&to.service.path)?;
    let world = World::open(&to.world, setting.region(), &setting.directory).await?;
    let config = setting.config.as_ref();
    let journal = to.journal.open(config, &setting.directory, &world.config);
    let Some(record) = journal.load(&target).await? else {
        return Err(
            Failure::new(Exit::Failed, format!("no rollout of {target} is on record"))
                .hint("ecsdeploy status shows the service as it is"),
        );
    };
    if !record.is_live(world.clock.now()) {
        return Err(Failure::new(
            Exit::Failed,
            format!("nobody drives the rollout of {target} that is on record"),
        )
        .cause(format!("{} left it unfinished", record.owner))
        .hint("the same rollout command takes it up; ecsdeploy rollback turns it back"));
    }
    journal.wish(&target, record.fence, &wish).await?;
    stdout::note(&format!(
        "told             {}, who hears it within 15 s\n",
        record.owner
    ));
    Ok(())
}
