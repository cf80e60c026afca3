//! What the tool asks of the world, on one page. Adapters answer; tests and rehearsals answer too.
//!
//! **Invariant:** nothing here is about one vendor's client. A port takes and gives values of `core` only.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use crate::core::gate::{Ask, Probe, Reply, Word};
use crate::core::id::ServiceKey;
use crate::core::journal::{Fence, Owner, Record, RolloutId};
use crate::core::live::Service;
use crate::core::past::Past;
use crate::core::plan::{Plan, Survey};
use crate::core::post::{Comment, Status};
use crate::core::report::Entry;
use crate::core::rollout::{Action, Fault, Observation, Receipt, Watch, Wish};
use crate::core::taskdef::TaskDefinition;

/// AWS, as far as a rollout needs it.
pub trait Cloud {
    /// Looks at the facets. What could not be read is said within the observation, facet by facet.
    fn observe(&self, watch: &Watch) -> impl Future<Output = Observation>;

    /// Makes one change. An unanswered fault means that it may have been made.
    fn perform(&self, action: &Action) -> impl Future<Output = Result<Receipt, Fault>>;
}

/// What served before, as far as AWS remembers it.
pub trait History {
    /// Deployments that have ended, newest first. `service` is as it stands now.
    fn past(
        &self,
        key: &ServiceKey,
        service: &Service,
    ) -> impl Future<Output = Result<Vec<Past>, Fault>>;
}

/// Where records of rollouts are kept, and what locks a service while one runs.
pub trait Journal {
    fn load(&self, id: &RolloutId) -> impl Future<Output = Result<Option<Record>, JournalError>>;

    /// Creates the record, or puts it in the place of the expired one with the fence `over`. Of several takers, one
    /// gets it.
    fn claim(
        &self,
        id: &RolloutId,
        record: &Record,
        over: Option<Fence>,
    ) -> impl Future<Output = Result<Claim, JournalError>>;

    /// Writes the record, which also renews its lease, unless somebody else's is stored ([`Record::may_replace`]).
    fn save(
        &self,
        id: &RolloutId,
        record: &Record,
    ) -> impl Future<Output = Result<(), JournalError>>;

    /// Removes the record, and wishes about it, if its fence is still the stored one.
    fn release(
        &self,
        id: &RolloutId,
        fence: Fence,
    ) -> impl Future<Output = Result<(), JournalError>>;

    /// Leaves a wish for the owner of the record with this fence. One to go back stands until the record is released:
    /// it takes the place of every other, and none takes its place.
    fn wish(
        &self,
        id: &RolloutId,
        fence: Fence,
        wish: &Wish,
    ) -> impl Future<Output = Result<(), JournalError>>;

    /// The wish that was left for this fence or a later one, at every call until the record is released.
    fn hear(
        &self,
        id: &RolloutId,
        since: Fence,
    ) -> impl Future<Output = Result<Option<Wish>, JournalError>>;
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// It is ours, and nobody else can get it while the lease lives.
    Locked,
    /// The record is kept, but this store cannot keep others out.
    Unlocked { why: String },
    /// Somebody else was first.
    Held(Box<Record>),
}

/// Why a journal did not do what was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum JournalError {
    #[error("{0} took the service over")]
    TakenOver(Owner),
    #[error("the rollout has been told to abort by {by}")]
    Aborted { by: String },
    #[error("the record in {place} cannot be read: {reason}")]
    Unreadable { place: String, reason: String },
    #[error("the record takes {bytes} bytes and {place} holds {limit}")]
    TooLarge {
        place: &'static str,
        bytes: usize,
        limit: usize,
    },
    #[error("failed to {verb} {place}: {reason}")]
    File {
        verb: &'static str,
        place: String,
        reason: String,
    },
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// HTTP requests to the service, from where this program runs.
pub trait Prober {
    /// The service's answer, whatever it says; a fault if there was none.
    fn probe(&self, probe: &Probe) -> impl Future<Output = Result<Reply, Fault>>;
}

/// Where people read of a rollout: GitHub, GitLab.
pub trait Forge {
    /// Makes the one comment with this marker read so. Nothing is written when it does already.
    fn upsert(&self, comment: &Comment) -> impl Future<Output = Result<(), ForgeError>>;

    /// Shows how the rollout stands. Said twice, it is shown once.
    fn mark(&self, status: &Status) -> impl Future<Output = Result<(), ForgeError>>;
}

/// Why something was not posted. `what` finishes "failed to …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// Of no use to try again in this run.
    #[error("failed to {what}: {said} ({needs})")]
    Denied {
        what: String,
        said: String,
        needs: String,
    },
    #[error("failed to {what}: {said}")]
    Refused { what: String, said: String },
    /// A rate limit, or a server that asks for a pause.
    #[error("failed to {what}: {said}")]
    Busy {
        what: String,
        said: String,
        wait: Option<Duration>,
    },
    /// It may have been done.
    #[error("failed to {what}: {said}")]
    Unanswered { what: String, said: String },
}

/// Whoever can let a rollout go on, or stop it.
pub trait People {
    /// What was said so far; `None` if nothing was.
    fn word(&self, ask: &Ask) -> impl Future<Output = Result<Option<Word>, Fault>>;
}

/// Time, and the wish of a person or a runner to stop.
pub trait Clock {
    fn now(&self) -> Timestamp;

    fn sleep_until(&self, until: Timestamp) -> impl Future<Output = Wake>;

    /// Waits until then beside other work, and does not hasten it: a clock that only sleeps move stands still meanwhile.
    fn pass_until(&self, until: Timestamp) -> impl Future<Output = Wake>;

    /// Works until it is done; once there is a wish to stop, only for the few seconds that are left, then `None`.
    fn attend<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
        async { Some(work.await) }
    }
}

/// Why a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    Due,
    /// SIGINT or SIGTERM arrived.
    Interrupted,
}

/// Whoever is told what happens.
pub trait Audience {
    fn hear(&mut self, entry: &Entry);

    /// Shown each task definition that is seen, before anything is told of it: whoever tells must know its secrets.
    fn learn(&mut self, _: &TaskDefinition) {}

    /// Shown what will be carried out, before it begins.
    fn plan(&mut self, _: &Plan, _: &TaskDefinition, _: &Survey) {}

    /// A look was taken, whether or not there was anything to tell.
    fn look(&mut self, _now: Timestamp) {}
}
