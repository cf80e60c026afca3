//! What the tool asks of the world, on one page. Adapters answer; tests and rehearsals answer too.
//!
//! **Invariant:** nothing here is about one vendor's client. A port takes and gives values of `core` only.

use std::future::Future;

use jiff::Timestamp;

use crate::core::gate::{Ask, Probe, Reply, Word};
use crate::core::report::Entry;
use crate::core::rollout::{Action, Fault, Observation, Receipt, Watch};

/// AWS, as far as a rollout needs it.
pub trait Cloud {
    /// Looks at the facets. What could not be read is said within the observation, facet by facet.
    fn observe(&self, watch: &Watch) -> impl Future<Output = Observation>;

    /// Makes one change. An unanswered fault means that it may have been made.
    fn perform(&self, action: &Action) -> impl Future<Output = Result<Receipt, Fault>>;
}

/// HTTP requests to the service, from where this program runs.
pub trait Prober {
    /// The service's answer, whatever it says; a fault if there was none.
    fn probe(&self, probe: &Probe) -> impl Future<Output = Result<Reply, Fault>>;
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
}
