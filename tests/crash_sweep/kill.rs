//! Kills at every call, before the request and after it with the answer lost.
//!
//! A kill is played from its only traces: what a process that dies at a call leaves behind is the world as it is before
//! the request, or after it with the answer lost. So one run is watched, the world is copied at each call on both sides,
//! and the same command is started again in each copy by another process. Copies between which neither time passed nor
//! anything changed are one world, and are taken up once, unless the sweep is a full one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::sandbox::Sandbox;
use serde_json::Value;

use crate::common::{HttpRequest, Stage, operation};
use crate::rows::Row;
use crate::run::{Ended, drive, each, is_full, judge, run, say, settled};
use crate::watch::Watcher;

/// The world at a call, and the call.
pub struct Moment {
    pub told: String,
    world: Sandbox,
}

/// Kills at every call of the row's run.
pub fn sweep(row: &Row) {
    let (moments, unkilled) = watched(row);
    let points = moments.len();
    let worlds = if is_full() {
        moments
    } else {
        distinct(moments)
    };
    say(&format!(
        "{}: {points} kill points, {} worlds",
        row.name,
        worlds.len()
    ));
    each(worlds, |moment| {
        let told = format!("{}, killed {}", row.name, moment.told);
        let ended = run(row, &told, moment.world, "bert");
        judge(row, &told, &ended, &unkilled);
    });
}

/// The unkilled run, with the world before and after each of its calls.
pub fn watched(row: &Row) -> (Vec<Moment>, Value) {
    let moments: Arc<Mutex<Vec<Moment>>> = Arc::default();
    let seen = moments.clone();
    let mut sandbox = row.world();
    let watcher = Watcher::over(&mut sandbox, row);
    let stage = Stage::over(SharedSandbox::new(sandbox));
    let stage = stage.through(move |sandbox, request| {
        let (at, name) = (sandbox.now(), named(&request));
        let keep = |side: &str| {
            let told = format!("{side} {name} at {at}");
            let world = sandbox.lock().clone();
            seen.lock().unwrap().push(Moment { told, world });
        };
        keep("before");
        let answer = sandbox.carry(&request);
        keep("after");
        answer
    });
    let (verdict, report) = drive(row, &row.name, &stage, "anna");
    let world = settled(row, &stage);
    let ended = Ended {
        verdict,
        world: world.clone(),
        report,
        faults: 0,
    };
    judge(row, &row.name, &ended, &world);
    watcher.judge(&row.name);
    drop(stage);
    let moments = std::mem::take(&mut *moments.lock().unwrap());
    (moments, world)
}

/// The operation, in whichever of AWS's protocols.
fn named(request: &HttpRequest) -> String {
    let json = operation(request);
    if !json.is_empty() {
        return json;
    }
    let body = String::from_utf8_lossy(request.body()).into_owned();
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    action.unwrap_or_default().to_owned()
}

/// The first of each stretch of moments between which no time passed and nothing changed.
fn distinct(moments: Vec<Moment>) -> Vec<Moment> {
    let mut known = BTreeSet::new();
    let is_new = |moment: &Moment| {
        let changes: u64 = (moment.world.calls().iter())
            .filter(|((_, operation), _)| !is_read(operation))
            .map(|(_, count)| count)
            .sum();
        let faults: u64 = moment.world.world.faults.rules().map(|(_, n)| n).sum();
        known.insert((moment.world.now(), changes, faults))
    };
    moments.into_iter().filter(is_new).collect()
}

fn is_read(operation: &str) -> bool {
    ["Describe", "List", "Get"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
