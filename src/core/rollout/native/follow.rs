//! Following one native deployment by its own record.

use super::undo::native_cause;
use crate::core::gate::{Serving, Subject, failures};
use crate::core::live::{RolloutState, Service, ServiceDeployment};
use crate::core::plan::{Native, Sides, Strategy};
use crate::core::report::{Cause, Event, Outcome};
use crate::core::rollout::pace::between_looks;
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Divided, Facet, Held, Seen, Turn, Watch};
use crate::core::service::Share;
use crate::core::taskdef::Finding;

impl Turning<'_> {
    pub fn follow_native(mut self) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            // A pause that went on already refuses a second word; the record says how it stands.
            self.tell_trouble(fault);
        }
        let Some(id) = self.next.deployment.clone() else {
            return self.deploy();
        };
        let (mut it, service) = match self.active_service() {
            Ok(there) => there,
            Err(turn) => return *turn,
        };
        it.tell_what_is_seen(&service, &id);
        match &it.seen.service_deployment {
            Seen::Is(record) => it.read_record(&service, record),
            Seen::Unreadable(fault) => it.blind(fault),
            Seen::Absent if it.is_late() => {
                let cause = it.deadline("ECS had no record of the deployment".to_owned());
                it.leave(cause)
            }
            Seen::Absent => it.wait_native(),
            Seen::NotAsked => {
                let watch = it.watch_native();
                it.look_now(watch)
            }
        }
    }

    fn read_record(mut self, service: &Service, record: &ServiceDeployment) -> Turn {
        self.next.record = Some(record.arn());
        self.tell_stage(service, record);
        match record.status() {
            "SUCCESSFUL" => self.confirm_native(service),
            "ROLLBACK_SUCCESSFUL" => {
                let cause = native_cause(record);
                self.begin_restore(Outcome::RolledBack { cause })
            }
            "ROLLBACK_FAILED" => {
                let reason = record.status_reason().to_owned();
                let from = Box::new(native_cause(record));
                let cause = Cause::UndoFailed { from, reason };
                self.begin_restore(Outcome::Stranded { cause })
            }
            "STOPPED" => self.replaced_native(service, native_cause(record)),
            _ if record.is_stopped() => self.undone_by_ecs(record),
            // One of a status that was born later goes on as well, as far as anybody knows.
            _ => self.go_on_native(service, record),
        }
    }

    /// ECS waits at a pause, or works.
    fn go_on_native(mut self, service: &Service, record: &ServiceDeployment) -> Turn {
        if let (Some(stopped), Some(id)) = (self.seen.stopped_tasks.is(), &self.next.deployment)
            && let Some(cause) = self.failing(&failures(stopped, id), service)
        {
            return self.fail_native(cause, record);
        }
        if self.is_late() {
            let cause = self.deadline(format!("the deployment was at {}", record.stage()));
            return self.fail_native(cause, record);
        }
        let waiting = record.waiting_hooks();
        let hook = waiting.first().map(|hook| (*hook).to_owned());
        let hook = hook.filter(|hook| self.is_ours_to_open(record, hook));
        match self.share_judged(record, hook.as_ref()) {
            Some(share) => self.hold_native(share, service, record, hook),
            None => self.wait_native(),
        }
    }

    /// Somebody else's pause is told of once, and waited for as long as the rollout may take.
    fn is_ours_to_open(&mut self, record: &ServiceDeployment, hook: &str) -> bool {
        if self.native().may_open(record) {
            return true;
        }
        if self.next.told.named.insert(hook.to_owned()) {
            let finding = others_pause(record, hook);
            self.say.push(Event::Finding { finding });
        }
        false
    }

    fn native(&self) -> &Native {
        let Strategy::Native(native) = &self.plan.strategy else {
            unreachable!("only native shifts are followed here")
        };
        native
    }

    /// How much the new revision has, once it is in place and as long as ECS can be told to go back: from the first
    /// pause on, or from when it has traffic.
    fn share_judged(&self, record: &ServiceDeployment, hook: Option<&String>) -> Option<Share> {
        let percent = record.production_weight().unwrap_or_default();
        let is_in_place = hook.is_some() || percent > 0.0;
        let share = Share::Traffic(percent);
        let begun = is_in_place || self.is_holding(share);
        (begun && record.stage() != "CLEAN_UP").then_some(share)
    }

    /// The gates are asked while ECS bakes too, so that a bad release need not wait for the next pause; they alone open
    /// a pause.
    fn hold_native(
        mut self,
        share: Share,
        service: &Service,
        record: &ServiceDeployment,
        hook: Option<String>,
    ) -> Turn {
        let subject = self.judged_native(service);
        let pause = between_looks(self.next.entered, self.now);
        match (self.hold(share, subject, service, pause), hook) {
            (Held::Failed(cause), _) => self.fail_native(cause, record),
            (Held::Passed(_), Some(hook)) => self.go_past(record, hook),
            (Held::Passed(look) | Held::Waiting(look), _) => {
                let watch = self.watch_native();
                self.look_on(look, watch)
            }
        }
    }

    fn judged_native(&self, service: &Service) -> Subject {
        let divided: Vec<Divided<'_>> = self
            .native()
            .sides
            .iter()
            .map(|Sides { rule, blue, green }| Divided {
                load_balancer: rule.load_balancer(),
                blue,
                green,
            })
            .collect();
        let ours = self.next.deployment.clone();
        let ours = ours.expect("a deployment that is followed is known");
        let old = self.plan.before.deployment.clone();
        let mut subject = self.in_own_groups(ours, old, self.tasks_owed(service), &divided);
        if divided.is_empty() {
            // Which side is which is not known, behind a Network Load Balancer or where rules may not be read.
            subject.new.places = service.places();
        }
        subject
    }

    fn go_past(mut self, record: &ServiceDeployment, hook: String) -> Turn {
        if self.just_ordered() && self.next.told.marks.contains(&hook) {
            return self.wait_native();
        }
        let deployment = record.arn();
        let watch = self.watch_native();
        self.next.told.marks.insert(hook.clone());
        self.act(
            Action::ContinueServiceDeployment { deployment, hook },
            watch,
        )
    }

    /// ECS says it succeeded, which a run that died may hear of only now: look whether the new revision serves, as of
    /// every other strategy.
    pub fn confirm_native(self, service: &Service) -> Turn {
        let watch = self.watch_native_serving(service);
        if !self.has_seen(&watch) {
            return self.look_now(watch);
        }
        if let (Some(stopped), Some(id)) = (self.seen.stopped_tasks.is(), &self.next.deployment)
            && let Some(cause) = self.failing(&failures(stopped, id), service)
        {
            return self.begin_restore(Outcome::Stranded { cause });
        }
        let ours = service.primary().filter(|ours| self.is_revision(*ours));
        let ours = ours.filter(|ours| ours.rollout_state() != RolloutState::Failed);
        let serves = match ours.map(|ours| self.serves(service, ours)) {
            Some(Err(fault)) => return self.blind(&fault),
            Some(Ok(serving)) => serving == Serving::Yes,
            None => false,
        };
        if serves {
            return self.begin_restore(Outcome::Completed);
        }
        if self.is_late() {
            let awaiting = "ECS was done but the new revision did not serve".to_owned();
            let cause = self.deadline(awaiting);
            return self.begin_restore(Outcome::Stranded { cause });
        }
        let pause = between_looks(self.next.entered, self.now);
        self.look_after(pause, watch)
    }

    fn watch_native_serving(&self, service: &Service) -> Watch {
        let mut watch = self.watch_native();
        watch.insert(Facet::StoppedTasks(self.plan.target.clone()));
        let places = service.places();
        if service.desired_count() > 0 && !places.is_empty() {
            watch.insert(Facet::RunningTasks(self.plan.target.clone()));
            watch.extend(places.into_iter().flatten().map(Facet::Targets));
        }
        watch
    }

    pub fn tell_stage(&mut self, service: &Service, record: &ServiceDeployment) {
        let awaiting = match record.production_weight() {
            Some(weight) => format!("{}, production weight {weight} %", record.stage()),
            None => record.stage().to_owned(),
        };
        let ours = service.deployments().find(|d| self.is_revision(*d));
        if let Some(ours) = ours {
            self.tell_progress(service, ours, awaiting);
        }
    }

    fn wait_native(self) -> Turn {
        let pause = between_looks(self.next.entered, self.now);
        let watch = self.watch_native();
        self.look_after(pause, watch)
    }

    pub fn watch_native(&self) -> Watch {
        let mut watch = self.watch_service();
        if self.next.looks.is_multiple_of(2) {
            watch.insert(Facet::StoppedTasks(self.plan.target.clone()));
        }
        match (&self.next.record, &self.next.deployment) {
            (Some(record), _) => watch.insert(Facet::Record(record.clone())),
            (None, Some(id)) => {
                let key = self.plan.target.clone();
                watch.insert(Facet::ServiceDeployment(key, id.clone()))
            }
            (None, None) => false,
        };
        watch
    }
}

fn others_pause(record: &ServiceDeployment, hook: &str) -> Finding {
    let message = format!(
        "the deployment waits at {} at a pause that ecsdeploy did not set, and does not open",
        record.stage()
    );
    let arn = record.arn();
    let hint = format!(
        "whoever set it lets it go on: aws ecs continue-service-deployment --service-deployment-arn {arn} --hook-id {hook}"
    );
    Finding::warning("deploymentConfiguration.lifecycleHooks", message).hint(hint)
}
