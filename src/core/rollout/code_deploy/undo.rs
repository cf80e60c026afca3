//! Going back by CodeDeploy: the deployment is stopped, and the deployment that takes it back is followed. Where there is
//! none, and the new set has traffic, the old revision is deployed again. A count that was set for the rollout is put back
//! at its end.

use super::{Course, order, set_of};
use crate::core::id::DeploymentId;
use crate::core::live::{CodeDeployment, Service, TaskSet};
use crate::core::plan::CodeDeploy;
use crate::core::report::{Cause, Outcome};
use crate::core::rollout::pace::{LOOK_AGAIN, SETTLE, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Facet, Receipt, Seen, Turn, Watch};

impl Turning<'_> {
    pub fn undo_code_deploy(mut self, cause: &Cause) -> Turn {
        match self.receipt() {
            // It may have ended just before it was stopped: the record says so.
            Some(Err(fault)) if fault.operation != "CreateDeployment" => self.tell_trouble(fault),
            Some(Err(fault)) if fault.is_unanswered() || fault.code == order::BUSY => {
                self.tell_trouble(fault);
            }
            Some(Err(fault)) => return self.refused(fault),
            _ => {}
        }
        let (Some(way), Some(id)) = (self.by_code_deploy(), self.next.deployment.clone()) else {
            return self.give_up(cause.clone());
        };
        let (mut it, service) = match self.active_service() {
            Ok(there) => there,
            Err(turn) => return *turn,
        };
        it.tell_events(&service);
        match it.seen.code_deployment.get(&id) {
            Some(Seen::Is(record)) => it.read_undo_of(way, &service, record, cause),
            Some(Seen::Unreadable(fault)) => it.blind(fault),
            Some(Seen::Absent | Seen::NotAsked) | None => {
                let watch = it.watch_code_deployment();
                it.look_after(LOOK_AGAIN, watch)
            }
        }
    }

    /// CreateDeployment takes no count: one that was set before it is put back where the rollout came to nothing.
    pub fn conclude_code_deploy(self, outcome: Outcome) -> Turn {
        let has_ordered = self.next.ordered.is_some();
        match outcome {
            Outcome::RolledBack { .. } => self.begin_restore(outcome),
            Outcome::Failed { .. } if has_ordered => self.begin_restore(outcome),
            outcome => self.finish(outcome),
        }
    }

    fn read_undo_of(
        self,
        way: &CodeDeploy,
        service: &Service,
        record: &CodeDeployment,
        cause: &Cause,
    ) -> Turn {
        match (record.status(), cause) {
            // It completed as its time ran out: it counts if the new set serves, unless the way back is taken already.
            ("Succeeded", Cause::Deadline { .. })
                if serves_steadily(service, record) && !self.next.told.marks.contains(BACK) =>
            {
                return self.conclude(Outcome::Completed);
            }
            // It completed before it could be stopped, and what it brought is not wanted.
            ("Succeeded", _) => return self.deploy_old_by_code_deploy(way, service, cause),
            _ => {}
        }
        if !record.is_over() {
            if self.just_ordered() {
                return self.look_at_it_later();
            }
            let watch = self.watch_code_deployment();
            return self.act(Action::StopCodeDeployment(record.id()), watch);
        }
        let Some(back) = record.rollback() else {
            return self.without_rollback(way, service, record, cause);
        };
        match self.seen.code_deployment.get(&back) {
            Some(Seen::Is(back)) => self.follow_rollback(service, record, back, cause),
            Some(Seen::Unreadable(fault)) => self.blind(fault),
            Some(Seen::Absent | Seen::NotAsked) | None => {
                let watch = self.watch_undo_of(Some(back));
                self.look_now(watch)
            }
        }
    }

    fn follow_rollback(
        mut self,
        service: &Service,
        record: &CodeDeployment,
        back: &CodeDeployment,
        cause: &Cause,
    ) -> Turn {
        self.tell_code_deployment(service, back);
        if back.has_moved() && !new_set_is_primary(service, record) {
            let cause = cause.clone();
            return self.conclude(Outcome::RolledBack { cause });
        }
        if matches!(back.status(), "Failed" | "Stopped") {
            let reason = format!(
                "the deployment {} that goes back: {}",
                back.id(),
                back.error_message()
            );
            return self.undo_failed(cause, reason);
        }
        let watch = self.watch_undo_of(Some(back.id()));
        if back.status() == "Ready" && !self.just_ordered() {
            return self.act(Action::ContinueCodeDeployment(back.id()), watch);
        }
        let pause = between_looks(self.next.entered, self.now);
        self.look_after(pause, watch)
    }

    /// It ended, and CodeDeploy does not go back by itself.
    fn without_rollback(
        self,
        way: &CodeDeploy,
        service: &Service,
        record: &CodeDeployment,
        cause: &Cause,
    ) -> Turn {
        // The rollback may be named a moment after the end.
        if self.waited(self.next.entered) < SETTLE && !self.next.told.marks.contains(BACK) {
            let watch = self.watch_code_deployment();
            return self.look_after(LOOK_AGAIN, watch);
        }
        let had_traffic = record
            .replacement_weight()
            .is_some_and(|weight| weight > 0.0);
        if !had_traffic && !new_set_is_primary(service, record) {
            let cause = cause.clone();
            return self.conclude(Outcome::RolledBack { cause });
        }
        self.deploy_old_by_code_deploy(way, service, cause)
    }

    fn deploy_old_by_code_deploy(
        mut self,
        way: &CodeDeploy,
        service: &Service,
        cause: &Cause,
    ) -> Turn {
        self.next.told.marks.insert(BACK.to_owned());
        let mut watch = self.watch_code_deployment();
        watch.extend(self.watch_group(way));
        let Seen::Is(found) = &self.seen.code_deployments else {
            return self.look_after(LOOK_AGAIN, watch);
        };
        let description = self.description(Course::Back);
        if let Some(back) = found.iter().find(|one| one.description() == description) {
            watch.insert(Facet::CodeDeployment(back.id()));
            return self.follow_way_back(service, &back.id(), cause, watch);
        }
        if let Some(foreign) = found.iter().find(|one| !one.is_over()) {
            let by = foreign.id();
            return self.conclude(Outcome::Superseded { by });
        }
        if self.just_ordered() && !matches!(self.receipt(), Some(Ok(Receipt::Stopped))) {
            return self.look_after(LOOK_AGAIN, watch);
        }
        let Some(serving) = self.plan.before.serving.clone() else {
            let from = Box::new(cause.clone());
            return self.conclude(Outcome::Stranded {
                cause: Cause::NoWayBack { from },
            });
        };
        let action = self.create_deployment(way, &serving, Course::Back);
        self.act(action, watch)
    }

    /// The old revision, deployed again by us: it is back when it has the traffic.
    fn follow_way_back(
        mut self,
        service: &Service,
        back: &DeploymentId,
        cause: &Cause,
        watch: Watch,
    ) -> Turn {
        let Some(Seen::Is(record)) = self.seen.code_deployment.get(back) else {
            return self.look_now(watch);
        };
        self.tell_code_deployment(service, record);
        let serves = set_of(service, back).is_some_and(TaskSet::is_primary);
        match record.status() {
            _ if record.has_moved() && serves => {
                let cause = cause.clone();
                self.conclude(Outcome::RolledBack { cause })
            }
            "Failed" | "Stopped" => {
                let reason = record.error_message().to_owned();
                self.undo_failed(cause, reason)
            }
            "Ready" if !self.just_ordered() => {
                self.act(Action::ContinueCodeDeployment(back.clone()), watch)
            }
            _ => {
                let pause = between_looks(self.next.entered, self.now);
                self.look_after(pause, watch)
            }
        }
    }
}

/// That the way back is to be ordered was decided: what the old deployment says later changes nothing.
const BACK: &str = "going back by another deployment";

fn serves_steadily(service: &Service, record: &CodeDeployment) -> bool {
    set_of(service, &record.id()).is_some_and(|set| set.is_primary() && set.is_steady())
}

fn new_set_is_primary(service: &Service, record: &CodeDeployment) -> bool {
    set_of(service, &record.id()).is_some_and(TaskSet::is_primary)
}
