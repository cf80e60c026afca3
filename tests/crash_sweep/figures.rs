//! Figures: how many kill points there are, what a rollout costs in calls, how fast a release that falls ill loses its
//! traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::rows::{Harm, Row, Serves};
use crate::run::{run, say};

/// From the first unhealthy target to no traffic: the tasks' failures are known within two looks of 15 s and 20 s of
/// consistency, and a change takes one more.
const SAFE_WITHIN: u64 = 60;

/// Calls of the whole run, by operation.
type Calls = BTreeMap<String, u64>;

/// Tells how many kill points the rows have, by strategy and in all.
pub fn tell_kill_points(rows: &[(&str, Row)]) {
    let mut points: BTreeMap<&str, u64> = BTreeMap::new();
    for (strategy, row) in rows {
        // Before each call and after it.
        let calls: u64 = calls(row).values().sum();
        *points.entry(strategy).or_default() += 2 * calls;
    }
    for (strategy, points) in &points {
        say(&format!("{strategy}: {points} kill points"));
    }
    say(&format!("{} kill points", points.values().sum::<u64>()));
}

/// Tells what one good release costs in calls, a column for each such row, and holds the total to what is written here.
/// What gates cost is their own.
pub fn tell_calls(rows: &[(&str, Row)], most: &[(&str, u64)]) {
    let good: Vec<&Row> = rows
        .iter()
        .map(|(_, row)| row)
        .filter(|row| row.serves == Serves::New && row.request.intent.gates.is_none())
        .collect();
    let columns: Vec<Calls> = good.iter().map(|row| calls(row)).collect();
    let names: Vec<&str> = good.iter().map(|row| row.name.as_str()).collect();
    say(&table(&names, &columns));
    for (name, calls) in names.iter().zip(&columns) {
        let total: u64 = calls.values().sum();
        let limit = most.iter().find(|(known, _)| known == name);
        let (_, limit) = limit.unwrap_or_else(|| panic!("{name} has no limit here: {total} calls"));
        assert!(total <= *limit, "{name}: {total} calls, more than {limit}");
    }
}

fn calls(row: &Row) -> Calls {
    run(row, &row.name, row.world(), "anna").calls
}

fn table(names: &[&str], columns: &[Calls]) -> String {
    let operations: BTreeSet<&String> = columns.iter().flat_map(BTreeMap::keys).collect();
    let mut table = format!(
        "| operation | {} |\n|---|{}\n",
        names.join(" | "),
        "--:|".repeat(names.len())
    );
    for operation in operations {
        let _ = write!(table, "| {operation} |");
        for calls in columns {
            let _ = match calls.get(operation) {
                Some(count) => write!(table, " {count} |"),
                None => write!(table, "  |"),
            };
        }
        table.push('\n');
    }
    let totals: Vec<String> = columns
        .iter()
        .map(|calls| calls.values().sum::<u64>().to_string())
        .collect();
    let _ = writeln!(table, "| all | {} |", totals.join(" | "));
    table
}

/// A release that falls ill once it has traffic soon has none.
pub fn check_safety(rows: &[(&str, Row)]) {
    for (_, row) in rows
        .iter()
        .filter(|(_, row)| row.harm == Harm::ByTheRelease)
    {
        let ended = run(row, &row.name, row.world(), "anna");
        let Some(seconds) = ended.seconds_to_safety else {
            continue;
        };
        say(&format!(
            "{}: no traffic {seconds} s after its first unhealthy target, {} requests lost until then",
            row.name, ended.lost
        ));
        assert!(seconds <= SAFE_WITHIN, "{}: {seconds} s", row.name);
    }
}
