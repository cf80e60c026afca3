//! Container health checks: what Docker would say after a given time, without running anything.
//!
//! Source: ECS API reference, `HealthCheck`: checks every `interval`; one success makes a container healthy; `retries`
//! failures in a row make it unhealthy; failures within `startPeriod` do not count.

use crate::sandbox::apps::{Behaviour, ContainerHealth};
use crate::sandbox::ecs::document::{Document, object, whole};
use crate::sandbox::ecs::task::{Container, Task};
use crate::sandbox::{Duration, Time};

/// A container's `healthCheck`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    pub interval: Duration,
    pub retries: u64,
    pub start_period: Duration,
}

/// `healthStatus`. The order is the order in which a task takes it from its essential containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthStatus {
    Unhealthy,
    Unknown,
    Healthy,
}

impl HealthStatus {
    pub fn text(self) -> &'static str {
        match self {
            Self::Unhealthy => "UNHEALTHY",
            Self::Unknown => "UNKNOWN",
            Self::Healthy => "HEALTHY",
        }
    }
}

impl Check {
    pub fn read(container: &Document) -> Option<Self> {
        let check = object(container, "healthCheck")?;
        let number = |key, usual: u64| {
            whole(check, key)
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(usual)
        };
        Some(Self {
            interval: Duration::from_secs(number("interval", 30).max(1)),
            retries: number("retries", 3).max(1),
            start_period: Duration::from_secs(number("startPeriod", 0)),
        })
    }

    /// The verdict on a container that has been up this long.
    fn verdict(&self, app: &Behaviour, up: Duration) -> HealthStatus {
        let interval = self.interval.millis();
        let done = up.millis() / interval; // checks 1 ..= done have been made, the n-th at n × interval
        let check_from = |moment: Duration| moment.millis().div_ceil(interval).max(1);
        let never = u64::MAX;
        let (first_pass, first_hang) = match app.container_health {
            ContainerHealth::Unhealthy => (never, never),
            ContainerHealth::Healthy => (
                check_from(app.ready_after),
                app.hang_after.map_or(never, check_from),
            ),
        };
        // An app that hangs before it is ready never passes.
        let first_pass = if first_hang <= first_pass {
            never
        } else {
            first_pass
        };
        let first_counted = self.start_period.millis() / interval + 1;
        let gave_up = first_counted.saturating_add(self.retries - 1);
        let hung = first_hang
            .max(first_counted)
            .saturating_add(self.retries - 1);
        match () {
            () if done >= hung && done >= first_pass => HealthStatus::Unhealthy,
            () if done >= first_pass => HealthStatus::Healthy,
            () if done >= gave_up => HealthStatus::Unhealthy,
            () => HealthStatus::Unknown,
        }
    }
}

impl Container {
    pub fn health(&self, up: Option<Duration>) -> HealthStatus {
        match (self.check, up) {
            (Some(check), Some(up)) if self.exit.is_none() => check.verdict(&self.behaviour, up),
            _ => HealthStatus::Unknown,
        }
    }
}

impl Task {
    pub fn up(&self, now: Time) -> Option<Duration> {
        self.up_since().map(|since| now.since(since))
    }

    /// UNHEALTHY if any essential container is, else UNKNOWN if any is, else HEALTHY; without checks UNKNOWN.
    pub fn health(&self, now: Time) -> HealthStatus {
        let up = self.up(now);
        let checked = self
            .containers
            .iter()
            .filter(|c| c.essential && c.check.is_some());
        checked
            .map(|container| container.health(up))
            .min()
            .unwrap_or(HealthStatus::Unknown)
    }

    pub fn has_health_check(&self) -> bool {
        self.containers
            .iter()
            .any(|container| container.essential && container.check.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Check = Check {
        interval: Duration::from_secs(10),
        retries: 3,
        start_period: Duration::from_secs(0),
    };

    fn check(app: &Behaviour, check: Check, expected: &[(u64, HealthStatus)]) {
        for &(second, status) in expected {
            assert_eq!(
                check.verdict(app, Duration::from_secs(second)),
                status,
                "after {second} s"
            );
        }
    }

    #[test]
    fn one_success_makes_a_container_healthy() {
        use HealthStatus::{Healthy, Unknown};
        let app = Behaviour {
            ready_after: Duration::from_secs(12),
            ..Behaviour::default()
        };
        check(
            &app,
            CHECK,
            &[
                (0, Unknown),
                (10, Unknown),
                (19, Unknown),
                (20, Healthy),
                (3600, Healthy),
            ],
        );
    }

    #[test]
    fn failures_in_a_row_make_it_unhealthy_unless_they_fall_into_the_start_period() {
        use HealthStatus::{Healthy, Unhealthy, Unknown};
        let slow = Behaviour {
            ready_after: Duration::from_secs(45),
            ..Behaviour::default()
        };
        check(
            &slow,
            CHECK,
            &[
                (29, Unknown),
                (30, Unhealthy),
                (49, Unhealthy),
                (50, Healthy),
            ],
        );
        let patient = Check {
            start_period: Duration::from_secs(30),
            ..CHECK
        };
        check(
            &slow,
            patient,
            &[(30, Unknown), (49, Unknown), (50, Healthy)],
        );
        let sick = Behaviour {
            container_health: ContainerHealth::Unhealthy,
            ..Behaviour::default()
        };
        check(
            &sick,
            CHECK,
            &[(29, Unknown), (30, Unhealthy), (3600, Unhealthy)],
        );
        check(&sick, patient, &[(59, Unknown), (60, Unhealthy)]);
    }

    #[test]
    fn a_container_that_hangs_turns_unhealthy() {
        use HealthStatus::{Healthy, Unhealthy};
        let app = Behaviour {
            hang_after: Some(Duration::from_secs(95)),
            ..Behaviour::default()
        };
        check(
            &app,
            CHECK,
            &[
                (10, Healthy),
                (119, Healthy),
                (120, Unhealthy),
                (600, Unhealthy),
            ],
        );
    }
}
