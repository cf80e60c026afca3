//! Seeded storms: calls that are throttled, fail, break, lose their answer, take long, or read what was.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::rows::{Row, add_faults};
use crate::run::{Extent, each, judge, run, say};

/// What befalls a storm's calls, each with its chance. An answer that is slow may be lost as well: a timeout.
fn storm() -> Value {
    json!([
        {"when": {"chance": 0.03}, "fault": {"slow": "3s"}},
        {"when": {"chance": 0.01}, "fault": {"slow": "20s"}},
        {"when": {"chance": 0.05}, "fault": "throttle"},
        {"when": {"chance": 0.03}, "fault": "error"},
        {"when": {"chance": 0.03}, "fault": "reset"},
        {"when": {"chance": 0.04}, "fault": "lost"},
        {"service": "ecs", "when": {"chance": 0.1}, "fault": {"stale": "2s"}},
        {"service": "ecs", "when": {"chance": 0.1}, "fault": {"stale": "4s"}},
        {"service": "elasticloadbalancing", "when": {"chance": 0.1}, "fault": {"stale": "3s"}},
    ])
}

/// So many storms over the row's run, each ending as the clear one.
pub fn sweep(row: &Row, seeds: u64) {
    let extent = Extent::asked();
    let seeds = if extent.is_usual() { seeds } else { seeds * 10 };
    let clear = run(row, &row.name, row.world(), "anna");
    judge(row, &row.name, &clear, &clear.world);
    let faults = Cell::new(0);
    each(0..seeds, |seed| {
        let told = format!("{}, storm {seed}", row.name);
        if !extent.has(&told) {
            return;
        }
        let mut sandbox = row.world();
        add_faults(&mut sandbox, storm(), seed);
        let ended = run(row, &told, sandbox, "anna");
        judge(row, &told, &ended, &clear.world);
        faults.set(faults.get() + ended.faults);
    });
    say(&format!(
        "{}: {seeds} storms, {} faults",
        row.name,
        faults.get()
    ));
}
