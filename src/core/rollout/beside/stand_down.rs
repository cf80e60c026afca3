//! Before the service itself goes back, its canary is scaled to 0: it has the revision that is not wanted, and the
//! service's own way back may take minutes.
//!
//! **Invariant:** it never holds the way back up for long. A canary that cannot be read or scaled, is gone or is not ours
//! is left to the end of the rollout, where it is put away in any case; nor is it awaited that its tasks have stopped.

use super::canary::{is_ours, watch_canary};
use super::tidy::scale_to_none;
use crate::core::live::Service;
use crate::core::plan::{Beside, Strategy};
use crate::core::report::{Cause, Event, Undoer};
use crate::core::rollout::pace::{LOOK_AGAIN, STAND_DOWN, STAND_DOWN_LOOKS};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Fault, Phase, Seen, Turn};

impl Turning<'_> {
    /// Begins with a fresh look: what this turn has seen and heard was of the service.
    pub fn begin_stand_down(mut self, beside: &Beside, cause: Cause, by: Undoer) -> Turn {
        self.next.enter(Phase::StandDown { cause, by }, self.now);
        let watch = watch_canary(beside);
        self.look_now(watch)
    }

    pub fn stand_down(self, cause: &Cause, by: Undoer) -> Turn {
        let Strategy::Beside(beside) = &self.plan.strategy else {
            return self.undo_service(cause, by);
        };
        if self.updated(&beside.key).is_some() {
            return self.undo_service(cause, by);
        }
        if let Some(Err(fault)) = self.receipt() {
            return self.stand_down_again(beside, fault, cause, by);
        }
        match &self.seen.beside {
            Seen::NotAsked => {
                let watch = watch_canary(beside);
                self.look_now(watch)
            }
            Seen::Unreadable(fault) => self.stand_down_again(beside, fault, cause, by),
            Seen::Is(canary) if self.serves_beside(canary) => self.take_out(beside),
            Seen::Is(_) | Seen::Absent => self.undo_service(cause, by),
        }
    }

    /// Whether there is anything to be scaled down: a service that drains stops its tasks by itself.
    fn serves_beside(&self, canary: &Service) -> bool {
        let is_ours = is_ours(canary, self.plan.target.service.short());
        is_ours && canary.is_active() && canary.desired_count() > 0
    }

    fn take_out(mut self, beside: &Beside) -> Turn {
        if self.next.ordered.is_none() {
            let service = beside.key.service.to_string();
            self.say.push(Event::CanaryStandsDown { service });
        }
        let watch = watch_canary(beside);
        self.act(scale_to_none(beside), watch)
    }

    /// A look or a call did not work. The limits are asked only here, so that whoever takes the rollout up long after
    /// still scales the canary down first.
    fn stand_down_again(
        mut self,
        beside: &Beside,
        fault: &Fault,
        cause: &Cause,
        by: Undoer,
    ) -> Turn {
        self.tell_trouble(fault);
        let tried_enough =
            self.waited(self.next.entered) >= STAND_DOWN || self.next.looks >= STAND_DOWN_LOOKS;
        if tried_enough || !fault.is_unanswered() {
            return self.undo_service(cause, by);
        }
        let watch = watch_canary(beside);
        self.look_after(LOOK_AGAIN, watch)
    }

    fn undo_service(mut self, cause: &Cause, by: Undoer) -> Turn {
        let cause = cause.clone();
        self.next.enter(Phase::Undo { cause, by }, self.now);
        let watch = self.watch_undo();
        self.look_now(watch)
    }
}
