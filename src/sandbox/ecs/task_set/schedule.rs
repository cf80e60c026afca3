//! The scheduler of a service with task sets: once a second each set is held at its share of the desired count.
//!
//! Source: ECS API reference, `TaskSet`; ECS developer guide, "third-party controllers". The minimum and maximum percent
//! of the service do not count here: on Fargate ECS ignores them, elsewhere they must be what they are by default.
//! **Invariant:** a set's tasks are started and stopped for the set alone; no set makes room for another.

use std::collections::BTreeMap;

use super::state::{SetStatus, Stability};
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::judgement::judge;
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::quiet::Rest;
use crate::sandbox::ecs::rolling::{self, Age, Bounds, Fitness, Launching, Member, Orders};
use crate::sandbox::ecs::scheduler::carry_out;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task::Task;

/// `maximumPercent` and `minimumHealthyPercent` of every task set.
const PERCENTS: (u64, u64) = (200, 100);

/// One pass over a service with task sets.
pub fn pass(service: &mut Service, fleet: &mut Fleet<'_>, ground: &mut Ground<'_>) {
    forget_drained(service, fleet);
    compute(service, ground);
    let mut members: BTreeMap<u64, Vec<Member>> = BTreeMap::new();
    for one in judge(service, fleet, ground) {
        let number = one.deployment();
        members.entry(number).or_default().push(one.member(number));
    }
    let numbers: Vec<u64> = scheduled(service).collect();
    for number in numbers {
        let members = members.remove(&number).unwrap_or_default();
        tend(service, number, &members, fleet, ground);
    }
    settle(service, ground);
}

/// Sets that are to have tasks, by number.
fn scheduled(service: &Service) -> impl Iterator<Item = u64> {
    let sets = service.task_sets.iter().filter(|set| !set.is_draining());
    sets.map(super::state::TaskSet::number)
}

/// A draining set is gone with its last task.
fn forget_drained(service: &mut Service, fleet: &Fleet<'_>) {
    if !service
        .task_sets
        .iter()
        .any(super::state::TaskSet::is_draining)
    {
        return;
    }
    let tasks = service.live.iter().filter_map(|id| fleet.tasks.get(id));
    let live: Vec<u64> = tasks
        .filter_map(|task| task.service().map(|(_, number)| number))
        .collect();
    service
        .task_sets
        .retain(|set| !set.is_draining() || live.contains(&set.number()));
}

/// Works out each set's share anew, and tells where it has changed.
fn compute(service: &mut Service, ground: &mut Ground<'_>) {
    let mut lines = Vec::new();
    for set in service
        .task_sets
        .iter_mut()
        .filter(|set| !set.is_draining())
    {
        let share = set.share_of(service.desired);
        if share == set.computed {
            continue;
        }
        set.computed = share;
        set.updated_at = ground.now;
        set.set_stability(Stability::Stabilizing, ground.now);
        lines.push(events::computed(&service.name, &set.id(), share));
    }
    if !lines.is_empty() {
        service.events.resolve(&events::steady(&service.name));
    }
    for line in lines {
        service.events.tell(ground.now, ground.rng, line);
    }
}

/// Starts and stops the tasks of one set, and says whether it is steady.
fn tend(
    service: &mut Service,
    number: u64,
    members: &[Member],
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) {
    let now = ground.now;
    let Some(set) = service.set_numbered(number) else {
        return;
    };
    let wanted = set.computed;
    let launching = if set.throttle.is_open(now) {
        Launching::Allowed
    } else {
        Launching::Throttled
    };
    let bounds = Bounds::new(wanted, PERCENTS.0, PERCENTS.1);
    let orders = rolling::orders(members, bounds, launching, fleet.switches.stop_old);
    carry_out(service, number, &orders, fleet, ground);
    let is_steady = is_steady(members, wanted, &orders);
    let Some(set) = service.set_numbered(number) else {
        return;
    };
    let was_steady = set.stability == Stability::SteadyState;
    set.set_stability(
        if is_steady {
            Stability::SteadyState
        } else {
            Stability::Stabilizing
        },
        now,
    );
    if is_steady && !was_steady {
        let line = events::turned_steady(&service.voice(number));
        service.events.tell(now, ground.rng, line);
    }
}

/// ECS API reference, `TaskSet.stabilityStatus`: as many as computed run, none is pending, none stands on an instance
/// that drains, and every health check passes.
fn is_steady(members: &[Member], wanted: u32, orders: &Orders) -> bool {
    let is_well = |one: &Member| one.age == Age::New && one.fitness == Fitness::Healthy;
    orders.is_none() && members.len() == wanted as usize && members.iter().all(is_well)
}

/// The service is steady when all its sets are, and no task is left over.
fn settle(service: &mut Service, ground: &mut Ground<'_>) {
    let wanted: u32 = service.task_sets.iter().map(|set| set.computed).sum();
    let all_steady = service
        .task_sets
        .iter()
        .all(|set| set.stability == Stability::SteadyState);
    if service.task_sets.is_empty() || !all_steady || service.live.len() != wanted as usize {
        return;
    }
    let line = events::steady(&service.name);
    service.events.tell_once(ground.now, ground.rng, line);
    service.rest = Rest::Settled;
}

/// Deletes a task set: it drains, and its tasks are told to stop.
pub fn drain(service: &mut Service, number: u64, fleet: &mut Fleet<'_>, ground: &mut Ground<'_>) {
    let now = ground.now;
    let Some(set) = service.set_numbered(number) else {
        return;
    };
    set.status = SetStatus::Draining;
    set.set_scale(0.0, now);
    set.computed = 0;
    set.stability = Stability::Stabilizing;
    set.stability_at = now;
    let of_set = |id: &&String| {
        let task = fleet.tasks.get(*id).filter(|task| task.is_wanted());
        task.and_then(Task::service)
            .is_some_and(|(_, of)| of == number)
    };
    let orders = Orders {
        stop: service.live.iter().filter(of_set).cloned().collect(),
        ..Orders::default()
    };
    carry_out(service, number, &orders, fleet, ground);
}
