//! A plan in words: what changes, how and why, step by step, and what will not happen. Markdown says the same words.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::config::HumanDuration;
use super::diff;
use super::terminal::inert;
use crate::core::plan::{Course, Strategy};
use crate::core::proposal::Proposal;
use crate::core::service::{FailedTasks, OnFailure, Redeploy};
use crate::core::taskdef::{Finding, Severity};

/// For a terminal.
pub fn text(plan: &Proposal) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "plan             {}: {}", plan.target, headline(plan));
    let _ = writeln!(text, "strategy         {}", strategy(plan));
    let changes = plan.comparison.changes();
    let _ = writeln!(text, "changes          {}", count(changes.len()));
    for change in &changes {
        let _ = writeln!(text, "  {}", diff::line(change));
    }
    section(
        &mut text,
        "steps",
        steps(plan)
            .iter()
            .enumerate()
            .map(|(index, step)| format!("{}. {step}", index + 1)),
    );
    section(&mut text, "will not happen", untouched(plan).into_iter());
    section(&mut text, "findings", plan.findings.iter().map(finding));
    inert(&text)
}

/// The artifact, with the changes and the steps for readers.
pub fn json(plan: &Proposal) -> Value {
    let mut document = serde_json::to_value(plan).expect("a proposal is JSON");
    if let Value::Object(members) = &mut document {
        members.insert("name".to_owned(), json!(plan.name()));
        members.insert("headline".to_owned(), json!(headline(plan)));
        members.insert(
            "changes".to_owned(),
            diff::json(&plan.comparison.changes())["changes"].take(),
        );
        members.insert("steps".to_owned(), json!(steps(plan)));
        members.insert("willNotHappen".to_owned(), json!(untouched(plan)));
    }
    document
}

/// What it comes to, in a few words.
pub fn headline(plan: &Proposal) -> String {
    match (plan.course, &plan.revision) {
        (Course::Nothing, _) => "nothing to do, the service runs this task definition".to_owned(),
        (Course::Follow, _) => {
            "follow the deployment of this task definition that is running".to_owned()
        }
        (Course::Deploy, Some(revision)) => format!("deploy {}", revision.short()),
        (Course::Deploy, None) => format!("deploy a new revision of {}", plan.family),
    }
}

/// The strategy and why it is this one.
pub fn strategy(plan: &Proposal) -> String {
    let name = match &plan.strategy {
        Strategy::Rolling => "rolling".to_owned(),
        Strategy::Beside(beside) => {
            format!("canary of {} tasks in {}", beside.tasks, beside.key.service)
        }
        Strategy::TaskSets(sets) => {
            let steps: Vec<String> = sets.steps.iter().map(|step| format!("{step} %")).collect();
            format!("task sets at {}", steps.join(", "))
        }
        Strategy::Native(native) => {
            let name = native.during.get("strategy").and_then(Value::as_str);
            name.unwrap_or("native").to_lowercase().replace('_', "/")
        }
    };
    format!("{name}, because {}", plan.why)
}

/// What a rollout of this plan calls and waits for, in order.
pub fn steps(plan: &Proposal) -> Vec<String> {
    if plan.course == Course::Nothing {
        return Vec::new();
    }
    let mut steps = Vec::new();
    if plan.course == Course::Deploy {
        steps.push(match &plan.revision {
            Some(revision) => format!(
                "use {}, which is the same and registered already",
                revision.short()
            ),
            None => format!("register a new revision of {}", plan.family),
        });
        steps.push(update(plan));
    }
    steps.push(follow(plan));
    steps.push(undo(plan));
    steps
}

fn update(plan: &Proposal) -> String {
    let mut text = "update the service with one UpdateService".to_owned();
    if plan.redeploy == Redeploy::Always {
        text.push_str(", forcing a new deployment");
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

fn follow(plan: &Proposal) -> String {
    let capacity = plan.capacity;
    let limit = match plan.intent.limits.failed_tasks {
        FailedTasks::LeaveToEcs => "; how many tasks may fail is left to ECS".to_owned(),
        limit => limit
            .limit(capacity.desired)
            .map_or_else(String::new, |limit| {
                format!("; {limit} failed tasks end it")
            }),
    };
    format!(
        "follow the deployment until it serves, for at most {}; {} to {} tasks run meanwhile{limit}",
        duration(plan.intent.limits.timeout),
        capacity.floor,
        capacity.ceiling
    )
}

fn undo(plan: &Proposal) -> String {
    match (plan.intent.on_failure, &plan.before.serving) {
        (OnFailure::Leave, _) => "if it fails, leave the service as it is".to_owned(),
        (OnFailure::RollBack, Some(serving)) => format!("if it fails, go back to {}", serving.short()),
        (OnFailure::RollBack, None) => {
            "if it fails, there is nothing to go back to: no deployment of the service has completed".to_owned()
        }
    }
}

/// What a reader might fear, and need not.
pub fn untouched(plan: &Proposal) -> Vec<String> {
    if plan.course == Course::Nothing {
        return vec!["no call that changes anything".to_owned()];
    }
    let mut untouched = Vec::new();
    if plan.intent.desired_count.is_none() {
        untouched.push(format!(
            "the desired count stays as it is then (now {}), autoscaling goes on",
            plan.before.desired_count
        ));
    }
    untouched.push("network, load balancers and tags of the service stay".to_owned());
    untouched.push("no revision is deregistered".to_owned());
    untouched
}

/// A finding on one line.
pub fn finding(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = format!("{severity}: {finding}");
    if let Some(hint) = &finding.hint {
        let _ = write!(text, " ({hint})");
    }
    text
}

fn count(changes: usize) -> String {
    match changes {
        0 => "none in the task definition".to_owned(),
        1 => "1 in the task definition".to_owned(),
        more => format!("{more} in the task definition"),
    }
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            let _ = writeln!(text, "{title}");
        }
        let _ = writeln!(text, "  {line}");
    }
}

fn duration(duration: Duration) -> String {
    HumanDuration::of(duration).to_string()
}
