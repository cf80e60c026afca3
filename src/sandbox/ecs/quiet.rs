//! Leaves out the scheduler's pass over services for which it could do nothing: most of them, most of the time.
//!
//! A settled service stays so until there is news of its tasks, a target of its groups is no longer healthy, a call
//! changes something in ECS, or its steady line is due again. Each of these is cheap to see; the pass is not.
//! **Invariant:** a world in which quiet services are passed over is, second by second, the world in which they are not.

use std::collections::BTreeSet;

use crate::sandbox::Time;
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::elb::{Elb, Target};

/// Whether a service's next pass could do anything.
#[derive(Clone, Debug, Default)]
pub enum Rest {
    #[default]
    Stirring,
    /// The last pass found nothing to do, and every task healthy.
    Settled,
    Quiet(Quiet),
}

/// What a quiet service's rest depends on.
#[derive(Clone, Debug)]
pub struct Quiet {
    /// How often ECS had been touched.
    touched: u64,
    /// Its target groups, and how many targets each had; all were healthy.
    groups: Vec<(String, usize)>,
    /// When its steady line is due again.
    until: Time,
}

impl Rest {
    /// Whether the pass of this second can be left out, if there is no news.
    pub fn lasts(&self, touched: u64, ground: &Ground<'_>) -> bool {
        let Self::Quiet(quiet) = self else {
            return false;
        };
        let is_well = |(group, count): &(String, usize)| well(ground.elb, group) == Some(*count);
        quiet.touched == touched && ground.now < quiet.until && quiet.groups.iter().all(is_well)
    }
}

/// How many targets a group has, if all are healthy.
fn well(elb: &Elb, group: &str) -> Option<usize> {
    let targets = &elb.group(group)?.targets;
    let is_healthy = |target: &Target| target.health.healthy_since().is_some();
    targets.values().all(is_healthy).then_some(targets.len())
}

impl Service {
    /// Lets a settled service rest. One whose tasks have health checks of their own does not: time alone can change
    /// them; nor does a DAEMON service, which follows the instances.
    pub fn rest(&mut self, touched: u64, fleet: &Fleet<'_>, ground: &Ground<'_>) {
        let quiet = self.quiet(touched, fleet, ground);
        self.rest = quiet.map_or(Rest::Stirring, Rest::Quiet);
    }

    fn quiet(&self, touched: u64, fleet: &Fleet<'_>, ground: &Ground<'_>) -> Option<Quiet> {
        let is_over = self
            .rollouts
            .first()
            .is_none_or(|one| one.status.is_final());
        let tasks = || self.live.iter().filter_map(|id| fleet.tasks.get(id));
        let is_settled = matches!(self.rest, Rest::Settled) && is_over && !self.is_daemon();
        if !is_settled || tasks().any(super::task::Task::has_health_check) {
            return None;
        }
        let names: BTreeSet<&str> = tasks()
            .flat_map(|task| &task.targets)
            .map(|target| target.group_arn.as_str())
            .collect();
        let groups = names
            .into_iter()
            .map(|name| Some((name.to_owned(), well(ground.elb, name)?)))
            .collect::<Option<_>>()?;
        Some(Quiet {
            touched,
            groups,
            until: self.events.due_again(&events::steady(&self.name))?,
        })
    }
}
