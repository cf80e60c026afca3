//! Task sets: that all of the traffic goes to the one that serves, before another is raised beside it.

use crate::core::live::all_to;
use crate::core::plan::{Plan, Strategy, Survey, TaskSets};
use crate::core::taskdef::Finding;

const PATH: &str = "listener rule";

/// A share of the traffic for which no task set stands: said whether or not there is anything to deploy. Where two sets
/// stand a rollout was left half way, which goes on from the weights that there are.
pub fn check(plan: &Plan, survey: &Survey) -> Option<Finding> {
    let Strategy::TaskSets(sets) = &plan.strategy else {
        return None;
    };
    let TaskSets { blue, green, .. } = sets;
    let rule = survey.rules.iter().find(|rule| rule.arn == sets.rule)?;
    let is_whole = (rule.share(blue) - 1.0).abs() < 1e-9;
    if is_whole || survey.service.task_sets().count() != 1 {
        return None;
    }
    let weight = |group| rule.weights.get(group).copied().unwrap_or_default();
    let message = format!(
        "the service's one task set is behind {}, and {} gives that {} and {} {}",
        blue.name(),
        rule.arn.brief(),
        weight(blue),
        green.name(),
        weight(green)
    );
    let mend = format!(
        "{}\n\
         modify-rule replaces the rule's actions: name those before the forward too; a default rule's are changed by \
         aws elbv2 modify-listener --default-actions",
        all_to(&rule.arn, blue, green)
    );
    Some(Finding::error(PATH, message).hint(mend))
}
