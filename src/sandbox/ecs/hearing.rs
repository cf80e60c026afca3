//! What a service makes of the news of its tasks: events, failure counts, the throttle and the list of live tasks.

use std::collections::BTreeMap;

use crate::sandbox::ecs::defaults::Crash;
use crate::sandbox::ecs::deployment::deployment_id;
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::life::News;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task::Standing;

/// One item of news: task id, deployment, and what happened.
pub type Heard = (String, u64, News);

/// News of one second that is told in one line however many tasks it concerns.
#[derive(Default)]
struct Tally {
    /// By who tells it, and target group.
    registered: BTreeMap<(String, String), usize>,
    deregistered: BTreeMap<(String, String), usize>,
    /// By deployment or task set.
    draining: BTreeMap<u64, usize>,
}

impl Tally {
    fn tell(self, service: &mut Service, ground: &mut Ground<'_>) {
        let mut lines = Vec::new();
        for ((who, group), count) in self.registered {
            lines.push(events::registered(&who, count, &group));
        }
        for ((who, group), count) in self.deregistered {
            lines.push(events::deregistered(&who, count, &group));
        }
        for (number, count) in self.draining {
            let set = deployment_id(number);
            lines.push(events::draining(&service.name, &set, count));
        }
        for line in lines {
            service.events.tell(ground.now, ground.rng, line);
        }
    }
}

/// Takes in the news of one second.
pub fn hear(service: &mut Service, news: Vec<Heard>, fleet: &Fleet<'_>, ground: &mut Ground<'_>) {
    let mut tally = Tally::default();
    for (task, deployment, item) in news {
        let who = || service.voice(deployment);
        match item {
            News::Registered(group) => {
                *tally.registered.entry((who(), group)).or_default() += 1;
            }
            News::Deregistered(group) => {
                *tally.deregistered.entry((who(), group)).or_default() += 1;
            }
            News::Draining => *tally.draining.entry(deployment).or_default() += 1,
            News::NotRegistered(group, error) => {
                let line = events::not_registered(&who(), &group, &error);
                service.events.tell_once(ground.now, ground.rng, line);
            }
            News::Running => {
                if let Some(throttle) = service.throttle(deployment) {
                    throttle.task_ran();
                }
                service.events.resolve_all();
            }
            News::FailedToStart(reason) => failed_to_start(service, deployment, &reason, ground),
            News::Exited(standing) => {
                if standing != Standing::Proven && fleet.switches.crash == Crash::IsFailure {
                    service.note_failure(deployment);
                }
            }
            News::Stopped => service.live.retain(|id| *id != task),
        }
    }
    tally.tell(service, ground);
}

fn failed_to_start(service: &mut Service, deployment: u64, reason: &str, ground: &mut Ground<'_>) {
    service.note_failure(deployment);
    let mut lines = vec![events::could_not_start(
        &service.name,
        reason.trim_end_matches('.'),
    )];
    if let Some(throttle) = service.throttle(deployment) {
        throttle.task_failed(ground.now);
        if throttle.is_impaired() {
            lines.push(events::impaired(&service.name));
        }
    }
    for line in lines {
        service.events.tell_once(ground.now, ground.rng, line);
    }
}

impl Service {
    /// Failures count only while the deployment is under way.
    pub fn note_failure(&mut self, deployment: u64) {
        let found = self.deployment(deployment);
        if let Some(deployment) = found.filter(|deployment| deployment.is_in_progress()) {
            deployment.failed_tasks += 1;
        }
    }

    /// A task counts as healthy for the first time.
    pub fn note_healthy(&mut self, deployment: u64) {
        let resets = self.breaker().resets_on_healthy;
        if let Some(deployment) = self.deployment(deployment).filter(|_| resets) {
            deployment.failed_tasks = 0;
        }
    }
}
