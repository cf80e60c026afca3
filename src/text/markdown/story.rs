//! A rollout's story for the job summary and the comment: how it ended or stands, when what happened, which tasks failed.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::gates;
use super::inert::{cell, code, marker, plain, word};
use super::page::Page;
use crate::core::gate::TaskFailure;
use crate::core::proposal::Proposal;
use crate::core::report::{Event, Outcome, Report};
use crate::text::{diff, plan as words, terminal};

/// More failed tasks than these are counted, not shown.
const FAILURES: usize = 20;

/// More bars than these are not drawn; the middle ones are left out.
const BARS: usize = 40;

/// The story as Markdown of at most `limit` bytes.
pub fn story(plan: &Proposal, report: &Report, environment: Option<&str>, limit: usize) -> String {
    let mut page = Page::default();
    page.text(marker(&plan.target.to_string(), environment));
    page.text(title(plan, report, environment));
    page.text(cause(report));
    page.text(failures(report));
    page.text(gates::table(report));
    page.text(table(plan, report));
    page.text(timeline(report));
    let changes = diff::compact(&plan.comparison.changes());
    page.fold(
        "Changes of the task definition",
        "diff",
        &coloured(&changes),
    );
    page.fold("Events", "text", &events(report));
    page.fit(limit)
}

/// Highlighters colour a changed line that begins with `!`.
pub(super) fn coloured(compact: &str) -> String {
    let lines = compact.lines().map(|line| match line.strip_prefix("~ ") {
        Some(change) => format!("! {change}\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

fn title(plan: &Proposal, report: &Report, environment: Option<&str>) -> String {
    let status = match report.outcome() {
        None => "⏳ Rolling out",
        Some(Outcome::Completed) => "✅ Serves",
        Some(Outcome::Unchanged) => "✅ Nothing to do",
        Some(Outcome::RolledBack { .. }) => "↩️ Rolled back",
        Some(Outcome::Failed { .. }) => "❌ Failed, nothing changed",
        Some(Outcome::Stranded { .. }) => "❌ Failed, needs a hand",
        Some(Outcome::Superseded { .. }) => "⚠️ Superseded",
    };
    let place = environment.map(|name| format!(" in {}", code(name)));
    format!(
        "### {status}: {}{}",
        code(&plan.target.to_string()),
        place.unwrap_or_default()
    )
}

fn cause(report: &Report) -> String {
    match report.outcome() {
        Some(
            Outcome::RolledBack { cause } | Outcome::Failed { cause } | Outcome::Stranded { cause },
        ) => format!("Because {}", plain(&cause.to_string())),
        Some(Outcome::Superseded { by }) => format!("Deployment {} took over.", code(by.as_str())),
        _ => String::new(),
    }
}

fn failures(report: &Report) -> String {
    let failures: Vec<&TaskFailure> = report.task_failures().collect();
    let mut lines: Vec<String> = failures
        .iter()
        .take(FAILURES)
        .map(|failure| one(failure))
        .collect();
    if failures.len() > FAILURES {
        lines.push(format!("- and {} more", failures.len() - FAILURES));
    }
    if lines.is_empty() {
        return String::new();
    }
    format!("**Failed tasks**\n\n{}", lines.join("\n"))
}

fn one(failure: &TaskFailure) -> String {
    let mut line = format!(
        "- task {}: {}",
        code(failure.task.short()),
        code(&failure.reason)
    );
    for exit in failure.containers.iter().take(5) {
        let Some(exit_code) = exit.exit_code else {
            continue;
        };
        let _ = write!(
            line,
            "; container {} exit code {exit_code}",
            code(&exit.container)
        );
        if !exit.reason.is_empty() {
            let _ = write!(line, " {}", code(&exit.reason));
        }
    }
    line
}

fn table(plan: &Proposal, report: &Report) -> String {
    let revision = report
        .entries
        .iter()
        .rev()
        .find_map(|entry| match &entry.event {
            Event::Registered { task_definition } | Event::Reused { task_definition } => {
                Some(task_definition.short())
            }
            _ => None,
        });
    let seconds = jiff::SignedDuration::from_secs(report.seconds());
    format!(
        "| | |\n| --- | --- |\n| Revision | {} |\n| Before | {} |\n| Strategy | {} |\n| Took | {} |",
        cell(revision.unwrap_or(plan.family.as_str())),
        cell(plan.world.task_definition.short()),
        plain(&words::strategy(plan)),
        terminal::elapsed(seconds).trim()
    )
}

/// A bar for each state of the tasks, and a mark for what changed its course.
fn timeline(report: &Report) -> String {
    let Some(began) = report.entries.first().map(|entry| entry.at) else {
        return String::new();
    };
    let end = report.seconds().max(1);
    let second = |at: Timestamp| at.duration_since(began).as_secs().max(0);
    let states: Vec<(i64, String)> = report
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Progress(progress) => {
                let mut label = format!("{} of {} running", progress.running, progress.desired);
                if progress.old > 0 {
                    let _ = write!(label, " {} old", progress.old);
                }
                Some((second(entry.at), label))
            }
            _ => None,
        })
        .collect();
    let mut bars: Vec<String> = states
        .iter()
        .enumerate()
        .map(|(index, (start, label))| {
            let until = states
                .get(index + 1)
                .map_or(end, |next| next.0)
                .max(start + 1);
            format!("  {label} :{start}, {until}")
        })
        .collect();
    if bars.is_empty() {
        return String::new();
    }
    if bars.len() > BARS {
        bars.drain(BARS / 2..bars.len() - BARS / 2);
    }
    let marks: Vec<String> = report
        .entries
        .iter()
        .filter_map(|entry| mark(&entry.event, second(entry.at)))
        .take(BARS)
        .collect();
    let marks = if marks.is_empty() {
        String::new()
    } else {
        format!("\n  section Events\n{}", marks.join("\n"))
    };
    format!(
        "```mermaid\ngantt\n  dateFormat X\n  axisFormat %M:%S\n  section Tasks\n{}{marks}\n```",
        bars.join("\n")
    )
}

fn mark(event: &Event, second: i64) -> Option<String> {
    let (label, kind) = match event {
        Event::Registered { task_definition } => (
            format!(
                "registered {}",
                word(&without_colon(task_definition.short()))
            ),
            "milestone",
        ),
        Event::Deploying { .. } => ("deployment began".to_owned(), "milestone"),
        Event::Canary { tasks, .. } => (format!("canary of {tasks}"), "milestone"),
        Event::CanaryPassed { .. } => ("canary passed".to_owned(), "milestone"),
        Event::TaskFailed(_) => ("task failed".to_owned(), "milestone, crit"),
        Event::Undoing {
            task_definition, ..
        } => (
            format!(
                "going back to {}",
                word(&without_colon(task_definition.short()))
            ),
            "milestone, crit",
        ),
        _ => return None,
    };
    Some(format!("  {label} :{kind}, {second}, {second}"))
}

/// Mermaid ends a label at a colon.
fn without_colon(name: &str) -> String {
    name.replace(':', " revision ")
}

fn events(report: &Report) -> String {
    let Some(since) = report.entries.first().map(|entry| entry.at) else {
        return String::new();
    };
    report
        .entries
        .iter()
        .map(|entry| terminal::entry(entry, since))
        .collect()
}
