//! What a person or a runner wishes of a running rollout, and what a turn makes of it.
//!
//! **Invariant:** a wish to go back is one more reason to undo and takes the same way back as every other; a rollout that
//! has ordered nothing just ends.

use serde::{Deserialize, Serialize};

use super::turning::Turning;
use super::{Facet, Phase, Stage, Turn};
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

impl Turning<'_> {
    /// Whether a wish to go back changes anything here. A deployment whose answer is awaited, or that is to be followed, is
    /// looked for first, and what is being undone or has ended needs no wish.
    pub fn can_cancel(&self) -> bool {
        match self.next.phase {
            Phase::Deploy => self.next.ordered.is_none() && self.plan.course != Course::Follow,
            Phase::Register | Phase::Follow | Phase::Canary { .. } => true,
            Phase::TaskSets(ref stage) => !matches!(stage, Stage::Remove | Stage::Back { .. }),
            _ => false,
        }
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
