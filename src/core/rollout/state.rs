//! Where a rollout stands, and what one turn gives.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Action, Facet, Gating, Stage, Watch};
use crate::core::id::{DeploymentId, ServiceDeploymentArn, TaskDefinitionArn};
use crate::core::plan::{Course, Plan, Revision, Strategy};
use crate::core::report::{Cause, Event, Outcome, Progress, Undoer};

/// Only what cannot be observed. Losing it costs a second look, never a second change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// [`Plan::digest`] of the plan it belongs to.
    pub plan: String,
    pub phase: Phase,
    /// Names and searches hold on to it: it never moves.
    pub began: Timestamp,
    /// For how long in all nobody drove it: no limit counts that.
    #[serde(default, skip_serializing_if = "SignedDuration::is_zero")]
    pub unattended: SignedDuration,
    /// When the phase was entered, later by the time in which nobody drove it.
    pub entered: Timestamp,
    /// The wanted revision, once there is one.
    pub revision: Option<TaskDefinitionArn>,
    /// The deployment that this rollout started (or found started), pinned.
    pub deployment: Option<DeploymentId>,
    /// ECS's own record of that deployment, once it was found.
    pub record: Option<ServiceDeploymentArn>,
    /// When a change was last made in this phase, or at the latest could have been.
    pub ordered: Option<Timestamp>,
    /// Looks in a row that did not work.
    pub blind_looks: u32,
    pub looks: u32,
    /// The gates of the step that is held, or was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gating: Option<Gating>,
    pub told: Told,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Register,
    Deploy,
    Follow,
    /// The canary is scaled to 0 before the service that it stands beside is undone.
    StandDown {
        cause: Cause,
        by: Undoer,
    },
    Undo {
        cause: Cause,
        by: Undoer,
    },
    /// The canary is started, or taken over, and its tasks run well for long enough.
    Canary {
        /// Since when all of its tasks have been well.
        well_since: Option<Timestamp>,
    },
    TaskSets(Stage),
    /// The rollout has ended so; what was set on the service for its time is put back.
    Restore {
        outcome: Outcome,
    },
    Done(Outcome),
}

/// What has been said, so that it is not said twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The id of the newest service event that was told, or was there before.
    pub last_event: Option<String>,
    /// Tasks whose failure, and targets (`group target port reason`) whose ill health was told.
    pub named: BTreeSet<String>,
    /// Steps of the way that were ordered and need not be again: pauses that were ended, the change of the way back; that a
    /// new task set has traffic.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub marks: BTreeSet<String>,
    pub progress: Option<Progress>,
    /// Troubles, by operation and AWS's code: two that alternate are told once each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub troubles: BTreeSet<String>,
}

/// The record that keeps them must stay small: SSM takes 4 KB, and a service whose tasks fail for hours has no end of
/// them. Who reads the first fifty knows what the others say.
const MOST_NAMED: usize = 50;

impl Told {
    /// Whether this is news that is worth telling.
    pub fn name(&mut self, name: String) -> bool {
        self.named.len() < MOST_NAMED && self.named.insert(name)
    }
}

#[must_use = "a turn that is not taken is a rollout that stands still"]
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub next: State,
    pub act: Option<Action>,
    pub watch: Watch,
    /// `None`: at once.
    pub wake_at: Option<Timestamp>,
    pub say: Vec<Event>,
    /// Why the run ends here, though its deployment has not ended. The same command takes it up.
    pub left: Option<Cause>,
}

impl State {
    /// Where a rollout of this plan begins.
    pub fn begin(plan: &Plan, now: Timestamp) -> Self {
        let (phase, revision) = match (&plan.revision, plan.course) {
            // A run that died, or could not put it away, may have left its canary.
            (_, Course::Nothing) if matches!(plan.strategy, Strategy::Beside(_)) => {
                let outcome = Outcome::Unchanged;
                (Phase::Restore { outcome }, None)
            }
            (_, Course::Nothing) => (Phase::Done(Outcome::Unchanged), None),
            (Revision::New(_), _) => (Phase::Register, None),
            (Revision::Existing(arn), Course::Deploy)
                if matches!(plan.strategy, Strategy::Beside(_)) =>
            {
                (Phase::Canary { well_since: None }, Some(arn.clone()))
            }
            (Revision::Existing(arn), _) if matches!(plan.strategy, Strategy::TaskSets(_)) => {
                (Phase::TaskSets(Stage::Raise), Some(arn.clone()))
            }
            (Revision::Existing(arn), _) => (Phase::Deploy, Some(arn.clone())),
        };
        Self {
            plan: plan.digest(),
            phase,
            began: now,
            unattended: SignedDuration::ZERO,
            entered: now,
            revision,
            deployment: None,
            record: None,
            ordered: None,
            blind_looks: 0,
            looks: 0,
            gating: None,
            told: Told::default(),
        }
    }

