//! Going back to the revision that served before: ECS is asked to go back by itself, on the tasks that are still
//! there; where it cannot be asked, the old revision is deployed again. Either way it is watched.
//!
//! **Invariant:** the way back is the last completed deployment's revision, never a guess from revision numbers, and
//! "rolled back" is said only once that deployment has completed.

use serde_json::{Map, Value, json};

use crate::core::live::{Deployment, RolloutState, Service};
use crate::core::report::{Cause, Outcome, Undoer};
use crate::core::rollout::pace::{ECS_ROLLBACK_STARTS, LOOK_AGAIN, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Facet, Phase, Receipt, Turn, Watch};
use crate::core::service_document::Settings;

/// The operation that may be refused without harm.
const STOP: &str = "StopServiceDeployment";

impl Turning<'_> {
    pub fn undo_rolling(mut self, cause: &Cause, by: Undoer) -> Turn {
        match self.receipt() {
            Some(Ok(Receipt::Stopped)) => return self.leave_it_to_ecs(cause),
            Some(Err(fault)) if fault.is_unanswered() => {
                self.tell_trouble(fault);
                let watch = self.watch_undo();
                return self.look_after(LOOK_AGAIN, watch);
            }
            // Without the right to stop a deployment, another one takes its place.
            Some(Err(fault)) if fault.operation == STOP => self.tell_trouble(fault),
            Some(Err(fault)) => return self.refused(fault),
            _ => {}
        }
        let (mut it, service) = match self.active_service() {
            Ok(there) => there,
            Err(turn) => return *turn,
        };
        it.tell_events(&service);
        match service.primary() {
            Some(primary) if it.is_way_back(primary) => it.follow_back(&service, primary, cause),
            Some(primary) if !it.is_revision(primary) => {
                let by = primary.id();
                it.conclude(Outcome::Superseded { by })
            }
            _ => it.order_back(&service, cause, by),
        }
    }

    /// The new revision is still the primary deployment.
    fn order_back(self, service: &Service, cause: &Cause, by: Undoer) -> Turn {
        let ecs_may_begin =
            by == Undoer::Ecs && self.waited(self.next.entered) < ECS_ROLLBACK_STARTS;
        if ecs_may_begin {
            let watch = self.watch_service();
            return self.look_after(LOOK_AGAIN, watch);
        }
        if self.leaves(cause) {
            let cause = cause.clone();
            return self.conclude(Outcome::Stranded { cause });
        }
        match self.seen.service_deployment.is() {
            Some(record) if record.is_running() && self.receipt().is_none() => {
                let action = Action::StopServiceDeployment(record.arn());
                let watch = self.watch_undo();
                self.act(action, watch)
            }
            Some(record) if record.is_stopped() && by == Undoer::Ecsdeploy => {
                self.leave_it_to_ecs(cause)
            }
            _ => self.deploy_old(service, cause),
        }
    }

    fn leave_it_to_ecs(mut self, cause: &Cause) -> Turn {
        let (cause, by) = (cause.clone(), Undoer::Ecs);
        self.next.enter(Phase::Undo { cause, by }, self.now);
        let watch = self.watch_service();
        self.look_after(LOOK_AGAIN, watch)
    }

    /// The way back that every service has: the old revision as another deployment.
    fn deploy_old(self, service: &Service, cause: &Cause) -> Turn {
        if self.just_ordered() && self.receipt().is_none() {
            let watch = self.watch_service();
            return self.look_after(LOOK_AGAIN, watch);
        }
        let Some(serving) = &self.plan.before.serving else {
            let from = Box::new(cause.clone());
            return self.conclude(Outcome::Stranded {
                cause: Cause::NoWayBack { from },
            });
        };
        let mut members = self.changed_back(Some(service));
        if self.plan.before.desired_count < service.desired_count() {
            // Capacity goes last, once the old revision serves.
            members.shift_remove("desiredCount");
        }
        members.insert("taskDefinition".to_owned(), json!(serving));
        let action = self.update_service(&members);
        self.act(action, Watch::new())
    }

    pub fn watch_undo(&self) -> Watch {
        let mut watch = self.watch_service();
        if let Some(id) = self.next.deployment.clone() {
            watch.insert(Facet::ServiceDeployment(self.plan.target.clone(), id));
        }
        watch
    }

    fn follow_back(mut self, service: &Service, primary: Deployment<'_>, cause: &Cause) -> Turn {
        let serves = primary.running_count() >= service.healthy_floor();
        if service.has_completed(primary) && serves {
            let members = self.changed_back(Some(service));
            if !Settings::are_there(&members, service) {
                return self.put_settings_back(&members);
            }
            return self.conclude(Outcome::RolledBack {
                cause: cause.clone(),
            });
        }
        if primary.rollout_state() == RolloutState::Failed {
            let reason = primary.rollout_state_reason().to_owned();
            return self.undo_failed(cause, reason);
        }
        self.tell_progress(service, primary, "the old revision serves again".to_owned());
        let pause = between_looks(self.next.entered, self.now);
        let watch = self.watch_service();
        self.look_after(pause, watch)
    }

    /// ECS went back to the old revision, and left what this run had changed beside it.
    fn put_settings_back(self, members: &Map<String, Value>) -> Turn {
        let watch = self.watch_service();
        if self.just_ordered() {
            return self.look_after(LOOK_AGAIN, watch);
        }
        let action = self.update_service(members);
        self.act(action, watch)
    }

    /// What this run changed beside the revision, as it was, but for a count that was changed since.
    pub fn changed_back(&self, service: Option<&Service>) -> Map<String, Value> {
        let mut members = self.plan.changed();
        let asked = self.plan.intent.desired_count;
        let stands = service.is_none_or(|service| Some(service.desired_count()) == asked);
        if !stands {
            members.shift_remove("desiredCount");
        }
        members
    }
}
