//! Raising the new task set, behind a target group that has no production traffic yet.

use serde_json::{Map, Value, json};

use super::overruled::overruling;
use super::{Stage, division, shift_to};
use crate::core::gate::failures;
use crate::core::live::{OURS, Rule, Service, TaskSet};
use crate::core::plan::TaskSets;
use crate::core::report::{Cause, Event, Outcome, Progress};
use crate::core::rollout::gates::Look;
use crate::core::rollout::pace::{LOOK_AGAIN, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Held, Phase, Seen, Turn};
use crate::core::service::{Contest, Share};

impl Turning<'_> {
    pub(super) fn raise(mut self, sets: &TaskSets) -> Turn {
        match self.receipt() {
            Some(Err(fault)) if fault.is_unanswered() => self.tell_trouble(fault),
            Some(Err(fault)) if self.next.deployment.is_some() => {
                return self.begin_back(fault.refusal());
            }
            Some(Err(fault)) => return self.refused(fault),
            _ => {}
        }
        let (it, service, rule) = match self.see_sets(sets) {
            Ok(seen) => seen,
            Err(turn) => return *turn,
        };
        match it.our_set(sets, &service) {
            Some(ours) => it.wait_until_steady(sets, &service, ours),
            None => it.make_set(sets, &service, &rule),
        }
    }

    fn make_set(mut self, sets: &TaskSets, service: &Service, rule: &Rule) -> Turn {
        let watch = self.watch_sets(sets);
        if self.just_ordered() {
            return self.look_after(LOOK_AGAIN, watch);
        }
        let stray = service
            .task_sets()
            .find(|set| set.id() != sets.old && !set.is_draining());
        if let Some(stray) = stray {
            return self.clear_away(stray, rule, sets);
        }
        // A group that no rule names is not checked for health, so it joins the rule before it gets targets.
        let start = division(sets, 0);
        if self.is_overruled(rule, std::slice::from_ref(&start)) {
            let reason = overruling(sets, rule);
            return self.give_up(Cause::Stopped { reason });
        }
        if !rule.divides(&start) {
            return self.look_after(LOOK_AGAIN, watch);
        }
        if !rule.weights.contains_key(&sets.green) {
            return self.order(shift_to(&sets.rule, start), watch);
        }
        self.tell_events_since(service, None);
        let members = self.set_members(sets);
        let key = self.plan.target.clone();
        self.order(Action::CreateTaskSet { key, members }, watch)
    }

    /// A set that a dead run left behind is removed if it has no traffic; one with traffic, or that somebody else made, is
    /// somebody's rollout.
    fn clear_away(self, stray: TaskSet<'_>, rule: &Rule, sets: &TaskSets) -> Turn {
        let share = stray.target_group().map_or(0.0, |group| rule.share(&group));
        let may_go = stray.is_ours() || self.plan.intent.contest == Contest::Supersede;
        if share > 0.0 || !may_go {
            let by = stray.id();
            return self.finish(Outcome::Superseded { by });
        }
        let (key, set) = (self.plan.target.clone(), stray.id());
        let watch = self.watch_sets(sets);
        self.order(Action::DeleteTaskSet { key, set }, watch)
    }

    fn set_members(&self, sets: &TaskSets) -> Map<String, Value> {
        let mut members = sets.members.clone();
        let plan = self.next.plan.chars().filter(char::is_ascii_hexdigit);
        let plan: String = plan.take(20).collect();
        // Of this plan and this run of it, so that a later run of the same plan makes a set of its own; ECS takes 36
        // characters.
        let token = format!("{plan}-{}", self.next.began.as_millisecond());
        members.insert("taskDefinition".to_owned(), json!(self.next.revision));
        members.insert(
            "scale".to_owned(),
            json!({ "value": 100.0, "unit": "PERCENT" }),
        );
        members.insert("externalId".to_owned(), json!(format!("{OURS}{token}")));
        members.insert("clientToken".to_owned(), json!(token));
        members
    }

    fn wait_until_steady(mut self, sets: &TaskSets, service: &Service, ours: TaskSet<'_>) -> Turn {
        if self.next.deployment.is_none() {
            self.say.push(Event::Deploying {
                deployment: ours.id(),
                task_definition: ours.task_definition(),
            });
            self.next.deployment = Some(ours.id());
            self.tell_events_since(service, ours.created());
        }
        self.tell_what_is_seen(service, &ours.id());
        self.tell_set(service, ours, "the new task set is steady");
        if let Some(cause) = self.set_failing(service, ours) {
            return self.begin_back(cause);
        }
        if !ours.is_steady() && !self.is_holding(Share::NOTHING) {
            return self.hold_or_time_out(sets, "the new task set became steady");
        }
        if let Some(action) = self.test_shift(sets, &sets.green) {
            let watch = self.watch_sets_closely(sets);
            return self.order(action, watch);
        }
        self.prove_set(sets, service, ours)
    }

    /// The new set is steady, and reached by test traffic if there is any: its gates, before it gets production's.
    fn prove_set(mut self, sets: &TaskSets, service: &Service, ours: TaskSet<'_>) -> Turn {
        let subject = self.judged_sets(sets, service, ours);
        let pause = between_looks(self.next.entered, self.now);
        match self.hold(Share::NOTHING, subject, service, pause) {
            Held::Failed(cause) => self.begin_back(cause),
            Held::Waiting(look) => self.look_on_or_time_out(sets, look),
            Held::Passed(_) => {
                // A run whose record is lost may have shifted: what has traffic does not lose it to be given it again.
                let stands = |percent: &u32| {
                    let rule = self.seen.rules.get(&sets.rule).and_then(Seen::is);
                    rule.is_some_and(|rule| rule.divides(&division(sets, *percent)))
                };
                let step = sets.steps.iter().position(stands).unwrap_or(0);
                let since = None;
                let stage = Stage::Shift { step, since };
                self.next.enter(Phase::TaskSets(stage), self.now);
                let watch = self.watch_sets_closely(sets);
                self.look_now(watch)
            }
        }
    }

    pub(super) fn set_failing(&self, service: &Service, ours: TaskSet<'_>) -> Option<Cause> {
        let stopped = self.seen.stopped_tasks.is()?;
        self.failing(&failures(stopped, &ours.id()), service)
    }

    pub(super) fn tell_set(&mut self, service: &Service, ours: TaskSet<'_>, awaiting: &str) {
        let old = service
            .task_sets()
            .filter(|set| set.id() != ours.id())
            .map(TaskSet::running_count)
            .sum();
        self.tell(Progress {
            desired: ours.computed_count(),
            running: ours.running_count(),
            pending: ours.pending_count(),
            old,
            awaiting: awaiting.to_owned(),
        });
    }

    /// Looks again in a while, unless the whole rollout has taken too long.
    pub(super) fn hold_or_time_out(self, sets: &TaskSets, awaiting: &str) -> Turn {
        if self.is_late() {
            let cause = self.deadline(format!("waiting until {awaiting}"));
            return self.begin_back(cause);
        }
        let pause = between_looks(self.next.entered, self.now);
        let watch = self.watch_sets_closely(sets);
        self.look_after(pause, watch)
    }

    /// The same, with what the gates have to see.
    pub(super) fn look_on_or_time_out(self, sets: &TaskSets, look: Look) -> Turn {
        if self.is_late() {
            return self.hold_or_time_out(sets, "the gates passed");
        }
        let watch = self.watch_sets_closely(sets);
        self.look_on(look, watch)
    }
}
