//! What is deployed and where the traffic goes: deployments, task sets, a canary's service, CodeDeploy's deployment, the
//! weights of listener rules, and the health of the targets behind them.

use std::fmt::Write as _;

use super::{row, section};
use crate::core::id::TargetGroupArn;
use crate::core::live::{
    CodeDeployment, Deployment, Rule, Service, ServiceDeployment, Target, TaskSet,
};
use crate::core::overview::Overview;
use crate::core::rollout::Seen;

pub fn text(out: &mut String, overview: &Overview) {
    let service = &overview.service;
    let deployments: Vec<String> = service.deployments().map(one_deployment).collect();
    section(out, "deployments", &deployments);
    let sets: Vec<String> = service.task_sets().map(one_set).collect();
    section(out, "task sets", &sets);
    let newest = overview.seen.service_deployment.is();
    let by_code_deploy = overview.code_deployment.as_ref();
    let canary = overview.seen.beside.is();
    let said = [
        newest.map(|newest| ("ECS says", of_ecs(newest))),
        by_code_deploy.map(|deployment| ("CodeDeploy says", of_code_deploy(deployment))),
        canary.map(|canary| ("canary", of_canary(canary))),
    ];
    let rules = overview.rules.iter().map(|rule| ("traffic", shares(rule)));
    for (index, (label, text)) in said.into_iter().flatten().chain(rules).enumerate() {
        if index == 0 {
            out.push('\n');
        }
        row(out, label, &text);
    }
}

pub fn targets(out: &mut String, overview: &Overview) {
    for (group, targets) in &overview.seen.targets {
        let lines: Vec<String> = match targets {
            Seen::Is(targets) if targets.is_empty() => vec!["no targets".to_owned()],
            Seen::Is(targets) => targets.iter().map(one_target).collect(),
            Seen::Unreadable(fault) => vec![format!("could not be read: {fault}")],
            Seen::Absent | Seen::NotAsked => vec!["does not exist".to_owned()],
        };
        let mut title = format!("target group {}", group.name());
        if let Some(rule) = overview
            .rules
            .iter()
            .find(|it| it.weights.contains_key(group))
        {
            let _ = write!(title, ", {}", percent(rule, group));
        }
        section(out, &title, &lines);
    }
}

fn one_deployment(deployment: Deployment<'_>) -> String {
    format!(
        "{:8} {:11} {}  {}/{} running, {} pending, {} failed  {}",
        deployment.status(),
        deployment.rollout_state().to_string(),
        deployment.task_definition().short(),
        deployment.running_count(),
        deployment.desired_count(),
        deployment.pending_count(),
        deployment.failed_tasks(),
        deployment.id()
    )
}

fn one_set(set: TaskSet<'_>) -> String {
    let group = set.target_group();
    format!(
        "{:8} {:12} {}  {}/{} running, {} pending, scale {}  {}  {}{}",
        set.status(),
        set.stability(),
        set.task_definition().short(),
        set.running_count(),
        set.computed_count(),
        set.pending_count(),
        set.scale(),
        group
            .as_ref()
            .map_or("no target group", TargetGroupArn::name),
        set.id(),
        match set.external_id() {
            "" => String::new(),
            id => format!(" ({id})"),
        }
    )
}

/// What ECS itself says of the newest deployment.
fn of_ecs(newest: &ServiceDeployment) -> String {
    let mut text = newest.status().to_owned();
    let standing = newest.standing();
    if !newest.has_ended() && !standing.is_empty() {
        let _ = write!(text, " at {standing}");
    }
    if !newest.status_reason().is_empty() {
        let _ = write!(text, ": {}", newest.status_reason());
    }
    text
}

fn of_code_deploy(deployment: &CodeDeployment) -> String {
    let mut text = format!("{} {}", deployment.id(), deployment.status());
    if deployment.stage() != deployment.status() {
        let _ = write!(text, " at {}", deployment.stage());
    }
    if let Some(definition) = deployment.task_definition() {
        let name = definition.rsplit('/').next().unwrap_or_default();
        let _ = write!(text, ", deploys {name}");
    }
    if let Some(weight) = deployment.replacement_weight() {
        let _ = write!(text, ", {weight} % of the traffic on the replacement");
    }
    text
}

fn of_canary(canary: &Service) -> String {
    format!(
        "{} beside it: {}, {} desired, {} running, {} pending",
        canary.name(),
        canary.task_definition().short(),
        canary.desired_count(),
        canary.running_count(),
        canary.pending_count()
    )
}

fn shares(rule: &Rule) -> String {
    let mut groups: Vec<_> = rule.weights.keys().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(rule.weights[group]));
    let shares: Vec<String> = groups
        .iter()
        .map(|group| format!("{} to {}", percent(rule, group), group.name()))
        .collect();
    format!("{}, by {}", shares.join(", "), rule.arn.brief())
}

/// Of the traffic of a rule, with a decimal where it is not whole.
fn percent(rule: &Rule, group: &TargetGroupArn) -> String {
    let tenths = (rule.share(group) * 1000.0).round() / 10.0;
    format!("{tenths} %")
}

fn one_target(target: &Target) -> String {
    let line = format!(
        "{}:{}  {}  {}",
        target.id, target.port, target.state, target.description
    );
    line.trim_end().to_owned()
}
