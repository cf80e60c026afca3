//! Turning back what is on record: a living run is told to and followed to its end, a dead run's work is taken up and undone.
//!
//! **Invariant:** that a rollout completed is no way back. It counts only that its record is gone and that the revision
//! serves which served before it; else that one is rolled out like any other.

use jiff::{SignedDuration, Timestamp};

use super::SurveyError;
use super::desk::{Desk, held};
use super::drive::Driven;
use super::followed::stood;
use super::keeper::trouble;
use super::rollout::{Ran, Unawaited};
use super::spectate::service_of;
use crate::core::fate::Fate;
use crate::core::id::{ServiceKey, TaskDefinitionArn};
use crate::core::journal::{Record, Work};
use crate::core::live::Service;
use crate::core::report::{BackTo, Cause, Event, Outcome, Progress};
use crate::core::rollout::{TooLate, Wish};
use crate::core::service::{Contest, Intent};
use crate::ports::{Audience, Clock, Cloud, Journal, Wake};

/// Between looks at a run that was told to go back.
const BETWEEN_LOOKS: SignedDuration = SignedDuration::from_secs(5);

/// What came of it.
pub enum Turned {
    /// It is over, or not ours to go on with.
    Ended(Ran),
    /// This served before, and is to be rolled out: what was to be turned back had put it aside.
    RollOut(TaskDefinitionArn),
}

/// Nothing runs and nothing is left; else what came of turning it back.
pub async fn turn_back<C: Cloud, K: Clock, J: Journal, A: Audience>(
    target: &ServiceKey,
    intent: &Intent,
    desk: &mut Desk<'_, C, K, J, A>,
) -> Result<Option<Turned>, SurveyError> {
    let Some(record) = desk.load().await else {
        return Ok(None);
    };
    if record.is_live(desk.means.clock.now()) {
        return Box::pin(tell_to(record, target, intent, desk))
            .await
            .map(Some);
    }
    if record.unfinished().is_none() {
        return Ok(None);
    }
    Box::pin(take_back(&record, target, desk)).await.map(Some)
}

/// Somebody drives: it is theirs to go back.
async fn tell_to<C: Cloud, K: Clock, J: Journal, A: Audience>(
    record: Record,
    target: &ServiceKey,
    intent: &Intent,
    desk: &mut Desk<'_, C, K, J, A>,
) -> Result<Turned, SurveyError> {
    let service = service_of(target, desk.means.cloud).await?;
    let by = desk.means.owner.to_string();
    let wish = Wish::Undo { by: by.clone() };
    let told = desk.means.journal.wish(target, record.fence, &wish).await;
    if let Err(error) = told {
        desk.tell(trouble(&error, "whoever drives the rollout was not told"));
        return Ok(Turned::Ended(held(&record)));
    }
    let to = served_before(&record).unwrap_or_else(|| service.running_task_definition());
    let owner = record.owner.clone();
    let why = match record.work.as_ref().map(|work| TooLate::of(&work.state)) {
        Some(Some(TooLate::Ended(_))) => BackTo::Ended(owner),
        _ => BackTo::Told(owner),
    };
    let task_definition = to.clone();
    desk.tell(Event::GoingBack {
        task_definition,
        why,
    });
    let until = desk.means.clock.now() + intent.limits.timeout;
    match Box::pin(follow(&record, target, until, desk)).await? {
        Followed::Gone(last) => {
            let to = served_before(&last).unwrap_or(to);
            let service = service_of(target, desk.means.cloud).await?;
            if !serves_alone(&service, &to) {
                return Ok(too_late(to, desk));
            }
            let cause = Cause::Cancelled { by };
            let outcome = Outcome::RolledBack { cause };
            desk.tell(Event::Finished(outcome.clone()));
            let plan = Box::new(stood(target, &service, to, intent.clone()));
            Ok(Turned::Ended(Ran::Ended { plan, outcome }))
        }
        Followed::Died(left) => Box::pin(take_back(&left, target, desk)).await,
        Followed::Ended(ran) => Ok(Turned::Ended(ran)),
    }
}

/// How the run that was told to go back went on.
enum Followed {
    /// Its record is gone; this is how it last read.
    Gone(Box<Record>),
    /// It is on record and nobody drives it any more.
    Died(Box<Record>),
    Ended(Ran),
}

