//! Putting the canary away: scaled to 0 so that its targets drain, then deleted.
//!
//! **Invariant:** what does not work is tried again at a look's pace until the time for an undo is over, unless this identity
//! may not do it; then the outcome is told all the same, and that the canary is still there, but never as taken back while
//! the canary has requests. Where failures are left as they are, so is a canary that has tasks.

use serde_json::{Map, json};

use super::canary::{is_ours, watch_canary};
use crate::core::live::Service;
use crate::core::plan::Beside;
use crate::core::report::{Cause, Event, Outcome};
use crate::core::rollout::pace::between_looks;
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Fault, FaultKind, Seen, Turn};

impl Turning<'_> {
    pub fn tidy_canary(self, beside: &Beside, outcome: &Outcome) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            return self.tidy_after(fault, beside, outcome);
        }
        match &self.seen.beside {
            Seen::NotAsked => {
                let watch = watch_canary(beside);
                self.look_now(watch)
            }
            Seen::Unreadable(fault) => self.tidy_after(fault, beside, outcome),
            Seen::Absent => self.finish(outcome.clone()),
            Seen::Is(canary) if !is_ours(canary, self.plan.target.service.short()) => {
                self.finish(outcome.clone())
            }
            Seen::Is(canary) if self.is_left(canary, outcome) => self.leave_canary(beside, outcome),
            Seen::Is(canary) => self.put_away(beside, canary, outcome),
        }
    }

    /// Whoever takes this up long after finds its time over, and orders what is left to order all the same.
    fn put_away(mut self, beside: &Beside, canary: &Service, outcome: &Outcome) -> Turn {
        let watch = watch_canary(beside);
        if canary.is_active() && self.next.ordered.is_none() {
            let service = beside.key.service.to_string();
            self.say.push(Event::CanaryPutAway { service });
        }
        let has_tasks = canary.running_count() + canary.pending_count() > 0;
        match canary.status() {
            "ACTIVE" if canary.desired_count() > 0 => self.act(scale_to_none(beside), watch),
            "ACTIVE" if has_tasks && !self.has_drained_long() => {
                let pause = between_looks(self.next.entered, self.now);
                self.look_after(pause, watch)
            }
            "ACTIVE" => self.act(Action::DeleteService(beside.key.clone()), watch),
            "INACTIVE" => self.finish(outcome.clone()),
            _ => self.tidy_later(beside, outcome),
        }
    }

    fn has_drained_long(&self) -> bool {
        let since = self.next.ordered.unwrap_or(self.next.entered);
        self.waited(since).unsigned_abs() >= self.plan.intent.limits.undo_timeout
    }

    /// It is what somebody wants to look at.
    fn is_left(&self, canary: &Service, outcome: &Outcome) -> bool {
        let is_there = canary.is_active() && canary.desired_count() > 0;
        is_there && matches!(outcome, Outcome::Stranded { cause } if self.leaves(cause))
    }

    fn leave_canary(mut self, beside: &Beside, outcome: &Outcome) -> Turn {
        self.say.push(Event::CanaryLeft {
            cluster: beside.key.cluster.short().to_owned(),
            service: beside.key.service.to_string(),
        });
        self.finish(outcome.clone())
    }

    fn tidy_after(mut self, fault: &Fault, beside: &Beside, outcome: &Outcome) -> Turn {
        self.tell_trouble(fault);
        if fault.kind == FaultKind::Denied {
            return self.finish_untidy(beside, outcome);
        }
        self.tidy_later(beside, outcome)
    }

    fn tidy_later(self, beside: &Beside, outcome: &Outcome) -> Turn {
        if self.is_undo_late() {
            return self.finish_untidy(beside, outcome);
        }
        let pause = between_looks(self.next.entered, self.now);
        let watch = watch_canary(beside);
        self.look_after(pause, watch)
    }

    /// A release that failed and still has requests, by its canary, is not taken back.
    fn finish_untidy(self, beside: &Beside, outcome: &Outcome) -> Turn {
        let has_tasks = |canary: &Service| canary.is_active() && canary.desired_count() > 0;
        let has_requests = self.seen.beside.is().is_none_or(has_tasks);
        let outcome = match outcome {
            Outcome::Failed { cause } | Outcome::RolledBack { cause } if has_requests => {
                let canary = beside.key.service.short();
                Outcome::Stranded {
                    cause: Cause::UndoFailed {
                        from: Box::new(cause.clone()),
                        reason: format!("the canary {canary} could not be scaled to 0"),
                    },
                }
            }
            other => other.clone(),
        };
        self.leave_canary(beside, &outcome)
    }
}

pub fn scale_to_none(beside: &Beside) -> Action {
    let key = beside.key.clone();
    let members = Map::from_iter([("desiredCount".to_owned(), json!(0))]);
    Action::UpdateService { key, members }
}
