//! Going back: weights first, onto the set that still serves; then the new set drains and is removed.

use jiff::Timestamp;

use super::overruled::overruling;
use super::{Stage, TRAFFIC, division, shift_to};
use crate::core::live::{Rule, Service};
use crate::core::plan::TaskSets;
use crate::core::report::{Cause, Event, Outcome, Undoer};
use crate::core::rollout::pace::{LOOK_AGAIN, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Phase, Turn};

impl Turning<'_> {
    pub fn begin_back(mut self, cause: Cause) -> Turn {
        if self.leaves(&cause) {
            return self.finish(Outcome::Stranded { cause });
        }
        self.say.push(Event::Undoing {
            cause: cause.clone(),
            task_definition: self.plan.before.task_definition.clone(),
            by: Undoer::Ecsdeploy,
        });
        let since = None;
        self.next
            .enter(Phase::TaskSets(Stage::Back { cause, since }), self.now);
        let watch = self.watch_service();
        self.look_now(watch)
    }

    pub(super) fn go_back(
        mut self,
        sets: &TaskSets,
        cause: &Cause,
        since: Option<Timestamp>,
    ) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            self.tell_trouble(fault);
        }
        let (mut it, service, rule) = match self.see_sets(sets) {
            Ok(seen) => seen,
            Err(turn) => return *turn,
        };
        it.tell_events(&service);
        if !service
            .task_sets()
            .any(|set| set.id() == sets.old && !set.is_draining())
        {
            let from = Box::new(cause.clone());
            return it.finish(Outcome::Stranded {
                cause: Cause::NoWayBack { from },
            });
        }
        let watch = it.watch_sets(sets);
        if it.just_ordered() && it.receipt().is_none() {
            return it.look_after(LOOK_AGAIN, watch);
        }
        let none = division(sets, 0);
        if !rule.divides(&none) {
            return it.turn_weights(sets, &rule, cause, since);
        }
        if it.next.told.marks.remove(TRAFFIC) {
            it.say.push(Event::Shifted { percent: 0 });
        }
        let since = since.unwrap_or(it.now);
        it.next.phase = Phase::TaskSets(Stage::Back {
            cause: cause.clone(),
            since: Some(since),
        });
        if let Some(action) = it.test_shift(sets, &sets.blue) {
            return it.act(action, watch);
        }
        it.take_down(sets, &service, cause, since)
    }

    /// The old set does not have everything: not yet, or not any more.
    fn turn_weights(
        mut self,
        sets: &TaskSets,
        rule: &Rule,
        cause: &Cause,
        since: Option<Timestamp>,
    ) -> Turn {
        let (none, watch) = (division(sets, 0), self.watch_sets(sets));
        if since.is_none() {
            self.next.told.marks.insert(TRAFFIC.to_owned());
            return self.act(shift_to(&sets.rule, none), watch);
        }
        if self.is_overruled(rule, &[none]) {
            let (from, reason) = (Box::new(cause.clone()), overruling(sets, rule));
            return self.finish(Outcome::Stranded {
                cause: Cause::UndoFailed { from, reason },
            });
        }
        self.look_after(LOOK_AGAIN, watch)
    }

    /// The weights stand as before the rollout: the old set is primary again, the new one drains and goes.
    fn take_down(
        mut self,
        sets: &TaskSets,
        service: &Service,
        cause: &Cause,
        since: Timestamp,
    ) -> Turn {
        let watch = self.watch_sets(sets);
        let key = self.plan.target.clone();
        let old_is_primary = service
            .primary_task_set()
            .is_some_and(|set| set.id() == sets.old);
        if !old_is_primary {
            let set = sets.old.clone();
            return self.act(Action::PromoteTaskSet { key, set }, watch);
        }
        let mut others = service.task_sets().filter(|set| set.id() != sets.old);
        let Some(ours) = others.find(|set| set.is_ours()) else {
            let cause = cause.clone();
            return self.finish(Outcome::RolledBack { cause });
        };
        let pause = between_looks(self.next.entered, self.now);
        if ours.is_draining() {
            return self.look_after(pause, watch);
        }
        if !self.is_drained(sets, &sets.green, since) {
            let watch = self.watch_drain(sets, &sets.green, since);
            return self.look_after(pause, watch);
        }
        let set = ours.id();
        self.act(Action::DeleteTaskSet { key, set }, watch)
    }
}
