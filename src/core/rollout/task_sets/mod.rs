//! Weighted task sets of services of the EXTERNAL controller: the new set is raised beside the old one, the rule's
//! weights are moved step by step, then the old set is removed. The two target groups take turns.
//!
//! **Invariant:** capacity is proven before it gets traffic, and has had none for a while before it is removed. Weights
//! are read back after each change; going back is weights first, on the set that still serves. What people set by hand
//! meanwhile stands, and what others made is not removed.

mod back;
mod drained;
mod overruled;
mod raise;
mod shift;
#[cfg(test)]
mod tests;
mod wind_up;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::turning::Turning;
use super::{Action, Divided, Facet, Seen, Turn, Watch};
use crate::core::gate::Subject;
use crate::core::id::{RuleArn, TargetGroupArn};
use crate::core::live::{Rule, Service, TaskSet};
use crate::core::plan::{Strategy, TaskSets};
use crate::core::report::Cause;

/// Marks that the new set had traffic, as long as it was not told that it has none again.
const TRAFFIC: &str = "traffic";

/// Where a rollout of task sets stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The new set comes up at full scale, without production traffic.
    Raise,
    /// The rule gives the new set its share of this step, and that is held for a while.
    Shift {
        step: usize,
        since: Option<Timestamp>,
    },
    /// The new set becomes the primary one.
    Promote,
    /// The old set has no traffic any more; what is under way ends.
    Drain { since: Timestamp },
    /// The old set is removed.
    Remove,
    /// The old set serves everything again, then the new one is removed.
    Back {
        cause: Cause,
        /// When the weights were read back so.
        since: Option<Timestamp>,
    },
}

impl Turning<'_> {
    pub fn task_sets(self, stage: &Stage) -> Turn {
        let Strategy::TaskSets(sets) = &self.plan.strategy else {
            return self.deploy();
        };
        match stage {
            Stage::Raise => self.raise(sets),
            Stage::Shift { step, since } => self.shift(sets, *step, *since),
            Stage::Promote => self.promote(sets),
            Stage::Drain { since } => self.drain(sets, *since),
            Stage::Remove => self.remove(sets),
            Stage::Back { cause, since } => {
                self.in_time(cause, |it| it.go_back(sets, cause, *since))
            }
        }
    }

    /// The task set that this rollout raised, or a dead run of it: of the wanted revision, and not the one that served
    /// before.
    fn our_set<'s>(&self, sets: &TaskSets, service: &'s Service) -> Option<TaskSet<'s>> {
        let revision = self.next.revision.as_ref();
        service.task_sets().find(|set| {
            let is_new = set.id() != sets.old && !set.is_draining() && set.is_ours();
            is_new && revision == Some(&set.task_definition())
        })
    }

    /// Who is judged: the new set behind green, compared with the old one behind blue.
    fn judged_sets(&self, sets: &TaskSets, service: &Service, ours: TaskSet<'_>) -> Subject {
        let divided = Divided {
            load_balancer: sets.rule.load_balancer(),
            blue: &sets.blue,
            green: &sets.green,
        };
        let (old, tasks) = (Some(sets.old.clone()), self.tasks_owed(service));
        self.in_own_groups(ours.id(), old, tasks, &[divided])
    }

    fn watch_sets(&self, sets: &TaskSets) -> Watch {
        let mut watch = self.watch_service();
        watch.insert(Facet::Rule(sets.rule.clone()));
        watch.extend(sets.test_rule.clone().map(Facet::Rule));
        watch
    }

    fn watch_sets_closely(&self, sets: &TaskSets) -> Watch {
        let mut watch = self.watch_sets(sets);
        watch.insert(Facet::StoppedTasks(self.plan.target.clone()));
        watch.insert(Facet::Targets(sets.green.clone()));
        watch
    }

    /// The service and the production rule, if both can be read; else the turn that deals with that.
    fn see_sets(self, sets: &TaskSets) -> Result<(Self, Service, Rule), Box<Turn>> {
        let watch = self.watch_sets(sets);
        if !self.has_seen(&watch) || !self.seen.service.was_asked() {
            return Err(Box::new(self.look_now(watch)));
        }
        let (it, service) = self.active_service()?;
        match it.seen.rules.get(&sets.rule) {
            Some(Seen::Is(rule)) => {
                let rule = rule.clone();
                Ok((it, service, rule))
            }
            Some(Seen::Unreadable(fault)) => Err(Box::new(it.blind(fault))),
            _ => {
                let reason = format!("the listener rule {} is gone", sets.rule);
                Err(Box::new(it.give_up(Cause::FailedByEcs { reason })))
            }
        }
    }

    /// Orders it, unless the whole rollout has taken too long: what AWS never does has an end.
    fn order(self, action: Action, watch: Watch) -> Turn {
        if !self.is_late() {
            return self.act(action, watch);
        }
        let cause = self.deadline(format!("{} was tried", action.operation()));
        if self.next.deployment.is_none() {
            return self.give_up(cause);
        }
        self.begin_back(cause)
    }

    /// Moves the test rule, where there is one and it does not stand so already.
    fn test_shift(&self, sets: &TaskSets, to: &TargetGroupArn) -> Option<Action> {
        let rule = sets.test_rule.as_ref()?;
        let weights = BTreeMap::from([(to.clone(), 1)]);
        let stands = self.seen.rules.get(rule).and_then(Seen::is);
        let moved = stands.is_some_and(|now| !now.divides(&weights));
        moved.then(|| shift_to(rule, weights))
    }
}

fn shift_to(rule: &RuleArn, weights: BTreeMap<TargetGroupArn, u32>) -> Action {
    let rule = rule.clone();
    Action::Shift { rule, weights }
}

/// The production rule's weights when the new set has so many percent.
fn division(sets: &TaskSets, percent: u32) -> BTreeMap<TargetGroupArn, u32> {
    let percent = percent.min(100);
    BTreeMap::from([
        (sets.blue.clone(), 100 - percent),
        (sets.green.clone(), percent),
    ])
}
