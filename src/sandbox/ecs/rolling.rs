//! The arithmetic of a rolling deployment: which tasks may be stopped and how many started, from counts alone.
//!
//! Source: ECS API reference, `DeploymentConfiguration`: the upper bound (floor) is on RUNNING and PENDING tasks, the
//! lower (ceiling) on healthy ones.
//! **Invariant:** no order takes healthy tasks below the lower bound, or running and pending ones above the upper.

use crate::sandbox::ecs::defaults::{LAUNCHES_PER_PASS, StopOld};

/// What a service may have, in tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub desired: usize,
    /// Healthy tasks at the least.
    pub lower: usize,
    /// Running and pending tasks at the most.
    pub upper: usize,
}

impl Bounds {
    pub fn new(desired: u32, maximum_percent: u64, minimum_healthy_percent: u64) -> Self {
        let desired = u64::from(desired);
        Self {
            desired: desired as usize,
            lower: (desired * minimum_healthy_percent).div_ceil(100) as usize,
            upper: (desired * maximum_percent / 100) as usize,
        }
    }
}

/// A task that ECS wants to run, as the scheduler sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub age: Age,
    pub fitness: Fitness,
    /// Not to be stopped for scale-in or a deployment; bad health still counts.
    pub is_protected: bool,
}

/// Which deployment a task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// The primary deployment.
    New,
    /// One that is being replaced.
    Old,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fitness {
    Pending,
    /// Failed a health check.
    Condemned,
    /// Running, not yet counted as healthy.
    Waiting,
    Healthy,
}

/// Whether the primary deployment may launch tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launching {
    Allowed,
    /// For now the service throttle forbids it.
    Throttled,
    /// The deployment has failed: it launches nothing, and the old tasks stay.
    Ended,
}

/// What one pass of the scheduler does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    pub stop: Vec<String>,
    pub start: usize,
    /// Tasks are missing, nothing is under way, and the bounds allow neither a start nor a stop.
    pub is_stuck: bool,
    /// Tasks that would have been stopped, were they not protected.
    pub protected: Vec<String>,
}

impl Orders {
    pub fn is_none(&self) -> bool {
        self.stop.is_empty() && self.start == 0
    }
}

/// The orders for a service with these tasks.
pub fn orders(
    members: &[Member],
    bounds: Bounds,
    launching: Launching,
    stop_old: StopOld,
) -> Orders {
    let mut pass = Pass::new(members, bounds);
    if launching != Launching::Ended {
        pass.stop_old_pending();
    }
    pass.stop_unfit(launching);
    if launching != Launching::Ended {
        pass.stop_old_healthy(stop_old);
    }
    pass.stop_excess();
    let room = bounds.upper.saturating_sub(pass.live);
    let missing = pass.missing();
    let start = if launching == Launching::Allowed {
        missing.min(room).min(LAUNCHES_PER_PASS)
    } else {
        0
    };
    let is_quiet = members
        .iter()
        .all(|member| member.fitness == Fitness::Healthy);
    let is_stuck = launching == Launching::Allowed
        && missing > 0
        && start == 0
        && pass.stop.is_empty()
        && is_quiet;
    let protected = pass.protected();
    Orders {
        stop: pass.stop,
        start,
        is_stuck,
        protected,
    }
}

struct Pass<'a> {
    members: &'a [Member],
    bounds: Bounds,
    stop: Vec<String>,
    live: usize,
    healthy: usize,
    /// Tasks of the primary deployment that need no replacement.
    fresh: usize,
    /// Old tasks that are kept although they could go.
    kept: Vec<String>,
}

impl<'a> Pass<'a> {
    fn new(members: &'a [Member], bounds: Bounds) -> Self {
        let count =
            |test: &dyn Fn(&Member) -> bool| members.iter().filter(|member| test(member)).count();
        Self {
            members,
            bounds,
            stop: Vec::new(),
            live: members.len(),
            healthy: count(&|member| member.fitness == Fitness::Healthy),
            fresh: count(&|member| member.age == Age::New && member.fitness != Fitness::Condemned),
            kept: Vec::new(),
        }
    }

    fn missing(&self) -> usize {
        self.bounds.desired.saturating_sub(self.fresh)
    }

    /// Stops a task that nothing is wrong with, unless it is protected.
    fn release(&mut self, member: &Member) {
        if !member.is_protected {
            self.stop(member);
        } else if member.age == Age::Old {
            self.kept.push(member.id.clone());
        }
    }

    /// The protected tasks in the way: old ones, and as long as there are too many new ones, those.
    fn protected(&self) -> Vec<String> {
        let has_excess = self.fresh > self.bounds.desired;
        let is_in_way =
            |member: &&Member| has_excess && member.age == Age::New && member.is_protected;
        let new = self.members.iter().filter(is_in_way);
        let new = new.map(|member| member.id.clone());
        self.kept.iter().cloned().chain(new).collect()
    }

    fn stop(&mut self, member: &Member) {
        self.stop.push(member.id.clone());
        self.live -= 1;
        self.healthy -= usize::from(member.fitness == Fitness::Healthy);
        self.fresh -= usize::from(member.age == Age::New && member.fitness != Fitness::Condemned);
    }

    fn stop_old_pending(&mut self) {
        for member in self.members {
            if member.age == Age::Old && member.fitness == Fitness::Pending {
                self.release(member);
            }
        }
    }

    /// Unhealthy tasks go once enough healthy ones are there; without room for replacements, one goes all the same.
    fn stop_unfit(&mut self, launching: Launching) {
        let is_unfit = |member: &&Member| {
            member.fitness == Fitness::Condemned
                || (member.age == Age::Old
                    && member.fitness == Fitness::Waiting
                    && !member.is_protected
                    && launching != Launching::Ended)
        };
        let no_replacement = self.live >= self.bounds.upper || launching == Launching::Ended;
        let mut forced = usize::from(no_replacement && self.missing() > 0);
        for member in self.members.iter().filter(is_unfit) {
            if self.healthy >= self.bounds.lower {
                self.stop(member);
            } else if forced > 0 {
                forced -= 1;
                self.stop(member);
            }
        }
    }

    fn stop_old_healthy(&mut self, stop_old: StopOld) {
        let floor = match stop_old {
            StopOld::AsAllowed => self.bounds.lower,
            StopOld::AsReplaced => self.bounds.lower.max(
                self.bounds
                    .desired
                    .min(self.bounds.upper.saturating_sub(self.missing())),
            ),
        };
        for member in self.members {
            if member.age == Age::Old && member.fitness == Fitness::Healthy && self.healthy > floor
            {
                self.release(member);
            }
        }
    }

    /// Scaling in: pending tasks first, then the newest.
    fn stop_excess(&mut self) {
        let mut new: Vec<&Member> = self
            .members
            .iter()
            .rev()
            .filter(|member| member.age == Age::New)
            .collect();
        new.sort_by_key(|member| member.fitness);
        for member in new {
            let holds = member.fitness != Fitness::Healthy || self.healthy > self.bounds.lower;
            if member.fitness != Fitness::Condemned && self.fresh > self.bounds.desired && holds {
                self.release(member);
            }
        }
    }
}

#[cfg(test)]
#[path = "rolling_tests.rs"]
mod tests;
