//! The power table of the comparison of errors, as `docs/comparison.md` shows it.

use std::fmt::Write as _;

use ecsdeploy::core::gate::Comparison;

use super::traffic::{Traffic, rollbacks};

const LOOKS: usize = 30;
const RUNS: u64 = 1000;
const RATIOS: [f64; 6] = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0];

/// Requests a minute, the old revision's error rate, the new revision's share.
const TRAFFIC: [(f64, f64, f64); 5] = [
    (60.0, 0.005, 0.1),
    (600.0, 0.005, 0.1),
    (600.0, 0.001, 0.5),
    (6000.0, 0.001, 0.05),
    (6000.0, 0.005, 0.1),
];

/// One line for each traffic: how many of a thousand rollouts are rolled back, and in which minute half of those are.
pub fn table() -> String {
    let mut table =
        "| requests a minute, error rate, share of the new | equal | ×2 | ×3 | ×5 | ×10 | ×20 |\n\
                     |---|---|---|---|---|---|---|\n"
            .to_owned();
    for (requests_per_minute, error_rate, share) in TRAFFIC {
        let (rate, percent) = (error_rate * 100.0, share * 100.0);
        let _ = write!(
            table,
            "| {requests_per_minute}, {rate:.1} %, {percent:.0} % |"
        );
        for ratio in RATIOS {
            let traffic = Traffic {
                requests_per_minute,
                error_rate,
                share,
                ratio,
            };
            let mut caught: Vec<usize> = rollbacks(traffic, &Comparison::default(), RUNS, LOOKS)
                .into_iter()
                .flatten()
                .collect();
            caught.sort_unstable();
            let share = caught.len() as f64 / RUNS as f64 * 100.0;
            let _ = match caught.get(caught.len() / 2) {
                Some(minute) if ratio > 1.0 => write!(table, " {share:.1} % ({minute}) |"),
                _ => write!(table, " {share:.1} % |"),
            };
        }
        table.push('\n');
    }
    table
}
