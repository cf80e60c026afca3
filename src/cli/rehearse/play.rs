//! One rehearsal: the planned rollout by the same engine, in a world of its own, in virtual time.
//!
//! **Invariant:** nothing leaves the process; the same copy, release and seed give the same rehearsal.

use std::cell::RefCell;

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

/// Plays the release in a fresh world made of the copy.
pub async fn play(
    release: Release,
    wanted: &TaskDefinition,
    request: &Request,
    copy: &Copy,
    seed: u64,
) -> Result<Rehearsal, Failure> {
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
    let clock = Watched::new(sandbox);
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
        Ran::Interrupted { .. }
        | Ran::HandedOver { .. }
        | Ran::Underway { .. }
        | Ran::Held { .. } => {
            unreachable!("nobody interrupts a rehearsal, and nobody else is in its world")
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

/// A clock that looks at the world in every second that it lets pass.
struct Watched {
    clock: SandboxClock,
    sandbox: SharedSandbox,
    seen: RefCell<Capacity>,
}

impl Watched {
    fn new(sandbox: SharedSandbox) -> Self {
        let (least_serving, most_tasks) = count(&sandbox.lock().census());
        Self {
            clock: SandboxClock::new(sandbox.clone(), Speed::Max, Signals::none()),
            sandbox,
            seen: RefCell::new(Capacity {
                least_serving,
                most_tasks,
                ..Capacity::default()
            }),
        }
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
