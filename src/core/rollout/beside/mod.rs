//! A canary beside the service: a second service of a few new tasks behind the same target group, then a rolling
//! rollout of the first, then the second is put away. Where the first has to go back, the second stands down before it.
//!
//! **Invariant:** while the canary is judged, the service itself is not touched. A canary is known by its tag; one that
//! a dead run left behind is taken over or put away, and none is left behind at the end.

mod canary;
mod stand_down;
mod tidy;

#[cfg(test)]
mod tests;

pub use canary::watch_canary;
