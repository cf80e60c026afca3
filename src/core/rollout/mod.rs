//! The machine: one turn takes the plan, where it stands and what was just seen, and says what is next.
//!
//! **Invariants:** a turn is a pure function. It decides from what *is*, never from what was ordered; the state holds
//! only what cannot be observed. It takes at most one action, and each action may be repeated without harm.
//! Every wait has a deadline in the plan, and no data is never a success.

mod action;
mod beside;
mod code_deploy;
mod deploy;
#[cfg(test)]
pub mod example;
pub mod gates;
mod hold;
mod looks;
mod native;
mod observation;
mod pace;
mod restore;
mod rolling;
mod state;
mod task_sets;
mod tell;
mod turning;
mod wish;

pub use action::{Action, Receipt};
pub use hold::{Divided, Gating, Held};
pub use observation::{Facet, Fault, FaultKind, GroupSearch, Observation, Seen, Watch};
pub use state::{Phase, State, Turn};
pub use task_sets::Stage;
pub use wish::{TooLate, Wish};

use jiff::Timestamp;

use super::plan::Plan;
use turning::Turning;

/// Decides what is next.
pub fn turn(plan: &Plan, at: &State, seen: &Observation, now: Timestamp) -> Turn {
    let mut turn = decide(plan, at, seen, now);
    // A turn that only asks for more has not seen all that it needs: the look that failed may be still ahead.
    let saw_enough = turn.act.is_some() || turn.wake_at.is_some();
    if saw_enough && turn.next.blind_looks == at.blind_looks {
        turn.next.blind_looks = 0;
    }
    turn
}

fn decide(plan: &Plan, at: &State, seen: &Observation, now: Timestamp) -> Turn {
    let it = Turning::new(plan, at, seen, now);
    if let Some(fault) = seen.without_credentials()
        && it.next.outcome().is_none()
    {
        return it.blind(fault);
    }
    if let Some(Wish::Undo { by }) = &seen.wish
        && it.can_cancel()
    {
        return it.cancel(by);
    }
    match &at.phase {
        Phase::Register | Phase::Deploy if it.is_late() && !it.may_have_begun() => it.too_late(),
        Phase::Register => it.register(),
        Phase::Deploy => it.deploy(),
        Phase::Canary { well_since } => it.canary(*well_since),
        Phase::Follow => it.follow(),
        Phase::StandDown { cause, by } => it.stand_down(cause, *by),
        Phase::Undo { cause, by } => it.undo(cause, *by),
        Phase::TaskSets(stage) => it.task_sets(stage),
        Phase::Restore { outcome } => it.restore(outcome),
        Phase::Done(_) => it.rest(),
    }
}
