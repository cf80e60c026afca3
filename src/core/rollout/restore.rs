//! The end of a rollout that set or started something for its own time: the service's own deployment configuration
//! is put back (changing that alone starts no deployment), a canary is put away.
//!
//! **Invariant:** the outcome is told only after the service is as it was, or after the trouble with that was told.

use jiff::SignedDuration;
use serde_json::{Map, json};

use super::beside::watch_canary;
use super::pace::between_looks;
use super::turning::Turning;
use super::{Phase, Turn, Watch};
use crate::core::plan::{Native, Strategy};
use crate::core::report::Outcome;

/// For how long it is tried to put it back before the outcome is told all the same.
const TRIED_FOR: SignedDuration = SignedDuration::from_mins(10);

impl Turning<'_> {
    pub fn begin_restore(mut self, outcome: Outcome) -> Turn {
        let phase = Phase::Restore {
            outcome: outcome.clone(),
        };
        self.next.enter(phase, self.now);
        match &self.plan.strategy {
            Strategy::Native(native) => self.put_back(native, &outcome),
            // A fresh look: what this turn has heard is of the phase before.
            Strategy::Beside(beside) => {
                let watch = watch_canary(beside);
                self.look_now(watch)
            }
            _ => self.restore(&outcome),
        }
    }

    pub fn restore(mut self, outcome: &Outcome) -> Turn {
        let native = match &self.plan.strategy {
            Strategy::Native(native) => native,
            Strategy::Beside(beside) => return self.tidy_canary(beside, outcome),
            Strategy::Rolling | Strategy::TaskSets(_) | Strategy::CodeDeploy(_) => {
                return self.finish(outcome.clone());
            }
        };
        if self.updated(&self.plan.target).is_some() {
            return self.finish(outcome.clone());
        }
        if let Some(Err(fault)) = self.receipt() {
            self.tell_trouble(fault);
            if self.waited(self.next.entered) >= TRIED_FOR {
                return self.finish(outcome.clone());
            }
            let pause = between_looks(self.next.entered, self.now);
            return self.look_after(pause, Watch::new());
        }
        self.put_back(native, outcome)
    }

    /// The same configuration again changes nothing, so that no look is needed before it.
    fn put_back(self, native: &Native, outcome: &Outcome) -> Turn {
        let own = ("deploymentConfiguration".to_owned(), json!(native.after));
        let mut members = Map::from_iter([own]);
        if matches!(outcome, Outcome::RolledBack { .. }) {
            members.extend(self.changed_back(self.seen.service.is()));
        }
        let action = self.update_service(&members);
        self.act(action, Watch::new())
    }
}
