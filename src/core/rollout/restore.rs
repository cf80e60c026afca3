//! The end of a rollout that set or started something for its own time: the service's own deployment configuration
//! is put back (changing that alone starts no deployment), and so is the count that was set before a deployment by
//! CodeDeploy; a canary is put away.
//!
//! **Invariant:** the outcome is told only after the service is as it was, or after the trouble with that was told.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::beside::watch_canary;
use super::pace::between_looks;
use super::turning::Turning;
use super::{Phase, Seen, Turn, Watch};
use crate::core::live::RolloutState;
use crate::core::plan::{Native, Strategy};
use crate::core::report::{Event, Outcome};
use crate::core::service_document::Settings;

/// For how long it is tried to put it back before the outcome is told all the same.
const TRIED_FOR: SignedDuration = SignedDuration::from_mins(10);

const CONFIGURATION: &str = "deploymentConfiguration";

impl Turning<'_> {
    pub fn begin_restore(mut self, outcome: Outcome) -> Turn {
        let phase = Phase::Restore {
            outcome: outcome.clone(),
        };
        self.next.enter(phase, self.now);
        match &self.plan.strategy {
            Strategy::Native(native) => {
                let members = self.members_back(native, &outcome);
                if members.len() > 1 {
                    let watch = self.watch_service();
                    return self.look_now(watch);
                }
                self.put_back(&members)
            }
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
            Strategy::CodeDeploy(_) => return self.put_count_back(outcome),
            Strategy::Rolling | Strategy::TaskSets(_) => return self.finish(outcome.clone()),
        };
        let members = self.members_back(native, outcome);
        if members.len() > 1 {
            return self.put_all_back(&members, outcome);
        }
        if self.updated(&self.plan.target).is_some() {
            return self.finish(outcome.clone());
        }
        if let Some(Err(fault)) = self.receipt() {
            self.tell_trouble(fault);
            if self.waited(self.next.entered) >= TRIED_FOR {
                return self.finish_half_restored(outcome);
            }
            let pause = between_looks(self.next.entered, self.now);
            return self.look_after(pause, Watch::new());
        }
        self.put_back(&members)
    }

    fn put_count_back(self, outcome: &Outcome) -> Turn {
        let members = self.changed_back(self.seen.service.is());
        if members.is_empty() {
            return self.finish(outcome.clone());
        }
        self.put_all_back(&members, outcome)
    }

    /// The same configuration again changes nothing, so that no look is needed before it.
    fn put_back(self, members: &Map<String, Value>) -> Turn {
        let action = self.update_service(members);
        self.act(action, Watch::new())
    }

    /// What the service gets back: its deployment configuration without our pause, and if the old revision serves again, what
    /// the service document had changed.
    fn members_back(&self, native: &Native, outcome: &Outcome) -> Map<String, Value> {
        let mut members = Map::new();
        if matches!(outcome, Outcome::RolledBack { .. }) {
            members = self.changed_back(self.seen.service.is());
        }
        let own = match members.remove(CONFIGURATION) {
            Some(Value::Object(own)) => native.without_ours(own),
            _ => native.after.clone(),
        };
        members.insert(CONFIGURATION.to_owned(), json!(own));
        members
    }

    /// Other members than the configuration may start a deployment of the old revision, which is seen to its end: until then
    /// the service is not as it was.
    fn put_all_back(mut self, members: &Map<String, Value>, outcome: &Outcome) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            self.tell_trouble(fault);
        }
        let watch = self.watch_service();
        let pause = between_looks(self.next.entered, self.now);
        let limit = self.plan.intent.limits.undo_timeout;
        if self.waited(self.next.entered).unsigned_abs() >= limit {
            return self.finish_half_restored(outcome);
        }
        let service = match self.service() {
            Seen::Is(service) => service.clone(),
            Seen::NotAsked => return self.look_now(watch),
            Seen::Absent | Seen::Unreadable(_) => return self.look_after(pause, watch),
        };
        let mut missing = members.clone();
        missing.retain(|name, value| {
            let one = Map::from_iter([(name.clone(), value.clone())]);
            !Settings::are_there(&one, &service)
        });
        let state = service.primary().map(|primary| primary.rollout_state());
        match state {
            _ if !missing.is_empty() && !self.just_ordered() => {
                let action = self.update_service(&missing);
                self.act(action, watch)
            }
            Some(RolloutState::Failed) => self.finish_half_restored(outcome),
            _ if !missing.is_empty() => self.look_after(pause, watch),
            Some(RolloutState::InProgress) => self.look_after(pause, watch),
            _ => self.finish(outcome.clone()),
        }
    }

    fn finish_half_restored(mut self, outcome: &Outcome) -> Turn {
        self.say.push(Event::Trouble {
            operation: "UpdateService".to_owned(),
            message: "the service's settings are not known to be as before the rollout".to_owned(),
        });
        self.finish(outcome.clone())
    }
}
