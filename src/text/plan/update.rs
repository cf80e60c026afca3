//! What the one UpdateService of a rollout sets, in words.
//!
//! **Invariant:** every member that it sets is named, those that stay and those that are for this deployment alone.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use super::duration;
use crate::core::proposal::{Proposal, Way};
use crate::core::service::Redeploy;

pub fn update(plan: &Proposal) -> String {
    let mut text = "update the service with one UpdateService".to_owned();
    let shift = during_shift(plan);
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

/// What the deployment configuration is for the time of a native shift.
fn during_shift(plan: &Proposal) -> Vec<String> {
    let Way::Shift {
        sets, own, pauses, ..
    } = &plan.strategy
    else {
        return Vec::new();
    };
    let said = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let members = sets.iter().map(|(name, value)| {
        let now = own.get(name).unwrap_or(&Value::Null);
        format!("{name} {} (now {})", said(value), said(now))
    });
    let pauses = pauses.iter().map(|pause| {
        let stages: Vec<&str> = pause.stages.iter().map(String::as_str).collect();
        let limit = duration(Duration::from_mins(pause.minutes));
        let stages = stages.join(", ");
        format!(
            "a PAUSE hook at {stages}, where ECS goes back after {limit} unless the gates open it"
        )
    });
    members.chain(pauses).collect()
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
