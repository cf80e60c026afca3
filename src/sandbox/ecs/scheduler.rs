//! The service scheduler: once a second it hears what became of its tasks, judges their health, stops and starts tasks
//! within the bounds, and settles deployments.
//!
//! Source: ECS developer guide, "rolling update", "deployment circuit breaker", "service throttle logic".
//! **Invariant:** only this file, the sides of `native`, `task_set::schedule` and the deletion of a service or task set
//! decide that a service's task should stop or start.

use std::collections::BTreeMap;

use crate::sandbox::Time;
use crate::sandbox::ecs::cause::Cause;
use crate::sandbox::ecs::daemon;
use crate::sandbox::ecs::deployment::{Deployment, RolloutState, deployment_id};
use crate::sandbox::ecs::early;
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::hearing::{Heard, hear};
use crate::sandbox::ecs::judgement::judge;
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::native;
use crate::sandbox::ecs::quiet::Rest;
use crate::sandbox::ecs::rolling::{self, Bounds, Fitness, Launching, Member, Orders};
use crate::sandbox::ecs::service::{self, Service, Status};
use crate::sandbox::ecs::service_deployment::RolloutStatus;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task::Task;
use crate::sandbox::ecs::task_set;

/// One pass over a service.
pub fn pass(
    service: &mut Service,
    news: Vec<Heard>,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) {
    service.rest = Rest::Stirring;
    hear(service, news, fleet, ground);
    if service.status != Status::Active {
        if service.live.is_empty() {
            service.status = Status::Inactive;
            service.deployments.clear();
            service.task_sets.clear();
        }
        return;
    }
    if service.controller().has_task_sets() {
        return task_set::pass(service, fleet, ground);
    }
    if native::is_under_way(service) {
        return native::pass(service, fleet, ground);
    }
    let reach = service.is_daemon().then(|| daemon::reach(service, fleet));
    if let Some(reach) = reach {
        service.desired = reach.wanted;
    }
    begin(service, ground);
    let judged = judge(service, fleet, ground);
    watch_breaker(service, ground);
    watch_alarms(service, fleet, ground);
    let primary = service.primary().number;
    let members: Vec<Member> = judged.iter().map(|one| one.member(primary)).collect();
    let launching = launching(service.primary(), ground.now);
    let mut orders = rolling::orders(
        &members,
        bounds(service),
        launching,
        fleet.switches.stop_old,
    );
    if let Some(reach) = reach {
        orders.start = orders.start.min(reach.free);
    }
    carry_out(service, primary, &orders, fleet, ground);
    forget_replaced(service, fleet, ground);
    let is_healthy = |member: &Member| member.fitness == Fitness::Healthy;
    if orders.is_none() && members.len() == service.live.len() && members.iter().all(is_healthy) {
        settle(service, fleet, ground);
    }
    if service.primary().is_in_progress() && early::is_met(service, &members) {
        succeed(service, fleet, ground);
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
    if rollout.status == RolloutStatus::RollbackRequested {
        go_back(service, ground);
    }
    place(service, ground);
}

/// A service with two target groups that is updated in place stays where production is. Rules that do not fit are no
/// reason for a rolling deployment to fail: it then takes the group that the service names.
fn place(service: &mut Service, ground: &Ground<'_>) {
    let revision = service.revision(service.primary().number);
    if revision.is_advanced() && revision.resolved.is_empty() {
        let _unfit = native::place(service, ground.elb);
    }
}

/// Begins the rollback that StopServiceDeployment asked for. The sentences are ours: AWS publishes none.
fn go_back(service: &mut Service, ground: &mut Ground<'_>) {
    let now = ground.now;
    let target = service.last_completed;
    service.abandon(now);
    let Some(rollout) = service.rollouts.first_mut() else {
        return;
    };
    let Some(target) = target else {
        let reason = "There is no completed service deployment to roll back to.";
        return rollout.end(RolloutStatus::RollbackFailed, reason, now);
    };
    let reason = "Service deployment rolled back because it was stopped.";
    rollout.begin_rollback(target, reason, now);
    let id = deployment_id(target);
    let reason = format!("ECS deployment rolling back to deploymentId {id}.");
    service.roll_back(target, reason, ground);
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
        service.trip(Cause::Breaker, ground);
    }
}

/// A rollback is not watched: the alarm that set it off may well go on for a while.
fn watch_alarms(service: &mut Service, fleet: &Fleet<'_>, ground: &mut Ground<'_>) {
    let rollout = service
        .rollouts
        .first_mut()
        .filter(|rollout| rollout.status == RolloutStatus::InProgress);
    let watch = rollout.and_then(|rollout| rollout.alarms.as_mut());
    if watch.is_some_and(|watch| watch.look(fleet.switches, ground)) {
        service.trip(Cause::Alarm, ground);
    }
}

fn bounds(service: &Service) -> Bounds {
    let (maximum, minimum) = service.percents();
    Bounds::new(service.desired, maximum, minimum)
}

