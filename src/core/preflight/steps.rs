//! Configured steps that the rollout never comes to: what they ask would be asked too late, or not at all.

use crate::core::plan::{CodeDeploy, Plan, Strategy};
use crate::core::service::{Detach, Share};
use crate::core::taskdef::Finding;

pub fn check(plan: &Plan) -> Vec<Finding> {
    // Handed over to finish, a rollout is held at no step.
    if plan.intent.detach == Detach::Finish {
        return Vec::new();
    }
    let shares: Vec<Share> = plan.steps().iter().map(|step| step.share).collect();
    let are_known = !matches!(&plan.strategy, Strategy::CodeDeploy(way) if !tells_its_steps(way));
    let asked = plan.intent.steps.iter().map(|step| step.share);
    asked
        .filter(|share| are_known && !comes_to(&shares, *share))
        .map(|share| never(share, &shares))
        .collect()
}

/// What a deployment configuration of one's own does is not known before.
fn tells_its_steps(way: &CodeDeploy) -> bool {
    way.moves.config.starts_with("CodeDeployDefault.")
}

/// Whether a step of this share is held before all of the service has the new revision. The last one always is.
fn comes_to(shares: &[Share], share: Share) -> bool {
    shares.iter().any(|held| match (share, *held) {
        (Share::Traffic(from), Share::Traffic(held)) => {
            (held >= from && held < 100.0) || (from >= 100.0 && held >= 100.0)
        }
        (Share::Tasks(_), Share::Tasks(_)) => true,
        _ => false,
    })
}

fn never(share: Share, shares: &[Share]) -> Finding {
    let held: Vec<String> = shares.iter().map(Share::to_string).collect();
    Finding::error(
        "rollout.steps",
        format!(
            "the rollout never comes to the step of {share}; it holds at {}",
            held.join(", ")
        ),
    )
    .hint("take the step out, or ask for a strategy that has it: traffic for task_sets, canary and linear, tasks for a canary")
}
