//! One rollout of one service, under its lock: takes up what an earlier run left, else plans and drives.
//!
//! **Invariants:** nothing is changed before the record is claimed. What a run for another goal left is never completed for
//! it ([`Fate`]); what a run for our own goal left is this rollout, and its verdict is ours.

use jiff::{SignedDuration, Timestamp};

use super::desk::{Desk, held};
use super::drive::{Driven, Means};
use super::survey::{Request, SurveyError, Surveyed};
use crate::core::fate::Fate;
use crate::core::journal::{Goal, Owner, Record, Work};
use crate::core::plan::{Plan, Survey};
use crate::core::report::{Cause, Event, Outcome};
use crate::core::rollout::{Phase, State};
use crate::core::taskdef::TaskDefinition;
use crate::ports::{Audience, Clock, Cloud, Journal, Wake};

/// A renewal that was sent in time may arrive this much later.
const AFTER_EXPIRY: SignedDuration = SignedDuration::from_secs(1);

/// Between looks whether an owner is alive.
const BETWEEN_LOOKS: SignedDuration = SignedDuration::from_secs(5);

/// How it went.
#[derive(Clone, Debug)]
pub enum Ran {
    Ended {
        plan: Box<Plan>,
        outcome: Outcome,
    },
    /// Told to stop; what it stood at is absent before anything was decided.
    Interrupted {
        stood: Option<(Box<Plan>, Box<State>)>,
    },
    /// The deployment goes on, and how it ends could not be learnt.
    LeftOff {
        plan: Box<Plan>,
        state: Box<State>,
        cause: Cause,
    },
    /// AWS's own engine goes on with the deployment.
    HandedOver {
        plan: Box<Plan>,
        state: Box<State>,
    },
    /// It is not waited for any longer, and what was followed goes on.
    Underway {
        stands: String,
        why: Unawaited,
    },
    /// Another run has the service.
    Held {
        owner: Owner,
        since: Timestamp,
    },
}

/// Why something is not waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unawaited {
    TimeIsOver,
    ToldToStop,
}

/// Rolls out, or takes up, what is asked for.
pub async fn roll_out<C: Cloud, K: Clock, J: Journal>(
    request: Request,
    means: &Means<'_, C, K, J>,
    audience: &mut impl Audience,
) -> Result<Ran, SurveyError> {
    let mut desk = Desk::new(request.target.clone(), means, audience);
    let Some(record) = desk.load().await else {
        return Box::pin(desk.begin(&request, None)).await;
    };
    // Known before anything is told of what was left.
    let surveyed = desk.survey(&request).await;
    if !record.is_live(means.clock.now()) {
        return Box::pin(take_over(record, surveyed, &request, desk)).await;
    }
    let (_, goal) = surveyed.as_ref().map_err(Clone::clone)?;
    if *goal != record.goal {
        return Ok(held(&record));
    }
    match wait(&record, &mut desk).await {
        Waited::Gone => Box::pin(desk.begin(&request, None)).await,
        Waited::Renewed(record) => Ok(held(&record)),
        Waited::Expired(record) => Box::pin(take_over(*record, surveyed, &request, desk)).await,
        Waited::Interrupted => Ok(Ran::Interrupted { stood: None }),
    }
}

/// What is on record of the service, and what would become of it if this were rolled out. A record that cannot be read is
/// nothing that a plan could tell of.
pub async fn left_by_others(
    request: &Request,
    wanted: &TaskDefinition,
    survey: &Survey,
    journal: &impl Journal,
) -> Option<(Record, Option<Fate>)> {
    let Request { target, intent, .. } = request;
    let record = journal.load(target).await.ok().flatten()?;
    let is_ours = record.goal == Goal::of(target, wanted, intent);
    let fate = record.unfinished().map(|work| {
        if is_ours {
            Fate::of_own(work)
        } else {
            Fate::of(work, &survey.service, intent.contest)
        }
    });
    Some((record, fate))
}

/// What became of a record while it was waited for.
enum Waited {
    Gone,
    Renewed(Box<Record>),
    Expired(Box<Record>),
    Interrupted,
}

/// The same command, most likely again after its runner was killed: a living owner renews its lease, or ends.
async fn wait<C: Cloud, K: Clock, J: Journal, A: Audience>(
    record: &Record,
    desk: &mut Desk<'_, C, K, J, A>,
) -> Waited {
    let (owner, until) = (record.owner.clone(), record.expires);
    desk.tell(Event::Waiting { owner, until });
    let clock = desk.means.clock;
    loop {
        let next = (clock.now() + BETWEEN_LOOKS).min(until + AFTER_EXPIRY);
        if clock.sleep_until(next).await == Wake::Interrupted {
            return Waited::Interrupted;
        }
        let there = match desk.look_again().await {
            Ok(Some(there)) => Box::new(there),
            // What cannot be read now is asked for again while its lease may live.
            Err(_) if clock.now() < until => continue,
            Ok(None) | Err(_) => return Waited::Gone,
        };
        let is_live = there.is_live(clock.now());
        let is_renewed = (there.fence, there.expires) != (record.fence, record.expires);
        match (is_live, is_renewed) {
            (true, true) => return Waited::Renewed(there),
            (true, false) => {}
            // An owner that ended where it cannot delete its record leaves it so.
            (false, _) => return Waited::Expired(there),
        }
    }
}

async fn take_over<C: Cloud, K: Clock, J: Journal, A: Audience>(
    left: Record,
    surveyed: Result<(Surveyed, Goal), SurveyError>,
    request: &Request,
    mut desk: Desk<'_, C, K, J, A>,
) -> Result<Ran, SurveyError> {
    let fate = match (left.unfinished(), &surveyed) {
        (None, _) => None,
        (Some(work), Ok((_, goal))) if *goal == left.goal => Some(Fate::of_own(work)),
        (Some(work), Ok(((_, survey), _))) => {
            Some(Fate::of(work, &survey.service, request.intent.contest))
        }
        (Some(work), Err(_)) if Fate::is_sealed(work) => Some(Fate::GoesOn),
        // Whose it is cannot be known: it stays as it is.
        (Some(_), Err(error)) => return Err(error.clone()),
    };
    let mut keeper = match desk.take(&left).await {
        Ok(keeper) => keeper,
        Err(record) => return Ok(held(&record)),
    };
    let (Some(fate), Some(work)) = (fate, left.unfinished()) else {
        return Box::pin(desk.begin(request, Some(keeper))).await;
    };
    if let Fate::Replaced | Fate::Left = fate {
        desk.tell_found(&left, fate);
        return Box::pin(desk.begin_over(request, Some(keeper), Some(work))).await;
    }
    let ours = surveyed.ok().filter(|(_, goal)| *goal == left.goal);
    let is_ours = ours.is_some();
    if let Some(((wanted, survey), _)) = ours {
        desk.audience().plan(&work.plan, &wanted, &survey);
    }
    let driven = desk.see_to(&left, work, fate, &mut keeper).await;
    if is_ours || !gives_way(&driven, work) {
        return Ok(desk.close(work.plan.clone(), driven, keeper).await);
    }
    Box::pin(desk.begin(request, Some(keeper))).await
}

/// Whether another release may begin: not on a service that was to go back, could not, and needs a hand.
fn gives_way(driven: &Driven, left: &Work) -> bool {
    let only_put_away = matches!(left.state.phase, Phase::Restore { .. });
    match driven {
        Driven::Ended(Outcome::Stranded { .. }) => only_put_away,
        Driven::Ended(_) => true,
        _ => false,
    }
}
