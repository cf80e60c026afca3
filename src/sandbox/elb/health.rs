//! The health machine of a target: from registration through checks to the end of draining.
//!
//! Sources: the ELBv2 API (`DescribeTargetHealth`) and the Application Load Balancers guide, "Health checks for your
//! target groups". A fresh target needs one pass, not the healthy threshold; draining lasts the whole delay.

use std::collections::BTreeSet;

use crate::sandbox::elb::model::{Elb, Target, TargetGroup};
use crate::sandbox::{ApiError, Duration, Rng, Time};

/// How long a registration takes. ("A few seconds" is what is known; the number is the sandbox's.)
const REGISTRATION: Duration = Duration::from_secs(3);

/// What one health check got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// An answer with this HTTP status (for TCP checks any answer is a pass).
    Answered(u16),
    /// A connection but no answer.
    TimedOut,
    /// No connection.
    Refused,
}

/// `TargetHealth.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetState {
    Initial,
    Healthy,
    Unhealthy,
    Unused,
    Draining,
}

/// `DescribeTargetHealth`'s `TargetHealth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHealth {
    pub state: TargetState,
    /// Such as `Target.ResponseCodeMismatch`; absent when healthy.
    pub reason: Option<&'static str>,
    /// Such as `Health checks failed with these codes: [503]`; absent when healthy.
    pub description: Option<String>,
}

/// How a group checks its targets.
#[derive(Clone, Debug)]
pub struct HealthCheck {
    pub protocol: String,
    pub path: Option<String>,
    /// `traffic-port` or a number.
    pub port: String,
    pub interval: Duration,
    pub timeout: Duration,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
    /// Passing statuses as given, such as `200-299,302`; none for TCP checks.
    pub matcher: Option<String>,
}

/// Where a target stands.
#[derive(Clone, Debug)]
pub struct Health {
    state: State,
    passes: u32,
    fails: u32,
    next_check: Time,
    /// A check that got no answer fails when its timeout is over.
    hanging_until: Option<Time>,
}

#[derive(Clone, Debug)]
enum State {
    Unused,
    Registering { until: Time },
    Checking,
    Healthy { since: Time },
    Unhealthy(Failure),
    Draining { until: Time },
}

/// How the last failing check failed.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Status(u16),
    Timeout,
    Refused,
}

impl TargetState {
    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unused => "unused",
            Self::Draining => "draining",
        }
    }
}

impl HealthCheck {
    fn judge(&self, probe: Probe) -> Result<(), Failure> {
        match (probe, &self.matcher) {
            (Probe::Answered(status), Some(matcher)) if !matches(matcher, status) => Err(Failure::Status(status)),
            (Probe::Answered(_), _) => Ok(()),
            (Probe::TimedOut, _) => Err(Failure::Timeout),
            (Probe::Refused, _) => Err(Failure::Refused),
        }
    }

    /// The port that a target registered with `traffic_port` is checked on.
    fn port(&self, traffic_port: u16) -> u16 {
        self.port.parse().unwrap_or(traffic_port)
    }
}

/// Whether `200-299,302` holds the status.
fn matches(matcher: &str, status: u16) -> bool {
    matcher.split(',').any(|part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let bound = |text: &str| text.trim().parse::<u16>().ok();
        bound(low).zip(bound(high)).is_some_and(|(low, high)| (low..=high).contains(&status))
    })
}

impl Health {
    fn new(state: State) -> Self {
        Self { state, passes: 0, fails: 0, next_check: Time::default(), hanging_until: None }
    }

    fn registering(now: Time) -> Self {
        Self::new(State::Registering { until: now + REGISTRATION })
    }

    /// Since when the target has been healthy, if it is.
    pub fn healthy_since(&self) -> Option<Time> {
        match self.state {
            State::Healthy { since } => Some(since),
            _ => None,
        }
    }

    pub fn report(&self) -> TargetHealth {
        let (state, reason, description) = match self.state {
            State::Unused => (TargetState::Unused, Some("Target.NotInUse"), "Target group is not configured to receive traffic from the load balancer".to_owned()),
            State::Registering { .. } => (TargetState::Initial, Some("Elb.RegistrationInProgress"), "Target registration is in progress".to_owned()),
            State::Checking => (TargetState::Initial, Some("Elb.InitialHealthChecking"), "Initial health checks in progress".to_owned()),
            State::Healthy { .. } => return TargetHealth { state: TargetState::Healthy, reason: None, description: None },
            State::Unhealthy(Failure::Status(status)) => {
                (TargetState::Unhealthy, Some("Target.ResponseCodeMismatch"), format!("Health checks failed with these codes: [{status}]"))
            }
            State::Unhealthy(Failure::Timeout) => (TargetState::Unhealthy, Some("Target.Timeout"), "Request timed out".to_owned()),
            State::Unhealthy(Failure::Refused) => (TargetState::Unhealthy, Some("Target.FailedHealthChecks"), "Health checks failed".to_owned()),
            State::Draining { .. } => (TargetState::Draining, Some("Target.DeregistrationInProgress"), "Target deregistration is in progress".to_owned()),
        };
        TargetHealth { state, reason, description: Some(description) }
    }

