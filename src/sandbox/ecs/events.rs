//! Service events: their texts, the hundred that are kept, and the duplicates that are not told.
//!
//! Source: ECS developer guide, "service event messages", and published event dumps for the exact words.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::sandbox::ecs::defaults;
use crate::sandbox::{Rng, Time, ids};

/// One line.
#[derive(Clone, Debug)]
pub struct Event {
    id: String,
    at: Time,
    pub message: String,
}

/// A service's events, newest first.
#[derive(Clone, Debug, Default)]
pub struct Events {
    kept: VecDeque<Event>,
    /// Lines that hold until they are resolved, and when they were last told.
    standing: BTreeMap<String, Time>,
}

impl Events {
    pub fn tell(&mut self, now: Time, rng: &mut Rng, message: String) {
        self.kept.push_front(Event {
            id: ids::uuid(rng),
            at: now,
            message,
        });
        self.kept.truncate(defaults::EVENTS_KEPT);
    }

    /// Tells a line that goes on holding: again only after it was resolved, or after about six hours.
    pub fn tell_once(&mut self, now: Time, rng: &mut Rng, message: String) {
        let told = self.standing.get(&message);
        if told.is_some_and(|&at| now.since(at) < defaults::EVENT_REPEATED_AFTER) {
            return;
        }
        self.standing.insert(message.clone(), now);
        self.tell(now, rng, message);
    }

    /// Marks a standing line as told at this time, without telling it.
    pub fn assume_told(&mut self, now: Time, message: String) {
        self.standing.insert(message, now);
    }

    /// When a standing line is told again, if it goes on holding.
    pub fn due_again(&self, message: &str) -> Option<Time> {
        let told = self.standing.get(message)?;
        Some(*told + defaults::EVENT_REPEATED_AFTER)
    }

    /// A line no longer holds: the next time it is news again.
    pub fn resolve(&mut self, message: &str) {
        self.standing.remove(message);
    }

    /// No line holds any more.
    pub fn resolve_all(&mut self) {
        self.standing.clear();
    }

    pub fn answer(&self) -> Value {
        let one = |event: &Event| json!({ "id": event.id, "createdAt": event.at.epoch_seconds(), "message": event.message });
        self.kept.iter().map(one).collect()
    }

    /// The messages, newest first.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.kept.iter().map(|event| event.message.as_str())
    }
}

// `service` is what stands after `(service `: the service's name, or `NAME, taskSet ID` where a task set tells.

/// `(task ID) (task ID)`.
fn tasks(ids: &[String]) -> String {
    let each: Vec<String> = ids.iter().map(|id| format!("(task {id})")).collect();
    each.join(" ")
}

pub fn steady(service: &str) -> String {
    format!("(service {service}) has reached a steady state.")
}

/// A task set's share of the desired count has changed. `set` is its id.
pub fn computed(service: &str, set: &str, count: u32) -> String {
    format!("(service {service}) updated computedDesiredCount for taskSet {set} to {count}.")
}

pub fn turned_steady(task_set: &str) -> String {
    format!("(service {task_set}) updated state to STEADY_STATE.")
}

pub fn started(service: &str, ids: &[String], replaced: usize) -> String {
    let line = format!(
        "(service {service}) has started {} tasks: {}.",
        ids.len(),
        tasks(ids)
    );
    match replaced {
        0 => line,
        n => format!("{line} Amazon ECS replaced {n} tasks due to an unhealthy status."),
    }
}

pub fn stopped(service: &str, ids: &[String]) -> String {
    format!(
        "(service {service}) has stopped {} running tasks: {}.",
        ids.len(),
        tasks(ids)
    )
}

pub fn stopped_pending(service: &str, count: usize) -> String {
    format!("(service {service}) stopped {count} pending tasks.")
}

pub fn registered(service: &str, count: usize, group_arn: &str) -> String {
    format!("(service {service}) registered {count} targets in (target-group {group_arn})")
}

pub fn not_registered(service: &str, group_arn: &str, error: &str) -> String {
    format!(
        "(service {service}) failed to register targets in (target-group {group_arn}) with (error {error})"
    )
}

pub fn deregistered(service: &str, count: usize, group_arn: &str) -> String {
    format!("(service {service}) deregistered {count} targets in (target-group {group_arn})")
}

/// Event dumps name the task set, by its id, for rolling services too: there it is the deployment.
pub fn draining(service: &str, set: &str, count: usize) -> String {
    format!("(service {service}, taskSet {set}) has begun draining connections on {count} tasks.")
}

/// `target` is `task ID` for addresses and `instance i-…` for instances.
pub fn unhealthy_target(
    service: &str,
    target: &str,
    port: u16,
    group_arn: &str,
    reason: &str,
) -> String {
    format!(
        "(service {service}) ({target}) (port {port}) is unhealthy in (target-group {group_arn}) due to (reason {reason})."
    )
}

pub fn unhealthy_container(service: &str, task: &str) -> String {
    format!("(service {service}) (task {task}) failed container health checks.")
}

pub fn completed(service: &str, deployment: &str) -> String {
    format!("(service {service}) (deployment {deployment}) deployment completed.")
}

pub fn failed(service: &str, deployment: &str, reason: &str) -> String {
    format!("(service {service}) (deployment {deployment}) deployment failed: {reason}.")
}

pub fn rolling_back(service: &str, deployment: &str) -> String {
    format!("(service {service}) rolling back to deployment {deployment}.")
}

pub fn could_not_start(service: &str, reason: &str) -> String {
    format!("(service {service}) was unable to place a task. Reason: {reason}.")
}

pub fn not_placed(service: &str, closest: &str) -> String {
    format!(
        "(service {service}) was unable to place a task because no container instance met all of its requirements. {closest} For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    )
}

pub fn impaired(service: &str) -> String {
    format!(
        "(service {service}) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    )
}

/// Tasks under protection keep a deployment or task set, by its id, from shrinking.
pub fn protected(service: &str, set: &str, count: usize) -> String {
    format!(
        "(service {service}) was unable to reach steady state because (taskSet {set}) was unable to scale in due to (reason {count} tasks under protection)"
    )
}

pub fn deadlocked(service: &str) -> String {
    format!(
        "(service {service}) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Duration;

    #[test]
    fn only_the_newest_hundred_are_kept() {
        let (mut events, mut rng) = (Events::default(), Rng::new(1));
        for n in 0..150 {
            events.tell(Time::DEFAULT_START, &mut rng, n.to_string());
        }
        assert_eq!(events.messages().count(), 100);
        assert_eq!(events.messages().next(), Some("149"));
    }

    #[test]
    fn a_line_that_still_holds_is_told_again_after_six_hours_or_once_resolved() {
        let (mut events, mut rng) = (Events::default(), Rng::new(1));
        let mut tell = |events: &mut Events, seconds: u64| {
            events.tell_once(
                Time::DEFAULT_START + Duration::from_secs(seconds),
                &mut rng,
                "x".into(),
            );
            events.messages().count()
        };
        assert_eq!(tell(&mut events, 0), 1);
        assert_eq!(tell(&mut events, 60), 1);
        assert_eq!(tell(&mut events, 6 * 3600), 2);
        events.resolve("x");
        assert_eq!(tell(&mut events, 6 * 3600 + 1), 3);
    }
}
