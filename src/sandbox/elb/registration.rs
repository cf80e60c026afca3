//! Who is registered where: targets come, are checked as time passes, drain and go.

use std::collections::BTreeSet;

use crate::sandbox::elb::health::{Health, Probe, TargetHealth};
use crate::sandbox::elb::model::{Elb, Rule, Target, TargetGroup};
use crate::sandbox::{ApiError, Duration, Rng, Time};

impl TargetGroup {
    fn check(&mut self, now: Time, probe: &dyn Fn(&str, u16) -> Probe) {
        let (arn, check) = (&self.arn, &self.check);
        for ((id, port), target) in &mut self.targets {
            let first = || first_check(arn, id, *port, check.interval);
            let ask = || probe(id, check.port(*port));
            target.health.step(now, check, first, ask);
        }
    }
}

/// The first check comes somewhere within the first interval; where, depends on the target alone.
fn first_check(group: &str, id: &str, port: u16, interval: Duration) -> Duration {
    let seconds = (interval.millis() / 1000).max(1);
    Duration::from_secs(Rng::named(0, &[group, id, &port.to_string()]).below(seconds))
}

impl Elb {
    /// Registers a target. One that is registered already stays as it is; an ip target that is still draining is refused.
    pub fn register(
        &mut self,
        now: Time,
        group_arn: &str,
        id: &str,
        port: u16,
        zone: Option<&str>,
    ) -> Result<(), ApiError> {
        let in_use = self.groups_in_use().contains(group_arn);
        let health = if in_use {
            Health::registering(now)
        } else {
            Health::unused()
        };
        self.put(now, group_arn, id, port, zone, health)
    }

    /// Registers a target that has long been healthy, as a steady service's is when the world begins.
    pub fn register_steady(
        &mut self,
        now: Time,
        group_arn: &str,
        id: &str,
        port: u16,
        zone: Option<&str>,
    ) -> Result<(), ApiError> {
        let group = self.existing_group(group_arn)?;
        let first = now + first_check(group_arn, id, port, group.check.interval);
        let health = Health::steady(now, first);
        self.put(now, group_arn, id, port, zone, health)
    }

    fn put(
        &mut self,
        now: Time,
        group_arn: &str,
        id: &str,
        port: u16,
        zone: Option<&str>,
        health: Health,
    ) -> Result<(), ApiError> {
        let group = self.existing_group(group_arn)?;
        let key = (id.to_owned(), port);
        match group.targets.get(&key) {
            Some(target) if !target.health.is_draining() => return Ok(()),
            Some(_) if group.target_type == "ip" => {
                let text = format!(
                    "The target '{id}' cannot be registered until its deregistration is complete"
                );
                return Err(ApiError::client("InvalidTargetException", text));
            }
            _ => {}
        }
        group.targets.insert(
            key,
            Target {
                zone: zone.map(str::to_owned),
                registered: now,
                health,
            },
        );
        Ok(())
    }

    /// Begins to drain a target. An unknown target is no error. A target that gets no traffic, because no rule names
    /// its group, is gone at once.
    pub fn deregister(
        &mut self,
        now: Time,
        group_arn: &str,
        id: &str,
        port: u16,
    ) -> Result<(), ApiError> {
        let group = self.existing_group(group_arn)?;
        let until = now + group.deregistration_delay();
        let key = (id.to_owned(), port);
        let Some(target) = group.targets.get_mut(&key) else {
            return Ok(());
        };
        if target.health.is_unused() {
            group.targets.remove(&key);
        } else if !target.health.is_draining() {
            target.health = Health::draining(until);
        }
        Ok(())
    }

    /// The health of a target; `None` if it is not registered, or gone.
    pub fn target(&self, group_arn: &str, id: &str, port: u16) -> Option<TargetHealth> {
        let target = self
            .groups
            .get(group_arn)?
            .targets
            .get(&(id.to_owned(), port))?;
        Some(target.health.report())
    }

    /// Runs the checks that are due and ends the drainings that are over. `probe` asks the app behind a target's id
    /// and port.
    pub fn tick(&mut self, now: Time, probe: &dyn Fn(&str, u16) -> Probe) {
        let forwards = self.rules.values().flat_map(Rule::forwards);
        let in_use: BTreeSet<&str> = forwards.map(|group| group.arn.as_str()).collect();
        for group in self.groups.values_mut() {
            group
                .targets
                .retain(|_, target| !target.health.is_gone(now));
            if in_use.contains(group.arn.as_str()) {
                group.check(now, probe);
            } else {
                group
                    .targets
                    .values_mut()
                    .for_each(|target| target.health.rest());
            }
        }
    }

    /// The groups that some rule forwards to, with whatever weight.
    pub fn groups_in_use(&self) -> BTreeSet<String> {
        self.rules
            .values()
            .flat_map(Rule::forwards)
            .map(|group| group.arn.clone())
            .collect()
    }
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
