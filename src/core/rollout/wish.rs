//! What a person or a runner wishes of a running rollout, and what a turn makes of it.
//!
//! **Invariant:** a wish to go back is one more reason to undo and takes the same way back as every other; a rollout that
//! has ordered nothing just ends.

use serde::{Deserialize, Serialize};

use super::turning::Turning;
use super::{Facet, Phase, Stage, State, Turn};
use crate::core::plan::{Course, Strategy};
use crate::core::report::{Cause, Event, Outcome, Undoer};

/// Level-triggered: it is held before the machine at every look until the rollout has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum Wish {
    /// A person approves what a gate waits for.
    Promote { by: String },
    /// Go back to the revision that served before.
    Undo { by: String },
}

impl Wish {
    /// Who wished to go back, if this is another wish and comes after that one: it is not left.
    pub fn comes_after_an_abort<'a>(&self, standing: Option<&'a Self>) -> Option<&'a str> {
        match (self, standing) {
            (Self::Promote { .. }, Some(Self::Undo { by })) => Some(by),
            _ => None,
        }
    }
}

/// Why nothing comes of a wish any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TooLate {
    /// It goes back, whatever is wished.
    GoesBack,
    /// It has ended, and only what was there for its time is put away.
    Ended(Outcome),
}

impl TooLate {
    pub fn of(state: &State) -> Option<Self> {
        match &state.phase {
            Phase::StandDown { .. } | Phase::Undo { .. } | Phase::TaskSets(Stage::Back { .. }) => {
                Some(Self::GoesBack)
            }
            // The new set has all of the traffic, and the old one is being deleted.
            Phase::TaskSets(Stage::Remove) => Some(Self::Ended(Outcome::Completed)),
            Phase::Restore { outcome } | Phase::Done(outcome) => Some(Self::Ended(outcome.clone())),
            Phase::Register
            | Phase::Deploy
            | Phase::Follow
            | Phase::Canary { .. }
            | Phase::TaskSets(_) => None,
        }
    }
}

impl Turning<'_> {
    /// Whether a wish to go back changes anything here. A deployment whose answer is awaited, or that is to be followed, is
    /// looked for first, and what is being undone or has ended needs no wish.
    pub fn can_cancel(&self) -> bool {
        let is_looked_for = self.next.ordered.is_some() || self.plan.course == Course::Follow;
        let is_awaited = self.next.phase == Phase::Deploy && is_looked_for;
        !is_awaited && TooLate::of(&self.next).is_none()
    }

    pub fn cancel(mut self, by: &str) -> Turn {
        let cause = Cause::Cancelled { by: by.to_owned() };
        match self.next.phase {
            Phase::Canary { .. } => return self.canary_failed(cause),
            Phase::TaskSets(_) => return self.begin_back(cause),
            _ => {}
        }
        let Some(deployment) = self.next.deployment.clone() else {
            return self.give_up(cause);
        };
        let Some(way_back) = self.way_back() else {
            let from = Box::new(cause);
            let cause = Cause::NoWayBack { from };
            return self.conclude(Outcome::Stranded { cause });
        };
        self.say.push(Event::Undoing {
            cause: cause.clone(),
            task_definition: way_back,
            by: Undoer::Ecsdeploy,
        });
        let by = Undoer::Ecsdeploy;
        if let Strategy::Beside(beside) = &self.plan.strategy {
            return self.begin_stand_down(beside, cause, by);
        }
        self.next.enter(Phase::Undo { cause, by }, self.now);
        let mut watch = self.watch_service();
        watch.insert(match self.plan.strategy {
            Strategy::CodeDeploy(_) => Facet::CodeDeployment(deployment),
            _ => Facet::ServiceDeployment(self.plan.target.clone(), deployment),
        });
        self.look_now(watch)
    }

    fn way_back(&self) -> Option<crate::core::id::TaskDefinitionArn> {
        let before = &self.plan.before;
        match self.plan.strategy {
            Strategy::Rolling | Strategy::Beside(_) | Strategy::TaskSets(_) => before
                .serving
                .clone()
                .filter(|serving| Some(serving) != self.next.revision.as_ref()),
            // Their own engines keep the old side and know the way.
            Strategy::Native(_) | Strategy::CodeDeploy(_) => Some(before.task_definition.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn past_its_point_of_no_return_a_rollout_has_no_ear_for_wishes() {
        let cause = || json!({"cause": "restless"});
        let undone = || json!({"cause": cause(), "by": "ecs"});
        let check = |phase: Value, expected: Option<TooLate>| {
            let began = "1970-01-01T00:00:00Z";
            let state = json!({
                "plan": "", "phase": phase, "began": began, "entered": began, "revision": null, "deployment": null,
                "record": null, "ordered": null, "blind_looks": 0, "looks": 0,
                "told": {"last_event": null, "named": [], "progress": null, "trouble": null},
            });
            let state: State = serde_json::from_value(state).expect("the journal keeps it so");
            assert_eq!(TooLate::of(&state), expected, "{:?}", state.phase);
        };
        let completed = || Some(TooLate::Ended(Outcome::Completed));
        check(json!("register"), None);
        check(json!("follow"), None);
        check(json!({"canary": {"well_since": null}}), None);
        check(json!({"task_sets": "promote"}), None);
        check(json!({"task_sets": "remove"}), completed());
        check(json!({"undo": undone()}), Some(TooLate::GoesBack));
        check(json!({"stand_down": undone()}), Some(TooLate::GoesBack));
        let back = json!({"task_sets": {"back": {"cause": cause(), "since": null}}});
        check(back, Some(TooLate::GoesBack));
        check(
            json!({"restore": {"outcome": {"outcome": "completed"}}}),
            completed(),
        );
    }
}
