//! The rollout that is on record: who drives it, what it deploys, where it stands, what it waits for, and how it goes on.
//!
//! **Invariant:** says what the record says. Whether its driver lives is told by the lease alone, and by the clock that
//! leases are kept by: the reader's own.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::age::ago;
use super::row;
use crate::core::gate::{Check, Gate, Reading, Verdict, deadline};
use crate::core::journal::{LEASE, Record, Work};
use crate::core::overview::Overview;
use crate::core::plan::{Plan, Strategy};
use crate::core::proposal::Way;
use crate::core::rollout::{Gating, Phase, Stage, State, Wish};
use crate::core::service::Detach;
use crate::text::plan;
use crate::text::terminal::ways_to_say_yes;

/// The record as readers need it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnRecord {
    owner: String,
    since: Timestamp,
    /// When the owner last renewed its lease or set down its work.
    heard: Timestamp,
    /// When it counts as gone unless it renews that.
    lease_until: Timestamp,
    alive: bool,
    /// Whether AWS was left to go on with it.
    handed_over: bool,
    /// What is deployed in the place of what, and how; absent while nothing was begun.
    deploys: Option<String>,
    deployment: Option<String>,
    /// Where it stands, in words.
    stands: String,
    gates: Option<Asking>,
    /// What its driver was told.
    told: Option<String>,
    /// What can be done now.
    next: String,
}

/// The gates of the step that is held.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Asking {
    step: String,
    since: Timestamp,
    /// The step is held until then, whatever its gates say.
    held_until: Option<Timestamp>,
    gates: Vec<Standing>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    gate: String,
    verdict: Verdict,
    said: String,
    /// When one that waits is decided against.
    until: Option<Timestamp>,
    /// How a person that is waited for can say yes.
    person: Option<String>,
}

impl OnRecord {
    /// `left` says what became of a rollout that nobody drives any more; `now` is by the clock of leases.
    pub fn of(
        overview: &Overview,
        left: impl Fn(&Plan, &State) -> String,
        now: Timestamp,
    ) -> Option<Self> {
        let record = overview.record.as_ref()?;
        let work = record.work.as_ref();
        let alive = record.is_live(now);
        let stands = match work {
            None => "nothing was begun".to_owned(),
            Some(work) if alive || is_ending(&work.state.phase) => phase(work, now),
            Some(work) => left(&work.plan, &work.state),
        };
        let gates = work.and_then(Asking::of);
        let gates = gates.map(|asking| if alive { asking } else { asking.stopped() });
        Some(Self {
            owner: record.owner.to_string(),
            since: record.since,
            heard: heard(record),
            lease_until: record.expires,
            alive,
            handed_over: work.is_some_and(is_handed_over),
            deploys: work.map(deploys),
            deployment: work.and_then(|work| Some(work.state.deployment.as_ref()?.to_string())),
            stands,
            told: overview.wish.as_ref().map(told),
            next: next(record, gates.as_ref(), now),
            gates,
        })
    }

    pub fn text(&self, out: &mut String, now: Timestamp) {
        let deploys = self.deploys.as_deref();
        row(
            out,
            "rollout",
            deploys.unwrap_or("on record, with nothing deployed"),
        );
        let Self { owner, since, .. } = self;
        let heard = ago(self.heard, now);
        let driven = if self.alive {
            let until = self.lease_until;
            format!("{owner}, since {since:.0}; last heard of {heard}, its lease ends {until:.0}")
        } else if self.handed_over {
            format!("AWS: {owner}, since {since:.0}, handed it over {heard}")
        } else {
            format!("nobody: {owner}, since {since:.0}, was last heard of {heard}")
        };
        row(out, "driven by", &driven);
        row(out, "stands", &self.stands);
        if let Some(step) = &self.gates {
            step.text(out, now);
        }
        if let Some(told) = &self.told {
            row(out, "told", told);
        }
        row(out, "next", &self.next);
    }
}

