//! The service scheduler: once a second it hears what became of its tasks, judges their health, stops and starts tasks
//! within the bounds, and settles deployments.
//!
//! Source: ECS developer guide, "rolling update", "deployment circuit breaker", "service throttle logic".
//! **Invariant:** only this file and `DeleteService` decide that a service's task should stop or start.

use std::collections::BTreeMap;

use serde_json::json;

use crate::sandbox::Duration;
use crate::sandbox::ecs::defaults;
use crate::sandbox::ecs::defaults::Crash;
use crate::sandbox::ecs::deployment::{RolloutState, deployment_id};
use crate::sandbox::ecs::document::text;
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::health::HealthStatus;
use crate::sandbox::ecs::instances::Placement;
use crate::sandbox::ecs::launch::{Fleet, Order};
use crate::sandbox::ecs::life::News;
use crate::sandbox::ecs::rolling::{self, Age, Bounds, Fitness, Launching, Member, Orders};
use crate::sandbox::ecs::run_task::launch_document;
use crate::sandbox::ecs::service::{Service, Status};
use crate::sandbox::ecs::service_deployment::RolloutStatus;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task::{Origin, Standing, TargetBinding, Task};
use crate::sandbox::elb::TargetState;

/// One item of news: task id, deployment, and what happened.
pub type Heard = (String, u64, News);

/// One pass over a service.
pub fn pass(
    service: &mut Service,
    news: Vec<Heard>,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) {
    hear(service, news, fleet, ground);
    if service.status != Status::Active {
        if service.live.is_empty() {
            service.status = Status::Inactive;
        }
        return;
    }
    begin(service, ground);
    judge(service, fleet, ground);
    watch_breaker(service, ground);
    let orders = rolling::orders(
        &members(service, fleet, ground),
        bounds(service),
        launching(service, ground),
        fleet.switches.stop_old,
    );
    carry_out(service, &orders, fleet, ground);
    settle(service, fleet, ground);
}

/// Turns news into events, failure counts and the list of live tasks.
fn hear(service: &mut Service, news: Vec<Heard>, fleet: &Fleet<'_>, ground: &mut Ground<'_>) {
    let name = service.name.clone();
    let (mut registered, mut deregistered) = (
        BTreeMap::<String, usize>::new(),
        BTreeMap::<String, usize>::new(),
    );
    let mut draining = 0;
    for (task, deployment, item) in news {
        match item {
            News::Registered(group) => *registered.entry(group).or_default() += 1,
            News::Deregistered(group) => *deregistered.entry(group).or_default() += 1,
            News::Draining => draining += 1,
            News::NotRegistered(group, error) => {
                let line = events::not_registered(&name, &group, &error);
                service.events.tell_once(ground.now, ground.rng, line);
            }
            News::Running => {
                if let Some(deployment) = service.deployment(deployment) {
                    deployment.throttle.task_ran();
                }
                service.events.resolve_all();
            }
            News::FailedToStart(reason) => failed_to_start(service, deployment, &reason, ground),
            News::Exited(standing) => {
                if standing != Standing::Proven && fleet.switches.crash == Crash::IsFailure {
                    note_failure(service, deployment);
                }
            }
            News::Stopped => service.live.retain(|id| *id != task),
        }
    }
    for (group, count) in registered {
        service.events.tell(
            ground.now,
            ground.rng,
            events::registered(&name, count, &group),
        );
    }
    for (group, count) in deregistered {
        service.events.tell(
            ground.now,
            ground.rng,
            events::deregistered(&name, count, &group),
        );
    }
    if draining > 0 {
        service
            .events
            .tell(ground.now, ground.rng, events::draining(&name, draining));
    }
}

fn failed_to_start(service: &mut Service, deployment: u64, reason: &str, ground: &mut Ground<'_>) {
    note_failure(service, deployment);
    let mut lines = vec![events::could_not_start(
        &service.name,
        reason.trim_end_matches('.'),
    )];
    if let Some(deployment) = service.deployment(deployment) {
        deployment.throttle.task_failed(ground.now);
        if deployment.throttle.is_impaired() {
            lines.push(events::impaired(&service.name));
        }
    }
    for line in lines {
        service.events.tell_once(ground.now, ground.rng, line);
    }
}

/// Failures count only while the deployment is under way.
fn note_failure(service: &mut Service, deployment: u64) {
    if let Some(deployment) = service
        .deployment(deployment)
        .filter(|deployment| deployment.is_in_progress())
    {
        deployment.failed_tasks += 1;
    }
}

/// What a pass owes to time: desired counts shown, requested rollbacks begun.
fn begin(service: &mut Service, ground: &mut Ground<'_>) {
    let desired = service.desired;
    service.primary_mut().desired = desired;
    let Some(rollout) = service.rollouts.first_mut() else {
        return;
    };
    rollout.begin(ground.now);
    if rollout.status != RolloutStatus::RollbackRequested {
        return;
    }
    const REASON: &str = "Service deployment rolled back because StopServiceDeployment was called."; // ours
    match service.last_completed {
        Some(target) => {
            rollout.begin_rollback(target, REASON, ground.now);
            service.abandon(ground.now);
            service.roll_back(
                target,
                format!(
                    "ECS deployment rolling back to deploymentId {}.",
                    deployment_id(target)
                ),
                ground,
            );
        }
        None => {
            rollout.end(
                RolloutStatus::RollbackFailed,
                "There is no completed service deployment to roll back to.",
                ground.now,
            ); // ours
            service.abandon(ground.now);
        }
    }
}

