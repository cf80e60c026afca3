//! The end of a rollout that set or started something for its own time: the service's own deployment configuration
//! is put back (changing that alone starts no deployment), a canary is put away.
//!
//! **Invariant:** the outcome is told only after the service is as it was, or after the trouble with that was told.

use serde_json::{Map, json};

use super::pace::LOOK_AGAIN;
use super::turning::Turning;
use super::{Phase, Receipt, Turn, Watch};
use crate::core::plan::Strategy;
use crate::core::report::Outcome;

/// Attempts to put it back before the outcome is told all the same.
const ATTEMPTS: u32 = 5;

impl Turning<'_> {
    pub fn begin_restore(mut self, outcome: Outcome) -> Turn {
        let phase = Phase::Restore {
            outcome: outcome.clone(),
        };
        self.next.enter(phase, self.now);
        self.restore(&outcome)
    }

    pub fn restore(mut self, outcome: &Outcome) -> Turn {
        let native = match &self.plan.strategy {
            Strategy::Native(native) => native,
            Strategy::Beside(beside) => return self.tidy_canary(beside, outcome),
            Strategy::Rolling | Strategy::TaskSets(_) | Strategy::CodeDeploy(_) => {
                return self.finish(outcome.clone());
            }
        };
        if let (Phase::Restore { .. }, Some(receipt)) = (&self.next.phase, &self.seen.receipt) {
            match receipt {
                Ok(Receipt::Updated(_)) => return self.finish(outcome.clone()),
                Err(fault) => self.tell_trouble(fault),
                Ok(_) => {}
            }
        }
        if self.next.looks > ATTEMPTS {
            return self.finish(outcome.clone());
        }
        if self.just_ordered() {
            let watch = self.watch_service();
            return self.look_after(LOOK_AGAIN, watch);
        }
        let members = Map::from_iter([("deploymentConfiguration".to_owned(), json!(native.after))]);
        let action = self.update_service(&members);
        self.act(action, Watch::new())
    }
}
