//! What there is to serve with, counted at one instant, and someone who looks at every second that passes.
//!
//! **Invariant:** it counts what is, straight from the state and without a call, so that it can be taken every second; what an
//! onlooker changes is a poke.

use std::fmt;
use std::sync::Arc;

use crate::sandbox::elb::Rule;
use crate::sandbox::{Poke, Sandbox, World};

/// One instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tally {
    /// As many tasks as the traffic could be borne by: the least, over all target groups that get traffic, of healthy
    /// targets over the group's share of its rule. Infinite where no rule forwards any traffic.
    pub bearing: f64,
    /// Tasks of services that ECS wants to run and that run.
    pub running: usize,
    /// The same with those that are still to come up.
    pub tasks: usize,
    /// Requests that clients saw fail.
    pub lost: u64,
}

impl World {
    pub fn tally(&self) -> Tally {
        let (running, tasks) = self.ecs.at_work();
        let rules = self.elb.rules.values();
        Tally {
            bearing: rules
                .map(|rule| self.bearing(rule))
                .fold(f64::INFINITY, f64::min),
            running,
            tasks,
            lost: self.traffic.seen().lost(),
        }
    }

    fn bearing(&self, rule: &Rule) -> f64 {
        let sum: u32 = rule.forwards().map(|group| group.weight).sum();
        let led_to = rule.forwards().filter(|group| group.weight > 0);
        let each = led_to.map(|to| {
            let targets = self.elb.group(&to.arn).into_iter();
            let targets = targets.flat_map(|group| group.targets.values());
            let healthy = targets.filter(|target| target.health.healthy_since().is_some());
            healthy.count() as f64 * f64::from(sum) / f64::from(to.weight)
        });
        each.fold(f64::INFINITY, f64::min)
    }
}

type Look = dyn Fn(&World) -> Option<Poke> + Send + Sync;

/// Looks at the world after each second.
#[derive(Clone, Default)]
pub(super) struct Onlooker(Option<Arc<Look>>);

impl Onlooker {
    pub fn look(&self, world: &World) -> Option<Poke> {
        self.0.as_ref().and_then(|look| look(world))
    }
}

impl fmt::Debug for Onlooker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Somebody"
        } else {
            "Nobody"
        })
    }
}

impl Sandbox {
    /// Shows the world to `look` after each second that passes from now on, in the place of whoever looked before, and does
    /// the poke that comes of it; one that cannot be done is left. A copy of the sandbox has the same onlooker.
    pub fn watch(&mut self, look: impl Fn(&World) -> Option<Poke> + Send + Sync + 'static) {
        self.onlooker = Onlooker(Some(Arc::new(look)));
    }
}
