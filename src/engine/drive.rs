//! The loop: observe, turn, perform, tell, sleep.
//!
//! **Invariant:** nothing else in the program sleeps, and nothing here decides: a turn of the machine does.

use crate::core::plan::Plan;
use crate::core::report::{Entry, Event, Outcome};
use crate::core::rollout::{State, Turn, turn};
use crate::ports::{Audience, Clock, Cloud, Wake};

/// How the loop ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Driven {
    Ended(Outcome),
    /// Told to stop. The same command takes up from the world as it is; the state says where it stood.
    Interrupted(Box<State>),
}

/// Takes turns until the rollout is done or the clock says to stop.
pub async fn drive(
    plan: &Plan,
    cloud: &impl Cloud,
    clock: &impl Clock,
    audience: &mut impl Audience,
) -> Driven {
    let mut state = State::begin(plan, clock.now());
    if let Some(outcome) = state.outcome() {
        tell(vec![Event::Finished(outcome.clone())], clock, audience);
        return Driven::Ended(outcome.clone());
    }
    let mut watch = state.first_watch(plan);
    let mut receipt = None;
    loop {
        let mut seen = cloud.observe(&watch).await;
        seen.receipt = receipt.take();
        let Turn {
            next,
            act,
            watch: watch_next,
            wake_at,
            say,
        } = turn(plan, &state, &seen, clock.now());
        (state, watch) = (next, watch_next);
        tell(say, clock, audience);
        if let Some(outcome) = state.outcome() {
            return Driven::Ended(outcome.clone());
        }
        if let Some(action) = act {
            receipt = Some(cloud.perform(&action).await);
        }
        let until = wake_at.unwrap_or_else(|| clock.now());
        if clock.sleep_until(until).await == Wake::Interrupted {
            return Driven::Interrupted(Box::new(state));
        }
    }
}

fn tell(say: Vec<Event>, clock: &impl Clock, audience: &mut impl Audience) {
    for event in say {
        let at = clock.now();
        audience.hear(&Entry { at, event });
    }
}
