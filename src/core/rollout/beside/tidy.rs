//! Putting the canary away: scaled to 0 so that its targets drain, then deleted.

use serde_json::{Map, json};

use super::canary::{is_ours, watch_canary};
use crate::core::live::Service;
use crate::core::plan::Beside;
use crate::core::report::Outcome;
use crate::core::rollout::pace::{LOOK_AGAIN, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Phase, Seen, Turn};

impl Turning<'_> {
    pub fn tidy_canary(mut self, beside: &Beside, outcome: &Outcome) -> Turn {
        if let (Phase::Restore { .. }, Some(Err(fault))) = (&self.next.phase, &self.seen.receipt) {
            self.tell_trouble(fault);
        }
        let late =
            self.waited(self.next.entered).unsigned_abs() >= self.plan.intent.limits.undo_timeout;
        match &self.seen.beside {
            _ if late => self.finish(outcome.clone()),
            Seen::NotAsked => {
                let watch = watch_canary(beside);
                self.look_now(watch)
            }
            Seen::Unreadable(fault) => {
                self.tell_trouble(fault);
                let watch = watch_canary(beside);
                self.look_after(LOOK_AGAIN, watch)
            }
            Seen::Absent => self.finish(outcome.clone()),
            Seen::Is(canary) if !is_ours(canary, self.plan.target.service.short()) => {
                self.finish(outcome.clone())
            }
            Seen::Is(canary) => self.put_away(beside, canary, outcome),
        }
    }

    fn put_away(self, beside: &Beside, canary: &Service, outcome: &Outcome) -> Turn {
        let watch = watch_canary(beside);
        let pause = between_looks(self.next.entered, self.now);
        if !canary.is_active() {
            return match canary.status() {
                "INACTIVE" => self.finish(outcome.clone()),
                _ => self.look_after(pause, watch),
            };
        }
        if canary.desired_count() > 0 {
            let members = Map::from_iter([("desiredCount".to_owned(), json!(0))]);
            let key = beside.key.clone();
            return self.act(Action::UpdateService { key, members }, watch);
        }
        if canary.running_count() + canary.pending_count() > 0 {
            return self.look_after(pause, watch);
        }
        self.act(Action::DeleteService(beside.key.clone()), watch)
    }
}
