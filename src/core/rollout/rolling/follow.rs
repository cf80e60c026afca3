//! Following one deployment to its end: it serves, it fails, or it is replaced.

use crate::core::gate::{Serving, failures};
use crate::core::live::{Breaker, Deployment, RolloutState, Service, ServiceDeployment};
use crate::core::plan::Strategy;
use crate::core::report::{Cause, Event, Outcome, Progress, Undoer};
use crate::core::rollout::pace::{LOOK_AGAIN, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Facet, Held, Phase, Turn, Watch};
use crate::core::service::Share;

impl Turning<'_> {
    pub fn follow_rolling(self) -> Turn {
        let Some(id) = self.next.deployment.clone() else {
            return self.deploy();
        };
        let (mut it, service) = match self.active_service() {
            Ok(there) => there,
            Err(turn) => return *turn,
        };
        it.tell_what_is_seen(&service, &id);
        match service.deployment(&id) {
            Some(ours) if ours.rollout_state() == RolloutState::Failed => {
                it.failed_by_ecs(&service, ours.rollout_state_reason())
            }
            Some(ours) if !ours.is_primary() => it.replaced(&service),
            Some(ours) if service.has_completed(ours) => it.confirm(&service, ours),
            Some(ours) => it.go_on(&service, ours),
            None => it.replaced(&service),
        }
    }

    /// ECS says it completed: look whether it serves, then ask the gates.
    fn confirm(mut self, service: &Service, ours: Deployment<'_>) -> Turn {
        if self.is_holding(Share::ALL) {
            return self.prove(service, ours);
        }
        let watch = self.watch_serving(service);
        if !self.has_seen(&watch) {
            return self.look_now(watch);
        }
        let serving = match self.serves(service, ours) {
            Ok(serving) => serving,
            Err(fault) => {
                self.tell_trouble(&fault);
                return self.wait_or_time_out(service, watch);
            }
        };
        let counted = self.plan.intent.desired_count.is_none()
            || ours.running_count() >= service.desired_count();
        let awaiting = match serving {
            Serving::Yes if counted => return self.prove(service, ours),
            Serving::Yes => "the desired count is reached".to_owned(),
            Serving::NotYet(awaiting) => awaiting,
        };
        self.tell_progress(service, ours, awaiting);
        self.wait_or_time_out(service, watch)
    }

    /// It serves: it has to hold through its gates.
    fn prove(mut self, service: &Service, ours: Deployment<'_>) -> Turn {
        let key = self.plan.target.clone();
        let tasks = self.tasks_owed(service);
        let subject = match self.in_shared_groups(Share::ALL, &key, ours.id(), tasks, service) {
            Ok(subject) => subject,
            Err(first) => {
                let watch = self.watch_serving(service);
                return self.look_now(&watch | &first);
            }
        };
        let pause = between_looks(self.next.entered, self.now);
        match self.hold(Share::ALL, subject, service, pause) {
            Held::Passed(_) => self.conclude(Outcome::Completed),
            Held::Failed(cause) => self.fail(cause, service),
            Held::Waiting(look) => {
                self.tell_progress(service, ours, "the gates pass".to_owned());
                let watch = self.watch_service();
                match self.overdue() {
                    Some(cause) => self.fail(cause, service),
                    None => self.look_on(look, watch),
                }
            }
        }
    }

    fn go_on(mut self, service: &Service, ours: Deployment<'_>) -> Turn {
        if let Some(stopped) = self.seen.stopped_tasks.is()
            && let Some(cause) = self.failing(&failures(stopped, &ours.id()), service)
        {
            return self.fail(cause, service);
        }
        let all_up = ours.running_count() >= service.desired_count();
        let shift = self.seen.service_deployment.is();
        let awaiting = match shift.filter(|record| !record.stage().is_empty()) {
            Some(record) => record.standing(),
            None if all_up => "ECS completes the deployment".to_owned(),
            None => String::new(),
        };
        self.tell_progress(service, ours, awaiting);
        let mut watch = self.watch_service();
        if service.strategy() != "ROLLING" {
            // ECS's own shift, which somebody else drives.
            let key = self.plan.target.clone();
            watch.insert(Facet::ServiceDeployment(key, ours.id()));
        }
        if self.next.looks.is_multiple_of(2) || ours.failed_tasks() > 0 {
            watch.insert(Facet::StoppedTasks(self.plan.target.clone()));
            watch.extend(service.places().into_iter().flatten().map(Facet::Targets));
        }
        self.wait_or_time_out(service, watch)
    }

    fn wait_or_time_out(self, service: &Service, watch: Watch) -> Turn {
        if let Some(cause) = self.overdue() {
            return self.fail(cause, service);
        }
        let pause = between_looks(self.next.entered, self.now);
        self.look_after(pause, watch)
    }

    fn overdue(&self) -> Option<Cause> {
        let is_late = self.spent() >= self.plan.time_limit();
        let progress = self.next.told.progress.clone().unwrap_or_default();
        is_late.then(|| self.deadline(awaited(&progress)))
    }

    /// The rollout failed and ECS has not dealt with it: go back, unless told to leave it. The reasons
    /// are looked up first, while the failed tasks and targets are there to be asked; along with them what led here, or
    /// the next turn would have to look at that again before it got here.
    fn fail(mut self, cause: Cause, service: &Service) -> Turn {
        let watch = self.watch_failed(service);
        if !self.has_seen(&watch) {
            return self.look_now(watch);
        }
        if self.leaves(&cause) {
            return self.conclude(Outcome::Stranded { cause });
        }
        match &self.plan.before.serving {
            Some(serving) if Some(serving) != self.next.revision.as_ref() => {
                self.say.push(Event::Undoing {
                    cause: cause.clone(),
                    task_definition: serving.clone(),
                    by: Undoer::Ecsdeploy,
                });
                self.enter_undo(cause, Undoer::Ecsdeploy)
            }
            _ => {
                let from = Box::new(cause);
                self.conclude(Outcome::Stranded {
                    cause: Cause::NoWayBack { from },
                })
            }
        }
    }

    fn failed_by_ecs(mut self, service: &Service, reason: &str) -> Turn {
        let watch = self.watch_reasons(service);
        if !self.has_seen(&watch) {
            return self.look_now(watch);
        }
        let cause = self.why_ecs_failed_it(reason);
        let goes_back = matches!(cause, Cause::Alarm { .. } | Cause::Stopped { .. });
        let Some(serving) = self.plan.before.serving.clone() else {
            return self.fail(cause, service);
        };
        if service.breaker() != Breaker::RollBack && !goes_back {
            return self.fail(cause, service);
        }
        self.say.push(Event::Undoing {
            cause: cause.clone(),
            task_definition: serving,
            by: Undoer::Ecs,
        });
        self.enter_undo(cause, Undoer::Ecs)
    }

    fn why_ecs_failed_it(&self, reason: &str) -> Cause {
        let record = self.seen.service_deployment.is();
        let alarms = record
            .map(ServiceDeployment::triggered_alarms)
            .unwrap_or_default();
        let said = record
            .map(ServiceDeployment::status_reason)
            .filter(|said| !said.is_empty());
        let told = if reason.is_empty() {
            said.unwrap_or_default()
        } else {
            reason
        };
        let reason = told.to_owned();
        if !alarms.is_empty() {
            return Cause::Alarm { alarms };
        }
        if record.is_some_and(|r| r.breaker_status() == "TRIGGERED")
            || reason.contains("circuit breaker")
        {
            return Cause::CircuitBreaker { reason };
        }
        if record.is_some_and(ServiceDeployment::is_stopped) {
            return Cause::Stopped { reason };
        }
        Cause::FailedByEcs { reason }
    }

    /// Ours is no longer the primary deployment: something came before or after it.
    fn replaced(mut self, service: &Service) -> Turn {
        let Some(primary) = service.primary() else {
            let watch = self.watch_service();
            return self.wait_or_time_out(service, watch);
        };
        if !self.is_way_back(primary) {
            let by = primary.id();
            return self.conclude(Outcome::Superseded { by });
        }
        if self.is_settling() {
            let watch = self.watch_service();
            return self.look_after(LOOK_AGAIN, watch);
        }
        let watch = self.watch_reasons(service);
        if !self.has_seen(&watch) {
            return self.look_now(watch);
        }
        let cause = self.why_replaced(service);
        self.say.push(Event::Undoing {
            cause: cause.clone(),
            task_definition: primary.task_definition(),
            by: Undoer::Ecs,
        });
        self.enter_undo(cause, Undoer::Ecs)
    }

    fn why_replaced(&self, service: &Service) -> Cause {
        match self.why_ecs_failed_it("") {
            Cause::FailedByEcs { reason } => {
                let fired = |event: &str| {
                    event.contains("deployment failed") || event.contains("rolling back")
                };
                let event = service
                    .events()
                    .into_iter()
                    .rev()
                    .find(|event| fired(&event.message));
                match event {
                    Some(event) if service.breaker() == Breaker::RollBack => {
                        Cause::CircuitBreaker {
                            reason: event.message,
                        }
                    }
                    _ if reason.is_empty() => Cause::Stopped {
                        reason: "the deployment is gone and the old revision is being deployed"
                            .to_owned(),
                    },
                    _ => Cause::Stopped { reason },
                }
            }
            known => known,
        }
    }

    fn enter_undo(mut self, cause: Cause, by: Undoer) -> Turn {
        if let Strategy::Beside(beside) = &self.plan.strategy {
            return self.begin_stand_down(beside, cause, by);
        }
        let phase = Phase::Undo {
            cause: cause.clone(),
            by,
        };
        self.next.enter(phase, self.now);
        self.undo_rolling(&cause, by)
    }

    // What to look at.

    fn watch_serving(&self, service: &Service) -> Watch {
        let mut watch = self.watch_service();
        let places = service.places();
        if !places.is_empty() {
            watch.insert(Facet::RunningTasks(self.plan.target.clone()));
        }
        watch.extend(places.into_iter().flatten().map(Facet::Targets));
        watch
    }

    /// The reasons, and all that this turn was decided from: the next one has to come to the same.
    fn watch_failed(&self, service: &Service) -> Watch {
        let mut watch = &self.watch_reasons(service) | &self.watch_serving(service);
        if self.seen.rules_around.was_asked() {
            let group = service.target_groups().into_iter().next();
            watch.extend(group.map(Facet::RulesAround));
        }
        watch
    }

    fn watch_reasons(&self, service: &Service) -> Watch {
        let key = self.plan.target.clone();
        let mut watch = self.watch_service();
        watch.insert(Facet::StoppedTasks(key.clone()));
        watch.extend(service.target_groups().into_iter().map(Facet::Targets));
        if let Some(id) = self.next.deployment.clone() {
            watch.insert(Facet::ServiceDeployment(key, id));
        }
        watch
    }
}

fn awaited(progress: &Progress) -> String {
    if progress.awaiting.is_empty() {
        format!(
            "{} of {} tasks were running",
            progress.running, progress.desired
        )
    } else {
        format!("waiting: {}", progress.awaiting)
    }
}
