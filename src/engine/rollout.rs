//! One rollout of one service, under its lock: takes up what an earlier run left, else plans and drives.
//!
//! **Invariants:** nothing is changed before the record is claimed. What a run for another goal left is finished or undone
//! as its state says before ours begins; what a run for our own goal left is this rollout, and its verdict is ours.

use jiff::{SignedDuration, Timestamp};

use super::desk::{Desk, held};
use super::drive::Means;
use super::survey::{Request, SurveyError, Surveyed};
use crate::core::journal::{Goal, Owner, Record};
use crate::core::plan::Plan;
use crate::core::report::{Cause, Event, Outcome};
use crate::core::rollout::State;
use crate::ports::{Audience, Clock, Cloud, Journal, Wake};

/// A renewal that was sent in time may arrive this much later.
const AFTER_EXPIRY: SignedDuration = SignedDuration::from_secs(1);

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
    /// Another run has the service.
    Held {
        owner: Owner,
        since: Timestamp,
    },
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
    // Known before anything is told of what was left; should the look fail, what was left is seen to all the same.
    let surveyed = desk.survey(&request).await;
    if record.is_live(means.clock.now()) {
        let (surveyed, goal) = surveyed?;
        if goal != record.goal {
            return Ok(held(&record));
        }
        return match wait(&record, &mut desk).await {
            Waited::Gone => Box::pin(desk.begin(&request, None)).await,
            Waited::Renewed(record) => Ok(held(&record)),
            Waited::Expired(record) => {
                Box::pin(take_over(*record, Some((surveyed, goal)), &request, desk)).await
            }
            Waited::Interrupted => Ok(Ran::Interrupted { stood: None }),
        };
    }
    Box::pin(take_over(record, surveyed.ok(), &request, desk)).await
}

/// What became of a record while it was waited for.
enum Waited {
    Gone,
    Renewed(Box<Record>),
    Expired(Box<Record>),
    Interrupted,
}

/// The same command, most likely again after its runner was killed: a living owner renews its lease.
async fn wait<C: Cloud, K: Clock, J: Journal, A: Audience>(
    record: &Record,
    desk: &mut Desk<'_, C, K, J, A>,
) -> Waited {
    let (owner, until) = (record.owner.clone(), record.expires);
    desk.tell(Event::Waiting { owner, until });
    let clock = desk.means.clock;
    if clock.sleep_until(until + AFTER_EXPIRY).await == Wake::Interrupted {
        return Waited::Interrupted;
    }
    match desk.load().await.map(Box::new) {
        Some(record) if record.is_live(clock.now()) => Waited::Renewed(record),
        Some(record) => Waited::Expired(record),
        None => Waited::Gone,
    }
}

async fn take_over<C: Cloud, K: Clock, J: Journal, A: Audience>(
    left: Record,
    surveyed: Option<(Surveyed, Goal)>,
    request: &Request,
    mut desk: Desk<'_, C, K, J, A>,
) -> Result<Ran, SurveyError> {
    let mut keeper = match desk.take(&left).await {
        Ok(keeper) => keeper,
        Err(record) => return Ok(held(&record)),
    };
    let Some(work) = left.unfinished() else {
        return Box::pin(desk.begin(request, Some(keeper))).await;
    };
    let ours = surveyed.filter(|(_, goal)| *goal == left.goal);
    let is_ours = ours.is_some();
    if let Some(((wanted, survey), _)) = ours {
        desk.audience().plan(&work.plan, &wanted, &survey);
    }
    let driven = desk.take_up(&left, work, &mut keeper).await;
    if is_ours || !matches!(driven, super::Driven::Ended(_)) {
        return Ok(desk.close(work.plan.clone(), driven, keeper).await);
    }
    Box::pin(desk.begin(request, Some(keeper))).await
}
