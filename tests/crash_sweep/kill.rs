//! Kills at every call, before the request and after it with the answer lost; and kills of the process that takes up.
//!
//! A kill is played from its only traces: what a process that dies at a call leaves behind is the world as it is before
//! the request, or after it with the answer lost. So one run is watched, the world is copied at each call on both sides,
//! and the same command is started again in each copy by another process. Copies between which neither time passed nor
//! anything changed are one world, and are taken up once; of those between which only time passed, three. Some of the
//! runs that take up are killed in their turn, at a call that chance picks. A full sweep takes up every copy and kills
//! each of those runs again.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::engine::Ran;
use ecsdeploy::sandbox::{Duration, Sandbox, Time};
use serde_json::Value;

use crate::common::{HttpRequest, Stage, operation};
use crate::rows::{Row, Serves};
use crate::run::{Ended, Extent, attempt, each, judge, play, run, say};
use crate::watch::Watcher;

/// In a usual sweep, one in so many of the runs that take up is killed again.
const TWICE: u64 = 6;

/// A dead run's lease is waited for; what is left of this is a few looks, and calls that AWS is slow to show.
const LATER_BY_A_KILL: Duration = Duration::from_secs(120 + 60);

/// The world at a call, and the call.
pub struct Moment {
    pub told: String,
    world: Sandbox,
}

/// The run that nothing befell.
pub struct Unkilled {
    /// Sides of calls.
    points: usize,
    world: Value,
    at: Time,
}

/// Kills at every call of the row's run.
pub fn sweep(row: &Row) {
    let extent = Extent::asked();
    let (moments, unkilled) = if extent.is_usual() {
        let (moments, unkilled) = watched(row, distinct());
        (told_apart(moments), unkilled)
    } else {
        watched(row, |_: &Sandbox| true)
    };
    let (taken_up, twice) = (moments.len(), Cell::new(0));
    each(moments, |moment| {
        let told = format!("{}, killed {}", row.name, moment.told);
        let Some(second) = take_up(row, told, moment.world, "bert", &unkilled, &extent) else {
            return;
        };
        let told = second.told;
        twice.set(twice.get() + usize::from(extent.has(&told)));
        take_up(row, told, second.world, "carla", &unkilled, &extent);
    });
    say(&format!(
        "{}: {} kill points, {taken_up} taken up, {} of them killed twice",
        row.name,
        unkilled.points,
        twice.get()
    ));
}

/// The same command by another process, which has to end as the unkilled run did. Gives where it is to be killed next, if
/// it is.
fn take_up(
    row: &Row,
    told: String,
    world: Sandbox,
    user: &str,
    unkilled: &Unkilled,
    extent: &Extent,
) -> Option<Moment> {
    if !extent.leads_to(&told) {
        return None;
    }
    let seed = seed(&told);
    let dies = user == "bert" && (!extent.is_usual() || seed.is_multiple_of(TWICE));
    let picked = Arc::new(Mutex::new(Picked::new(seed)));
    let ended = if dies {
        let picked = picked.clone();
        let told = told.clone();
        shown(row, world, &told.clone(), user, move |side, sandbox| {
            picked
                .lock()
                .unwrap()
                .look(sandbox, || format!("{told}, and again {side}"));
        })
    } else {
        run(row, &told, world, user)
    };
    unkilled.judge(row, &told, &ended);
    let picked = &mut *picked.lock().unwrap();
    picked.moment.take()
}

/// One of the calls of a run, picked by chance before it is known how many there will be.
struct Picked {
    rng: fastrand::Rng,
    /// Half of them are picked among the calls that change something.
    among_changes: bool,
    seen: u64,
    changes: (u64, u64),
    moment: Option<Moment>,
}

impl Picked {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        Self {
            among_changes: rng.bool(),
            rng,
            seen: 0,
            changes: (0, 0),
            moment: None,
        }
    }

    /// The nth comes in the place of the one before with a chance of 1/n.
    fn look(&mut self, sandbox: &Sandbox, told: impl Fn() -> String) {
        let changes = changes(sandbox);
        let is_news = std::mem::replace(&mut self.changes, changes) != changes;
        if self.among_changes && !is_news {
            return;
        }
        self.seen += 1;
        if self.rng.u64(..self.seen) == 0 {
            let (told, world) = (told(), sandbox.clone());
            self.moment = Some(Moment { told, world });
        }
    }
}

