//! Alarms that are to end a bad deployment, and what they are good for now.
//!
//! Source: ECS developer guide, "CloudWatch alarms": an alarm that is in ALARM when a deployment begins is ignored for
//! as long as that deployment takes. CodeDeploy stops a deployment at once.

use std::collections::BTreeSet;

use crate::core::live::AlarmState;
use crate::core::plan::{Plan, Strategy, Survey};
use crate::core::rollout::Fault;
use crate::core::taskdef::Finding;

/// The deployment's alarms, by name.
pub fn names(plan: &Plan, survey: &Survey) -> BTreeSet<String> {
    match &plan.strategy {
        Strategy::CodeDeploy(_) => {
            let group = survey.code_deploy.as_ref().map(|found| &found.group);
            let names = group.into_iter().flat_map(|group| group.alarms());
            names.map(str::to_owned).collect()
        }
        // ECS watches no alarms for services of the EXTERNAL controller.
        Strategy::TaskSets(_) => BTreeSet::new(),
        Strategy::Rolling | Strategy::Native(_) | Strategy::Beside(_) => {
            survey.service.deployment_alarms().into_iter().collect()
        }
    }
}

pub fn check(plan: &Plan, survey: &Survey) -> Vec<Finding> {
    let by_code_deploy = matches!(plan.strategy, Strategy::CodeDeploy(_));
    let alarms = &survey.further.alarms;
    let of_deployment = names(plan, survey);
    let ringing = alarms
        .iter()
        .filter(|it| it.state == AlarmState::Alarm && of_deployment.contains(&it.name));
    let ringing: Vec<&str> = ringing.map(|alarm| alarm.name.as_str()).collect();
    let mut found = Vec::new();
    if !ringing.is_empty() {
        let names = ringing.join(", ");
        found.push(if by_code_deploy {
            Finding::error(
                "alarmConfiguration",
                format!("{names} is in ALARM: CodeDeploy would stop the deployment at once"),
            )
            .hint("wait until it is OK, or take it out of the deployment group")
        } else {
            Finding::warning(
                "deploymentConfiguration.alarms",
                format!("{names} is in ALARM: ECS ignores it for the whole of this deployment"),
            )
            .hint("wait until it is OK, unless this release is what mends it")
        });
    }
    found.extend(missing(plan, survey));
    found
}

/// An alarm that is not there never rings.
fn missing(plan: &Plan, survey: &Survey) -> Option<Finding> {
    let is_unread = |fault: &Fault| fault.operation == "DescribeAlarms";
    if survey.further.faults.iter().any(is_unread) {
        return None;
    }
    let known = |name: &String| survey.further.alarms.iter().any(|it| it.name == *name);
    let missing: Vec<String> = names(plan, survey)
        .into_iter()
        .filter(|name| !known(name))
        .collect();
    (!missing.is_empty()).then(|| {
        Finding::warning(
            "deploymentConfiguration.alarms",
            format!("there is no alarm {}", missing.join(", ")),
        )
        .hint("create it, or take it out of the deployment's alarms")
    })
}
