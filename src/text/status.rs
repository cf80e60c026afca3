//! A service's state for people: the service, its deployments, tasks, target health and last events.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::terminal::{elapsed, inert};
use crate::core::id::TargetGroupArn;
use crate::core::live::{Service, Target, Task};
use crate::core::rollout::{Observation, Seen};

/// How many of a service's events are shown.
const EVENTS: usize = 10;

/// How many stopped tasks are shown, the latest first.
const STOPPED: usize = 5;

/// The state as text; `now` dates the events.
pub fn text(service: &Service, seen: &Observation, now: Timestamp) -> String {
    let mut out = String::new();
    head(&mut out, service);
    deployments(&mut out, service);
    tasks(&mut out, "running tasks", &seen.running_tasks, usize::MAX);
    tasks(&mut out, "stopped tasks", &seen.stopped_tasks, STOPPED);
    targets(&mut out, &seen.targets);
    events(&mut out, service, now);
    inert(&out)
}

/// The state as data: AWS's own documents, whole.
pub fn json(service: &Service, seen: &Observation) -> Value {
    let targets: BTreeMap<_, _> = seen
        .targets
        .iter()
        .map(|(group, targets)| (group.as_str(), targets.is()))
        .collect();
    json!({
        "service": service,
        "runningTasks": seen.running_tasks.is(),
        "stoppedTasks": seen.stopped_tasks.is(),
        "targetHealth": targets,
    })
}

fn head(out: &mut String, service: &Service) {
    let _ = writeln!(
        out,
        "service          {} ({}), {} controller, {} strategy",
        service.name(),
        service.status(),
        service.controller(),
        service.strategy()
    );
    let _ = writeln!(
        out,
        "task definition  {}",
        service.task_definition().short()
    );
    let _ = writeln!(
        out,
        "tasks            {} desired, {} running, {} pending",
        service.desired_count(),
        service.running_count(),
        service.pending_count()
    );
}

fn deployments(out: &mut String, service: &Service) {
    let _ = writeln!(out, "\ndeployments");
    for deployment in service.deployments() {
        let _ = writeln!(
            out,
            "  {:8} {:11} {}  {}/{} running, {} pending, {} failed  {}",
            deployment.status(),
            deployment.rollout_state().to_string(),
            deployment.task_definition().short(),
            deployment.running_count(),
            deployment.desired_count(),
            deployment.pending_count(),
            deployment.failed_tasks(),
            deployment.id()
        );
    }
}

fn tasks(out: &mut String, title: &str, tasks: &Seen<Vec<Task>>, most: usize) {
    match tasks {
        Seen::Unreadable(fault) => {
            let _ = writeln!(out, "\n{title}\n  could not be read: {fault}");
        }
        Seen::Is(tasks) if !tasks.is_empty() => {
            let _ = writeln!(out, "\n{title}");
            for task in tasks.iter().take(most) {
                let _ = writeln!(out, "  {}", one_task(task));
            }
        }
        _ => {}
    }
}

fn one_task(task: &Task) -> String {
    let definition = task
        .task_definition()
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let mut line = format!(
        "{}  {:9} {definition}",
        task.arn().short(),
        task.last_status()
    );
    if !matches!(task.health_status(), "" | "UNKNOWN") {
        let _ = write!(line, "  {}", task.health_status());
    }
    if !task.stopped_reason().is_empty() {
        let _ = write!(line, "  {}", task.stopped_reason());
    }
    for exit in task.exits() {
        if let Some(code) = exit.exit_code {
            let _ = write!(line, "  [{} exit code {code}]", exit.container);
        }
    }
    line
}

fn targets(out: &mut String, groups: &BTreeMap<TargetGroupArn, Seen<Vec<Target>>>) {
    for (group, targets) in groups {
        let name = group.as_str().rsplit('/').nth(1).unwrap_or_default();
        let _ = writeln!(out, "\ntarget group {name}");
        match targets {
            Seen::Unreadable(fault) => {
                let _ = writeln!(out, "  could not be read: {fault}");
            }
            Seen::Is(targets) => {
                for target in targets {
                    let line = format!(
                        "  {}:{}  {}  {}",
                        target.id, target.port, target.state, target.description
                    );
                    let _ = writeln!(out, "{}", line.trim_end());
                }
            }
            _ => {}
        }
    }
}

fn events(out: &mut String, service: &Service, now: Timestamp) {
    let events = service.events();
    if events.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nlast events");
    for event in events.iter().rev().take(EVENTS) {
        let ago = elapsed(now.duration_since(event.at));
        let _ = writeln!(out, "  {} ago  {}", ago.trim(), event.message);
    }
}
