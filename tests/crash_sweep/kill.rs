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
use ecsdeploy::sandbox::{Sandbox, Time};
use serde_json::Value;

use crate::common::{Stage, operation};
use crate::rows::{Row, Serves};
use crate::run::{Ended, Extent, attempt, each, judge, play, run, say};
use crate::watch::Watcher;

/// In a usual sweep, one in so many of the runs that take up is killed again.
const TWICE: u64 = 6;

/// Seconds. A dead run's lease is waited for; what is left of this is a few looks.
const LATER_BY_A_KILL: u64 = 120 + 60;

/// The world at a call, and the call.
pub struct Moment {
    pub told: String,
    pub world: Sandbox,
    /// How many of the processes so far had forgotten their journal, and were over.
    over: usize,
}

/// The run that nothing befell.
struct Unkilled {
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
        let killed = moment.named(&format!("{}, killed", row.name));
        let Some(second) = take_up(row, killed, "bert", &unkilled, &extent) else {
            return;
        };
        twice.set(twice.get() + usize::from(extent.has(&second.told)));
        take_up(row, second, "carla", &unkilled, &extent);
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
    left: Moment,
    user: &str,
    unkilled: &Unkilled,
    extent: &Extent,
) -> Option<Moment> {
    let Moment { told, world, over } = left;
    if !extent.leads_to(&told) {
        return None;
    }
    let seed = seed(&told);
    let dies = user == "bert" && (!extent.is_usual() || seed.is_multiple_of(TWICE));
    let picked = Arc::new(Mutex::new(Picked::new(seed)));
    let ended = if dies {
        let picked = picked.clone();
        shown(row, world, &told, user, move |side, sandbox| {
            picked.lock().unwrap().look(side, sandbox);
        })
    } else {
        run(row, &told, world, user)
    };
    let kills = if user == "bert" { 1 } else { 2 };
    unkilled.judge(row, &told, &ended, over, kills);
    let next = picked.lock().unwrap().moment.take()?;
    let next = next.named(&format!("{told}, and again"));
    let over = over + next.seen_to_end(&ended);
    Some(Moment { over, ..next })
}

impl Moment {
    fn new(side: &str, sandbox: &Sandbox) -> Self {
        let (told, world) = (side.to_owned(), sandbox.clone());
        Self {
            told,
            world,
            over: 0,
        }
    }

    fn named(self, before: &str) -> Self {
        let told = format!("{before} {}", self.told);
        Self { told, ..self }
    }

    /// 1 if the process that died here had nothing left to do.
    fn seen_to_end(&self, ended: &Ended) -> usize {
        let is_released = self.told.contains("after DeleteParameters");
        usize::from(is_released && self.world.now() == ended.at)
    }
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
    fn look(&mut self, side: &str, sandbox: &Sandbox) {
        let changes = changes(sandbox);
        let is_news = std::mem::replace(&mut self.changes, changes) != changes;
        if self.among_changes && !is_news {
            return;
        }
        self.seen += 1;
        if self.rng.u64(..self.seen) == 0 {
            self.moment = Some(Moment::new(side, sandbox));
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

/// Worlds in which the row's run died, and the one that it ends in.
pub fn died(row: &Row) -> (Vec<Moment>, Value) {
    let (moments, unkilled) = watched(row, distinct());
    (told_apart(moments), unkilled.world)
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
            moments.push(Moment::new(side, sandbox));
        }
    });
    judge(row, &row.name, &ended, &ended.world);
    let (points, mut moments) = std::mem::take(&mut *kept.lock().unwrap());
    for moment in &mut moments {
        moment.over = moment.seen_to_end(&ended);
    }
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
        let (at, name) = (sandbox.now(), operation(&request));
        let mut look = look.lock().unwrap();
        look(&format!("before {name} at {at}"), &sandbox.lock());
        let answer = sandbox.carry(&request);
        look(&format!("after {name} at {at}"), &sandbox.lock());
        answer
    });
    play(row, told, &stage, &watcher, user)
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
    /// The run that took up after so many kills ended alike, and hardly later. Where the old revision was left, one that
    /// found no journal is another rollout, with deployments and tests of its own.
    fn judge(&self, row: &Row, told: &str, ended: &Ended, over: usize, kills: u64) {
        let mut expected = self.world.clone();
        if over == 0 {
            let late = ended.at.millis().saturating_sub(self.at.millis()) / 1000;
            assert!(late <= LATER_BY_A_KILL * kills, "{told}: {late} s late");
        }
        if row.serves == Serves::Old {
            let made = expected["codeDeployments"].as_array_mut().unwrap();
            *made = vec![made.clone(); over + 1].concat();
            let tests = expected["oneOffTasks"].as_u64().unwrap();
            expected["oneOffTasks"] = (tests * (over as u64 + 1)).into();
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