    fn pass(&mut self, now: Time, check: &HealthCheck) {
        self.fails = 0;
        self.passes += 1;
        let enough = match self.state {
            State::Checking => true,
            State::Unhealthy(_) => self.passes >= check.healthy_threshold,
            _ => false,
        };
        if enough {
            self.state = State::Healthy { since: now };
        }
    }

    fn fail(&mut self, failure: Failure, check: &HealthCheck) {
        self.passes = 0;
        self.fails += 1;
        if self.fails >= check.unhealthy_threshold || matches!(self.state, State::Unhealthy(_)) {
            self.state = State::Unhealthy(failure);
        }
    }

    /// Sends the check that is due, and judges the one that has been waited for long enough.
    fn check(&mut self, now: Time, check: &HealthCheck, probe: impl FnOnce() -> Probe) {
        if self.hanging_until.is_some_and(|until| until <= now) {
            self.hanging_until = None;
            self.fail(Failure::Timeout, check);
        }
        if now < self.next_check {
            return;
        }
        self.next_check = now + check.interval;
        match check.judge(probe()) {
            Ok(()) => self.pass(now, check),
            Err(Failure::Timeout) => self.hanging_until = Some(now + check.timeout),
            Err(failure) => self.fail(failure, check),
        }
    }
}

impl TargetGroup {
    fn tick(&mut self, now: Time, in_use: bool, probe: &dyn Fn(&str, u16) -> Probe) {
        self.targets.retain(|_, target| !matches!(target.health.state, State::Draining { until } if until <= now));
        for ((id, port), target) in &mut self.targets {
            let health = &mut target.health;
            match (&health.state, in_use) {
                (State::Draining { .. }, _) => {}
                (_, false) => *health = Health::new(State::Unused),
                (State::Unused, true) => *health = Health::registering(now),
                (State::Registering { until }, true) if *until > now => {}
                (State::Registering { .. }, true) => {
                    *health = Health::new(State::Checking);
                    health.next_check = now + first_check(&self.arn, id, *port, self.check.interval);
                }
                _ => health.check(now, &self.check, || probe(id, self.check.port(*port))),
            }
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
    pub fn register(&mut self, now: Time, group_arn: &str, id: &str, port: u16, zone: Option<&str>) -> Result<(), ApiError> {
        let health = if self.groups_in_use().contains(group_arn) { Health::registering(now) } else { Health::new(State::Unused) };
        self.put(now, group_arn, id, port, zone, health)
    }

    /// Registers a target that has long been healthy, as a steady service's is when the world begins.
    pub fn register_steady(&mut self, now: Time, group_arn: &str, id: &str, port: u16, zone: Option<&str>) -> Result<(), ApiError> {
        let group = self.existing_group(group_arn)?;
        let mut health = Health::new(State::Healthy { since: now });
        health.next_check = now + first_check(group_arn, id, port, group.check.interval);
        self.put(now, group_arn, id, port, zone, health)
    }

    fn put(&mut self, now: Time, group_arn: &str, id: &str, port: u16, zone: Option<&str>, health: Health) -> Result<(), ApiError> {
        let group = self.existing_group(group_arn)?;
        match group.targets.get(&(id.to_owned(), port)) {
            Some(Target { health: Health { state: State::Draining { .. }, .. }, .. }) if group.target_type == "ip" => {
                return Err(ApiError::client("InvalidTargetException", format!("The target '{id}' is being deregistered and cannot be registered until that is done")));
            }
            Some(Target { health: Health { state: State::Draining { .. }, .. }, .. }) | None => {}
            Some(_) => return Ok(()),
        }
        group.targets.insert((id.to_owned(), port), Target { zone: zone.map(str::to_owned), registered: now, health });
        Ok(())
    }

    /// Begins to drain a target. An unknown target is no error. A target that gets no traffic, because no rule names
    /// its group, is gone at once.
    pub fn deregister(&mut self, now: Time, group_arn: &str, id: &str, port: u16) -> Result<(), ApiError> {
        let group = self.existing_group(group_arn)?;
        let until = now + group.deregistration_delay();
        let key = (id.to_owned(), port);
        let Some(target) = group.targets.get_mut(&key) else { return Ok(()) };
        match target.health.state {
            State::Draining { .. } => {}
            State::Unused => drop(group.targets.remove(&key)),
            _ => target.health = Health::new(State::Draining { until }),
        }
        Ok(())
    }

    /// The health of a target; `None` if it is not registered, or gone.
    pub fn target(&self, group_arn: &str, id: &str, port: u16) -> Option<TargetHealth> {
        let target = self.groups.get(group_arn)?.targets.get(&(id.to_owned(), port))?;
        Some(target.health.report())
    }

    /// Runs the checks that are due and ends the drainings that are over. `probe` asks the app behind a target's id
    /// and port.
    pub fn tick(&mut self, now: Time, probe: &dyn Fn(&str, u16) -> Probe) {
        let in_use = self.groups_in_use();
        for group in self.groups.values_mut() {
            group.tick(now, in_use.contains(&group.arn), probe);
        }
    }

    /// The groups that some rule forwards to, with whatever weight.
    pub fn groups_in_use(&self) -> BTreeSet<String> {
        self.rules.values().flat_map(|rule| rule.forwards()).map(|group| group.arn.clone()).collect()
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
