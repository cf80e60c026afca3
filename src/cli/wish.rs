//! `ecsdeploy promote` and `ecsdeploy abort`: a word to whoever drives the rollout, heard within 15 s, and at its next look
//! (5 to 15 s later) where it waits for a person.
//!
//! **Invariant:** nobody is said to be told of what nothing will come of.

use super::args::{ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::{Exit, Failure};
use super::journal::JournalArgs;
use super::owner::owner;
use super::stdout;
use super::world::World;
use crate::core::journal::Owner;
use crate::core::report::Outcome;
use crate::core::rollout::{TooLate, Wish};
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
    let work = record.work.as_ref();
    let note = match work.and_then(|work| TooLate::of(&work.state)) {
        None => {
            journal.wish(&target, record.fence, &wish).await?;
            format!(
                "told             {}, who hears it within 15 s",
                record.owner
            )
        }
        Some(late) => too_late(&record.owner, &wish, &late)?,
    };
    stdout::note(&format!("{note}\n"));
    Ok(())
}

/// Told now, nothing would come of it; that what was wished for happens anyway is no failure.
fn too_late(owner: &Owner, wish: &Wish, late: &TooLate) -> Result<String, Failure> {
    let (is_back, head, stands) = match late {
        TooLate::GoesBack => (true, "going back", format!("{owner} goes back already")),
        TooLate::Ended(outcome) => (
            matches!(outcome, Outcome::RolledBack { .. } | Outcome::Failed { .. }),
            "ended",
            format!("the rollout of {owner} only puts away what was there for its time: {outcome}"),
        ),
    };
    match wish {
        Wish::Undo { .. } if is_back => Ok(format!("{head:<16} {stands}")),
        Wish::Undo { .. } => Err(Failure::new(Exit::Failed, "nothing goes back any more")
            .cause(stands)
            .hint("ecsdeploy rollback goes back to what served before, once that is done")),
        Wish::Promote { .. } => {
            Err(Failure::new(Exit::Failed, "nothing waits for a word any more").cause(stands))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::Cause;

    /// What `abort` and `promote` come to for a rollout of anna's that is so far.
    fn check(late: &TooLate, abort: Result<&str, &str>, promote: &str) {
        let by = || "bert".to_owned();
        let owner = Owner {
            user: "anna".to_owned(),
            host: "laptop".to_owned(),
            pid: 7,
            run: None,
        };
        let said = |wish| {
            let said = too_late(&owner, &wish, late);
            said.map_err(|failure| (failure.exit, failure.line()))
        };
        let aborted = said(Wish::Undo { by: by() });
        match abort {
            Ok(words) => assert!(aborted.expect("it goes back").contains(words), "{late:?}"),
            Err(words) => {
                let (exit, line) = aborted.expect_err("it does not go back");
                assert_eq!(exit, Exit::Failed);
                assert!(line.contains(words), "{line}");
            }
        }
        let (exit, line) = said(Wish::Promote { by: by() }).expect_err("nothing waits");
        assert_eq!(exit, Exit::Failed);
        assert!(line.contains(promote), "{line}");
    }

    #[test]
    fn nobody_is_told_what_nothing_comes_of() {
        let cause = Cause::Restless;
        let back = "anna on laptop, process 7 goes back already";
        check(&TooLate::GoesBack, Ok(back), back);
        let completed = TooLate::Ended(Outcome::Completed);
        let late = "nothing goes back any more: the rollout of anna";
        check(&completed, Err(late), "the new revision serves");
        let stranded = TooLate::Ended(Outcome::Stranded {
            cause: cause.clone(),
        });
        check(&stranded, Err(late), "the service needs a hand");
        let again = "the old revision serves again";
        let rolled_back = TooLate::Ended(Outcome::RolledBack { cause });
        check(&rolled_back, Ok(again), again);
    }
}