/// What the scheduler makes of a running task.
enum Verdict {
    Counted,
    Waiting,
    SickTarget(TargetBinding, String),
    SickContainer,
}

/// Proves tasks that have turned healthy and condemns those that failed a check outside the grace period.
fn judge(service: &mut Service, fleet: &mut Fleet<'_>, ground: &mut Ground<'_>) {
    let grace = Duration::from_secs(service.grace_seconds());
    for id in service.live.clone() {
        let Some(task) = fleet.tasks.get_mut(&id) else {
            continue;
        };
        let Some((_, deployment)) = task.service() else {
            continue;
        };
        if !task.is_running() || task.standing == Standing::Condemned {
            continue;
        }
        match verdict(task, grace, ground) {
            Verdict::Waiting => {}
            Verdict::Counted if task.standing == Standing::Proven => {}
            Verdict::Counted => {
                task.standing = Standing::Proven;
                note_healthy(service, deployment);
            }
            sick => {
                task.standing = Standing::Condemned;
                let line = sickness(&service.name, task, &sick);
                let reason = match sick {
                    Verdict::SickTarget(target, _) => format!(
                        "Task failed ELB health checks in (target-group {})",
                        target.group_arn
                    ),
                    _ => "Task failed container health checks".to_owned(),
                };
                task.sentence = Some(reason);
                service.events.tell(ground.now, ground.rng, line);
                service.owed += 1;
                note_failure(service, deployment);
            }
        }
    }
}

