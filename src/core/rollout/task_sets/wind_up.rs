//! After the last step: the new set becomes primary, the old one drains and is removed.

use jiff::Timestamp;

use super::Stage;
use crate::core::plan::TaskSets;
use crate::core::report::{Cause, Event, Outcome};
use crate::core::rollout::pace::{LOOK_AGAIN, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Phase, Turn};

impl Turning<'_> {
    pub(super) fn promote(mut self, sets: &TaskSets) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            self.tell_trouble(fault);
            if !fault.is_unanswered() {
                return self.begin_back(fault.refusal());
            }
        }
        let (it, service, rule) = match self.see_sets(sets) {
            Ok(seen) => seen,
            Err(turn) => return *turn,
        };
        let mut it = match it.has_all(sets, &rule) {
            Ok(it) => it,
            Err(turn) => return *turn,
        };
        let Some(ours) = it.our_set(sets, &service) else {
            let reason = "the new task set is gone".to_owned();
            return it.begin_back(Cause::Stopped { reason });
        };
        let watch = it.watch_sets(sets);
        if ours.is_primary() {
            let since = it.now;
            it.next
                .enter(Phase::TaskSets(Stage::Drain { since }), it.now);
            return it.look_now(watch);
        }
        if it.just_ordered() {
            return it.look_after(LOOK_AGAIN, watch);
        }
        let (key, set) = (it.plan.target.clone(), ours.id());
        it.order(Action::PromoteTaskSet { key, set }, watch)
    }

    /// The old set is kept until its connections had time to end; meanwhile it could take all traffic back.
    pub(super) fn drain(self, sets: &TaskSets, since: Timestamp) -> Turn {
        let (mut it, service, rule) = match self.see_sets(sets) {
            Ok(seen) => seen,
            Err(turn) => return *turn,
        };
        it.tell_events(&service);
        let mut it = match it.has_all(sets, &rule) {
            Ok(it) => it,
            Err(turn) => return *turn,
        };
        if !it.is_drained(sets, &sets.blue, since) {
            let pause = between_looks(it.next.entered, it.now);
            let watch = it.watch_drain(sets, &sets.blue, since);
            return it.look_after(pause, watch);
        }
        let watch = it.watch_sets(sets);
        it.next.enter(Phase::TaskSets(Stage::Remove), it.now);
        it.look_now(watch)
    }

    pub(super) fn remove(mut self, sets: &TaskSets) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            self.tell_trouble(fault);
        }
        let (mut it, service, rule) = match self.see_sets(sets) {
            Ok(seen) => seen,
            Err(turn) => return *turn,
        };
        it.tell_events(&service);
        // Whatever the rule sends to the old set is lost with it.
        let mut it = match it.has_all(sets, &rule) {
            Ok(it) => it,
            Err(turn) => return *turn,
        };
        let old = service.task_sets().find(|set| set.id() == sets.old);
        let late = it.waited(it.next.entered).unsigned_abs() >= it.plan.intent.limits.undo_timeout;
        let watch = it.watch_sets(sets);
        match old {
            None => it.finish(Outcome::Completed),
            Some(old) if late => {
                let message = format!("the old task set {} is still there", old.id());
                let operation = "DeleteTaskSet".to_owned();
                it.say.push(Event::Trouble { operation, message });
                it.finish(Outcome::Completed)
            }
            Some(old) if old.is_draining() || it.just_ordered() => {
                let pause = between_looks(it.next.entered, it.now);
                it.look_after(pause, watch)
            }
            Some(old) => {
                let (key, set) = (it.plan.target.clone(), old.id());
                it.act(Action::DeleteTaskSet { key, set }, watch)
            }
        }
    }
}
