//! Which targets of a group may get requests, and how many against each other.
//!
//! Sources: Application Load Balancers guide, "Health checks for your target groups" (fail-open) and "Edit target group
//! attributes" (slow start: a linear ramp, for targets that come to a group which already serves).

use crate::sandbox::elb::{Target, TargetGroup, TargetState};
use crate::sandbox::{Duration, Time};

/// The weight of a target that is not starting slowly.
const FULL: u64 = 1000;

/// A target that may get requests, with its weight against the others.
pub struct Candidate<'a> {
    pub key: &'a (String, u16),
    pub target: &'a Target,
    pub weight: u64,
}

/// The healthy targets; without any, the unhealthy ones (fail-open). One that is still `initial` gets nothing: the guide
/// speaks of unhealthy targets only.
pub fn candidates(group: &TargetGroup, now: Time) -> Vec<Candidate<'_>> {
    let slow = slow_start(group);
    let first = group
        .targets
        .values()
        .filter_map(|target| target.health.healthy_since())
        .min();
    let healthy = group.targets.iter().filter_map(|(key, target)| {
        let since = target.health.healthy_since()?;
        // Slow start is for those that come to a group which already serves.
        let is_late = first.is_some_and(|first| first < target.registered);
        let weight = if is_late {
            ramp(now.since(since), slow)
        } else {
            FULL
        };
        Some(Candidate {
            key,
            target,
            weight,
        })
    });
    let healthy: Vec<Candidate<'_>> = healthy.collect();
    if !healthy.is_empty() {
        return healthy;
    }
    let unhealthy = group
        .targets
        .iter()
        .filter(|(_, target)| target.health.report().state == TargetState::Unhealthy);
    unhealthy
        .map(|(key, target)| Candidate {
            key,
            target,
            weight: FULL,
        })
        .collect()
}

/// `slow_start.duration_seconds`, where the algorithm knows it.
fn slow_start(group: &TargetGroup) -> Duration {
    let attribute = |name: &str| group.attributes.get(name).map(String::as_str);
    let seconds = attribute("slow_start.duration_seconds").and_then(|text| text.parse().ok());
    match attribute("load_balancing.algorithm.type") {
        None | Some("round_robin") => Duration::from_secs(seconds.unwrap_or(0)),
        _ => Duration::ZERO,
    }
}

/// A linear ramp from next to nothing to the full weight.
fn ramp(elapsed: Duration, duration: Duration) -> u64 {
    if elapsed >= duration {
        FULL
    } else {
        (FULL * elapsed.millis() / duration.millis()).max(1)
    }
}
