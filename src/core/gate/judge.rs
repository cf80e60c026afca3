//! The verdict over the gates of a step: what was sampled in, where each gate stands out.
//!
//! **Invariants:** a gate passes only on a look that passed, after enough of them, over enough time. Failures, looks
//! without data and looks that did not work are counted apart, each against a limit of its own, and only the last
//! kind must come in a row. Whatever stays undecided ends at its timeout, and never as a pass.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::gate::Gate;
use super::measure::{first_sight, need, read};
use super::need::{Need, Samples};
use super::progress::{GateProgress, Tally};
use super::reading::Reading;
use super::subject::Subject;

/// Where a gate, or a step with all its gates, stands. Ordered by what wins when gates differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Wait,
    /// There was too little to measure. Never a pass.
    NoData,
    /// It could not be measured.
    Error,
    Fail,
}

/// The verdict of a step and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    pub verdict: Verdict,
    /// In the order of the gates.
    pub standings: Vec<Standing>,
}

/// Where one gate stands, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub gate: String,
    pub verdict: Verdict,
    /// What was measured.
    pub said: String,
    /// Of a verdict that ends the step: the limit that was passed, as `ecsdeploy.yml` names it.
    pub limit: String,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pass => "passed",
            Self::Wait => "waits",
            Self::NoData => "had no data",
            Self::Error => "could not be measured",
            Self::Fail => "failed",
        })
    }
}

/// What the gates that are due have to see, by their names.
pub fn needs(
    gates: &[Gate],
    progress: &GateProgress,
    subject: &Subject,
    now: Timestamp,
) -> BTreeMap<String, Need> {
    let due = gates.iter().filter_map(|gate| {
        let tally = progress.tally(gate);
        let is_due = due_at(gate, &tally, progress).is_some_and(|at| at <= now);
        let need = need(gate, &tally, progress, subject, now).filter(|_| is_due)?;
        Some((gate.name.clone(), need))
    });
    due.collect()
}

/// When the next gate is due, or runs out of time; `None` if nothing of them is awaited.
pub fn wake_at(gates: &[Gate], progress: &GateProgress, now: Timestamp) -> Option<Timestamp> {
    let wakes = gates.iter().filter_map(|gate| {
        let tally = progress.tally(gate);
        let due = due_at(gate, &tally, progress)?;
        let deadline = deadline(gate, progress);
        Some(if deadline > now {
            due.min(deadline)
        } else {
            due
        })
    });
    wakes.min()
}

/// Takes the samples in and says where the step stands. No gates at all pass.
pub fn judge(
    gates: &[Gate],
    progress: &GateProgress,
    subject: &Subject,
    samples: &Samples,
    now: Timestamp,
) -> (GateProgress, Judgement) {
    let mut next = progress.clone();
    let mut standings = Vec::new();
    for gate in gates {
        let mut tally = progress.tally(gate);
        if let Some(sample) = samples.get(&gate.name)
            && !is_settled(gate, &tally)
        {
            let readings = read(gate, &mut tally, progress, subject, sample);
            tally.take(readings, now);
        }
        standings.push(stand(gate, &tally, progress, now));
        next.tallies.insert(gate.name.clone(), tally);
    }
    let worst = standings.iter().map(|standing| standing.verdict).max();
    let judgement = Judgement {
        verdict: worst.unwrap_or(Verdict::Pass),
        standings,
    };
    (next, judgement)
}

fn stand(gate: &Gate, tally: &Tally, progress: &GateProgress, now: Timestamp) -> Standing {
    let limits = gate.limits;
    let last = tally.last.as_ref();
    let last = last.map_or("not looked at yet", Reading::said);
    let (verdict, said, limit) = if tally.failed > limits.failures {
        let said = tally.failure.as_deref().unwrap_or(last).to_owned();
        let limit = format!("failure_limit {}", limits.failures);
        (Verdict::Fail, said, limit)
    } else if tally.errors > limits.errors {
        let said = format!("{} looks did not work: {last}", tally.errors);
        (
            Verdict::Error,
            said,
            format!("error_limit {}", limits.errors),
        )
    } else if tally.no_data > limits.no_data {
        let said = format!("{} times no data: {last}", tally.no_data);
        let limit = format!("no_data_limit {}", limits.no_data);
        (Verdict::NoData, said, limit)
    } else if has_enough(gate, tally, progress) {
        (Verdict::Pass, last.to_owned(), String::new())
    } else if is_late(gate, tally, progress, now) {
        let said = format!("undecided when its time was over: {last}");
        let limit = format!("timeout {} s", gate.pace.timeout.as_secs());
        (late(gate, tally), said, limit)
    } else {
        (Verdict::Wait, last.to_owned(), String::new())
    };
    Standing {
        gate: gate.name.clone(),
        verdict,
        said,
        limit,
    }
}

/// What staying undecided for too long comes to.
fn late(gate: &Gate, tally: &Tally) -> Verdict {
    match &tally.last {
        Some(Reading::Error(_)) => Verdict::Error,
        _ if gate.check.owes_an_answer() => Verdict::Fail,
        _ => Verdict::NoData,
    }
}

fn has_enough(gate: &Gate, tally: &Tally, progress: &GateProgress) -> bool {
    matches!(tally.last, Some(Reading::Pass(_))) && has_passed(gate, tally, progress)
}

/// Whether it had enough, whatever the newest look said.
fn has_passed(gate: &Gate, tally: &Tally, progress: &GateProgress) -> bool {
    let bake = signed(gate.pace.bake);
    let baked = if gate.check.is_measured_by_aws() {
        progress.began.checked_add(bake).unwrap_or(Timestamp::MAX)
    } else {
        progress.watched_for(bake)
    };
    let is_covered = tally.seen_until.is_some_and(|until| until >= baked);
    let baked = is_settled(gate, tally) || is_covered;
    baked && tally.passed >= gate.pace.count.max(1)
}

/// Whether its time is over. One that had enough may have its bad looks later too, within its limits.
fn is_late(gate: &Gate, tally: &Tally, progress: &GateProgress, now: Timestamp) -> bool {
    let waits = matches!(tally.last, Some(Reading::Wait(_)));
    now >= deadline(gate, progress) && (waits || !has_passed(gate, tally, progress))
}

/// A one-off task that ended well, or a person's yes, is not asked for again.
fn is_settled(gate: &Gate, tally: &Tally) -> bool {
    gate.check.is_asked_once() && tally.passed >= gate.pace.count.max(1)
}

fn due_at(gate: &Gate, tally: &Tally, progress: &GateProgress) -> Option<Timestamp> {
    if is_settled(gate, tally) {
        return None;
    }
    Some(match tally.last_look {
        None => first_sight(gate, progress),
        Some(last) => last
            .checked_add(signed(gate.pace.interval))
            .unwrap_or(Timestamp::MAX),
    })
}

/// When a gate that is still undecided is decided against.
pub fn deadline(gate: &Gate, progress: &GateProgress) -> Timestamp {
    let time = signed(gate.pace.bake).saturating_add(signed(gate.pace.timeout));
    progress.watched_for(time)
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