/// A number that depends on the text alone.
fn seed(text: &str) -> u64 {
    let mixed = text.bytes().fold(0, |seed: u64, byte| {
        (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    fastrand::Rng::with_seed(mixed).u64(..)
}

/// While the row's run has the service, another one changes nothing and names the owner.
pub fn contend(row: &Row) {
    let (moments, _) = watched(row, distinct());
    let at = |told: &str| {
        let mut told_of = moments.iter();
        told_of
            .position(|moment| moment.told.contains(told))
            .unwrap()
    };
    // What was last before the record was removed.
    let (begun, ends) = (at("after PutParameter"), at("after DeleteParameters") - 1);
    for at in [begun, begun.midpoint(ends), ends] {
        let moment = &moments[at];
        let told = format!("{}, contended {}", row.name, moment.told);
        let before = changes(&moment.world);
        let stage = Stage::over(SharedSandbox::new(moment.world.clone()));
        // Another goal than the owner's: this one would wait whether the owner lives.
        let mut request = row.request.clone();
        request.intent.desired_count = Some(3);
        match attempt(row, request, &stage, "bert").0 {
            Ok(Ran::Held { owner, .. }) => assert_eq!(owner.user, "anna", "{told}"),
            other => panic!("{told}: {other:?}"),
        }
        assert_eq!(changes(&stage.sandbox.lock()), before, "{told}");
    }
}

/// The unkilled run, with those of the worlds before and after its calls that are to be kept.
fn watched(
    row: &Row,
    mut is_kept: impl FnMut(&Sandbox) -> bool + Send + 'static,
) -> (Vec<Moment>, Unkilled) {
    let kept: Arc<Mutex<(usize, Vec<Moment>)>> = Arc::default();
    let seen = kept.clone();
    let ended = shown(row, row.world(), &row.name, "anna", move |side, sandbox| {
        let (points, moments) = &mut *seen.lock().unwrap();
        *points += 1;
        if is_kept(sandbox) {
            let (told, world) = (side.to_owned(), sandbox.clone());
            moments.push(Moment { told, world });
        }
    });
    judge(row, &row.name, &ended, &ended.world);
    let (points, moments) = std::mem::take(&mut *kept.lock().unwrap());
    let (world, at) = (ended.world, ended.at);
    (moments, Unkilled { points, world, at })
}

/// The row's command in this world, which is shown before and after each call.
fn shown(
    row: &Row,
    mut sandbox: Sandbox,
    told: &str,
    user: &str,
    look: impl FnMut(&str, &Sandbox) + Send + 'static,
) -> Ended {
    let watcher = Watcher::over(&mut sandbox, row);
    let stage = Stage::over(SharedSandbox::new(sandbox));
    let look = Mutex::new(look);
    let stage = stage.through(move |sandbox, request| {
        let (at, name) = (sandbox.now(), named(&request));
        let mut look = look.lock().unwrap();
        look(&format!("before {name} at {at}"), &sandbox.lock());
        let answer = sandbox.carry(&request);
        look(&format!("after {name} at {at}"), &sandbox.lock());
        answer
    });
    play(row, told, &stage, &watcher, user)
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

/// Whether it is the first of a stretch of worlds between which no time passed and nothing changed.
fn distinct() -> impl FnMut(&Sandbox) -> bool + Send + 'static {
    let mut known = BTreeSet::new();
    move |sandbox| known.insert((sandbox.now(), changes(sandbox)))
}

/// Of each stretch in which nothing changed while time passed, the first moment, the last and one between: whoever takes
/// up begins two minutes later in any of them.
fn told_apart(moments: Vec<Moment>) -> Vec<Moment> {
    let mut stretches: BTreeMap<(u64, u64), Vec<Moment>> = BTreeMap::new();
    for moment in moments {
        let stretch = stretches.entry(changes(&moment.world));
        stretch.or_default().push(moment);
    }
    let few = stretches.into_values().flat_map(|stretch| {
        let (middle, last) = (stretch.len() / 2, stretch.len() - 1);
        let numbered = stretch.into_iter().enumerate();
        numbered.filter(move |(at, _)| [0, middle, last].contains(at))
    });
    few.map(|(_, moment)| moment).collect()
}

impl Unkilled {
    /// The run that took up ended alike, and hardly later. One whose dead run had forgotten its journal found nothing to
    /// take up: where that left the old revision, the command is another rollout, with deployments of its own.
    fn judge(&self, row: &Row, told: &str, ended: &Ended) {
        let mut expected = self.world.clone();
        let over = told.matches("after DeleteParameters").count();
        if over == 0 {
            let kills = told.matches(" at 2").count() as u64;
            let latest = self.at + Duration::from_millis(LATER_BY_A_KILL.millis() * kills);
            assert!(
                ended.at <= latest,
                "{told}: ended at {:?}, not by {latest:?}",
                ended.at
            );
        }
        if row.serves == Serves::Old {
            let again = |list: &mut Value| {
                let list = list.as_array_mut().unwrap();
                *list = std::iter::repeat_n(list.clone(), over + 1)
                    .flatten()
                    .collect();
            };
            again(&mut expected["codeDeployments"]);
            let tasks = expected["oneOffTasks"].as_u64().unwrap();
            expected["oneOffTasks"] = (tasks * (over as u64 + 1)).into();
        }
        judge(row, told, ended, &expected);
    }
}

/// How many calls may have changed something so far, and how many were spoiled.
fn changes(sandbox: &Sandbox) -> (u64, u64) {
    let calls = sandbox.calls().iter();
    let changes = calls.filter(|((_, operation), _)| !is_read(operation));
    let faults = sandbox.world.faults.rules();
    (
        changes.map(|(_, count)| count).sum(),
        faults.map(|(_, count)| count).sum(),
    )
}

fn is_read(operation: &str) -> bool {
    ["Describe", "List", "Get", "BatchGet"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
