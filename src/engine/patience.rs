//! The patience of whoever watches: it ends the watch, and nothing else.
//!
//! **Invariant:** that the time to wait is over says nothing of what was waited for, which goes on.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};

use super::drive::tell;
use super::rollout::{Ran, Unawaited};
use crate::core::id::ServiceKey;
use crate::core::journal::{Owner, Record};
use crate::core::report::Event;
use crate::core::rollout::Phase;
use crate::ports::{Audience, Clock, Journal, JournalError, Wake};

/// Between looks whether a rollout has begun its deployment.
const BETWEEN_LOOKS: SignedDuration = SignedDuration::from_secs(5);

/// A clock that wakes its sleeper for good when the time to watch is over.
pub struct Until<'a, K> {
    pub clock: &'a K,
    pub until: Timestamp,
}

impl<K: Clock> Until<'_, K> {
    /// How a watch ends that was woken before what it watches had ended.
    pub fn over(&self, stands: String) -> Ran {
        let why = if self.now() >= self.until {
            Unawaited::TimeIsOver
        } else {
            Unawaited::ToldToStop
        };
        Ran::Underway { stands, why }
    }
}

impl<K: Clock> Clock for Until<'_, K> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        let woken = self.clock.sleep_until(until.min(self.until)).await;
        if self.now() >= self.until {
            return Wake::Interrupted;
        }
        woken
    }

    async fn pass_until(&self, until: Timestamp) -> Wake {
        self.clock.pass_until(until).await
    }

    async fn attend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.clock.attend(work).await
    }
}

/// What a journal answers.
type Loaded = Result<Option<Record>, JournalError>;

/// The record, once its rollout has begun a deployment.
pub async fn begun<K: Clock>(
    target: &ServiceKey,
    clock: &Until<'_, K>,
    journal: &impl Journal,
    audience: &mut impl Audience,
) -> Result<Loaded, Box<Ran>> {
    let mut told = false;
    loop {
        let loaded = journal.load(target).await;
        let record = loaded.as_ref().ok().and_then(Option::as_ref);
        let Some(owner) = record.and_then(|it| not_begun(it, clock.now())) else {
            return Ok(loaded);
        };
        let stands = format!("{owner} has not begun the deployment");
        if !std::mem::replace(&mut told, true) {
            let watched = Event::Watching {
                deployment: None,
                task_definition: None,
                owner: Some(owner.clone()),
            };
            tell(watched, clock, audience);
        }
        if clock.sleep_until(clock.now() + BETWEEN_LOOKS).await == Wake::Interrupted {
            return Err(Box::new(clock.over(stands)));
        }
    }
}

/// Who drives a rollout that has not ordered its deployment yet, and is not ending.
fn not_begun(record: &Record, now: Timestamp) -> Option<&Owner> {
    let is_waiting = record.work.as_ref().is_none_or(|work| {
        let is_ending = matches!(
            work.state.phase,
            Phase::Restore { .. } | Phase::StandDown { .. } | Phase::Undo { .. } | Phase::Done(_)
        );
        work.state.deployment.is_none() && !is_ending
    });
    (record.is_live(now) && is_waiting).then_some(&record.owner)
}
