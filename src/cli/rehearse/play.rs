//! One rehearsal: the planned rollout by the same engine, in a world of its own, in virtual time.
//!
//! **Invariants:** nothing leaves the process; the same copy, release and seed give the same rehearsal. It ends, whatever
//! the rollout does: at its verdict, at a signal, or after so many looks.

use std::cell::{Cell, RefCell};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::assume::Assuming;
use super::copy::Copy;
use super::release::Release;
use crate::adapters::aws::Aws;
use crate::adapters::host::Signals;
use crate::cli::args::Speed;
use crate::cli::failure::{Exit, Failure};
use crate::cli::owner::owner;
use crate::cli::stage::{SandboxClock, SharedSandbox};
use crate::core::report::{Entry, Event, Outcome, Report};
use crate::core::service::{Detach, Intent, OnCancel};
use crate::core::taskdef::TaskDefinition;
use crate::engine::{Means, Pinning, Ran, Request, Unkept, Wanted, roll_out};
use crate::ports::{Audience, Clock, Wake};
use crate::sandbox::Sandbox;

/// A rehearsal takes so many looks at most: more than two days of one every ten seconds.
const MOST_LOOKS: u32 = 20_000;

/// So many looks in a row may find the world at the same moment; a gate's takes a few.
const LOOKS_AT_ONCE: u32 = 500;

/// How one release went.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    pub release: Release,
    pub outcome: Outcome,
    pub began: Timestamp,
    pub report: Report,
    pub capacity: Capacity,
}

/// What there was to serve with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// The fewest healthy targets that the traffic was led to; without a load balancer, running tasks.
    pub least_serving: u64,
    /// The most tasks at one time, running and pending, of the service and of its canary.
    pub most_tasks: u64,
    pub requests: u64,
    /// Requests that a client saw fail.
    pub lost: u64,
}

impl Rehearsal {
    pub fn seconds(&self) -> i64 {
        let last = self
            .report
            .entries
            .last()
            .map_or(self.began, |entry| entry.at);
        last.duration_since(self.began).as_secs()
    }

    /// From the decision to go back until the old revision serves again.
    pub fn undo_seconds(&self) -> Option<i64> {
        let began = self
            .report
            .entries
            .iter()
            .find(|entry| matches!(entry.event, Event::Undoing { .. }))?;
        let ended = self.report.entries.last()?;
        Some(ended.at.duration_since(began.at).as_secs())
    }

    /// What people want to know of it: neither each count of tasks nor each event of the service.
    pub fn highlights(&self) -> impl Iterator<Item = &Entry> {
        self.report
            .entries
            .iter()
            .filter(|entry| !matches!(entry.event, Event::Progress(_) | Event::Service(_)))
    }
}

/// What every rehearsal of one command has in common.
#[derive(Clone, Debug)]
pub struct Rehearsing {
    pub seed: u64,
    /// Of the command: whoever tells it to stop ends its rehearsals.
    pub signals: Signals,
}

/// Plays the release in a fresh world made of the copy.
pub async fn play(
    release: Release,
    wanted: &TaskDefinition,
    request: &Request,
    copy: &Copy,
    stage: &Rehearsing,
) -> Result<Rehearsal, Failure> {
    let seed = stage.seed;
    let sandbox = SharedSandbox::new(open(copy, seed)?);
    fastrand::seed(seed);
    let aws = Aws::new(&sandbox.config());
    let request = Request {
        wanted: Wanted::Document(wanted.clone()),
        // The images were pinned when the live service was looked at.
        pinning: Pinning::Keep,
        // A rehearsal stays to the verdict.
        intent: Intent {
            detach: Detach::No,
            ..request.intent.clone()
        },
        ..request.clone()
    };
    let clock = Watched::new(sandbox, stage.signals.clone());
    let began = clock.now();
    let mut listener = Listener(Report::new());
    let means = Means {
        cloud: &Assuming::new(&aws, &request.intent),
        clock: &clock,
        journal: &Unkept,
        owner: owner(),
        on_cancel: OnCancel::Leave,
        wish: None,
    };
    match roll_out(request.clone(), &means, &mut listener).await? {
        Ran::Ended { outcome, .. } => Ok(Rehearsal {
            release,
            outcome,
            began,
            report: listener.0,
            capacity: clock.capacity(),
        }),
        // Whoever reads what comes of a release has to know that nothing came of it in the time that it has.
        Ran::LeftOff { cause, .. } => Ok(Rehearsal {
            release,
            outcome: Outcome::Stranded { cause },
            began,
            report: listener.0,
            capacity: clock.capacity(),
        }),
        Ran::Interrupted { .. } => Err(clock.cut_short(began)),
        Ran::HandedOver { .. } | Ran::Underway { .. } | Ran::Held { .. } => {
            unreachable!("a rehearsal stays to the verdict, and nobody else is in its world")
        }
    }
}

/// A world made of the copy.
pub fn open(copy: &Copy, seed: u64) -> Result<Sandbox, Failure> {
    let text = serde_json::to_string(&copy.world).expect("a world file is JSON");
    Sandbox::new(&text, seed).map_err(|error| {
        Failure::new(Exit::Failed, "the sandbox cannot play this service").because(&error)
    })
}