    /// What the next turn needs to see, when nothing has been seen yet.
    pub fn first_watch(&self, plan: &Plan) -> Watch {
        match &self.phase {
            Phase::Register => Watch::from([Facet::TaskDefinition(plan.family().to_owned())]),
            Phase::Done(_) => Watch::new(),
            _ => Watch::from([Facet::Service(plan.target.clone())]),
        }
    }

    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.phase {
            Phase::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Whether anything may have been changed by now: a rollout that ends then is left to whoever takes it up.
    pub fn has_begun(&self, plan: &Plan) -> bool {
        let has_ordered = self.ordered.is_some() || self.deployment.is_some();
        match self.phase {
            Phase::Register | Phase::Done(_) => false,
            // A canary came before it.
            Phase::Deploy if matches!(plan.strategy, Strategy::Beside(_)) => true,
            Phase::Canary {
                well_since: Some(_),
            } => true,
            Phase::Deploy | Phase::Canary { .. } | Phase::TaskSets(Stage::Raise) => has_ordered,
            _ => true,
        }
    }

    /// Goes on after nobody drove it for so long, in which nothing was waited for and nothing held. Since when there is
    /// evidence stays, and how old an order is, and since when a side drains: that went on.
    pub fn resume(&mut self, unattended: SignedDuration) {
        let later = |at: Timestamp| at.checked_add(unattended).unwrap_or(Timestamp::MAX);
        self.unattended = self.unattended.saturating_add(unattended);
        self.entered = later(self.entered);
        if let Phase::Canary { well_since } = &mut self.phase {
            *well_since = well_since.map(later);
        }
        if let Some(gating) = &mut self.gating {
            gating.progress.resume(unattended);
        }
    }

    /// The same state with nothing in it that could be done without: names whose loss costs saying something twice, and
    /// the words of readings, cut short.
    #[must_use]
    pub fn terse(&self) -> Self {
        let mut terse = self.clone();
        terse.told.named.clear();
        terse.told.troubles.clear();
        if let Some(gating) = &mut terse.gating {
            gating.progress.cut_words();
        }
        terse
    }

    /// Enters a phase; what was ordered belonged to the one before.
    pub fn enter(&mut self, phase: Phase, now: Timestamp) {
        self.phase = phase;
        self.entered = now;
        self.ordered = None;
        self.looks = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn what_is_named_after_the_beginning_keeps_its_name() {
        let well_since = Some(at(120));
        let mut state = State {
            plan: String::new(),
            phase: Phase::Canary { well_since },
            began: at(60),
            unattended: SignedDuration::ZERO,
            entered: at(90),
            revision: None,
            deployment: None,
            record: None,
            ordered: Some(at(150)),
            blind_looks: 0,
            looks: 0,
            gating: None,
            told: Told::default(),
        };
        let mut expected = state.clone();
        state.resume(SignedDuration::from_hours(1));
        state.resume(SignedDuration::from_hours(1));
        expected.unattended = SignedDuration::from_hours(2);
        expected.entered = at(7290);
        let well_since = Some(at(7320));
        expected.phase = Phase::Canary { well_since };
        assert_eq!(state, expected);
        let read: State = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
        assert_eq!(read, state);
    }

    #[test]
    fn each_is_told_once_and_no_more_than_fifty_are() {
        let mut told = Told::default();
        assert!(told.name("first".to_owned()));
        assert!(!told.name("first".to_owned()));
        let news = (0..100).filter(|task| told.name(task.to_string()));
        assert_eq!(news.count(), MOST_NAMED - 1);
        assert_eq!(told.named.len(), MOST_NAMED);
    }
}
