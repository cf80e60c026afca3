//! A rollout's story for the job summary and the comment: how it ended or stands, when what happened, which tasks failed.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::gates;
use super::inert::{cell, code, marker, plain, word};
use super::page::Page;
use super::plan::service_changes;
use crate::core::gate::{TaskFailure, Verdict};
use crate::core::id::{ServiceKey, TaskDefinitionArn};
use crate::core::post::Standing;
use crate::core::proposal::Proposal;
use crate::core::report::{Event, Outcome, Report};
use crate::text::{diff, plan as words, terminal};

/// More failed tasks than these are counted, not shown.
const FAILURES: usize = 20;

/// More bars than these are not drawn; the middle ones are left out.
const BARS: usize = 40;

/// What is told, and how far it is.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    pub target: &'a ServiceKey,
    pub environment: Option<&'a str>,
    /// Absent where a deployment is followed that somebody else planned.
    pub plan: Option<&'a Proposal>,
    pub report: &'a Report,
    pub standing: Standing<'a>,
    /// The page of the run that tells it.
    pub run: Option<&'a str>,
    /// What a reader must know before all else; finished Markdown.
    pub notice: Option<&'a str>,
}

/// The story as Markdown of at most `limit` bytes.
pub fn story(story: &Story, limit: usize) -> String {
    let Story { plan, report, .. } = *story;
    let mut page = Page::default();
    page.text(marker(&story.target.to_string(), story.environment));
    page.text(title(story));
    page.text(story.notice.unwrap_or_default());
    page.text(cause(report));
    page.text(failures(report));
    page.text(gates::table(report));
    page.text(table(story));
    page.text(timeline(report));
    if let Some(plan) = plan {
        service_changes(&mut page, plan);
        let changes = diff::compact(&plan.comparison.changes());
        let title = "Changes of the task definition";
        page.fold(title, "diff", &coloured(&changes));
    }
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

fn title(story: &Story) -> String {
    let status = match story.standing {
        Standing::Underway => "⏳ Rolling out",
        Standing::Ended(Outcome::Completed) => "✅ Serves",
        Standing::Ended(Outcome::Unchanged) => "✅ Nothing to do",
        Standing::Ended(Outcome::RolledBack { .. }) => "↩️ Rolled back",
        Standing::Ended(Outcome::Failed { .. }) => "❌ Failed, nothing changed",
        Standing::Ended(Outcome::Stranded { .. }) => "❌ Failed, needs a hand",
        Standing::Ended(Outcome::Superseded { .. }) => "⚠️ Superseded",
        Standing::Interrupted => "⏸️ Interrupted, the same command takes it up again",
        Standing::HandedOver => "⏩ Handed over, AWS goes on by itself",
        Standing::Contested => "⏸️ Another rollout has the service",
    };
    headline(status, story.target, story.environment)
}

/// A page's first line for its readers.
pub(super) fn headline(status: &str, target: &ServiceKey, environment: Option<&str>) -> String {
    let place = environment.map(|name| format!(" in {}", code(name)));
    format!(
        "### {status}: {}{}",
        code(&target.to_string()),
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

fn table(story: &Story) -> String {
    let revision = story.report.revision().map(TaskDefinitionArn::short);
    let seconds = jiff::SignedDuration::from_secs(story.report.seconds());
    let mut rows = Vec::new();
    if let Some(plan) = story.plan {
        let revision = revision.unwrap_or(plan.family.as_str());
        rows.push(("Revision", cell(revision)));
        rows.push(("Before", cell(plan.before.task_definition.short())));
        rows.push(("Strategy", plain(&words::strategy(plan))));
    }
    rows.push(("Took", terminal::elapsed(seconds).trim().to_owned()));
    if let Some(run) = story.run {
        rows.push(("Run", link(run)));
    }
    rows_of(&rows)
}

/// A link, if the address is an ordinary one.
fn link(address: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/".contains(c);
    if address.starts_with("https://") && address.chars().all(is_plain) {
        format!("[its page]({address})")
    } else {
        cell(address)
    }
}

/// A table of names and finished Markdown.
pub(super) fn rows_of(rows: &[(&str, String)]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(name, value)| format!("| {name} | {value} |"))
        .collect();
    format!("| | |\n| --- | --- |\n{}", rows.join("\n"))
}

/// Bars for the states of traffic and tasks, and a mark for what changed their course.
fn timeline(report: &Report) -> String {
    let Some(began) = report.entries.first().map(|entry| entry.at) else {
        return String::new();
    };
    let end = report.seconds().max(1);
    let second = |at: Timestamp| at.duration_since(began).as_secs().max(0);
    let bars = |label: fn(&Event) -> Option<String>| {
        let entries = report.entries.iter();
        let states = entries.filter_map(|entry| Some((second(entry.at), label(&entry.event)?)));
        bars(&states.collect::<Vec<_>>(), end)
    };
    let marks = report
        .entries
        .iter()
        .filter_map(|entry| mark(&entry.event, second(entry.at)));
    let mut sections = [
        ("Traffic", bars(traffic)),
        ("Tasks", bars(tasks)),
        ("Events", marks.collect()),
    ];
    let undrawn: usize = sections.iter_mut().map(|(_, bars)| thin(bars)).sum();
    if sections[..2].iter().all(|(_, bars)| bars.is_empty()) {
        return String::new();
    }
    let mut chart = "```mermaid\ngantt\n  dateFormat X\n  axisFormat %M:%S\n".to_owned();
    for (name, lines) in sections.iter().filter(|(_, lines)| !lines.is_empty()) {
        let _ = writeln!(chart, "  section {name}\n{}", lines.join("\n"));
    }
    chart.push_str("```");
    if undrawn > 0 {
        let _ = write!(chart, "\n\n{undrawn} bars in the middle are not drawn.");
    }
    chart
}

/// Leaves the middle ones of too many out, and gives how many they were.
fn thin(bars: &mut Vec<String>) -> usize {
    let most = bars.len().min(BARS);
    let undrawn = bars.len() - most;
    bars.drain(most / 2..most / 2 + undrawn);
    undrawn
}

/// One bar a state, until the next one begins.
fn bars(states: &[(i64, String)], end: i64) -> Vec<String> {
    let until = |index: usize| states.get(index + 1).map_or(end, |next| next.0);
    let bars = states.iter().enumerate().map(|(index, (start, label))| {
        let until = until(index).max(start + 1);
        format!("  {label} :{start}, {until}")
    });
    bars.collect()
}

fn traffic(event: &Event) -> Option<String> {
    match event {
        Event::Shifted { percent } => Some(format!("{percent} percent")),
        _ => None,
    }
}

fn tasks(event: &Event) -> Option<String> {
    let Event::Progress(progress) = event else {
        return None;
    };
    let mut label = format!("{} of {} running", progress.running, progress.desired);
    if progress.old > 0 {
        let _ = write!(label, " {} old", progress.old);
    }
    Some(label)
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
        Event::CanaryLeft { .. } => ("canary left".to_owned(), "milestone, crit"),
        Event::CanaryStandsDown { .. } => ("canary to 0 tasks".to_owned(), "milestone"),
        Event::Gate { gate, verdict, .. } if *verdict != Verdict::Wait => {
            let kind = match verdict {
                Verdict::Pass => "milestone",
                _ => "milestone, crit",
            };
            let gate = word(&without_colon(gate));
            (format!("gate {gate} {verdict}"), kind)
        }
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
