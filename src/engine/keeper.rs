//! The record of the rollout that is being driven: written before each change and when a phase or a step is entered, renewed
//! when half of its lease has passed, removed at the end.
//!
//! **Invariant:** a journal that cannot be written is trouble that is told once; it never fails a rollout. That somebody
//! else took the service over is no trouble but the end of this run. A record that its store has no room for loses what
//! can be done without, and at last all but the lock: the lease holds in any case. The lease is what the store was heard
//! to have: a write that did not work renews nothing, and is made up for.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::core::gate::Verdict;
use crate::core::id::DeploymentId;
use crate::core::journal::{Goal, LEASE, Owner, Record, RolloutId, Work};
use crate::core::plan::Plan;
use crate::core::report::Event;
use crate::core::rollout::{State, Wish};
use crate::ports::{Journal, JournalError};

/// While nothing waits for a person, wishes are asked for so often at most. Looks are 15 s apart at most, so that a wish
/// is heard within that time, and a rollout does not ask the journal at each of its looks.
const HEARING: SignedDuration = SignedDuration::from_secs(10);

/// A write that got no answer is tried again after so long, one that was refused when the lease would be renewed; before a
/// change either.
pub const WRITE_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// Keeps one record.
pub struct Keeper<'a, J> {
    journal: &'a J,
    id: RolloutId,
    /// As it is to be on record; the end of its lease is the one that is.
    record: Record,
    /// How the work stood that is on record.
    written: Option<Timestamp>,
    /// The last write did not work, and is worth another attempt from then on.
    again: Option<Timestamp>,
    troubled: Troubled,
    /// Whether it was told that the lock alone is kept.
    bared: Troubled,
    heard: Heard,
}

/// The last word of the journal's about wishes.
struct Heard {
    at: Timestamp,
    wish: Option<Wish>,
}

/// Whether the rollout stands still until somebody speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    InPassing,
    WaitsForAPerson,
}

/// Whether trouble with the journal was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Troubled {
    No,
    Told,
}

/// What is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    Look,
    Change,
    /// This process ends: whoever comes next need not wait for the lease.
    Leave,
}

/// The service is in other hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenOver(pub Owner);

impl<'a, J: Journal> Keeper<'a, J> {
    pub fn new(journal: &'a J, id: RolloutId, record: Record, troubled: Troubled) -> Self {
        // A wish is left for a fence, and until now nobody knew of a new one.
        let heard = Heard {
            at: match record.first {
                None => record.since,
                Some(_) => Timestamp::MIN,
            },
            wish: None,
        };
        Self {
            journal,
            id,
            written: record.work.as_ref().and(record.stood),
            again: None,
            record,
            troubled,
            bared: Troubled::No,
            heard,
        }
    }

    /// What the record is for from now on; the work of another goal is over.
    pub fn aim(&mut self, goal: Goal) {
        if self.record.goal != goal {
            self.record.work = None;
            self.record.first = None;
            self.written = None;
            // What was wished was wished of that work.
            self.heard.wish = None;
        }
        self.record.goal = goal;
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Writes the record if this occasion asks for it; gives what is to be told of that.
    pub async fn keep(
        &mut self,
        plan: &Plan,
        state: &State,
        occasion: Occasion,
        now: Timestamp,
    ) -> Result<Option<Event>, TakenOver> {
        let work = Work::of(plan, state);
        let is_wanted = match occasion {
            Occasion::Look => {
                let is_news = milestone(work.as_ref()) != milestone(self.record.work.as_ref());
                (is_news || self.is_behind(now)) && now >= self.again.unwrap_or(now)
            }
            Occasion::Change => work != self.record.work || self.is_behind(now),
            Occasion::Leave => true,
        };
        if !is_wanted {
            return Ok(None);
        }
        self.record.set_down(work, now);
        let mut next = self.record.clone();
        match occasion {
            Occasion::Leave => next.expires = now,
            Occasion::Look | Occasion::Change => next.renew(now),
        }
        self.write(next, now).await
    }

    /// When the lease is to be renewed, if nothing else is written until then.
    pub fn due(&self) -> Timestamp {
        let ages = self.record.expires - LEASE / 2;
        self.again.map_or(ages, |again| ages.max(again))
    }

    /// Renews the lease, with the work as it stands: else what was seen since the last change would never be on record.
    pub async fn renew(
        &mut self,
        plan: &Plan,
        state: &State,
        now: Timestamp,
    ) -> Result<Option<Event>, TakenOver> {
        self.record.set_down(Work::of(plan, state), now);
        let mut next = self.record.clone();
        next.renew(now);
        self.write(next, now).await
    }

    async fn write(&mut self, next: Record, now: Timestamp) -> Result<Option<Event>, TakenOver> {
        let (journal, id) = (self.journal, &self.id);
        match fitted(&next, async |record| journal.save(id, record).await).await {
            Ok(((), too_large)) => {
                self.record.expires = next.expires;
                self.again = None;
                let has_work = next.work.is_some() && too_large.is_none();
                self.written = has_work.then_some(now);
                Ok(too_large.and_then(|it| self.bare(&it)))
            }
            Err(JournalError::TakenOver(owner)) => Err(TakenOver(owner)),
            Err(error) => {
                self.again = Some(now + pause_after(&error));
                Ok(self.trouble(&error))
            }
        }
    }

    /// Whether what is on record is older than it may be.
    fn is_behind(&self, now: Timestamp) -> bool {
        self.again.is_some() || self.record.is_ageing(now)
    }

    /// Asks what somebody wishes of this rollout; `None` while the last answer still holds.
    pub fn question(
        &self,
        hearing: Hearing,
        now: Timestamp,
    ) -> Option<impl Future<Output = Result<Option<Wish>, JournalError>> + use<'a, J>> {
        let is_fresh = now.duration_since(self.heard.at) < HEARING;
        if is_fresh && hearing == Hearing::InPassing {
            return None;
        }
        let (journal, id) = (self.journal, self.id.clone());
        let told_since = self.record.told_since();
        Some(async move { journal.hear(&id, told_since).await })
    }

