//! Violations planted by hand: each promise of the sweep, once broken, is seen broken.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::core::report::Outcome;
use ecsdeploy::sandbox::{Poke, Sandbox, Whom};
use serde_json::{Value, json};

use crate::common::{Stage, ask, operation};
use crate::rows::{Row, Serves, fargate, web};
use crate::run::{Ended, judge, play, run};
use crate::watch::Watcher;

fn row() -> Row {
    fargate(web("1.1.0"), Serves::New).named("planted")
}

/// The row's run, in which this befalls the world once ECS is told of the new revision.
fn spoiled(plant: fn(&mut Sandbox)) -> Ended {
    let row = row();
    let mut sandbox = row.world();
    let watcher = Watcher::over(&mut sandbox, &row);
    let (stage, once) = (Stage::over(SharedSandbox::new(sandbox)), Once::new());
    let stage = stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        if operation(&request) == "UpdateService" {
            once.call_once(|| plant(&mut sandbox.lock()));
        }
        answer
    });
    play(&row, "planted", &stage, &watcher, "anna")
}

/// What the sweep says of it.
fn seen<T>(work: impl FnOnce() -> T) -> String {
    let Err(said) = catch_unwind(AssertUnwindSafe(work)) else {
        return "nothing".to_owned();
    };
    let text = said.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| {
        said.downcast_ref::<&str>()
            .copied()
            .unwrap_or_default()
            .to_owned()
    })
}

fn check(said: &str, wanted: &str) {
    assert!(said.contains(wanted), "{wanted:?} was not seen: {said}");
}

#[test]
fn old_tasks_that_are_lost_too_early_are_seen() {
    let said = seen(|| {
        spoiled(|sandbox| {
            let old = Whom::Image("web:1.0.0".to_owned());
            sandbox.poke(&Poke::Kill(old)).unwrap();
        })
    });
    check(&said, "too little healthy capacity at 2026-");
    check(&said, "lost requests at 2026-");
}

#[test]
fn tasks_that_nobody_planned_are_seen() {
    let said = seen(|| spoiled(|sandbox| update(sandbox, &json!({"desiredCount": 6}))));
    check(&said, "more tasks than planned at 2026-");
}

fn update(sandbox: &mut Sandbox, members: &Value) {
    let mut input = json!({"cluster": "main", "service": "web"});
    let members = members.as_object().unwrap().clone();
    input.as_object_mut().unwrap().extend(members);
    ask(sandbox, "UpdateService", &input);
}

/// What is said of a good run's end, once it was tampered with.
fn judged(tamper: fn(&mut Ended)) -> String {
    let row = row();
    let mut ended = run(&row, "planted", row.world(), "anna");
    let expected = ended.world.clone();
    tamper(&mut ended);
    seen(|| judge(&row, "planted", &ended, &expected))
}

#[test]
fn an_end_that_is_not_the_unkilled_runs_is_seen() {
    check(&judged(|_| {}), "nothing");
    let said = judged(|ended| ended.world["services"][0]["desired"] = json!(3));
    check(&said, r#"+       "desired": 3"#);
    let said = judged(|ended| ended.world["oneOffTasks"] = json!(1));
    check(&said, r#"+   "oneOffTasks": 1"#);
}

#[test]
fn a_verdict_that_lies_is_seen() {
    let said = judged(|ended| ended.verdict = Outcome::Unchanged);
    check(&said, "nothing");
    let said = judged(|ended| {
        let cause = ecsdeploy::core::report::Cause::Cancelled {
            by: "nobody".to_owned(),
        };
        ended.verdict = Outcome::RolledBack { cause };
    });
    check(&said, "planted: RolledBack");
}

#[test]
fn what_is_left_of_ours_is_seen() {
    let left = |plant: fn(&mut Value)| {
        let row = row();
        let mut ended = run(&row, "planted", row.world(), "anna");
        plant(&mut ended.world);
        // Left by the unkilled run as well, so that the ends are alike.
        let expected = ended.world.clone();
        seen(|| judge(&row, "planted", &ended, &expected))
    };
    check(&left(|_| {}), "nothing");
    check(
        &left(|world| world["parameters"] = json!(["/ecsdeploy/main/web"])),
        "/ecsdeploy/main/web",
    );
    check(
        &left(|world| world["services"][0]["tags"] = json!([{"key": "ecsdeploy"}])),
        "ecsdeploy",
    );
    let canary = |world: &mut Value| {
        let service = world["services"][0].clone();
        world["services"].as_array_mut().unwrap().push(service);
    };
    check(&left(canary), "a service is left");
}
