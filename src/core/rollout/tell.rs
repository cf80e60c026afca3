//! What a turn says: only what is new since it was last said.

use jiff::Timestamp;

use super::Fault;
use super::turning::Turning;
use crate::core::gate::TaskFailure;
use crate::core::live::{Deployment, Service, TargetState};
use crate::core::report::{Event, Progress};

impl Turning<'_> {
    pub fn tell_events(&mut self, service: &Service) {
        let events = service.events();
        let told = self.next.told.last_event.as_ref();
        let from = told
            .and_then(|last| events.iter().position(|event| event.id == *last))
            .map_or(0, |at| at + 1);
        if let Some(newest) = events.last() {
            self.next.told.last_event = Some(newest.id.clone());
        }
        self.say
            .extend(events.into_iter().skip(from).map(Event::Service));
    }

    /// What happened before this, or until now, is no part of this rollout's story.
    pub fn tell_events_since(&mut self, service: &Service, began: Option<Timestamp>) {
        let told = &mut self.next.told.last_event;
        *told = told.take().or_else(|| service.last_event_before(began));
    }

    pub fn tell_failures(&mut self, failures: Vec<TaskFailure>) {
        for failure in failures {
            if self.next.told.name(failure.task.short().to_owned()) {
                self.say.push(Event::TaskFailed(failure));
            }
        }
    }

    pub fn tell_targets(&mut self) {
        for (group, targets) in &self.seen.targets {
            let unhealthy = targets.is().into_iter().flatten();
            for target in unhealthy.filter(|target| target.state == TargetState::Unhealthy) {
                let name = format!("{group} {} {} {}", target.id, target.port, target.reason);
                if self.next.told.name(name) {
                    self.say.push(Event::TargetUnhealthy {
                        target_group: group.clone(),
                        target: target.clone(),
                    });
                }
            }
        }
    }

    pub fn tell_progress(&mut self, service: &Service, ours: Deployment<'_>, awaiting: String) {
        self.tell(Progress {
            awaiting,
            ..Progress::of(service, ours)
        });
    }

    pub fn tell(&mut self, progress: Progress) {
        if self.next.told.progress.as_ref() != Some(&progress) {
            self.next.told.progress = Some(progress.clone());
            self.say.push(Event::Progress(progress));
        }
    }

    pub fn tell_trouble(&mut self, fault: &Fault) {
        let what = format!("{} {}", fault.operation, fault.code);
        if self.next.told.troubles.insert(what) {
            self.say.push(Event::Trouble {
                operation: fault.operation.clone(),
                message: fault.message.clone(),
            });
        }
    }
}
