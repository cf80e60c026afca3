//! What a rollout of a plan calls and waits for, in words.

use std::fmt::Write as _;

use super::{duration, listed, shift, spelled};
use crate::core::plan::Course;
use crate::core::proposal::{Proposal, Way};
use crate::core::service::{FailedTasks, OnFailure, Redeploy};

/// In order.
pub fn steps(plan: &Proposal) -> Vec<String> {
    let mut steps = Vec::new();
    if plan.course == Course::Nothing {
        return steps;
    }
    if plan.course == Course::Deploy {
        steps.push(match &plan.revision {
            Some(revision) => format!(
                "use {}, which is the same and registered already",
                revision.short()
            ),
            None => format!("register a new revision of {}", plan.family),
        });
    }
    match &plan.strategy {
        Way::Rolling => steps.extend(ordered(plan)),
        Way::Shift { .. } => {
            steps.extend(ordered(plan));
            steps.push("put the service's own deployment configuration back with another UpdateService, whatever became of it: no pause stays".to_owned());
        }
        Way::Beside {
            service,
            tasks,
            seconds,
        } => {
            let bake = spelled(*seconds);
            steps.push(format!("run {tasks} of it as the service {service} for {bake}; if they fail, the service itself is not touched"));
            steps.extend(ordered(plan));
            steps.push(format!("put the canary's service {service} away"));
        }
        Way::TaskSets { .. } => steps.extend(shifted(plan)),
        Way::CodeDeploy { application, .. } => steps.extend([
            format!("create a deployment of the application {application}, unless one of this rollout is there"),
            format!(
                "follow it until all traffic has moved and the new task set serves, for at most {}; the old one is CodeDeploy's to terminate",
                duration(plan.intent.limits.timeout)
            ),
        ]),
    }
    steps.push(undo(plan));
    steps
}

/// What ECS is told to do, and is watched doing.
fn ordered(plan: &Proposal) -> Vec<String> {
    let update = (plan.course == Course::Deploy).then(|| update(plan));
    update.into_iter().chain([follow(plan)]).collect()
}

fn shifted(plan: &Proposal) -> Vec<String> {
    let Way::TaskSets {
        rule,
        percents,
        hold_seconds,
        drain_seconds,
    } = &plan.strategy
    else {
        return Vec::new();
    };
    vec![
        "raise a task set of it beside the one that serves, at full scale, without production traffic".to_owned(),
        format!(
            "move the traffic of {} to it, holding each step for {}: {}",
            rule.brief(),
            spelled(*hold_seconds),
            listed(percents)
        ),
        format!(
            "remove the old task set when nothing is under way there, after {} at most",
            spelled(*drain_seconds)
        ),
    ]
}

fn update(plan: &Proposal) -> String {
    let mut text = "update the service with one UpdateService".to_owned();
    let shift = shift::during(&plan.strategy);
    if !shift.is_empty() {
        let _ = write!(
            text,
            ", for this deployment alone with {}",
            shift.join(", ")
        );
    }
    if plan.redeploy == Redeploy::Always {
        text.push_str(", forcing a new deployment");
    }
    let settings = settings(plan);
    if !settings.is_empty() {
        let _ = write!(text, ", with {}", settings.join(", "));
    }
    if let Some(count) = plan.intent.desired_count {
        let _ = write!(
            text,
            ", with a desired count of {count} (now {})",
            plan.before.desired_count
        );
    }
    text
}

/// The members of the service that change.
fn settings(plan: &Proposal) -> Vec<String> {
    let mut names = Vec::new();
    for change in plan.service_changes() {
        let name = change.path.steps().first().map(ToString::to_string);
        names.extend(name.filter(|name| !names.contains(name)));
    }
    names
}

fn follow(plan: &Proposal) -> String {
    let capacity = plan.capacity;
    let limit = match plan.intent.limits.failed_tasks {
        FailedTasks::LeaveToEcs => "; how many tasks may fail is left to ECS".to_owned(),
        limit => limit
            .limit(capacity.desired)
            .map_or_else(String::new, |limit| {
                format!("; {limit} failed tasks end it")
            }),
    };
    let held = match plan.held_seconds {
        0 => String::new(),
        seconds => {
            let held = spelled(seconds);
            match plan.strategy {
                Way::Shift { .. } => format!(" beside {held} that steps are held and ECS bakes"),
                _ => format!(" beside {held} that steps are held"),
            }
        }
    };
    format!(
        "follow the deployment until it serves, for at most {}{held}; {} to {} tasks run meanwhile{limit}",
        duration(plan.intent.limits.timeout),
        capacity.floor,
        capacity.ceiling
    )
}

fn undo(plan: &Proposal) -> String {
    let by_weights = matches!(plan.strategy, Way::TaskSets { .. });
    let by_code_deploy = matches!(plan.strategy, Way::CodeDeploy { .. });
    match (plan.intent.on_failure, &plan.before.serving) {
        (OnFailure::Leave, _) => "if it fails, leave the service as it is".to_owned(),
        (OnFailure::RollBack, _) if by_weights => {
            "if it fails, move the traffic back to the old task set, which stays until the end".to_owned()
        }
        (OnFailure::RollBack, _) if by_code_deploy => {
            "if it fails, stop the deployment; CodeDeploy gives the traffic back to the old task set".to_owned()
        }
        (OnFailure::RollBack, Some(serving)) => format!("if it fails, go back to {}", serving.short()),
        (OnFailure::RollBack, None) => {
            "if it fails, there is nothing to go back to: no deployment of the service has completed".to_owned()
        }
    }
}
