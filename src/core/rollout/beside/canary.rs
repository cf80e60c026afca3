//! Starting the canary, or taking it over, and judging it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::core::gate::{Serving, failures};
use crate::core::live::{Deployment, Service};
use crate::core::plan::{Beside, Strategy};
use crate::core::report::{Cause, Event, Outcome};
use crate::core::rollout::pace::between_looks;
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Facet, Held, Phase, Seen, Turn, Watch};
use crate::core::steps::canary_of;
use crate::core::strategy::CANARY_TAG;

impl Turning<'_> {
    pub fn canary(mut self, well_since: Option<Timestamp>) -> Turn {
        let Strategy::Beside(beside) = &self.plan.strategy else {
            return self.deploy();
        };
        match self.receipt() {
            Some(Err(fault)) if fault.is_unanswered() => self.tell_trouble(fault),
            Some(Err(fault)) => return self.refused(fault),
            _ => {}
        }
        match &self.seen.beside {
            Seen::NotAsked => {
                let watch = watch_canary(beside);
                self.look_now(watch)
            }
            Seen::Unreadable(fault) => self.blind(fault),
            Seen::Absent if self.is_holding(canary_of(beside)) => self.canary_overruled(beside),
            Seen::Absent => self.start_canary(beside),
            Seen::Is(canary) => self.look_at_canary(beside, canary, well_since),
        }
    }

    fn look_at_canary(
        self,
        beside: &Beside,
        canary: &Service,
        well_since: Option<Timestamp>,
    ) -> Turn {
        let wanted = canary
            .primary()
            .filter(|primary| self.is_revision(*primary) && canary.desired_count() == beside.tasks);
        match (canary.status(), wanted) {
            ("ACTIVE", _) if !is_ours(canary, self.plan.target.service.short()) => {
                let service = canary.name().to_owned();
                self.finish(Outcome::Failed {
                    cause: Cause::NotOurs { service },
                })
            }
            ("ACTIVE", Some(primary)) => self.judge_canary(beside, canary, primary, well_since),
            _ if self.is_holding(canary_of(beside)) => self.canary_overruled(beside),
            ("INACTIVE", _) => self.start_canary(beside),
            // A dead run's canary of another release.
            ("ACTIVE", None) => {
                self.act_on_canary(Action::DeleteService(beside.key.clone()), beside)
            }
            // What was there before is still stopping its tasks; no new one can be made until it is gone.
            _ => {
                let watch = watch_canary(beside);
                self.wait_for_canary(watch, "the last canary is gone")
            }
        }
    }

    /// Once it was judged, whoever takes it away, or gives it another count or revision, says that it is not wanted: it is not
    /// made again.
    fn canary_overruled(self, beside: &Beside) -> Turn {
        let service = &beside.key.service;
        let reason = format!("somebody else deleted or changed {service} while it was judged");
        self.canary_failed(Cause::Stopped { reason })
    }

    fn start_canary(mut self, beside: &Beside) -> Turn {
        if self.just_ordered() {
            let watch = watch_canary(beside);
            return self.wait_for_canary(watch, "the canary's service appears");
        }
        self.say.push(Event::Canary {
            service: beside.key.service.to_string(),
            tasks: beside.tasks,
        });
        let mut members: Map<String, Value> = beside.members.clone();
        members.insert("taskDefinition".to_owned(), json!(self.next.revision));
        members.insert("desiredCount".to_owned(), json!(beside.tasks));
        let key = beside.key.clone();
        self.act_on_canary(Action::CreateService { key, members }, beside)
    }

    fn act_on_canary(self, action: Action, beside: &Beside) -> Turn {
        if self.is_late() {
            return self.canary_late("the canary's service is there");
        }
        let watch = watch_canary(beside);
        self.act(action, watch)
    }

    fn judge_canary(
        mut self,
        beside: &Beside,
        canary: &Service,
        primary: Deployment<'_>,
        well_since: Option<Timestamp>,
    ) -> Turn {
        let watch = watch_canary_well(beside, canary);
        if !self.has_seen(&watch) {
            return self.look_now(watch);
        }
        self.tell_what_is_seen(canary, &primary.id());
        let stopped = self.seen.stopped_tasks.is().map_or(&[][..], Vec::as_slice);
        if let Some(cause) = self.failing(&failures(stopped, &primary.id()), canary) {
            return self.canary_failed(cause);
        }
        let well = match self.serves(canary, primary) {
            Ok(well) => well,
            Err(fault) => return self.blind(&fault),
        };
        let since = match &well {
            Serving::Yes => Some(well_since.unwrap_or(self.now)),
            Serving::NotYet(_) => None,
        };
        let awaiting = match well {
            Serving::Yes => "the canary runs well for long enough".to_owned(),
            Serving::NotYet(awaiting) => awaiting,
        };
        self.tell_progress(canary, primary, awaiting.clone());
        self.next.phase = Phase::Canary { well_since: since };
        if since.is_some() || self.is_holding(canary_of(beside)) {
            return self.hold_canary(beside, canary, primary, since);
        }
        self.wait_for_canary(watch, &awaiting)
    }

    /// The canary has come up: from here on its gates are asked, and it must be well all the time that it bakes.
    fn hold_canary(
        mut self,
        beside: &Beside,
        canary: &Service,
        primary: Deployment<'_>,
        since: Option<Timestamp>,
    ) -> Turn {
        let share = canary_of(beside);
        let watch = watch_canary_well(beside, canary);
        let asked = self.in_shared_groups(share, &beside.key, primary.id(), beside.tasks, canary);
        let subject = match asked {
            Ok(subject) => subject,
            Err(first) => return self.look_now(&watch | &first),
        };
        let bake = self.plan.asked(share).bake;
        let is_baked = since.is_some_and(|since| self.waited(since).unsigned_abs() >= bake);
        let pause = between_looks(self.next.entered, self.now);
        match self.hold(share, subject, canary, pause) {
            Held::Failed(cause) => self.canary_failed(cause),
            Held::Passed(_) if is_baked => self.canary_passed(bake),
            _ if self.is_late() => self.canary_late("the canary's gates pass"),
            Held::Passed(look) | Held::Waiting(look) => self.look_on(look, watch),
        }
    }

    fn canary_passed(mut self, bake: Duration) -> Turn {
        let seconds = bake.as_secs();
        self.say.push(Event::CanaryPassed { seconds });
        // From here on it is the first service whose events are told.
        self.next.told.last_event = None;
        self.next.enter(Phase::Deploy, self.now);
        let watch = self.watch_service();
        self.look_now(watch)
    }

    /// The service itself was not touched: it serves the old revision as it did. Going back is to put the canary away.
    pub fn canary_failed(mut self, cause: Cause) -> Turn {
        if let Strategy::Beside(beside) = &self.plan.strategy {
            let service = beside.key.service.to_string();
            let cause = cause.clone();
            self.say.push(Event::CanaryFailed { service, cause });
        }
        let outcome = if self.leaves(&cause) {
            Outcome::Stranded { cause }
        } else {
            Outcome::RolledBack { cause }
        };
        self.conclude(outcome)
    }

    fn wait_for_canary(self, watch: Watch, awaiting: &str) -> Turn {
        if self.is_late() {
            return self.canary_late(awaiting);
        }
        let pause = between_looks(self.next.entered, self.now);
        self.look_after(pause, watch)
    }

    fn canary_late(self, awaiting: &str) -> Turn {
        let cause = self.deadline(format!("waiting: {awaiting}"));
        self.canary_failed(cause)
    }
}

pub fn watch_canary(beside: &Beside) -> Watch {
    Watch::from([Facet::Beside(beside.key.clone())])
}

fn watch_canary_well(beside: &Beside, canary: &Service) -> Watch {
    let mut watch = watch_canary(beside);
    watch.insert(Facet::StoppedTasks(beside.key.clone()));
    watch.insert(Facet::RunningTasks(beside.key.clone()));
    watch.extend(canary.places().into_iter().flatten().map(Facet::Targets));
    watch
}

pub fn is_ours(canary: &Service, of: &str) -> bool {
    canary.tag(CANARY_TAG) == Some(of)
}
