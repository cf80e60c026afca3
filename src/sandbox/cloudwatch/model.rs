//! What CloudWatch remembers, and what it does as time passes.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sandbox::cloudwatch::alarm::{Alarm, AlarmState};
use crate::sandbox::cloudwatch::publish;
use crate::sandbox::cloudwatch::store::Store;
use crate::sandbox::{Duration, Rng, Time, World};

/// Everything that CloudWatch remembers.
#[derive(Clone, Debug, Default)]
pub struct Cloudwatch {
    pub switches: Switches,
    pub(super) store: Store,
    /// By name.
    pub(super) alarms: BTreeMap<String, Alarm>,
}

/// Choices where AWS documents nothing, or where the sandbox must bound its memory: `cloudwatch` in the world file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Switches {
    /// From the end of a minute until a load balancer's data for it can be read.
    pub publication_delay: Delay,
    /// Data older than this is dropped. AWS keeps minutes for 15 days.
    pub retention: Duration,
}

/// A length of time that varies: anywhere from `least` to `most`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delay {
    pub least: Duration,
    pub most: Duration,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            publication_delay: Delay {
                least: Duration::from_secs(60),
                most: Duration::from_secs(120),
            },
            retention: Duration::from_secs(86_400),
        }
    }
}

impl Delay {
    /// One such delay, in whole seconds.
    pub fn draw(self, rng: &mut Rng) -> Duration {
        let spread = self.most.millis().saturating_sub(self.least.millis()) / 1000;
        self.least + Duration::from_secs(rng.below(spread + 1))
    }
}

impl Cloudwatch {
    /// Every alarm's name and state.
    pub fn alarms(&self) -> impl Iterator<Item = (&str, AlarmState)> {
        self.alarms
            .iter()
            .map(|(name, alarm)| (name.as_str(), alarm.state()))
    }

    /// The state of an alarm, as ECS asks for it when it watches a deployment; `None` if there is no such alarm.
    pub fn alarm_state(&self, name: &str) -> Option<AlarmState> {
        self.alarms.get(name).map(Alarm::state)
    }

    /// The states of all alarms, by name.
    pub fn alarm_states(&self) -> impl Iterator<Item = (&String, AlarmState)> {
        self.alarms
            .iter()
            .map(|(name, alarm)| (name, alarm.state()))
    }
}

/// A second has passed: at a full minute the load balancers' data goes out; then alarms look at what can be read.
pub fn tick(world: &mut World) {
    let now = world.now;
    let is_full_minute = now.since(Time::default()).millis().is_multiple_of(60_000);
    if is_full_minute {
        publish::publish(world);
        let retention = world.cloudwatch.switches.retention;
        world.cloudwatch.store.forget(now - retention);
    }
    let Cloudwatch { store, alarms, .. } = &mut world.cloudwatch;
    for alarm in alarms.values_mut() {
        alarm.look(store, now);
    }
}