impl Asking {
    /// Of a rollout that is at it still.
    fn of(work: &Work) -> Option<Self> {
        let is_asking = match work.state.phase {
            Phase::Canary { .. } | Phase::Follow => true,
            Phase::TaskSets(ref stage) => matches!(stage, Stage::Raise | Stage::Shift { .. }),
            _ => false,
        };
        let gating = work.state.gating.as_ref().filter(|_| is_asking)?;
        let asked = work.plan.asked(gating.share);
        let bake = SignedDuration::try_from(asked.bake).unwrap_or(SignedDuration::MAX);
        let held_until = (!asked.bake.is_zero()).then(|| gating.progress.watched_for(bake));
        let gates = asked.gates.iter();
        Some(Self {
            step: gating.share.to_string(),
            since: gating.progress.began,
            held_until,
            gates: gates.map(|gate| Standing::of(gate, gating)).collect(),
        })
    }

    /// While nobody asks, no time runs.
    fn stopped(mut self) -> Self {
        self.held_until = None;
        for gate in &mut self.gates {
            gate.until = None;
        }
        self
    }

    fn text(&self, out: &mut String, now: Timestamp) {
        let mut head = format!("at {}, first asked {}", self.step, ago(self.since, now));
        if let Some(until) = self.held_until.filter(|until| *until > now) {
            let _ = write!(head, "; held until {until:.0}");
        }
        row(out, "gates", &head);
        for gate in &self.gates {
            row(out, &format!("  {}", gate.gate), &gate.text());
        }
    }

    fn asks_a_person(&self) -> bool {
        self.gates.iter().any(|gate| gate.person.is_some())
    }
}

impl Standing {
    fn of(gate: &Gate, gating: &Gating) -> Self {
        let verdict = gating
            .told
            .get(&gate.name)
            .copied()
            .unwrap_or(Verdict::Wait);
        let waits = verdict == Verdict::Wait;
        let tally = gating.progress.tally(gate);
        let person = match &gate.check {
            Check::Approval(how) if waits => Some(ways_to_say_yes(how)),
            _ => None,
        };
        Self {
            gate: gate.name.clone(),
            verdict,
            said: tally.last.as_ref().map_or("", Reading::said).to_owned(),
            until: waits.then(|| deadline(gate, &gating.progress)),
            person,
        }
    }

    fn text(&self) -> String {
        let mut text = match &self.person {
            Some(ways) => format!("waits for a person: {ways}, or ecsdeploy abort"),
            None if self.said.is_empty() => self.verdict.to_string(),
            None => format!("{}: {}", self.verdict, self.said),
        };
        if let Some(until) = self.until {
            let _ = write!(text, "; until {until:.0}");
        }
        text
    }
}

fn deploys(work: &Work) -> String {
    let Work { plan, state } = work;
    let old = plan.before.task_definition.short();
    let way = plan::way(&Way::of(&plan.strategy));
    match &state.revision {
        Some(new) => format!("{} in the place of {old}: {way}", new.short()),
        None => format!("a new revision in the place of {old}: {way}"),
    }
}

/// On the way back, or with only something to put away.
fn is_ending(phase: &Phase) -> bool {
    matches!(
        phase,
        Phase::StandDown { .. }
            | Phase::Undo { .. }
            | Phase::TaskSets(Stage::Remove | Stage::Back { .. })
            | Phase::Restore { .. }
            | Phase::Done(_)
    )
}