fn note_healthy(service: &mut Service, deployment: u64) {
    let resets = service.breaker().resets_on_healthy;
    if let Some(deployment) = service.deployment(deployment).filter(|_| resets) {
        deployment.failed_tasks = 0;
    }
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

fn sickness(service: &str, task: &Task, verdict: &Verdict) -> String {
    let Verdict::SickTarget(target, description) = verdict else {
        return events::unhealthy_container(service, &task.id);
    };
    let who = match &task.interface {
        Some(_) => format!("task {}", task.id),
        None => format!("instance {}", target.id),
    };
    events::unhealthy_target(service, &who, target.port, &target.group_arn, description)
}

fn watch_breaker(service: &mut Service, ground: &mut Ground<'_>) {
    let breaker = service.breaker();
    let threshold = breaker.rule.threshold(service.desired);
    let failures = service.primary().failed_tasks;
    let is_watched = service.primary().is_in_progress() && breaker.is_on;
    let trips = is_watched && u64::from(failures) >= threshold;
    if let Some(rollout) = service
        .rollouts
        .first_mut()
        .filter(|rollout| !rollout.status.is_final())
    {
        // A rollback is watched too, but the record keeps what the rollout itself came to.
        if is_watched && rollout.status == RolloutStatus::InProgress {
            rollout.breaker.failures = failures;
            rollout.breaker.threshold = threshold;
            if trips {
                rollout.breaker.status = "TRIGGERED";
            }
        }
    }
    if trips {
        service.trip(ground);
    }
}

fn bounds(service: &Service) -> Bounds {
    let (maximum, minimum) = service.percents();
    Bounds::new(service.desired, maximum, minimum)
}

fn launching(service: &Service, ground: &Ground<'_>) -> Launching {
    let primary = service.primary();
    match primary.state {
        RolloutState::Failed => Launching::Ended,
        _ if primary.throttle.is_open(ground.now) => Launching::Allowed,
        _ => Launching::Throttled,
    }
}

/// The tasks that ECS wants, old ones first, oldest first.
fn members(service: &Service, fleet: &Fleet<'_>, ground: &Ground<'_>) -> Vec<Member> {
    let primary = service.primary().number;
    let grace = Duration::from_secs(service.grace_seconds());
    let wanted = service
        .live
        .iter()
        .filter_map(|id| fleet.tasks.get(id))
        .filter(|task| task.is_wanted());
    wanted
        .map(|task| Member {
            id: task.id.clone(),
            age: if task.service().is_some_and(|(_, of)| of == primary) {
                Age::New
            } else {
                Age::Old
            },
            fitness: fitness(task, grace, ground),
        })
        .collect()
}

fn fitness(task: &Task, grace: Duration, ground: &Ground<'_>) -> Fitness {
    if !task.is_running() {
        return Fitness::Pending;
    }
    match (task.standing, verdict(task, grace, ground)) {
        (Standing::Condemned, _) => Fitness::Condemned,
        (_, Verdict::Counted) => Fitness::Healthy,
        _ => Fitness::Waiting,
    }
}

fn carry_out(
    service: &mut Service,
    orders: &Orders,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) {
    let primary = service.primary().id();
    let (mut running, mut pending) = (Vec::new(), 0);
    for id in &orders.stop {
        let Some(task) = fleet.tasks.get(id) else {
            continue;
        };
        if task.is_running() {
            running.push(id.clone());
        } else {
            pending += 1;
        }
        let scaling = format!("Scaling activity initiated by (deployment {primary})");
        let reason = task.sentence.clone().unwrap_or(scaling);
        fleet.stop(id, "ServiceSchedulerInitiated", &reason, ground);
    }
    if !running.is_empty() {
        service.events.tell(
            ground.now,
            ground.rng,
            events::stopped(&service.name, &running),
        );
    }
    if pending > 0 {
        service.events.tell(
            ground.now,
            ground.rng,
            events::stopped_pending(&service.name, pending),
        );
    }
    let started = start(service, orders.start, fleet, ground);
    if started > 0 || !orders.stop.is_empty() {
        service.events.resolve(&events::steady(&service.name));
        service.events.resolve(&events::deadlocked(&service.name));
    }
    if orders.is_stuck {
        service
            .events
            .tell_once(ground.now, ground.rng, events::deadlocked(&service.name));
    }
}

/// Launches up to `count` tasks of the primary deployment; says how many found a place.
fn start(
    service: &mut Service,
    count: usize,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) -> usize {
    let mut started = Vec::new();
    for _ in 0..count {
        match launch(service, fleet, ground) {
            Ok(id) => {
                service.live.push(id.clone());
                started.push(id);
            }
            Err(closest) => {
                let now = ground.now;
                service.primary_mut().throttle.not_placed(now);
                note_failure(service, service.primary().number);
                service.events.tell_once(
                    now,
                    ground.rng,
                    events::not_placed(&service.name, &closest),
                );
                break;
            }
        }
    }
    if !started.is_empty() {
        let replaced = service.owed.min(started.len());
        service.owed -= replaced;
        service.events.tell(
            ground.now,
            ground.rng,
            events::started(&service.name, &started, replaced),
        );
    }
    started.len()
}

/// One more task of the primary deployment; an error says what the closest instance lacks.
pub fn launch(
    service: &Service,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) -> Result<String, String> {
    let revision = service.revision(service.primary().number);
    let definition = fleet.definition(revision.task_definition()).cloned();
    let definition = definition.ok_or_else(|| "Reason: the task definition is gone.".to_owned())?;
    let order = Order {
        definition: &definition,
        images: &revision.images,
        launch_type: revision.launch_type(),
        origin: Origin::Service {
            name: service.name.clone(),
            deployment: revision.number,
        },
        group: format!("service:{}", service.name),
        started_by: Some(deployment_id(revision.number)),
        placement: Placement::read(&service.document),
        settings: &revision.document,
        document: launch_document(
            &json!({ "containerOverrides": [], "inferenceAcceleratorOverrides": [] }),
            &service.document,
        ),
        tags: propagated_tags(service, &definition.tags),
    };
    fleet
        .launch(order, ground)
        .map_err(|unplaced| unplaced.closest)
}

fn propagated_tags(
    service: &Service,
    of_definition: &[serde_json::Value],
) -> Vec<serde_json::Value> {
    let mut tags = match text(&service.document, "propagateTags") {
        Some("SERVICE") => service.tags.clone(),
        Some("TASK_DEFINITION") => of_definition.to_vec(),
        _ => Vec::new(),
    };
    if crate::sandbox::ecs::document::is_true(&service.document, "enableECSManagedTags") {
        tags.push(json!({ "key": "aws:ecs:clusterName", "value": service.cluster }));
        tags.push(json!({ "key": "aws:ecs:serviceName", "value": service.name }));
    }
    tags
}

/// Drops deployments that have no task left, completes the primary one, and says when the service is steady.
fn settle(service: &mut Service, fleet: &Fleet<'_>, ground: &mut Ground<'_>) {
    let of = |number: u64, test: &dyn Fn(&Task) -> bool| {
        let tasks = service.live.iter().filter_map(|id| fleet.tasks.get(id));
        tasks
            .filter(|task| task.service().is_some_and(|(_, of)| of == number) && test(task))
            .count()
    };
    let wanted: Vec<(usize, usize)> = service
        .deployments
        .iter()
        .map(|deployment| {
            (
                of(deployment.number, &|_| true),
                of(deployment.number, &Task::is_wanted),
            )
        })
        .collect();
    let mut counts = wanted.into_iter().enumerate();
    service.deployments.retain_mut(|deployment| {
        let (place, (live, wanted)) = counts.next().expect("one count for each deployment");
        if place > 0 && deployment.desired as usize != wanted {
            deployment.desired = wanted as u32;
            deployment.updated_at = ground.now;
        }
        place == 0 || live > 0
    });
    let fit = members(service, fleet, ground);
    let is_settled = service.deployments.len() == 1
        && service.live.len() == service.desired as usize
        && fit.len() == service.live.len()
        && fit.iter().all(|member| member.fitness == Fitness::Healthy);
    if !is_settled {
        return;
    }
    if service.primary().is_in_progress() {
        service.complete(ground);
    }
    let line = events::steady(&service.name);
    service.events.tell_once(ground.now, ground.rng, line);
}