async fn follow<C: Cloud, K: Clock, J: Journal, A: Audience>(
    record: &Record,
    target: &ServiceKey,
    until: Timestamp,
    desk: &mut Desk<'_, C, K, J, A>,
) -> Result<Followed, SurveyError> {
    let clock = desk.means.clock;
    let (mut last, mut told) = (Box::new(record.clone()), None);
    let unawaited = |why| {
        let stands = format!("{} was told to go back, and still does", record.owner);
        Ok(Followed::Ended(Ran::Underway { stands, why }))
    };
    loop {
        let now = clock.now();
        if now >= until {
            return unawaited(Unawaited::TimeIsOver);
        }
        if clock.sleep_until(now + BETWEEN_LOOKS).await == Wake::Interrupted {
            return unawaited(Unawaited::ToldToStop);
        }
        match desk.look_again().await {
            Ok(Some(there)) if there.fence != record.fence => {
                return Ok(Followed::Ended(held(&there)));
            }
            Ok(Some(there)) if there.is_live(clock.now()) => last = Box::new(there),
            Ok(Some(there)) if there.unfinished().is_some() => {
                return Ok(Followed::Died(Box::new(there)));
            }
            Ok(_) => return Ok(Followed::Gone(last)),
            // A store that cannot be read now is asked again.
            Err(_) => {}
        }
        let seen = service_of(target, desk.means.cloud).await.ok();
        let primary = seen.as_ref().and_then(|it| Some((it, it.primary()?)));
        let progress = primary.map(|(service, primary)| Progress::of(service, primary));
        if let Some(progress) = progress.filter(|it| told.as_ref() != Some(it)) {
            told = Some(progress.clone());
            desk.tell(Event::Progress(progress));
        }
    }
}

/// Its run died: it is undone. `desk`'s own wish is to go back.
async fn take_back<C: Cloud, K: Clock, J: Journal, A: Audience>(
    record: &Record,
    target: &ServiceKey,
    desk: &mut Desk<'_, C, K, J, A>,
) -> Result<Turned, SurveyError> {
    let work = record.unfinished();
    let work = work.expect("only such records are taken back");
    let service = service_of(target, desk.means.cloud).await?;
    let mut keeper = match desk.take(record).await {
        Ok(keeper) => keeper,
        Err(other) => return Ok(Turned::Ended(held(&other))),
    };
    let to = work.plan.before.serving.clone();
    if let Some(task_definition) = to.clone() {
        let why = BackTo::Left(record.owner.clone());
        desk.tell(Event::GoingBack {
            task_definition,
            why,
        });
    }
    let fate = match Fate::of(work, &service, Contest::Supersede) {
        Fate::Settled => Fate::Settled,
        _ => Fate::GoesOn,
    };
    let driven = desk.see_to(record, work, fate, &mut keeper).await;
    let has_passed = matches!(
        driven,
        Driven::Ended(Outcome::Completed | Outcome::Unchanged)
    );
    let ran = desk.close(work.plan.clone(), driven, keeper).await;
    match to {
        Some(to) if has_passed => Ok(too_late(to, desk)),
        None if has_passed => Err(SurveyError::NoPrevious(target.clone())),
        _ => Ok(Turned::Ended(ran)),
    }
}

fn too_late<C: Cloud, K: Clock, J: Journal, A: Audience>(
    to: TaskDefinitionArn,
    desk: &mut Desk<'_, C, K, J, A>,
) -> Turned {
    desk.tell(Event::GoingBack {
        task_definition: to.clone(),
        why: BackTo::TooLate,
    });
    Turned::RollOut(to)
}

fn served_before(record: &Record) -> Option<TaskDefinitionArn> {
    let work: Option<&Work> = record.work.as_ref();
    work.and_then(|work| work.plan.before.serving.clone())
}

/// Whether this revision serves and nothing stands beside it any more.
fn serves_alone(service: &Service, revision: &TaskDefinitionArn) -> bool {
    let is_alone = match service.primary() {
        Some(primary) => service.has_completed(primary),
        None => service.task_sets().count() == 1,
    };
    is_alone && service.running_task_definition() == *revision
}
