//! Going back from a native deployment: asked of ECS, or begun by it, and read from its own record.
//!
//! **Invariant:** "rolled back" is said only when ECS's record, or the primary deployment, says so; a way back that has not
//! ended is left to ECS and is nobody's failure yet.

use crate::core::live::{Service, ServiceDeployment};
use crate::core::report::{Cause, Event, Outcome, Undoer};
use crate::core::rollout::pace::{LOOK_AGAIN, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Phase, Seen, Turn};

impl Turning<'_> {
    pub fn fail_native(mut self, cause: Cause, record: &ServiceDeployment) -> Turn {
        if self.leaves(&cause) {
            return self.finish(Outcome::Stranded { cause });
        }
        self.say.push(Event::Undoing {
            cause: cause.clone(),
            task_definition: self.plan.before.task_definition.clone(),
            by: Undoer::Ecsdeploy,
        });
        let by = Undoer::Ecsdeploy;
        self.next.enter(Phase::Undo { cause, by }, self.now);
        let watch = self.watch_native();
        self.act(Action::StopServiceDeployment(record.arn()), watch)
    }

    pub fn undone_by_ecs(mut self, record: &ServiceDeployment) -> Turn {
        let cause = native_cause(record);
        let by = Undoer::Ecs;
        self.say.push(Event::Undoing {
            cause: cause.clone(),
            task_definition: self.plan.before.task_definition.clone(),
            by,
        });
        self.next.enter(Phase::Undo { cause, by }, self.now);
        let watch = self.watch_native();
        self.look_after(LOOK_AGAIN, watch)
    }

    /// ECS was asked to go back, or goes back by itself: its record says when it is done.
    pub fn undo_native(mut self, cause: &Cause) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            self.tell_trouble(fault);
        }
        let (mut it, service) = match self.active_service() {
            Ok(there) => there,
            Err(turn) => return *turn,
        };
        it.tell_events(&service);
        let record = match &it.seen.service_deployment {
            Seen::Is(record) => record.clone(),
            Seen::Unreadable(fault) => return it.blind(fault),
            // Not a look of its own: looks that fail are counted on.
            Seen::NotAsked => {
                let watch = it.watch_native();
                return it.look_now(watch);
            }
            Seen::Absent => {
                let watch = it.watch_native();
                return it.look_after(LOOK_AGAIN, watch);
            }
        };
        it.tell_stage(&service, &record);
        it.read_undo(&service, &record, cause)
    }

    fn read_undo(self, service: &Service, record: &ServiceDeployment, cause: &Cause) -> Turn {
        let cause = cause.clone();
        match (record.status(), &cause) {
            ("ROLLBACK_SUCCESSFUL", _) => self.begin_restore(Outcome::RolledBack { cause }),
            ("STOPPED", _) => self.replaced_native(service, cause),
            // It completed as its time ran out: it counts if the new revision serves.
            ("SUCCESSFUL", Cause::Deadline { .. }) => self.confirm_native(service),
            // The new revision serves, and is not wanted: that is no success.
            ("SUCCESSFUL", _) => {
                let reason = "ECS completed the deployment before it could be stopped".to_owned();
                self.undo_native_failed(cause, reason)
            }
            ("ROLLBACK_FAILED", _) => {
                self.undo_native_failed(cause, record.status_reason().to_owned())
            }
            _ if record.is_running() && !self.just_ordered() => {
                let watch = self.watch_native();
                self.act(Action::StopServiceDeployment(record.arn()), watch)
            }
            _ => {
                let pause = between_looks(self.next.entered, self.now);
                let watch = self.watch_native();
                self.look_after(pause, watch)
            }
        }
    }

    fn undo_native_failed(self, cause: Cause, reason: String) -> Turn {
        let from = Box::new(cause);
        self.begin_restore(Outcome::Stranded {
            cause: Cause::UndoFailed { from, reason },
        })
    }

    /// ECS stopped it: whoever is primary now tells whether that was a way back.
    pub fn replaced_native(mut self, service: &Service, cause: Cause) -> Turn {
        let is_undoing = matches!(self.next.phase, Phase::Undo { .. });
        match service.primary() {
            Some(primary) if self.is_way_back(primary) => {
                self.begin_restore(Outcome::RolledBack { cause })
            }
            Some(primary) if self.next.deployment != Some(primary.id()) => {
                let by = primary.id();
                self.conclude(Outcome::Superseded { by })
            }
            // ECS left it as it was, unless the service was read as it was before.
            _ if is_undoing && !self.is_settling() => {
                self.begin_restore(Outcome::Stranded { cause })
            }
            _ => {
                if !is_undoing {
                    let by = Undoer::Ecs;
                    self.next.enter(Phase::Undo { cause, by }, self.now);
                }
                let watch = self.watch_native();
                self.look_after(LOOK_AGAIN, watch)
            }
        }
    }
}

pub fn native_cause(record: &ServiceDeployment) -> Cause {
    let alarms = record.triggered_alarms();
    if !alarms.is_empty() {
        return Cause::Alarm { alarms };
    }
    let reason = record.status_reason().to_owned();
    if reason.contains("StopServiceDeployment") || reason.is_empty() {
        return Cause::Stopped { reason };
    }
    Cause::FailedByEcs { reason }
}
