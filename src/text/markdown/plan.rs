//! A plan for a pull request: what would change, how, why, and what would not.

use super::inert::{cell, marker, plain};
use super::page::Page;
use super::story::{coloured, headline, rows_of};
use crate::core::plan::Course;
use crate::core::proposal::Proposal;
use crate::core::taskdef::Severity;
use crate::text::{diff, plan as words};

/// More findings than these are counted, not shown.
const FINDINGS: usize = 30;

/// The plan as Markdown of at most `limit` bytes.
pub fn plan(plan: &Proposal, environment: Option<&str>, limit: usize) -> String {
    let mut page = Page::default();
    page.text(marker(&plan.target.to_string(), environment));
    page.text(title(plan, environment));
    page.text(findings(plan));
    page.text(table(plan));
    changes(&mut page, plan);
    page.text(list("Steps", "1.", &words::steps(plan)));
    page.text(list("Gates", "-", &words::gates(plan)));
    page.text(list("What will not happen", "-", &words::untouched(plan)));
    page.fit(limit)
}

/// The worst first: what a rollout is refused for is worse than any change.
fn title(plan: &Proposal, environment: Option<&str>) -> String {
    let refused = plan
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    let status = match plan.course {
        _ if refused => "❌ Would be refused",
        Course::Nothing => "✅ No changes",
        Course::Follow => "⏳ Under way",
        Course::Deploy => "📦 Changes",
    };
    headline(status, &plan.target, environment)
}

fn findings(plan: &Proposal) -> String {
    let mut worst: Vec<_> = plan.findings.iter().collect();
    worst.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut lines: Vec<String> = worst
        .iter()
        .take(FINDINGS)
        .map(|finding| format!("- {}", plain(&words::finding(finding))))
        .collect();
    if worst.len() > FINDINGS {
        lines.push(format!("- and {} more", worst.len() - FINDINGS));
    }
    lines.join("\n")
}

fn table(plan: &Proposal) -> String {
    let serving = plan
        .before
        .serving
        .as_ref()
        .map_or("nothing", |arn| arn.short());
    let capacity = plan.capacity;
    let rows = [
        ("Plan", plain(&words::headline(plan))),
        ("Running", cell(plan.world.task_definition.short())),
        ("Strategy", plain(&words::strategy(plan))),
        (
            "Tasks",
            format!(
                "{} desired, {} to {} meanwhile",
                capacity.desired, capacity.floor, capacity.ceiling
            ),
        ),
        ("Undo goes back to", cell(serving)),
    ];
    let expected = words::expected(plan).map(|it| ("Expected", plain(&it)));
    let on_record = plan.on_record.as_ref();
    let on_record = on_record.map(|it| ("On record", plain(it)));
    let rows: Vec<_> = rows.into_iter().chain(on_record).chain(expected).collect();
    rows_of(&rows)
}

/// What a file manages of the service, folded; nothing where nothing differs.
pub(super) fn service_changes(page: &mut Page, plan: &Proposal) {
    let lines = coloured(&diff::compact(&plan.service_changes()));
    page.fold("Changes of the service", "diff", &lines);
}

fn changes(page: &mut Page, plan: &Proposal) {
    service_changes(page, plan);
    let changes = plan.comparison.changes();
    let title = match changes.len() {
        0 => return,
        1 => "1 change of the task definition".to_owned(),
        count => format!("{count} changes of the task definition"),
    };
    page.fold(title, "diff", &coloured(&diff::compact(&changes)));
    let (old, new) = (plan.world.task_definition.short(), plan.family.as_str());
    let unified = diff::unified(
        (old, &plan.comparison.running),
        (new, &plan.comparison.wanted),
    );
    page.fold("Lines", "diff", &unified);
}

fn list(title: &str, bullet: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| format!("{bullet} {}", plain(line)))
        .collect();
    format!("**{title}**\n\n{}", lines.join("\n"))
}
