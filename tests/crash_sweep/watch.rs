//! What is held in every second of virtual time.

use std::sync::{Arc, Mutex};

use ecsdeploy::sandbox::{Sandbox, Tally, Time};

use crate::rows::{Harm, Row};

/// The first second, of each kind, in which something was not as promised.
#[derive(Clone, Default)]
pub struct Watcher(Arc<Mutex<Vec<(&'static str, Time, Tally)>>>);

impl Watcher {
    /// Looks at this sandbox from now on.
    pub fn over(sandbox: &mut Sandbox, row: &Row) -> Self {
        let watcher = Self::default();
        let (floor, most_tasks, harm) = (f64::from(row.floor), row.most_tasks, row.harm);
        let breaches = watcher.0.clone();
        let before = sandbox.world.tally().lost;
        sandbox.watch(move |world| {
            let tally = world.tally();
            let is_spared = harm == Harm::None;
            for (what, is_broken) in [
                (
                    "less healthy capacity than the floor",
                    is_spared && tally.bearing < floor,
                ),
                ("more tasks than planned", tally.tasks > most_tasks),
                ("lost requests", is_spared && tally.lost > before),
            ] {
                let mut breaches = breaches.lock().unwrap();
                if is_broken && !breaches.iter().any(|(known, ..)| *known == what) {
                    breaches.push((what, world.now, tally));
                }
            }
        });
        watcher
    }

    pub fn judge(&self, told: &str) {
        let breaches = self.0.lock().unwrap();
        let told_of: Vec<String> = breaches
            .iter()
            .map(|(what, at, tally)| format!("{what} at {at}: {tally:?}"))
            .collect();
        assert!(told_of.is_empty(), "{told}: {}", told_of.join("; "));
    }
}
