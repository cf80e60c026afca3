//! Kills at every call, before the request and after it with the answer lost.
//!
//! A kill is played from its only traces: what a process that dies at a call leaves behind is the world as it is before
//! the request, or after it with the answer lost. So one run is watched, the world is copied at each call on both sides,
//! and the same command is started again in each copy by another process. Copies between which neither time passed nor
//! anything changed are one world, and are taken up once; of those between which only time passed, three. A full sweep
//! takes up every one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::engine::Ran;
use ecsdeploy::sandbox::Sandbox;
use serde_json::Value;

use crate::common::{HttpRequest, Stage, operation};
use crate::rows::{Row, Serves};
use crate::run::{Extent, attempt, each, judge, play, run, say};
use crate::watch::Watcher;

/// The world at a call, and the call.
pub struct Moment {
    pub told: String,
    pub world: Sandbox,
}

/// Kills at every call of the row's run.
pub fn sweep(row: &Row) {
    let extent = Extent::asked();
    let (moments, unkilled) = watched(row);
    let points = moments.len();
    let worlds = if extent.is_usual() {
        told_apart(distinct(moments))
    } else {
        moments
    };
    let taken_up = worlds.len();
    say(&format!(
        "{}: {points} kill points, {taken_up} taken up",
        row.name
    ));
    each(worlds, |moment| {
        let told = format!("{}, killed {}", row.name, moment.told);
        if extent.has(&told) {
            let expected = moment.expected(row, &unkilled);
            let ended = run(row, &told, moment.world, "bert");
            judge(row, &told, &ended, &expected);
        }
    });
}

/// Worlds in which the row's run died, and the one that it ends in.
pub fn died(row: &Row) -> (Vec<Moment>, Value) {
    let (moments, unkilled) = watched(row);
    (told_apart(distinct(moments)), unkilled)
}

/// While the row's run has the service, another one changes nothing and names the owner.
pub fn contend(row: &Row) {
    let (moments, _) = watched(row);
    let begun = moments
        .iter()
        .position(|moment| moment.told.contains("after PutParameter"));
    let ends = moments
        .iter()
        .position(|moment| moment.told.contains("before DeleteParameters"));
    let (begun, ends) = (begun.unwrap(), ends.unwrap());
    for at in [begun, begun.midpoint(ends), ends] {
        let moment = &moments[at];
        let told = format!("{}, contended {}", row.name, moment.told);
        let before = moment.changes();
        let stage = Stage::over(SharedSandbox::new(moment.world.clone()));
        // Another goal than the owner's: this one would wait whether the owner lives.
        let mut request = row.request.clone();
        request.intent.desired_count = Some(3);
        match attempt(request, &stage, "bert").0 {
            Ok(Ran::Held { owner, .. }) => assert_eq!(owner.user, "anna", "{told}"),
            other => panic!("{told}: {other:?}"),
        }
        let world = stage.sandbox.lock().clone();
        let after = Moment { told, world };
        assert_eq!(after.changes(), before, "{}", after.told);
    }
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
    let ended = play(row, &row.name, &stage, &watcher, "anna");
    judge(row, &row.name, &ended, &ended.world);
    drop(stage);
    let moments = std::mem::take(&mut *moments.lock().unwrap());
    (moments, ended.world)
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
    let is_new = |moment: &Moment| known.insert((moment.world.now(), moment.changes()));
    moments.into_iter().filter(is_new).collect()
}

/// Of each stretch in which nothing changed while time passed, the first moment, the last and one between: whoever takes
/// up begins two minutes later in any of them.
fn told_apart(moments: Vec<Moment>) -> Vec<Moment> {
    let mut stretches: BTreeMap<(u64, u64), Vec<Moment>> = BTreeMap::new();
    for moment in moments {
        stretches.entry(moment.changes()).or_default().push(moment);
    }
    let few = stretches.into_values().flat_map(|stretch| {
        let (middle, last) = (stretch.len() / 2, stretch.len() - 1);
        let numbered = stretch.into_iter().enumerate();
        numbered.filter(move |(at, _)| [0, middle, last].contains(at))
    });
    few.map(|(_, moment)| moment).collect()
}

impl Moment {
    /// What the same command has to end in. One that has forgotten its journal was over: where that left the old revision,
    /// the command is another rollout, with deployments of its own.
    fn expected(&self, row: &Row, unkilled: &Value) -> Value {
        let mut expected = unkilled.clone();
        if row.serves == Serves::Old && self.told.contains("after DeleteParameters") {
            let made = expected["codeDeployments"].as_array_mut().unwrap();
            made.extend_from_within(..);
        }
        expected
    }

    /// How many calls may have changed something so far, and how many were spoiled.
    fn changes(&self) -> (u64, u64) {
        let calls = self.world.calls().iter();
        let changes = calls.filter(|((_, operation), _)| !is_read(operation));
        let faults = self.world.world.faults.rules();
        (
            changes.map(|(_, count)| count).sum(),
            faults.map(|(_, count)| count).sum(),
        )
    }
}

fn is_read(operation: &str) -> bool {
    ["Describe", "List", "Get", "BatchGet"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
