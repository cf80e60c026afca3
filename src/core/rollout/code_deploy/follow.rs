//! Following one deployment by CodeDeploy's own record of it: until traffic has moved and the new set serves, or it ends.

use super::set_of;
use crate::core::gate::{Subject, failures};
use crate::core::id::DeploymentId;
use crate::core::live::{CodeDeployment, Service, TargetState, TaskSet};
use crate::core::report::{Cause, Event, Outcome, Undoer};
use crate::core::rollout::pace::{SETTLE, between_looks};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Divided, Facet, Held, Phase, Seen, Turn, Watch};
use crate::core::service::Share;

impl Turning<'_> {
    pub fn follow_code_deploy(mut self) -> Turn {
        if let Some(Err(fault)) = self.receipt() {
            // A wait that is over refuses to be ended again; the record says how it stands.
            self.tell_trouble(fault);
        }
        let Some(id) = self.next.deployment.clone() else {
            return self.deploy();
        };
        let (mut it, service) = match self.active_service() {
            Ok(there) => there,
            Err(turn) => return *turn,
        };
        match it.seen.code_deployment.get(&id) {
            Some(Seen::Is(record)) => {
                it.tell_deployment(&service, record);
                it.read_deployment(&service, record)
            }
            Some(Seen::Unreadable(fault)) => it.blind(fault),
            // Right after it was made, a read may not show it yet.
            Some(Seen::Absent) if it.now.duration_since(it.next.entered) < SETTLE => {
                it.look_at_it_later()
            }
            Some(Seen::Absent) => {
                let reason = "CodeDeploy knows the deployment no more".to_owned();
                it.give_up(Cause::Stopped { reason })
            }
            Some(Seen::NotAsked) | None => {
                let watch = it.watch_code_deployment();
                it.look_now(watch)
            }
        }
    }

    fn tell_deployment(&mut self, service: &Service, record: &CodeDeployment) {
        self.tell_events(service);
        let set = set_of(service, &record.id());
        if let (Some(stopped), Some(set)) = (self.seen.stopped_tasks.is(), set) {
            self.tell_failures(failures(stopped, &set.id()));
        }
        self.tell_targets();
        self.tell_code_deployment(service, record);
    }

    fn read_deployment(self, service: &Service, record: &CodeDeployment) -> Turn {
        if matches!(record.status(), "Failed" | "Stopped") {
            return self.ended_by_code_deploy(record);
        }
        // Also where traffic has moved while nobody looked: CodeDeploy calls that a success, however ill the tasks are.
        match self.failing_in(service, record) {
            Some(cause) => self.fail_deployment(cause, record),
            None if record.has_moved() => self.confirm_moved(service, record),
            None => self.go_on_with(service, record),
        }
    }

    fn failing_in(&self, service: &Service, record: &CodeDeployment) -> Option<Cause> {
        let set = set_of(service, &record.id())?;
        let stopped = self.seen.stopped_tasks.is()?;
        self.failing(&failures(stopped, &set.id()), service)
    }

    fn go_on_with(self, service: &Service, record: &CodeDeployment) -> Turn {
        let set = set_of(service, &record.id());
        let is_proven = set.is_some_and(TaskSet::is_steady);
        let percent = record.replacement_weight().unwrap_or_default();
        match set {
            Some(set) if percent > 0.0 || (record.status() == "Ready" && is_proven) => {
                self.hold_deployment(Share::Traffic(percent), service, set, record)
            }
            _ => self.wait_for_deployment(record),
        }
    }

    /// The gates are asked while CodeDeploy moves the traffic; where it waits, they alone let it go on.
    fn hold_deployment(
        mut self,
        share: Share,
        service: &Service,
        set: TaskSet<'_>,
        record: &CodeDeployment,
    ) -> Turn {
        if self.is_late() {
            return self.wait_for_deployment(record);
        }
        let subject = self.judged_by_code_deploy(service, set);
        let pause = between_looks(self.next.entered, self.now);
        let watch = if record.has_moved() {
            self.watch_moved(set)
        } else {
            self.watch_code_deployment()
        };
        match self.hold(share, subject, service, pause) {
            Held::Failed(cause) => self.fail_deployment(cause, record),
            Held::Passed(_) if record.has_moved() => self.conclude(Outcome::Completed),
            Held::Passed(_) if record.status() == "Ready" && !self.just_ordered() => {
                self.act(Action::ContinueCodeDeployment(record.id()), watch)
            }
            Held::Passed(look) | Held::Waiting(look) => self.look_on(look, watch),
        }
    }

    fn judged_by_code_deploy(&self, service: &Service, set: TaskSet<'_>) -> Subject {
        let green = set.target_group();
        let way = self.by_code_deploy();
        let blue = way.and_then(|way| way.blue.as_ref());
        let divided = blue.zip(green.as_ref()).map(|(blue, green)| Divided {
            load_balancer: way.and_then(|way| way.load_balancer.as_deref()),
            blue,
            green,
        });
        let old = self.plan.before.deployment.clone();
        let tasks = self.tasks_owed(service);
        let mut subject = self.in_own_groups(set.id(), old, tasks, divided.as_slice());
        if divided.is_none() {
            subject.new.places = green.into_iter().map(|it| [it].into()).collect();
        }
        subject
    }

    /// Looks again in a while, unless the whole rollout has taken too long.
    fn wait_for_deployment(self, record: &CodeDeployment) -> Turn {
        if self.is_late() {
            let cause = self.deadline(format!("the deployment was at {}", record.stage()));
            return self.fail_deployment(cause, record);
        }
        self.look_at_it_later()
    }

    /// CodeDeploy says that traffic has moved: look whether the new task set is the primary one and serves.
    fn confirm_moved(self, service: &Service, record: &CodeDeployment) -> Turn {
        let Some(set) = set_of(service, &record.id()).filter(|set| set.is_primary()) else {
            return self.wait_for_deployment(record);
        };
        let watch = self.watch_moved(set);
        if !self.has_seen(&watch) {
            return self.look_now(watch);
        }
        let groups = match self.readable_targets() {
            Ok(groups) => groups,
            Err(fault) => return self.blind(&fault),
        };
        let healthy = groups.values().all(|targets| {
            let healthy = targets.iter().filter(|it| it.state == TargetState::Healthy);
            healthy.count() >= service.healthy_floor() as usize
        });
        let serves = set.running_count() >= service.healthy_floor() && healthy;
        if serves || service.desired_count() == 0 {
            return self.hold_deployment(Share::ALL, service, set, record);
        }
        self.wait_for_deployment(record)
    }

    /// What is looked at until it has ended, whatever its gates look at beside it: a look that was for one and not for
    /// the other would be taken again for ever.
    fn watch_moved(&self, set: TaskSet<'_>) -> Watch {
        let mut watch = self.watch_code_deployment();
        watch.insert(Facet::StoppedTasks(self.plan.target.clone()));
        watch.extend(set.target_group().map(Facet::Targets));
        watch
    }

    /// The rollout failed and CodeDeploy has not dealt with it: it is told to stop and to go back.
    fn fail_deployment(mut self, cause: Cause, record: &CodeDeployment) -> Turn {
        if self.leaves(&cause) {
            return self.conclude(Outcome::Stranded { cause });
        }
        self.begin_undo_of_deployment(cause, Undoer::Ecsdeploy);
        let watch = self.watch_code_deployment();
        self.act(Action::StopCodeDeployment(record.id()), watch)
    }

    /// CodeDeploy or a person ended it; what that leaves behind is looked at by the undo.
    fn ended_by_code_deploy(mut self, record: &CodeDeployment) -> Turn {
        let cause = cause_of(record);
        let goes_back = record.rollback().is_some();
        if !goes_back && self.leaves(&cause) {
            return self.conclude(Outcome::Stranded { cause });
        }
        let by = if goes_back {
            Undoer::CodeDeploy
        } else {
            Undoer::Ecsdeploy
        };
        self.begin_undo_of_deployment(cause, by);
        let watch = self.watch_undo_of(record.rollback());
        self.look_now(watch)
    }

    fn begin_undo_of_deployment(&mut self, cause: Cause, by: Undoer) {
        let task_definition = self.plan.before.task_definition.clone();
        self.say.push(Event::Undoing {
            cause: cause.clone(),
            task_definition,
            by,
        });
        self.next.enter(Phase::Undo { cause, by }, self.now);
    }

    pub(super) fn watch_undo_of(&self, back: Option<DeploymentId>) -> Watch {
        let mut watch = self.watch_code_deployment();
        watch.extend(back.map(Facet::CodeDeployment));
        watch
    }
}

/// `errorInformation`, as far as this program knows its codes (CodeDeploy API reference, `ErrorInformation`).
fn cause_of(record: &CodeDeployment) -> Cause {
    let reason = record.error_message().to_owned();
    match (record.error_code(), record.status()) {
        ("ALARM_ACTIVE", _) => {
            let named = reason.split(['<', '>']).nth(1).unwrap_or(&reason);
            let alarms = named.split(", ").map(str::to_owned).collect();
            Cause::Alarm { alarms }
        }
        (_, "Stopped") => Cause::Stopped { reason },
        ("", _) => Cause::FailedByCodeDeploy { reason },
        (code, _) => Cause::FailedByCodeDeploy {
            reason: format!("{code}: {reason}"),
        },
    }
}
