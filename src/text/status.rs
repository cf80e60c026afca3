//! A service's state for people: the rollout on record, what is deployed, where the traffic goes, tasks, targets and the
//! last events.
//!
//! **Invariant:** text from outside is made inert; what could not be read is said.

mod age;
mod record;
mod served;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::terminal::{brief, inert};
use crate::core::live::{CodeDeployment, Service, Task};
use crate::core::overview::Overview;
use crate::core::rollout::Seen;
use age::ago;
pub use record::OnRecord;

/// How many of a service's events are shown.
const EVENTS: usize = 10;

/// How many stopped tasks are shown, the latest first.
const STOPPED: usize = 5;

/// The state as text. `now` is by the clock that leases are kept by, `date` by AWS's own, which dates its events.
pub fn text(
    overview: &Overview,
    on_record: Option<&OnRecord>,
    now: Timestamp,
    date: Timestamp,
) -> String {
    let Overview { service, seen, .. } = overview;
    let mut out = String::new();
    head(&mut out, service);
    if let Some(on_record) = on_record {
        out.push('\n');
        on_record.text(&mut out, now);
    }
    served::text(&mut out, overview);
    tasks(&mut out, "running tasks", &seen.running_tasks, usize::MAX);
    tasks(&mut out, "stopped tasks", &seen.stopped_tasks, STOPPED);
    served::targets(&mut out, overview);
    section(&mut out, "could not be read", &overview.unread);
    events(&mut out, service, date);
    inert(&out)
}

/// The state as data: AWS's own documents, whole, and the rollout on record.
pub fn json(overview: &Overview, on_record: Option<&OnRecord>) -> Value {
    let seen = &overview.seen;
    let targets: BTreeMap<_, _> = seen
        .targets
        .iter()
        .map(|(group, targets)| (group.as_str(), targets.is()))
        .collect();
    let code_deployment = overview.code_deployment.as_ref();
    json!({
        "service": overview.service,
        "rollout": on_record,
        "serviceDeployment": seen.service_deployment.is(),
        "codeDeployment": code_deployment.map(CodeDeployment::to_value),
        "canary": seen.beside.is(),
        "rules": overview.rules,
        "runningTasks": seen.running_tasks.is(),
        "stoppedTasks": seen.stopped_tasks.is(),
        "targetHealth": targets,
        "unread": overview.unread,
    })
}

fn head(out: &mut String, service: &Service) {
    let mut kind = format!("{} controller", service.controller());
    if service.controller() == "ECS" {
        let _ = write!(kind, ", {} strategy", service.strategy());
    }
    let (name, status) = (service.name(), service.status());
    row(out, "service", &format!("{name} ({status}), {kind}"));
    let revision = service.running_task_definition();
    row(out, "task definition", revision.short());
    let (desired, running) = (service.desired_count(), service.running_count());
    let pending = service.pending_count();
    let counts = format!("{desired} desired, {running} running, {pending} pending");
    row(out, "tasks", &counts);
}

fn tasks(out: &mut String, title: &str, tasks: &Seen<Vec<Task>>, most: usize) {
    let tasks = tasks.is().into_iter().flatten().take(most);
    let tasks: Vec<String> = tasks.map(one_task).collect();
    section(out, title, &tasks);
}

fn one_task(task: &Task) -> String {
    let definition = task.task_definition().rsplit('/').next();
    let mut line = format!(
        "{}  {:9} {}",
        task.arn().short(),
        task.last_status(),
        definition.unwrap_or_default()
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

fn events(out: &mut String, service: &Service, date: Timestamp) {
    let events = service.events();
    let latest = events.iter().rev().take(EVENTS);
    let lines: Vec<String> = latest
        .map(|event| format!("{:>10}  {}", ago(event.at, date), brief(&event.message)))
        .collect();
    section(out, "last events", &lines);
}

fn row(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "{label:<16} {text}");
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}