fn phase(work: &Work, now: Timestamp) -> String {
    let Work { plan, state } = work;
    let deployment = state.deployment.as_ref();
    let deployment = deployment.map_or_else(String::new, |id| format!(" {id}"));
    match &state.phase {
        Phase::Register => "registers the new revision".to_owned(),
        Phase::Deploy => "orders the deployment".to_owned(),
        Phase::Follow => format!("follows the deployment{deployment}"),
        Phase::Canary { well_since: None } => "waits for the canary's tasks to run well".to_owned(),
        Phase::Canary {
            well_since: Some(since),
        } => format!(
            "the canary's tasks run well, first seen {}",
            ago(*since, now)
        ),
        Phase::StandDown { cause, .. } => {
            format!("rolls back, the canary's tasks first: {cause}")
        }
        Phase::Undo { cause, .. } => format!("rolls back: {cause}"),
        Phase::TaskSets(stage) => stage_of(stage, plan, now),
        Phase::Restore { outcome } => {
            format!("puts away what was there for its time; {outcome}")
        }
        Phase::Done(outcome) => format!("has ended: {outcome}"),
    }
}

fn stage_of(stage: &Stage, plan: &Plan, now: Timestamp) -> String {
    match stage {
        Stage::Raise => "raises the new task set, which has no traffic yet".to_owned(),
        Stage::Shift { step, since } => {
            let percent = match &plan.strategy {
                Strategy::TaskSets(sets) => sets.steps.get(*step).copied().unwrap_or(100),
                _ => 100,
            };
            let traffic = match percent {
                100.. => "all of the traffic".to_owned(),
                _ => format!("{percent} % of the traffic"),
            };
            match since {
                Some(since) => format!(
                    "{traffic} is on the new task set, since {}",
                    ago(*since, now)
                ),
                None => format!("moves {traffic} to the new task set"),
            }
        }
        Stage::Promote => {
            "all of the traffic is on the new task set, which becomes the primary one".to_owned()
        }
        Stage::Drain { since } => format!(
            "waits until nothing is under way to the old task set, since {}",
            ago(*since, now)
        ),
        Stage::Remove => "removes the old task set".to_owned(),
        Stage::Back { cause, since: None } => {
            format!("rolls back, the weights first: {cause}")
        }
        Stage::Back { cause, .. } => {
            format!("rolls back, the traffic is on the old task set again: {cause}")
        }
    }
}

fn told(wish: &Wish) -> String {
    match wish {
        Wish::Promote { by } => format!("to go on, by {by}"),
        Wish::Undo { by } => format!("to roll back, by {by}"),
    }
}

/// Whoever lets go of a record ends its lease early.
fn heard(record: &Record) -> Timestamp {
    let renewed = record.expires - LEASE;
    record.stood.map_or(renewed, |stood| stood.max(renewed))
}

fn is_handed_over(work: &Work) -> bool {
    work.plan.intent.detach != Detach::No && matches!(work.state.phase, Phase::Follow)
}

/// What can be done about it now.
fn next(record: &Record, step: Option<&Asking>, now: Timestamp) -> String {
    let unfinished = record.unfinished();
    let is_ending = unfinished.is_some_and(|work| is_ending(&work.state.phase));
    let work = record.work.as_ref();
    // AWS knows of no deployment there that could be followed.
    let is_ours_alone = work.is_some_and(|it| matches!(it.plan.strategy, Strategy::TaskSets(_)));
    let follows = if is_ours_alone {
        "ecsdeploy status shows how it goes on"
    } else {
        "ecsdeploy watch follows it"
    };
    if record.is_live(now) {
        return match step {
            _ if is_ending => follows.to_owned(),
            Some(step) if step.asks_a_person() => {
                "ecsdeploy promote lets it go on; ecsdeploy abort rolls it back".to_owned()
            }
            _ => format!("{follows}; ecsdeploy abort rolls it back"),
        };
    }
    let Some(work) = unfinished else {
        return "nothing is left of it: the next rollout begins anew".to_owned();
    };
    let takes_up = if is_handed_over(work) {
        "the same rollout command stays with it to its end"
    } else {
        "the same rollout command takes it up"
    };
    if is_ending {
        takes_up.to_owned()
    } else {
        format!("{takes_up}; ecsdeploy rollback turns it back")
    }
}
