//! Plans of what others began, or of what just stands: as if they had been carried out so far.
//!
//! **Invariant:** nothing here asks for a change; who follows such a plan says whether it may.

use std::time::Duration;

use crate::core::id::{DeploymentId, ServiceKey, TaskDefinitionArn};
use crate::core::live::{Deployment, Service, TaskSet};
use crate::core::plan::{Before, Course, Ground, Plan, Revision, Strategy};
use crate::core::rollout::{Phase, State};
use crate::core::service::{Contest, FailedTasks, Intent, Limits, OnFailure, Redeploy};
use crate::core::service_document::Settings;
use crate::ports::Clock;

/// A watcher's own patience ends a watch; what is watched has all the time that whoever drives it gives it.
const PATIENCE: Duration = Duration::from_hours(24 * 365);

/// The plan of a deployment that somebody started.
pub fn following(
    target: &ServiceKey,
    service: &Service,
    deployment: Deployment<'_>,
    intent: Intent,
) -> Plan {
    let old = service
        .deployments()
        .find(|other| other.id() != deployment.id() && service.has_completed(*other));
    Plan {
        target: target.clone(),
        course: Course::Follow,
        strategy: Strategy::Rolling,
        why: "a deployment that runs is followed as ECS tells of it".to_owned(),
        revision: Revision::Existing(deployment.task_definition()),
        before: Before {
            deployment: old.map(|old| old.id()),
            task_definition: service.task_definition(),
            serving: old
                .or_else(|| service.primary())
                .map(|d| d.task_definition()),
            desired_count: service.desired_count(),
        },
        redeploy: Redeploy::WhenChanged,
        ground: Ground::default(),
        intent,
        settings: Settings::default(),
    }
}

pub fn at_follow(plan: &Plan, deployment: DeploymentId, clock: &impl Clock) -> State {
    let now = clock.now();
    let mut state = State::begin(plan, now);
    state.deployment = Some(deployment);
    state.enter(Phase::Follow, now);
    state
}

/// A service as it stands, and what served before, where there is nothing to follow.
pub fn stood(
    target: &ServiceKey,
    service: &Service,
    serving: TaskDefinitionArn,
    intent: Intent,
) -> Plan {
    let running = service.running_task_definition();
    let primary = service.primary().map(|deployment| deployment.id());
    Plan {
        target: target.clone(),
        course: Course::Nothing,
        strategy: Strategy::Rolling,
        why: "there is nothing to follow".to_owned(),
        revision: Revision::Existing(running.clone()),
        before: Before {
            deployment: primary.or_else(|| service.primary_task_set().map(TaskSet::id)),
            task_definition: running,
            serving: Some(serving),
            desired_count: service.desired_count(),
        },
        redeploy: Redeploy::WhenChanged,
        ground: Ground::default(),
        intent,
        settings: Settings::default(),
    }
}

pub fn watching() -> Intent {
    Intent {
        limits: Limits {
            timeout: PATIENCE,
            undo_timeout: PATIENCE,
            failed_tasks: FailedTasks::LeaveToEcs,
            ..Limits::default()
        },
        on_failure: OnFailure::Leave,
        contest: Contest::Supersede,
        // Whoever drives it asks the gates.
        gates: Some(Vec::new()),
        ..Intent::default()
    }
}
