//! The gates of a rollout as a table: what each came to in each step, as far as it is told.

use super::inert::cell;
use crate::core::gate::Verdict;
use crate::core::report::{Event, Report};

/// More rows than these are not shown; the newest are.
const ROWS: usize = 40;

/// One gate in one step.
struct Row<'a> {
    step: &'a str,
    gate: &'a str,
    verdict: Verdict,
    said: &'a str,
}

/// Nothing, if no gate was asked.
pub fn table(report: &Report) -> String {
    let rows = rows(report);
    if rows.is_empty() {
        return String::new();
    }
    let lines = rows.iter().skip(rows.len().saturating_sub(ROWS)).map(line);
    let lines: Vec<String> = lines.collect();
    format!(
        "| Step | Gate | | Measured |\n| --- | --- | --- | --- |\n{}",
        lines.join("\n")
    )
}

/// In the order in which they were asked; the newest verdict counts.
fn rows(report: &Report) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for entry in &report.entries {
        match &entry.event {
            Event::Asking { step, gates, .. } => rows.extend(gates.iter().map(|gate| Row {
                step,
                gate,
                verdict: Verdict::Wait,
                said: "",
            })),
            Event::Gate {
                step,
                gate,
                verdict,
                said,
            } => {
                let is_it = |row: &&mut Row<'_>| row.step == step && row.gate == gate;
                let row = Row {
                    step,
                    gate,
                    verdict: *verdict,
                    said,
                };
                // A run that took the rollout up was not there when the gate was first asked.
                match rows.iter_mut().rev().find(is_it) {
                    Some(known) => *known = row,
                    None => rows.push(row),
                }
            }
            _ => {}
        }
    }
    rows
}

fn line(row: &Row<'_>) -> String {
    let mark = match row.verdict {
        Verdict::Pass => "✅",
        Verdict::Wait => "⏳",
        Verdict::NoData | Verdict::Error => "⚠️",
        Verdict::Fail => "❌",
    };
    format!(
        "| {} | {} | {mark} {} | {} |",
        cell(row.step),
        cell(row.gate),
        row.verdict,
        cell(row.said)
    )
}
