//! The comparison of errors by simulation: it keeps the promise it makes, and the documented power is the power.
#[path = "common/power.rs"]
mod power;
#[path = "common/traffic.rs"]
mod traffic;

use std::fs;
use std::path::Path;

use ecsdeploy::core::gate::Comparison;
use traffic::{Traffic, rollbacks};

/// Two equally good revisions, looked at 30 times: how many of 10,000 rollouts are undone.
fn check(requests_per_minute: f64, error_rate: f64, share: f64, comparison: &Comparison) {
    const RUNS: u64 = 10_000;
    let traffic = Traffic {
        requests_per_minute,
        error_rate,
        share,
        ratio: 1.0,
    };
    let undone = rollbacks(traffic, comparison, RUNS, 30)
        .into_iter()
        .flatten()
        .count();
    let allowed = comparison.alpha * RUNS as f64;
    assert!(
        undone as f64 <= allowed,
        "{undone} of {RUNS} at {requests_per_minute} requests a minute, at most {allowed} promised"
    );
}

#[test]
fn equally_good_revisions_are_undone_no_more_often_than_promised() {
    // With the further conditions off, so that the evidence alone is held to its promise.
    for alpha in [0.01, 0.05] {
        let bare = Comparison {
            alpha,
            min_errors: 0,
            min_ratio: 0.0,
            ..Comparison::default()
        };
        check(600.0, 0.005, 0.1, &bare);
        check(60.0, 0.005, 0.5, &bare);
    }
    check(600.0, 0.005, 0.1, &Comparison::default());
}

#[test]
fn the_documented_power_is_what_the_simulation_gives() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/comparison.md");
    let documented = fs::read_to_string(file).unwrap();
    let table = power::table();
    assert!(
        documented.contains(&table),
        "renew docs/comparison.md with: cargo bench --bench power\n{table}"
    );
}

#[test]
fn the_documented_example_is_read_as_it_stands() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gates.md");
    let documented = fs::read_to_string(file).unwrap();
    let example = documented.split("```yaml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let config = ecsdeploy::text::config::Config::parse("gates.md", example).unwrap();
    let rollout = config.resolve(None, None).unwrap().rollout;
    assert_eq!(rollout.gates.unwrap().len(), 7);
    assert_eq!(rollout.steps.len(), 3);
}
