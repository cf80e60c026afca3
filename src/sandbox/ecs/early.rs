//! Early success of a rolling deployment: done once a share of the tasks is healthy, with the rest to follow.
//!
//! Source: ECS API reference, `DeploymentConfiguration.earlySuccessCriteria`.
//! **Invariant:** a deployment that succeeded early still ends at its full size, with the old tasks gone.

use serde_json::Value;

use crate::sandbox::ApiError;
use crate::sandbox::ecs::defaults;
use crate::sandbox::ecs::document::{Document, is_true, member, object, text, whole};
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::rolling::{Age, Fitness, Member};
use crate::sandbox::ecs::service::Service;

/// `earlySuccessCriteria`, where it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Criteria {
    healthy_percent: u64,
    cleanup: Cleanup,
}

/// `sourceServiceRevisionCleanup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cleanup {
    /// The old tasks must be gone first.
    Blocking,
    /// They are removed after the success.
    Deferred,
}

impl Criteria {
    fn read(configuration: &Document) -> Option<Self> {
        let criteria = object(configuration, "earlySuccessCriteria")
            .filter(|criteria| is_true(criteria, "enable"))?;
        let percent =
            whole(criteria, "healthyPercent").and_then(|percent| u64::try_from(percent).ok());
        Some(Self {
            healthy_percent: percent.unwrap_or(defaults::EARLY_HEALTHY_PERCENT),
            cleanup: match text(criteria, "sourceServiceRevisionCleanup") {
                Some("DEFERRED") => Cleanup::Deferred,
                _ => Cleanup::Blocking,
            },
        })
    }
}

/// Whether the primary deployment may succeed now, though tasks are still to come or to go.
pub fn is_met(service: &Service, members: &[Member]) -> bool {
    let Some(criteria) = service.configuration().and_then(Criteria::read) else {
        return false;
    };
    let wanted = (u64::from(service.desired) * criteria.healthy_percent).div_ceil(100);
    let healthy = members
        .iter()
        .filter(|member| member.age == Age::New && member.fitness == Fitness::Healthy)
        .count();
    let is_clean = service.deployments.len() == 1 || criteria.cleanup == Cleanup::Deferred;
    is_clean && healthy as u64 >= wanted
}

/// Refuses what ECS refuses. The rules are documented, the words are ours.
pub fn check(configuration: &Document) -> Result<(), ApiError> {
    let Some(criteria) = object(configuration, "earlySuccessCriteria") else {
        return Ok(());
    };
    if !member(criteria, "enable").is_some_and(Value::is_boolean) {
        return Err(refuse::invalid(
            "earlySuccessCriteria.enable should not be null.",
        ));
    }
    let least = whole(configuration, "minimumHealthyPercent").unwrap_or(100);
    if let Some(percent) = whole(criteria, "healthyPercent")
        && !(least..=100).contains(&percent)
    {
        return Err(refuse::invalid(
            "earlySuccessCriteria.healthyPercent must be between minimumHealthyPercent and 100.",
        ));
    }
    match text(criteria, "sourceServiceRevisionCleanup") {
        None | Some("BLOCKING" | "DEFERRED") => Ok(()),
        Some(_) => Err(refuse::invalid(
            "Invalid sourceServiceRevisionCleanup. Valid values are: BLOCKING, DEFERRED",
        )),
    }
}
