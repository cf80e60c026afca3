//! Moving production traffic, a step at a time.

use jiff::Timestamp;

use super::{Stage, TRAFFIC, division, shift_to};
use crate::core::live::{Service, TargetState, TaskSet};
use crate::core::plan::TaskSets;
use crate::core::report::{Cause, Event};
use crate::core::rollout::pace::between_looks;
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Held, Phase, Seen, Turn};
use crate::core::service::Share;

impl Turning<'_> {
    pub(super) fn shift(mut self, sets: &TaskSets, step: usize, since: Option<Timestamp>) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            self.tell_trouble(fault);
            if !fault.is_unanswered() {
                return self.begin_back(fault.refusal());
            }
        }
        let (mut it, service, rule) = match self.see_sets(sets) {
            Ok(seen) => seen,
            Err(turn) => return *turn,
        };
        let Some(ours) = it.our_set(sets, &service) else {
            let reason = "the new task set is gone".to_owned();
            return it.begin_back(Cause::Stopped { reason });
        };
        it.tell_what_is_seen(&service, &ours.id());
        let wanted = division(sets, percent_of(sets, step));
        let before = division(
            sets,
            step.checked_sub(1).map_or(0, |at| percent_of(sets, at)),
        );
        // Once it was read back, the step before is as foreign as any other.
        let is_before = since.is_none() && rule.divides(&before);
        if !is_before && it.is_overruled(&rule, std::slice::from_ref(&wanted)) {
            return it.overruled(sets, &rule);
        }
        if let Some(cause) = it.unfit(sets, &service, ours) {
            return it.begin_back(cause);
        }
        if rule.divides(&wanted) {
            return it.hold_step(sets, &service, ours, step, since);
        }
        let watch = it.watch_sets_closely(sets);
        if is_before && !it.just_ordered() {
            return it.order(shift_to(&sets.rule, wanted), watch);
        }
        let pause = between_looks(it.next.entered, it.now);
        it.look_after(pause, watch)
    }

    /// The rule was read back as wanted: the step holds through its gates, then comes the next.
    fn hold_step(
        mut self,
        sets: &TaskSets,
        service: &Service,
        ours: TaskSet<'_>,
        step: usize,
        since: Option<Timestamp>,
    ) -> Turn {
        let percent = percent_of(sets, step);
        if since.is_none() {
            self.say.push(Event::Shifted { percent });
            self.next.told.marks.insert(TRAFFIC.to_owned());
        }
        let since = Some(since.unwrap_or(self.now));
        self.next.phase = Phase::TaskSets(Stage::Shift { step, since });
        let share = Share::Traffic(f64::from(percent));
        self.tell_set(service, ours, &format!("{share} is held"));
        let subject = self.judged_sets(sets, service, ours);
        let pause = between_looks(self.next.entered, self.now);
        match self.hold(share, subject, service, pause) {
            Held::Failed(cause) => self.begin_back(cause),
            Held::Waiting(look) => self.look_on_or_time_out(sets, look),
            Held::Passed(_) => self.leave_step(sets, step),
        }
    }

    fn leave_step(mut self, sets: &TaskSets, step: usize) -> Turn {
        let is_last = sets.steps.get(step).is_none_or(|percent| *percent >= 100);
        let stage = if is_last {
            Stage::Promote
        } else {
            let (step, since) = (step + 1, None);
            Stage::Shift { step, since }
        };
        self.next.enter(Phase::TaskSets(stage), self.now);
        let watch = self.watch_sets_closely(sets);
        self.look_now(watch)
    }

    /// Why the new set must not have traffic: its tasks fail, or it has no healthy target.
    fn unfit(&self, sets: &TaskSets, service: &Service, ours: TaskSet<'_>) -> Option<Cause> {
        if let Some(cause) = self.set_failing(service, ours) {
            return Some(cause);
        }
        let targets = self.seen.targets.get(&sets.green).and_then(Seen::is)?;
        let healthy = targets
            .iter()
            .any(|target| target.state == TargetState::Healthy);
        (!healthy && service.desired_count() > 0).then(|| Cause::Unrunnable {
            reason: "no target of the new task set is healthy".to_owned(),
        })
    }
}

fn percent_of(sets: &TaskSets, step: usize) -> u32 {
    sets.steps.get(step).copied().unwrap_or(100)
}
