//! Which running tasks count as healthy, and which failed a health check outside the grace period.
//!
//! Source: ECS API reference, `DeploymentConfiguration.minimumHealthyPercent` for what counts, and
//! `healthCheckGracePeriodSeconds` for what is forgiven.

use crate::sandbox::Duration;
use crate::sandbox::ecs::defaults;
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::health::HealthStatus;
use crate::sandbox::ecs::instances::InstanceStatus;
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::rolling::{Age, Fitness, Member};
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task::{Standing, TargetBinding, Task};
use crate::sandbox::elb::TargetState;

/// A task that ECS wants, with its deployment and its fitness.
pub struct Judged {
    id: String,
    /// The deployment or task set that brought it.
    deployment: u64,
    /// Its container instance drains: it is to be replaced, whatever brought it.
    is_leaving: bool,
    is_protected: bool,
    fitness: Fitness,
}

impl Judged {
    pub fn deployment(&self) -> u64 {
        self.deployment
    }

    /// As the arithmetic sees it, once it is settled which deployment is primary.
    pub fn member(&self, primary: u64) -> Member {
        Member {
            age: if self.deployment == primary && !self.is_leaving {
                Age::New
            } else {
                Age::Old
            },
            id: self.id.clone(),
            fitness: self.fitness,
            is_protected: self.is_protected,
        }
    }

    /// The same among the tasks of its own deployment; `None` if it is of another.
    pub fn side(&self, deployment: u64) -> Option<Member> {
        (self.deployment == deployment).then(|| self.member(deployment))
    }
}

/// What health checks say of a running task.
enum Verdict {
    Counted,
    Waiting,
    SickTarget(TargetBinding, String),
    SickContainer,
}

/// Judges every wanted task, oldest first: proves those that have turned healthy, condemns those that failed.
pub fn judge(service: &mut Service, fleet: &mut Fleet<'_>, ground: &mut Ground<'_>) -> Vec<Judged> {
    let grace = Duration::from_secs(service.grace_seconds());
    let mut judged = Vec::new();
    for id in service.live.clone() {
        let Some(task) = fleet.tasks.get_mut(&id).filter(|task| task.is_wanted()) else {
            continue;
        };
        let Some((_, deployment)) = task.service() else {
            continue;
        };
        let instance = task
            .instance
            .as_ref()
            .and_then(|id| fleet.instances.get(id));
        let is_leaving = instance.is_some_and(|one| one.status == InstanceStatus::Draining);
        let is_protected = task.is_protected(ground.now);
        let fitness = fitness(service, task, deployment, grace, ground);
        judged.push(Judged {
            id,
            deployment,
            is_leaving,
            is_protected,
            fitness,
        });
    }
    judged
}

fn fitness(
    service: &mut Service,
    task: &mut Task,
    deployment: u64,
    grace: Duration,
    ground: &mut Ground<'_>,
) -> Fitness {
    if !task.is_running() {
        return Fitness::Pending;
    }
    if task.standing == Standing::Condemned {
        return Fitness::Condemned;
    }
    match verdict(task, grace, ground) {
        Verdict::Waiting => Fitness::Waiting,
        Verdict::Counted => {
            if task.standing == Standing::New {
                task.standing = Standing::Proven;
                service.note_healthy(deployment);
            }
            Fitness::Healthy
        }
        sick => {
            condemn(service, task, deployment, &sick, ground);
            service.note_failure(deployment);
            Fitness::Condemned
        }
    }
}

fn condemn(
    service: &mut Service,
    task: &mut Task,
    deployment: u64,
    sick: &Verdict,
    ground: &mut Ground<'_>,
) {
    let voice = service.voice(deployment);
    let (line, reason) = match sick {
        Verdict::SickTarget(target, description) => {
            let who = match &task.interface {
                Some(_) => format!("task {}", task.id),
                None => format!("instance {}", target.id),
            };
            let group = &target.group_arn;
            (
                events::unhealthy_target(&voice, &who, target.port, group, description),
                format!("Task failed ELB health checks in (target-group {group})"),
            )
        }
        _ => (
            events::unhealthy_container(&voice, &task.id),
            "Task failed container health checks".to_owned(),
        ),
    };
    task.standing = Standing::Condemned;
    task.sentence = Some(reason);
    service.owe(deployment);
    service.events.tell(ground.now, ground.rng, line);
}

fn verdict(task: &Task, grace: Duration, ground: &Ground<'_>) -> Verdict {
    let up = task.up(ground.now).unwrap_or_default();
    let in_grace = up < grace;
    let health = |target: &TargetBinding| {
        ground
            .elb
            .target(&target.group_arn, &target.id, target.port)
    };
    let mut all_healthy = true;
    for target in &task.targets {
        let Some(found) = health(target) else {
            all_healthy = false;
            continue;
        };
        all_healthy &= found.state == TargetState::Healthy;
        if found.state == TargetState::Unhealthy && !in_grace {
            return Verdict::SickTarget(target.clone(), found.description.unwrap_or_default());
        }
    }
    let has_check = task.has_health_check();
    let container = task.health(ground.now);
    if has_check && container == HealthStatus::Unhealthy && !in_grace {
        return Verdict::SickContainer;
    }
    let passes = match (task.targets.is_empty(), has_check) {
        (true, false) => up >= defaults::HEALTHY_AFTER_RUNNING,
        (true, true) => container == HealthStatus::Healthy,
        (false, false) => all_healthy,
        (false, true) => all_healthy && container == HealthStatus::Healthy,
    };
    if passes {
        Verdict::Counted
    } else {
        Verdict::Waiting
    }
}
