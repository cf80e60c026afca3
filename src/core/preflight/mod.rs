//! What can be known to be wrong with a rollout before anything is changed.
//!
//! **Invariants:** only judges what was looked at; [`watch`] says what that has to be for a plan, so that a strategy
//! costs no look that it does not need. An error is something that ends every rollout of this plan; a warning is
//! something that takes a safety away, or that could not be checked.

mod alarms;
mod canary;
mod counts;
mod gates;
mod groups;
mod native;
mod session;
mod sets;
mod steps;
mod time;

pub use native::production_rules;
pub use session::{Lasting, Session, outlives};

use crate::core::live::{Alarm, Rule, ScalingPolicy, TargetGroup};
use crate::core::plan::{Course, Plan, Strategy, Survey};
use crate::core::rollout::{Facet, Fault, Observation, Seen, Watch};
use crate::core::taskdef::{Finding, Severity, TaskDefinition};

/// What was looked at for the plan's sake.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Further {
    pub alarms: Vec<Alarm>,
    pub target_groups: Vec<TargetGroup>,
    pub policies: Vec<ScalingPolicy>,
    pub rules: Vec<Rule>,
    /// Looks that did not work.
    pub faults: Vec<Fault>,
}

/// What has to be looked at before this plan is judged.
pub fn watch(plan: &Plan, wanted: &TaskDefinition, survey: &Survey) -> Watch {
    if plan.course != Course::Deploy {
        return Watch::new();
    }
    let survey = &survey.with(&plan.settings);
    let service = &survey.service;
    let mut watch = Watch::new();
    let alarms = &alarms::names(plan, survey) | &gates::alarms(plan);
    if !alarms.is_empty() {
        watch.insert(Facet::Alarms(alarms));
    }
    let groups = groups::asked(plan, wanted, survey);
    if !groups.is_empty() {
        watch.insert(Facet::TargetGroups(groups));
    }
    if is_two_sided(&plan.strategy) && !service.target_groups_of_all().is_empty() {
        watch.insert(Facet::ScalingPolicies(plan.target.clone()));
    }
    watch
}

/// Everything that is wrong, the worst first.
pub fn findings(plan: &Plan, wanted: &TaskDefinition, survey: &Survey) -> Vec<Finding> {
    let divided = sets::check(plan, survey);
    if plan.course != Course::Deploy {
        return divided.into_iter().collect();
    }
    // As the service is once it is what the rollout makes it.
    let survey = &survey.with(&plan.settings);
    let mut found = counts::check(plan, survey);
    found.extend(time::check(plan));
    found.extend(steps::check(plan));
    found.extend(canary::check(plan, survey));
    found.extend(alarms::check(plan, survey));
    found.extend(gates::check(plan, survey));
    found.extend(groups::check(plan, wanted, survey));
    found.extend(native::check(plan, survey));
    found.extend(divided);
    found.extend(survey.further.faults.iter().map(unchecked));
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

/// Whether any of them ends every rollout of the plan.
pub fn refuses(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

impl Further {
    pub fn add(&mut self, more: Self) {
        self.alarms.extend(more.alarms);
        self.target_groups.extend(more.target_groups);
        self.policies.extend(more.policies);
        self.rules.extend(more.rules);
        self.faults.extend(more.faults);
        self.faults.dedup();
    }

    pub fn read(seen: Observation) -> Self {
        let mut further = Self::default();
        for alarm in seen.alarms.into_values() {
            further.alarms.extend(take(alarm, &mut further.faults));
        }
        for rule in seen.rules.into_values() {
            further.rules.extend(take(rule, &mut further.faults));
        }
        let groups = take(seen.target_groups, &mut further.faults);
        further.target_groups = groups.unwrap_or_default();
        let policies = take(seen.policies, &mut further.faults);
        further.policies = policies.unwrap_or_default();
        further.faults.dedup();
        further
    }
}

fn take<T>(seen: Seen<T>, faults: &mut Vec<Fault>) -> Option<T> {
    match seen {
        Seen::Is(it) => Some(it),
        Seen::Unreadable(fault) => {
            faults.push(fault);
            None
        }
        Seen::Absent | Seen::NotAsked => None,
    }
}

/// The new revision gets a target group of its own.
fn is_two_sided(strategy: &Strategy) -> bool {
    match strategy {
        Strategy::Native(_) | Strategy::TaskSets(_) | Strategy::CodeDeploy(_) => true,
        Strategy::Rolling | Strategy::Beside(_) => false,
    }
}

fn unchecked(fault: &Fault) -> Finding {
    Finding::warning(
        "preflight",
        format!("something could not be checked: {fault}"),
    )
}

#[cfg(test)]
mod tests;