/// A clock that looks at the world in every second that it lets pass, and ends what does not end.
struct Watched {
    clock: SandboxClock,
    sandbox: SharedSandbox,
    seen: RefCell<Capacity>,
    looks: Cell<u32>,
    /// Since the time last went on.
    looks_at_once: Cell<u32>,
}

impl Watched {
    fn new(sandbox: SharedSandbox, signals: Signals) -> Self {
        let (least_serving, most_tasks) = count(&sandbox.lock().census());
        Self {
            clock: SandboxClock::new(sandbox.clone(), Speed::Max, signals),
            sandbox,
            seen: RefCell::new(Capacity {
                least_serving,
                most_tasks,
                ..Capacity::default()
            }),
            looks: Cell::new(0),
            looks_at_once: Cell::new(0),
        }
    }

    /// Counts a look; whether there may be more.
    fn goes_on(&self, until: Timestamp) -> bool {
        self.looks.set(self.looks.get() + 1);
        let at_once = self.looks_at_once.get() + 1;
        self.looks_at_once
            .set(if until <= self.now() { at_once } else { 0 });
        !self.is_spent()
    }

    fn is_spent(&self) -> bool {
        self.looks.get() > MOST_LOOKS || self.looks_at_once.get() > LOOKS_AT_ONCE
    }

    /// Why there is no verdict.
    fn cut_short(&self, began: Timestamp) -> Failure {
        if !self.is_spent() {
            return Failure::stopped();
        }
        let at = self.now().duration_since(began).as_secs();
        Failure::new(Exit::Failed, "how the rollout goes could not be foretold").cause(format!(
            "after {} looks, {at} s after it began, the rehearsed rollout was not at its end",
            self.looks.get()
        ))
    }

    fn look(&self) {
        let (serving, tasks) = count(&self.sandbox.lock().census());
        let mut seen = self.seen.borrow_mut();
        seen.least_serving = seen.least_serving.min(serving);
        seen.most_tasks = seen.most_tasks.max(tasks);
    }

    fn capacity(&self) -> Capacity {
        let seen = self.sandbox.lock().world.traffic.seen();
        Capacity {
            requests: seen.served + seen.lost(),
            lost: seen.lost(),
            ..*self.seen.borrow()
        }
    }
}

impl Clock for Watched {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        if !self.goes_on(until) {
            return Wake::Interrupted;
        }
        loop {
            let next = self.now() + SignedDuration::from_secs(1);
            let wake = self.clock.sleep_until(next.min(until)).await;
            self.look();
            if wake == Wake::Interrupted || next >= until {
                return wake;
            }
        }
    }

    async fn pass_until(&self, until: Timestamp) -> Wake {
        self.clock.pass_until(until).await
    }
}

/// Targets or tasks that serve, and tasks that are there.
fn count(census: &Value) -> (u64, u64) {
    let list = |member: &str| census[member].as_array().map_or(&[][..], Vec::as_slice);
    let sum = |member: &str| -> u64 {
        list("services")
            .iter()
            .filter_map(|service| service[member].as_u64())
            .sum()
    };
    let forwards = list("routes")
        .iter()
        .flat_map(|route| route["forwards"].as_array().into_iter().flatten());
    let led_to: Vec<&Value> = forwards
        .filter(|forward| forward["weight"].as_u64() > Some(0))
        .map(|forward| &forward["targetGroup"])
        .collect();
    let healthy = list("targetGroups")
        .iter()
        .filter(|group| led_to.contains(&&group["name"]))
        .flat_map(|group| group["targets"].as_array().into_iter().flatten())
        .filter(|target| target["state"] == "healthy")
        .count();
    let serving = if led_to.is_empty() {
        sum("running")
    } else {
        healthy as u64
    };
    (serving, sum("running") + sum("pending"))
}

struct Listener(Report);

impl Audience for Listener {
    fn hear(&mut self, entry: &Entry) {
        self.0.record(entry.at, entry.event.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sleeps so long each time until it is told to stop; says how often, and why.
    async fn check(seconds: i64, most: u32, says: &str) {
        let world = "{region: eu-central-1, clusters: [{clusterName: c}]}";
        let sandbox = SharedSandbox::new(Sandbox::new(world, 1).expect("it is a world"));
        let clock = Watched::new(sandbox, Signals::none());
        let began = clock.now();
        let mut looks = 0;
        loop {
            let until = clock.now() + SignedDuration::from_secs(seconds);
            if clock.sleep_until(until).await == Wake::Interrupted {
                break;
            }
            looks += 1;
        }
        let failure = clock.cut_short(began);
        assert_eq!((looks, failure.exit), (most, Exit::Failed));
        assert!(failure.line().contains(says), "{}", failure.line());
    }

    #[tokio::test]
    async fn a_rollout_that_does_not_end_is_not_foretold() {
        check(
            0,
            LOOKS_AT_ONCE,
            "could not be foretold: after 501 looks, 0 s",
        )
        .await;
        check(1, MOST_LOOKS, "after 20001 looks, 20000 s").await;
    }
}
