//! Safe to kill: rollouts of every strategy, killed at every AWS call and sent through storms of faults, end in the world,
//! and with the verdict, of a rollout that nothing befell; and in no second of it does a client pay for that.
//!
//! A strategy joins as a module of rows below; each row becomes a test of kills, one of kills that are taken up late, and
//! one of storms, so that a test runner spreads them. `ECSDEPLOY_SWEEP=full` takes up every killed run on its own, kills
//! each a second time, and plays ten times as many storms; any other text there picks the runs by name, as a failure tells
//! it (`killed after UpdateService`, `storm 8`).
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each test uses its part of the stage")]
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/gates.rs"]
mod gates;

mod figures;
mod held;
mod kill;
mod late;
mod planted;

mod rows;
mod run;
mod storm;
mod watch;

/// A module of tests for each strategy, with so many storms divided among its rows, and [`all`] of the rows.
macro_rules! strategies {
    ($($strategy:ident($storms:literal storms) { $($row:ident: $make:expr,)+ })+) => {
        $(mod $strategy {
            const ROWS: u64 = [$(stringify!($row)),+].len() as u64;
            $(mod $row {
                use crate::rows::*;

                fn row() -> Row {
                    ($make).named(concat!(stringify!($strategy), " ", stringify!($row)))
                }

                #[test]
                fn ends_alike_when_it_is_killed_at_any_call() {
                    crate::kill::sweep(&row());
                }

                #[test]
                fn ends_truly_when_it_is_taken_up_late() {
                    crate::late::sweep(row);
                }

                #[test]
                fn ends_alike_through_storms() {
                    crate::storm::sweep(&row(), u64::div_ceil($storms, super::ROWS));
                }
            })+
        })+

        /// Every row, with the name of its strategy.
        fn all() -> Vec<(&'static str, rows::Row)> {
            use rows::*;
            vec![$($((
                stringify!($strategy),
                ($make).named(concat!(stringify!($strategy), " ", stringify!($row))),
            ),)+)+]
        }
    };
}

strategies! {
    rolling(200 storms) {
        good_release: fargate(web("1.1.0"), Serves::New),
        failing_release: fargate(web("1.2.0"), Serves::Old),
        failing_release_undone_by_ecs: fargate(left_to_ecs("1.2.0"), Serves::Old),
        undo_failing_once: fargate(web("1.2.0"), Serves::Old).failing(&[("StopServiceDeployment", 6)]),
        release_falling_ill: fargate(web("1.1.0"), Serves::Old).falling_ill(),
        failing_release_with_a_count: fargate(web("1.2.0"), Serves::Old).counting(3),
        good_release_on_ec2: ec2("nginx:1.29", Serves::New),
        failing_release_on_ec2: ec2("nginx:1.30-broken", Serves::Old),
    }
    canary_beside(200 storms) {
        good_release: beside("1.1.0", Serves::New),
        failing_release: beside("1.2.0", Serves::Old),
        undo_failing_once: beside("1.2.0", Serves::Old).failing(&[("UpdateService", 1), ("DeleteService", 6)]),
        release_falling_ill: beside("1.1.0", Serves::Old).falling_ill(),
        release_falling_ill_behind_it: beside("1.1.0", Serves::Old).falling_ill().behind_its_canary(),
    }
    native(200 storms) {
        canary_good_release: native(web("1.1.0"), Serves::New),
        canary_failing_release: native(web("1.2.0"), Serves::Old),
        canary_undo_failing_once: native(web("1.2.0"), Serves::Old).failing(&[("StopServiceDeployment", 6)]),
        canary_release_falling_ill: native(web("1.1.0"), Serves::Old).falling_ill(),
        linear_good_release: linear("1.1.0", Serves::New),
        linear_failing_release: linear("1.2.0", Serves::Old),
        linear_undo_failing_once: linear("1.2.0", Serves::Old).failing(&[("StopServiceDeployment", 6)]),
        blue_green_good_release: native(blue_green("1.1.0"), Serves::New),
        blue_green_failing_release: native(blue_green("1.2.0"), Serves::Old),
        blue_green_undo_failing_once: native(blue_green("1.2.0"), Serves::Old).failing(&[("StopServiceDeployment", 6)]),
        blue_green_release_falling_ill: native(blue_green("1.1.0"), Serves::Old).baking_long().falling_ill(),
    }
    task_sets(200 storms) {
        good_release: task_sets("1.1.0", Serves::New),
        failing_release: task_sets("1.2.0", Serves::Old),
        undo_failing_once: task_sets("1.2.0", Serves::Old).failing(&[("DeleteTaskSet", 6)]),
        release_falling_ill: task_sets("1.1.0", Serves::Old).falling_ill(),
    }
    code_deploy(200 storms) {
        good_release: code_deploy("1.1.0", Serves::New),
        failing_release: code_deploy("1.2.0", Serves::Old),
        undo_failing_once: code_deploy("1.2.0", Serves::Old).failing(&[("StopDeployment", 6)]),
        release_falling_ill: code_deploy("1.1.0", Serves::Old).falling_ill(),
        failing_release_with_a_count: code_deploy("1.2.0", Serves::Old).counting(3),
    }
    gated(40 storms) {
        canary_good_release: beside("1.1.0", Serves::New).gated(by_alarm()),
        canary_failing_release: beside("1.2.0", Serves::Old).gated(by_alarm()),
        canary_promoted: beside("1.1.0", Serves::New).gated(by_approval()).told(promote),
        canary_aborted: beside("1.1.0", Serves::Old).gated(vec![approval()]).told(abort),
        task_sets_good_release: task_sets("1.1.0", Serves::New).gated(by_metric()),
        task_sets_failing_release: task_sets("1.2.0", Serves::Old).gated(by_comparison()),
        native_good_release: native(web("1.1.0"), Serves::New).gated(by_metric()),
        native_failing_release: native(web("1.2.0"), Serves::Old).gated(by_comparison()),
    }
}

#[test]
fn of_two_rollouts_one_goes_on_and_the_other_names_it() {
    for (_, row) in all()
        .iter()
        .filter(|(_, row)| row.serves == rows::Serves::New)
    {
        kill::contend(row);
    }
}

#[test]
fn kill_points_are_counted() {
    figures::tell_kill_points(&all());
}

#[test]
fn a_release_that_falls_ill_soon_has_no_traffic() {
    figures::check_safety(&all());
}

#[test]
fn a_good_release_takes_few_calls() {
    figures::tell_calls(
        &all(),
        &[
            ("rolling good release", 70),
            ("rolling good release on ec2", 90),
            ("canary beside good release", 200),
            ("native canary good release", 240),
            ("native linear good release", 240),
            ("native blue green good release", 180),
            ("task sets good release", 330),
            ("code deploy good release", 175),
        ],
    );
}
