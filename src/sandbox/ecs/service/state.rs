//! A service and what hangs on it: deployments, service revisions, service deployments and events.
//!
//! **Invariant:** `deployments` is never empty while a service of the ECS controller is active; its first is PRIMARY,
//! the others ACTIVE. A service of another controller has task sets instead.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::Time;
use crate::sandbox::ecs::daemon;
use crate::sandbox::ecs::deployment::{Deployment, ServiceRevision};
use crate::sandbox::ecs::document::{Document, is_true, object, text, whole};
use crate::sandbox::ecs::events::Events;
use crate::sandbox::ecs::native::Strategy;
use crate::sandbox::ecs::quiet::Rest;
use crate::sandbox::ecs::service_deployment::Rollout;
use crate::sandbox::ecs::task_set::TaskSet;

#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub arn: String,
    pub cluster: String,
    pub cluster_arn: String,
    pub status: Status,
    /// The service as it was asked for, with ECS's defaults, unknown members included.
    pub document: Document,
    pub desired: u32,
    pub tags: Vec<Value>,
    pub created_at: Time,
    pub created_by: String,
    pub deployments: Vec<Deployment>,
    /// Oldest first.
    pub task_sets: Vec<TaskSet>,
    pub revisions: BTreeMap<u64, ServiceRevision>,
    /// Newest first.
    pub rollouts: Vec<Rollout>,
    pub events: Events,
    /// Tasks that have not reached STOPPED, oldest first.
    pub live: Vec<String>,
    /// The deployment that a rollback goes to.
    pub last_completed: Option<u64>,
    /// The CreateService input, for a repeated call.
    pub request: Value,
    /// Unhealthy tasks whose replacement is still to be started.
    pub owed: usize,
    /// Whether the scheduler's next pass could do anything.
    pub rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    /// Deleted, with tasks still stopping.
    Draining,
    Inactive,
}

impl Status {
    pub fn text(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
            Self::Inactive => "INACTIVE",
        }
    }
}

/// `deploymentCircuitBreaker`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    pub is_on: bool,
    pub rolls_back: bool,
    pub resets_on_healthy: bool,
    pub rule: ThresholdRule,
}

/// `thresholdConfiguration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThresholdRule {
    /// Percent of the desired count, held between 3 and 200.
    BoundedPercent(u64),
    /// Percent of the desired count as it comes out.
    UnboundedPercent(u64),
    Count(u64),
}

impl ThresholdRule {
    /// Consecutive failures at which the breaker trips; it is recomputed when the desired count changes.
    pub fn threshold(self, desired: u32) -> u64 {
        let share = |percent: u64| (percent * u64::from(desired)).div_ceil(100);
        match self {
            Self::BoundedPercent(percent) => share(percent).clamp(3, 200),
            Self::UnboundedPercent(percent) => share(percent).max(1),
            Self::Count(count) => count.max(1),
        }
    }
}

impl Service {
    pub fn primary(&self) -> &Deployment {
        self.deployments
            .first()
            .expect("a service that is scheduled has a primary deployment")
    }

    pub fn primary_mut(&mut self) -> &mut Deployment {
        self.deployments
            .first_mut()
            .expect("a service that is scheduled has a primary deployment")
    }

    pub fn deployment(&mut self, number: u64) -> Option<&mut Deployment> {
        self.deployments
            .iter_mut()
            .find(|deployment| deployment.number == number)
    }

    pub fn revision(&self, number: u64) -> &ServiceRevision {
        self.revisions
            .get(&number)
            .expect("every deployment has its service revision")
    }

    pub fn is_daemon(&self) -> bool {
        daemon::is_daemon(&self.document)
    }

    pub fn strategy(&self) -> Strategy {
        self.configuration().map_or(Strategy::Rolling, Strategy::of)
    }

    /// `deploymentConfiguration`.
    pub fn configuration(&self) -> Option<&Document> {
        object(&self.document, "deploymentConfiguration")
    }

    /// `maximumPercent` and `minimumHealthyPercent`.
    pub fn percents(&self) -> (u64, u64) {
        let percent = |key, usual: u64| {
            let given = self
                .configuration()
                .and_then(|configuration| whole(configuration, key));
            given.and_then(|n| u64::try_from(n).ok()).unwrap_or(usual)
        };
        (
            percent("maximumPercent", 200),
            percent("minimumHealthyPercent", 100),
        )
    }

    pub fn grace_seconds(&self) -> u64 {
        whole(&self.document, "healthCheckGracePeriodSeconds")
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(0)
    }

    pub fn breaker(&self) -> Breaker {
        let empty = Document::new();
        let breaker = self
            .configuration()
            .and_then(|c| object(c, "deploymentCircuitBreaker"))
            .unwrap_or(&empty);
        let threshold = object(breaker, "thresholdConfiguration").unwrap_or(&empty);
        let value = whole(threshold, "value")
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(50);
        Breaker {
            // Only rolling deployments have one; others may carry it about.
            is_on: is_true(breaker, "enable") && !self.strategy().is_native(),
            rolls_back: is_true(breaker, "rollback"),
            resets_on_healthy: breaker
                .get("resetOnHealthyTask")
                .and_then(Value::as_bool)
                .unwrap_or(true),
            rule: match text(threshold, "type") {
                Some("COUNT") => ThresholdRule::Count(value),
                Some("UNBOUNDED_PERCENT") => ThresholdRule::UnboundedPercent(value),
                _ => ThresholdRule::BoundedPercent(value),
            },
        }
    }

    /// Puts a service revision's members back into the service, as a rollback does.
    pub fn take_over(&mut self, number: u64) {
        let members = self.revision(number).document.clone();
        self.put_members(&members);
        if self.document.get("platformVersion").is_some() {
            self.document
                .insert("platformVersion".into(), json!("LATEST"));
        }
    }

    /// Shows these revision members as the service's own.
    pub fn put_members(&mut self, members: &Document) {
        for key in crate::sandbox::ecs::deployment::REVISION_MEMBERS {
            match members.get(key) {
                Some(value) => self.document.insert(key.to_owned(), value.clone()),
                None => self.document.shift_remove(key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_half_the_desired_count_within_bounds() {
        for (desired, threshold) in [
            (1, 3),
            (5, 3),
            (7, 4),
            (25, 13),
            (100, 50),
            (400, 200),
            (1000, 200),
        ] {
            assert_eq!(
                ThresholdRule::BoundedPercent(50).threshold(desired),
                threshold,
                "desired {desired}"
            );
        }
        assert_eq!(ThresholdRule::UnboundedPercent(10).threshold(10), 1);
        assert_eq!(ThresholdRule::UnboundedPercent(100).threshold(500), 500);
        assert_eq!(ThresholdRule::Count(2).threshold(50), 2);
    }
}
