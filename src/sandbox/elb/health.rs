//! The health machine of a target: from registration through checks to the end of draining.
//!
//! Sources: the `ELBv2` API (`DescribeTargetHealth`) and the Application Load Balancers guide, "Health checks for your
//! target groups". A fresh target needs one pass, not the healthy threshold; draining lasts the whole delay.

use crate::sandbox::{Duration, Time};

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

impl Failure {
    const fn reason(self) -> &'static str {
        match self {
            Self::Status(_) => "Target.ResponseCodeMismatch",
            Self::Timeout => "Target.Timeout",
            Self::Refused => "Target.FailedHealthChecks",
        }
    }

    fn description(self) -> String {
        match self {
            Self::Status(status) => format!("Health checks failed with these codes: [{status}]"),
            Self::Timeout => "Request timed out".to_owned(),
            Self::Refused => "Health checks failed".to_owned(),
        }
    }
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
            (Probe::Answered(status), Some(matcher)) if !matches(matcher, status) => {
                Err(Failure::Status(status))
            }
            (Probe::Answered(_), _) => Ok(()),
            (Probe::TimedOut, _) => Err(Failure::Timeout),
            (Probe::Refused, _) => Err(Failure::Refused),
        }
    }

    /// The port that a target registered with `traffic_port` is checked on.
    pub fn port(&self, traffic_port: u16) -> u16 {
        self.port.parse().unwrap_or(traffic_port)
    }
}

/// Whether `200-299,302` holds the status.
fn matches(matcher: &str, status: u16) -> bool {
    matcher.split(',').any(|part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let bound = |text: &str| text.trim().parse::<u16>().ok();
        bound(low)
            .zip(bound(high))
            .is_some_and(|(low, high)| (low..=high).contains(&status))
    })
}

impl Health {
    fn new(state: State, next_check: Time) -> Self {
        Self {
            state,
            passes: 0,
            fails: 0,
            next_check,
            hanging_until: None,
        }
    }

    /// In a group that no rule names: not checked.
    pub fn unused() -> Self {
        Self::new(State::Unused, Time::default())
    }

    pub fn registering(now: Time) -> Self {
        Self::new(
            State::Registering {
                until: now + REGISTRATION,
            },
            Time::default(),
        )
    }

    /// Long healthy; `next_check` is when it is checked next.
    pub fn steady(now: Time, next_check: Time) -> Self {
        Self::new(State::Healthy { since: now }, next_check)
    }

    pub fn draining(until: Time) -> Self {
        Self::new(State::Draining { until }, Time::default())
    }

    pub fn is_unused(&self) -> bool {
        matches!(self.state, State::Unused)
    }

    pub fn is_draining(&self) -> bool {
        matches!(self.state, State::Draining { .. })
    }

    /// Whether the draining is over.
    pub fn is_gone(&self, now: Time) -> bool {
        matches!(self.state, State::Draining { until } if until <= now)
    }

    /// The group is in no rule: nothing checks the target.
    pub fn rest(&mut self) {
        if !self.is_draining() && !self.is_unused() {
            *self = Self::unused();
        }
    }

    /// What has come about by `now` in a group that is in use. `first_check` is how long after registration the first
    /// check comes.
    pub fn step(
        &mut self,
        now: Time,
        check: &HealthCheck,
        first_check: impl FnOnce() -> Duration,
        probe: impl FnOnce() -> Probe,
    ) {
        match self.state {
            State::Draining { .. } => {}
            State::Unused => *self = Self::registering(now),
            State::Registering { until } if until > now => {}
            State::Registering { .. } => *self = Self::new(State::Checking, now + first_check()),
            State::Checking | State::Healthy { .. } | State::Unhealthy(_) => {
                self.check(now, check, probe);
            }
        }
    }

    /// Since when the target has been healthy, if it is.
    pub fn healthy_since(&self) -> Option<Time> {
        match self.state {
            State::Healthy { since } => Some(since),
            _ => None,
        }
    }

    pub fn report(&self) -> TargetHealth {
        let because = |state, reason, description: &str| TargetHealth {
            state,
            reason: Some(reason),
            description: Some(description.to_owned()),
        };
        match self.state {
            State::Unused => because(
                TargetState::Unused,
                "Target.NotInUse",
                "Target group is not configured to receive traffic from the load balancer",
            ),
            State::Registering { .. } => because(
                TargetState::Initial,
                "Elb.RegistrationInProgress",
                "Target registration is in progress",
            ),
            State::Checking => because(
                TargetState::Initial,
                "Elb.InitialHealthChecking",
                "Initial health checks in progress",
            ),
            State::Healthy { .. } => TargetHealth {
                state: TargetState::Healthy,
                reason: None,
                description: None,
            },
            State::Unhealthy(failure) => because(
                TargetState::Unhealthy,
                failure.reason(),
                &failure.description(),
            ),
            State::Draining { .. } => because(
                TargetState::Draining,
                "Target.DeregistrationInProgress",
                "Target deregistration is in progress",
            ),
        }
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
