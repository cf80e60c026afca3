//! Target groups: that they can hold the new tasks, that CodeDeploy has the serving one, and what scales by them.
//!
//! Source: ECS developer guide, "load balancing": tasks of network mode awsvpc register by address (target type `ip`),
//! all others by instance.

use std::collections::BTreeSet;

use super::is_two_sided;
use crate::core::id::TargetGroupArn;
use crate::core::live::TargetGroup;
use crate::core::plan::{Plan, Strategy, Survey};
use crate::core::taskdef::{Finding, TaskDefinition};

/// Groups whose kind is to be known: of a rolling deployment only if the network mode changes.
pub fn asked(plan: &Plan, wanted: &TaskDefinition, survey: &Survey) -> BTreeSet<TargetGroupArn> {
    let service = &survey.service;
    match &plan.strategy {
        Strategy::TaskSets(sets) => BTreeSet::from([sets.green.clone()]),
        Strategy::Native(_) => service.target_groups_of_all(),
        // The pair is known by name only, and CodeDeploy's own check comes before anything is changed.
        Strategy::CodeDeploy(_) => BTreeSet::new(),
        Strategy::Rolling | Strategy::Beside(_) => {
            let stays = kind(wanted) == kind(&survey.running.definition);
            if stays {
                BTreeSet::new()
            } else {
                service.target_groups().into_iter().collect()
            }
        }
    }
}

fn kind(definition: &TaskDefinition) -> &'static str {
    match definition.text("networkMode") {
        Some("awsvpc") => "ip",
        _ => "instance",
    }
}

pub fn check(plan: &Plan, wanted: &TaskDefinition, survey: &Survey) -> Vec<Finding> {
    let needed = kind(wanted);
    let groups = &survey.further.target_groups;
    let mut found: Vec<Finding> = groups
        .iter()
        .filter(|group| group.target_type != needed)
        .map(|group| misfit(group, wanted, needed))
        .collect();
    found.extend(pair(plan, survey));
    if is_two_sided(&plan.strategy) {
        found.extend(scaling(survey));
    }
    found
}

fn misfit(group: &TargetGroup, wanted: &TaskDefinition, needed: &str) -> Finding {
    let mode = wanted.text("networkMode").unwrap_or("bridge");
    Finding::error(
        "networkMode",
        format!(
            "tasks of network mode {mode} register as targets of type {needed}, and the target group {} is of type {}",
            group.name, group.target_type
        ),
    )
    .hint("make another target group of that type: the type of one cannot be changed")
}

/// CodeDeploy takes the primary task set's group for blue, which therefore is one of the pair.
fn pair(plan: &Plan, survey: &Survey) -> Option<Finding> {
    let Strategy::CodeDeploy(way) = &plan.strategy else {
        return None;
    };
    let pair = survey.code_deploy.as_ref()?.group.target_groups();
    let serving = survey.service.serving_group()?;
    let name = serving
        .as_str()
        .rsplit('/')
        .nth(1)
        .unwrap_or(serving.as_str());
    (!pair.contains(&name)).then(|| {
        Finding::error(
            "loadBalancerInfo",
            format!(
                "the service's target group {name} is not of the pair of the deployment group {}: {}",
                way.group.group,
                pair.join(", ")
            ),
        )
        .hint("set the deployment group's target groups to the two that the service alternates between")
    })
}

/// A policy of requests per target names one target group, and the traffic moves to the other (Application Auto
/// Scaling user guide, `ALBRequestCountPerTarget`).
fn scaling(survey: &Survey) -> Option<Finding> {
    let policies = survey.further.policies.iter();
    let names: Vec<&str> = policies
        .filter(|policy| policy.metric == "ALBRequestCountPerTarget")
        .map(|policy| policy.name.as_str())
        .collect();
    (!names.is_empty()).then(|| {
        Finding::warning(
            "scaling",
            format!(
                "the scaling policy {} counts requests of one target group, and the traffic moves to the other: it will see none and scale in",
                names.join(", ")
            ),
        )
        .hint("scale by ECSServiceAverageCPUUtilization, or by a metric of the load balancer as a whole")
    })
}
