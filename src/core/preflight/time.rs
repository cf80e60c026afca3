//! Gates that would still be asked when there is nothing warm left to go back to.

use crate::core::plan::{Plan, Strategy};
use crate::core::service::Share;
use crate::core::taskdef::Finding;

pub fn check(plan: &Plan) -> Vec<Finding> {
    let Strategy::CodeDeploy(way) = &plan.strategy else {
        return Vec::new();
    };
    let held = plan.asked(Share::ALL).bake;
    let finding = || {
        Finding::warning(
            "blueGreenDeploymentConfiguration",
            format!(
                "the new revision is held for {} minutes with all traffic, and CodeDeploy terminates the old task set after {}",
                held.as_secs() / 60,
                way.kept.as_secs() / 60
            ),
        )
        .hint("raise terminationWaitTimeInMinutes: going back after it means to start the old revision anew")
    };
    let is_longer = !held.is_zero() && held >= way.kept;
    is_longer.then(finding).into_iter().collect()
}