    /// What somebody wishes of this rollout, by this answer or the last one; and what is to be told of the answer.
    pub fn heard(
        &mut self,
        answer: Option<Result<Option<Wish>, JournalError>>,
        now: Timestamp,
    ) -> (Option<Wish>, Option<Event>) {
        match answer {
            Some(Ok(wish)) => self.heard = Heard { at: now, wish },
            // What was heard before still holds.
            Some(Err(error)) => {
                self.heard.at = now;
                return (self.heard.wish.clone(), self.trouble(&error));
            }
            None => {}
        }
        (self.heard.wish.clone(), None)
    }

    /// What was taken is left as it was: whoever comes next need not wait for the lease.
    pub async fn put_down(&mut self, now: Timestamp) -> Option<Event> {
        self.record.expires = now;
        let (journal, id) = (self.journal, &self.id);
        let saved = fitted(&self.record, async |record| journal.save(id, record).await);
        saved.await.err().and_then(|error| self.trouble(&error))
    }

    /// The rollout has ended, or left nothing to take up.
    pub async fn release(mut self) -> Option<Event> {
        let released = self.journal.release(&self.id, self.record.fence).await;
        released.err().and_then(|error| self.trouble(&error))
    }

    /// Tells once that the lock alone is kept.
    pub fn bare(&mut self, too_large: &JournalError) -> Option<Event> {
        let told = std::mem::replace(&mut self.bared, Troubled::Told);
        (told == Troubled::No).then(|| Event::Trouble {
            operation: "journal".to_owned(),
            message: format!("{too_large}: only the lock is kept; {UNRECORDED}"),
        })
    }

    fn trouble(&mut self, error: &JournalError) -> Option<Event> {
        let told = std::mem::replace(&mut self.troubled, Troubled::Told);
        let left = match self.written {
            Some(at) => format!("a run that dies now is taken up from how it stood at {at:.0}"),
            None => UNRECORDED.to_owned(),
        };
        (told == Troubled::No).then(|| trouble(error, &left))
    }
}

/// What comes of it that no work is on record.
pub const UNRECORDED: &str = "a run that dies now leaves nothing to take up";

fn pause_after(error: &JournalError) -> SignedDuration {
    match error {
        JournalError::Fault(fault) if !fault.is_unanswered() => LEASE / 2,
        _ => WRITE_AGAIN,
    }
}

/// Gives the store the record, and what it has no room for with less and less in it. If only the lock fits, the error
/// says how large the record was.
pub async fn fitted<T>(
    record: &Record,
    store: impl AsyncFn(&Record) -> Result<T, JournalError>,
) -> Result<(T, Option<JournalError>), JournalError> {
    // Boxed: what a store does with a record is the deepest that a rollout's future goes.
    match Box::pin(store(record)).await {
        Err(JournalError::TooLarge { .. }) => {}
        stored => return stored.map(|stored| (stored, None)),
    }
    match Box::pin(store(&record.terse())).await {
        Err(too_large @ JournalError::TooLarge { .. }) => {
            let stored = Box::pin(store(&record.lock_alone())).await?;
            Ok((stored, Some(too_large)))
        }
        stored => stored.map(|stored| (stored, None)),
    }
}

/// Trouble with the journal, to be told, and what comes of it.
pub fn trouble(error: &JournalError, left: &str) -> Event {
    let (operation, message) = match error {
        JournalError::Fault(fault) => (fault.operation.clone(), fault.message.clone()),
        other => ("journal".to_owned(), other.to_string()),
    };
    Event::Trouble {
        operation,
        message: format!("{message}; {left}"),
    }
}

/// What is worth a record of its own: a phase that was entered, a deployment that was found, the gates of a step that
/// began, a verdict that changed. Looks in between are on record when the lease is renewed.
#[derive(PartialEq)]
struct Milestone<'a> {
    entered: Timestamp,
    deployment: Option<&'a DeploymentId>,
    gating: Option<(Timestamp, &'a BTreeMap<String, Verdict>)>,
}

fn milestone(work: Option<&Work>) -> Option<Milestone<'_>> {
    work.map(|Work { state, .. }| Milestone {
        entered: state.entered,
        deployment: state.deployment.as_ref(),
        gating: state
            .gating
            .as_ref()
            .map(|gating| (gating.progress.began, &gating.told)),
    })
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
