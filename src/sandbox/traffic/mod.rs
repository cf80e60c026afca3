//! Modelled traffic: requests per virtual second, from the listener over rule, weights and target group to the targets,
//! counted as the load balancer counts them and as the clients saw them.
//!
//! * Shares are exact over time, not drawn: whatever a second rounds away, the next ones give back (see `split`).
//! * A request goes to a healthy target; if the group has none, to any unhealthy one ("fail-open"); if there is none
//!   either, the client gets a 503. Groups do not stand in for each other. That all weights are 0 means a 503 is an
//!   assumption.
//! * A target whose task is gone, or not ready, costs the client a 502; one that hangs costs a 504.
//! * Every request comes from a new client without cookies, so stickiness never binds; source addresses are not modelled,
//!   so a `source-ip` condition never holds. A request is over within its second: none is cut off in mid-flight.
//!
//! **Invariant:** traffic only reads the rest of the world: it never changes what happens to tasks or targets.

mod candidate;
mod flow;
mod knock;
mod ledger;
mod route;
mod source;
mod split;
#[cfg(test)]
pub mod tests;

pub use flow::{Reach, Traffic};
pub use knock::Knock;
pub use ledger::{Counts, Hosts, Ledger, Place};
pub use source::{Failure, Seen, Source, SourceSeed, seed};