/// Whether a deployment may launch tasks.
pub fn launching(deployment: &Deployment, now: Time) -> Launching {
    match deployment.state {
        RolloutState::Failed => Launching::Ended,
        _ if deployment.throttle.is_open(now) => Launching::Allowed,
        _ => Launching::Throttled,
    }
}

/// Does what was ordered for a deployment or task set.
pub fn carry_out(
    service: &mut Service,
    number: u64,
    orders: &Orders,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) {
    let (id_of_all, voice) = (deployment_id(number), service.voice(number));
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
        let scaling = format!("Scaling activity initiated by (deployment {id_of_all})");
        let reason = task.sentence.clone().unwrap_or(scaling);
        fleet.stop(id, "ServiceSchedulerInitiated", &reason, ground);
    }
    if !running.is_empty() {
        service
            .events
            .tell(ground.now, ground.rng, events::stopped(&voice, &running));
    }
    if pending > 0 {
        service.events.tell(
            ground.now,
            ground.rng,
            events::stopped_pending(&voice, pending),
        );
    }
    let started = start(service, number, orders.start, fleet, ground);
    if started > 0 || !orders.stop.is_empty() {
        service.events.resolve(&events::steady(&service.name));
        service.events.resolve(&events::deadlocked(&service.name));
    }
    for line in held_back(service, orders, fleet) {
        service.events.tell_once(ground.now, ground.rng, line);
    }
    if orders.is_stuck {
        service
            .events
            .tell_once(ground.now, ground.rng, events::deadlocked(&service.name));
    }
}

/// What protected tasks keep the service from, told for each deployment or task set that they belong to.
fn held_back(service: &Service, orders: &Orders, fleet: &Fleet<'_>) -> Vec<String> {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    let tasks = orders.protected.iter().filter_map(|id| fleet.tasks.get(id));
    for (_, number) in tasks.filter_map(Task::service) {
        *counts.entry(number).or_default() += 1;
    }
    let line = |(number, count)| events::protected(&service.name, &deployment_id(number), count);
    counts.into_iter().map(line).collect()
}

/// Launches up to `count` tasks of a deployment or task set; says how many found a place.
fn start(
    service: &mut Service,
    number: u64,
    count: usize,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) -> usize {
    let mut started = Vec::new();
    for _ in 0..count {
        match service::launch(service, number, fleet, ground) {
            Ok(id) => {
                service.live.push(id.clone());
                started.push(id);
            }
            Err(closest) => {
                let now = ground.now;
                if let Some(throttle) = service.throttle(number) {
                    throttle.not_placed(now);
                }
                service.note_failure(number);
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
        let replaced = service.repay(number, started.len());
        let voice = service.voice(number);
        service.events.tell(
            ground.now,
            ground.rng,
            events::started(&voice, &started, replaced),
        );
    }
    started.len()
}

/// Drops deployments whose last task has stopped; the desired count of the others is what they still have.
fn forget_replaced(service: &mut Service, fleet: &Fleet<'_>, ground: &Ground<'_>) {
    if service.deployments.len() == 1 {
        return;
    }
    let mut counts: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
    for task in service.live.iter().filter_map(|id| fleet.tasks.get(id)) {
        if let Some((_, deployment)) = task.service() {
            let (live, wanted) = counts.entry(deployment).or_default();
            *live += 1;
            *wanted += usize::from(task.is_wanted());
        }
    }
    let primary = service.primary().number;
    service.deployments.retain_mut(|deployment| {
        let (live, wanted) = counts.get(&deployment.number).copied().unwrap_or_default();
        if deployment.number == primary {
            return true;
        }
        if deployment.desired as usize != wanted {
            deployment.desired = wanted as u32;
            deployment.updated_at = ground.now;
        }
        live > 0
    });
}

/// Nothing is left to do, and every live task is healthy: with one deployment and the wanted count, that is the end.
fn settle(service: &mut Service, fleet: &Fleet<'_>, ground: &mut Ground<'_>) {
    if service.deployments.len() > 1 || service.live.len() != service.desired as usize {
        return;
    }
    if service.primary().is_in_progress() {
        succeed(service, fleet, ground);
    }
    if !service.primary().is_in_progress() {
        let line = events::steady(&service.name);
        service.events.tell_once(ground.now, ground.rng, line);
        service.rest = Rest::Settled;
    }
}

/// The primary deployment has all it needs: it is done once its alarms, if it has any, have kept still long enough.
fn succeed(service: &mut Service, fleet: &Fleet<'_>, ground: &mut Ground<'_>) {
    let rollout = service.rollouts.first_mut();
    let watched = rollout
        .filter(|rollout| rollout.status == RolloutStatus::InProgress && rollout.alarms.is_some());
    let since = watched.map(|rollout| *rollout.baking_since.get_or_insert(ground.now));
    if since.is_none_or(|since| ground.now.since(since) >= fleet.switches.alarm_bake) {
        service.complete(ground);
    }
}
