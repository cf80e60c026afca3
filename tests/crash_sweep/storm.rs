//! Seeded storms: calls that are throttled, fail, break, lose their answer, take long, or read what was.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::rows::{Row, add_faults};
use crate::run::{Extent, each, judge, run, say};

/// Reads that lag behind, each of its service, with its chance. What CloudWatch answers may be old as well: no
/// document says that it is never old.
const STALE: [(&str, &str, &str, f64); 9] = [
    ("ecs", "Describe*", "2s", 0.1),
    ("ecs", "Describe*", "4s", 0.1),
    ("ecs", "List*", "3s", 0.1),
    ("elasticloadbalancing", "Describe*", "3s", 0.1),
    ("codedeploy", "Get*", "3s", 0.1),
    ("codedeploy", "BatchGet*", "3s", 0.1),
    ("codedeploy", "List*", "3s", 0.1),
    ("monitoring", "Describe*", "3s", 0.1),
    ("monitoring", "Get*", "3s", 0.1),
];

/// What befalls a storm's calls, each with its chance. An answer that is slow may be lost as well: a timeout.
fn storm() -> Value {
    let any = json!([
        {"when": {"chance": 0.03}, "fault": {"slow": "3s"}},
        {"when": {"chance": 0.01}, "fault": {"slow": "20s"}},
        {"when": {"chance": 0.05}, "fault": "throttle"},
        {"when": {"chance": 0.03}, "fault": "error"},
        {"when": {"chance": 0.03}, "fault": "reset"},
        {"when": {"chance": 0.04}, "fault": "lost"},
    ]);
    let stale = STALE.map(|(service, operation, age, chance)| {
        json!({
            "service": service, "operation": operation,
            "when": {"chance": chance}, "fault": {"stale": age},
        })
    });
    let any = any.as_array().into_iter().flatten().cloned();
    any.chain(stale).collect()
}

/// Faults by kind.
type Felt = BTreeMap<String, u64>;

/// So many storms over the row's run, each ending as the clear one. Each kind of fault has to have been felt.
pub fn sweep(row: &Row, seeds: u64) {
    let extent = Extent::asked();
    let seeds = if extent.is_usual() { seeds } else { seeds * 10 };
    let clear = run(row, &row.name, row.world(), "anna");
    judge(row, &row.name, &clear, &clear.world);
    let felt = RefCell::new(Felt::new());
    each(0..seeds, |seed| {
        let told = format!("{}, storm {seed}", row.name);
        if !extent.has(&told) {
            return;
        }
        let mut sandbox = row.world();
        add_faults(&mut sandbox, storm(), seed);
        let ended = run(row, &told, sandbox, "anna");
        judge(row, &told, &ended, &clear.world);
        for (kind, count) in ended.faults {
            *felt.borrow_mut().entry(kind).or_default() += count;
        }
    });
    let felt = felt.into_inner();
    let faults: u64 = felt.values().sum();
    say(&format!(
        "{}: {seeds} storms, {faults} faults {felt:?}",
        row.name
    ));
    for kind in ["slow", "throttle", "error", "reset", "lost", "stale"] {
        let is_felt = felt.get(kind).is_some_and(|count| *count > 0);
        assert!(is_felt || !extent.is_usual(), "{}: no {kind}", row.name);
    }
}
