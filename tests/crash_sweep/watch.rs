//! What is held in every second of virtual time, and what befalls a release that is to fall ill.

use std::sync::{Arc, Mutex};

use ecsdeploy::sandbox::{Poke, Sandbox, Tally, Time, Whom, World};

use crate::rows::{Harm, Row, has_an_unhealthy_target};

/// What was seen of one run.
#[derive(Clone, Default)]
pub struct Watcher(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    /// The first second, of each kind, in which something was not as promised.
    breaches: Vec<(&'static str, Time, Tally)>,
    ill_since: Option<Time>,
    risked_until: Option<Time>,
}

impl Watcher {
    /// Looks at this sandbox from now on.
    pub fn over(sandbox: &mut Sandbox, row: &Row) -> Self {
        let watcher = Self::default();
        let notes = watcher.0.clone();
        let lost_before = sandbox.world.tally().lost;
        let (floor, most_tasks) = (f64::from(row.floor), row.most_tasks);
        let (harm, is_exposed, is_at_risk) = (row.harm, row.is_exposed, row.is_at_risk);
        sandbox.watch(move |world| {
            let tally = world.tally();
            let mut notes = notes.lock().unwrap();
            notes.note("more tasks than planned", tally.tasks > most_tasks, world);
            if harm != Harm::ByTheRelease {
                notes.note("too little healthy capacity", tally.bearing < floor, world);
                let is_lost = harm == Harm::None && tally.lost > lost_before;
                notes.note("lost requests", is_lost, world);
                return None;
            }
            notes.note_illness(world, is_at_risk(world));
            // By its health checks; it goes on answering.
            is_exposed(world).then(|| Poke::Sicken(Whom::Image("web:1.1.0".to_owned())))
        });
        watcher
    }

    pub fn judge(&self, told: &str) {
        let notes = self.0.lock().unwrap();
        let each = notes.breaches.iter();
        let breaches: Vec<String> = each
            .map(|(what, at, tally)| format!("{what} at {at}: {tally:?}"))
            .collect();
        assert!(breaches.is_empty(), "{told}: {}", breaches.join("; "));
    }

    /// Seconds from the first unhealthy target of the new revision until the new revision had no traffic.
    pub fn seconds_to_safety(&self) -> Option<u64> {
        let notes = self.0.lock().unwrap();
        let (ill, until) = (notes.ill_since?, notes.risked_until?);
        Some(until.millis().saturating_sub(ill.millis()) / 1000 + 1)
    }
}

impl Notes {
    fn note(&mut self, what: &'static str, is_broken: bool, world: &World) {
        if is_broken && !self.breaches.iter().any(|(known, ..)| *known == what) {
            self.breaches.push((what, world.now, world.tally()));
        }
    }

    fn note_illness(&mut self, world: &World, is_at_risk: bool) {
        if self.ill_since.is_none() && has_an_unhealthy_target(world) {
            self.ill_since = Some(world.now);
        }
        if is_at_risk {
            self.risked_until = Some(world.now);
        }
    }
}
