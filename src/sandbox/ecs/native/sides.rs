//! The tasks of a native deployment: each revision has its own number of tasks, and is kept at it.
//!
//! Source: ECS developer guide, "blue/green deployments" for the sizes.
//! **Invariant:** both sides together never want more than twice the desired count, but for tasks that leave a draining
//! container instance (there `maximumPercent` is the bound).

use crate::sandbox::ecs::judgement::Judged;
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::rolling::{self, Age, Bounds, Fitness, Member};
use crate::sandbox::ecs::scheduler::{carry_out, launching};
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::state::Ground;

/// Brings every deployment's tasks towards what is `wanted` of it, by its number; one of which nothing is wanted any
/// more is forgotten with its last task.
pub fn keep(
    service: &mut Service,
    judged: &[Judged],
    wanted: impl Fn(u64) -> Option<u32>,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) {
    let numbers: Vec<u64> = service.deployments.iter().map(|one| one.number).collect();
    for number in numbers {
        let desired = wanted(number).unwrap_or(0);
        let members: Vec<Member> = judged.iter().filter_map(|one| one.side(number)).collect();
        let others = judged.len() - members.len();
        let bounds = bounds(service, desired, others, &members);
        let Some(deployment) = service.deployment(number) else {
            continue;
        };
        if deployment.desired != desired {
            deployment.desired = desired;
            deployment.updated_at = ground.now;
        }
        let launching = launching(deployment, ground.now);
        let orders = rolling::orders(&members, bounds, launching, fleet.switches.stop_old);
        carry_out(service, number, &orders, fleet, ground);
    }
    forget(service, &wanted, fleet);
}

fn bounds(service: &Service, desired: u32, others: usize, members: &[Member]) -> Bounds {
    let (maximum, minimum) = service.percents();
    let bounds = Bounds::new(desired, maximum, minimum);
    if members.iter().any(|member| member.age == Age::Old) {
        return bounds;
    }
    let both = 2 * service.desired as usize;
    let upper = both.saturating_sub(others).max(bounds.desired);
    Bounds {
        upper: upper.min(2 * bounds.desired),
        ..bounds
    }
}

fn forget(service: &mut Service, wanted: &impl Fn(u64) -> Option<u32>, fleet: &Fleet<'_>) {
    let tasks = service.live.iter().filter_map(|id| fleet.tasks.get(id));
    let live: Vec<u64> = tasks
        .filter_map(|task| task.service())
        .map(|(_, number)| number)
        .collect();
    let is_kept = |number| wanted(number).is_some() || live.contains(&number);
    service
        .deployments
        .retain(|deployment| is_kept(deployment.number));
}

/// Whether a deployment has all its tasks, each of them healthy.
pub fn is_full(judged: &[Judged], number: u64, desired: u32) -> bool {
    let members = judged.iter().filter_map(|one| one.side(number));
    let healthy = members
        .filter(|member| member.age == Age::New && member.fitness == Fitness::Healthy)
        .count();
    healthy >= desired as usize
}
