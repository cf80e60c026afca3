//! Shifts that take longer than the rollout may.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::core::plan::{Plan, Strategy, Survey};
use crate::core::taskdef::Finding;

pub fn check(plan: &Plan, survey: &Survey) -> Vec<Finding> {
    let timeout = plan.intent.limits.timeout;
    let shift = match &plan.strategy {
        Strategy::Rolling | Strategy::Beside(_) => return Vec::new(),
        Strategy::Native(native) => of_native(&native.during),
        Strategy::TaskSets(sets) => {
            let steps = u32::try_from(sets.steps.len()).unwrap_or(u32::MAX);
            sets.hold.saturating_mul(steps)
        }
        Strategy::CodeDeploy(way) => {
            let group = survey
                .code_deploy
                .as_ref()
                .map(|found| found.group.config());
            of_config(way.config.as_deref().or(group).unwrap_or_default())
        }
    };
    let longer = shift >= timeout;
    let finding = || {
        Finding::error(
            "rollout.timeout",
            format!(
                "moving the traffic takes {} minutes, and the rollout may take {}",
                shift.as_secs() / 60,
                timeout.as_secs() / 60
            ),
        )
        .hint("raise --timeout, or move the traffic in fewer or shorter steps")
    };
    longer.then(finding).into_iter().collect()
}

/// Bake times alone: ECS's defaults are 10 % every 6 minutes, and 5 % for 10 (ECS API reference,
/// `LinearConfiguration`, `CanaryConfiguration`).
fn of_native(during: &Map<String, Value>) -> Duration {
    let number = |section: &str, member: &str, default: f64| {
        let said = during.get(section).and_then(|it| it.get(member));
        said.and_then(Value::as_f64).unwrap_or(default)
    };
    let minutes = match during.get("strategy").and_then(Value::as_str) {
        Some("LINEAR") => {
            let percent = number("linearConfiguration", "stepPercent", 10.0).max(1.0);
            let pause = number("linearConfiguration", "stepBakeTimeInMinutes", 6.0);
            ((100.0 / percent).ceil() - 1.0) * pause
        }
        Some("CANARY") => number("canaryConfiguration", "canaryBakeTimeInMinutes", 10.0),
        _ => 0.0,
    };
    let bake = during.get("bakeTimeInMinutes").and_then(Value::as_f64);
    Duration::from_secs_f64((minutes + bake.unwrap_or_default()).max(0.0) * 60.0)
}

/// Of a predefined configuration, by its name (CodeDeploy user guide); of any other nothing is known.
fn of_config(name: &str) -> Duration {
    let minutes = match name
        .strip_prefix("CodeDeployDefault.ECS")
        .unwrap_or_default()
    {
        "Linear10PercentEvery1Minutes" => 9,
        "Linear10PercentEvery3Minutes" => 27,
        "Canary10Percent5Minutes" => 5,
        "Canary10Percent15Minutes" => 15,
        _ => 0,
    };
    Duration::from_mins(minutes)
}
