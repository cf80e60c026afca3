//! How far the gates of a step are: all that must outlive the process that looks.
//!
//! **Invariant:** holds counts and times only, never what can be looked at again.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::gate::Gate;
use super::reading::{Reading, Readings, cut};
use crate::core::id::TaskArn;

/// The gates of one step, under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateProgress {
    /// When the step's gates were first asked.
    pub began: Timestamp,
    /// For how long since then nobody looked: no timeout counts that, and no bake but of what CloudWatch measured.
    #[serde(default, skip_serializing_if = "SignedDuration::is_zero")]
    pub unattended: SignedDuration,
    /// From when on both sides' requests are compared: the first step with traffic on the new side. The promise of
    /// the comparison is for the rollout, not for each step of it.
    pub compared_since: Timestamp,
    pub tallies: BTreeMap<String, Tally>,
}

/// What one gate has seen in this step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub passed: u32,
    pub failed: u32,
    pub no_data: u32,
    /// Looks in a row that did not work.
    pub errors: u32,
    pub last_look: Option<Timestamp>,
    /// Up to when what was looked at is known.
    pub seen_until: Option<Timestamp>,
    pub last: Option<Reading>,
    /// The newest failure's words.
    pub failure: Option<String>,
    /// Times that a one-off task was tried before.
    pub attempts: u32,
    /// The one-off task that is being waited for.
    pub task: Option<TaskArn>,
}

impl GateProgress {
    /// The first step begins.
    pub fn begin(now: Timestamp) -> Self {
        Self {
            began: now,
            unattended: SignedDuration::ZERO,
            compared_since: now,
            tallies: BTreeMap::new(),
        }
    }

    /// The next step begins: looks are counted anew, and the comparison goes on with the evidence it has.
    #[must_use]
    pub fn next_step(&self, now: Timestamp) -> Self {
        Self {
            compared_since: self.compared_since,
            ..Self::begin(now)
        }
    }

    /// Goes on after nobody looked for so long. What was measured meanwhile is evidence all the same.
    pub fn resume(&mut self, unattended: SignedDuration) {
        self.unattended = self.unattended.saturating_add(unattended);
    }

    /// When so much time will have been watched.
    pub fn watched_for(&self, time: SignedDuration) -> Timestamp {
        let time = time.saturating_add(self.unattended);
        self.began.checked_add(time).unwrap_or(Timestamp::MAX)
    }

    /// What the looks said is kept to its first words; what they came to is kept.
    pub fn cut_words(&mut self) {
        for tally in self.tallies.values_mut() {
            if let Some(last) = &mut tally.last {
                last.cut();
            }
            if let Some(failure) = &mut tally.failure {
                cut(failure);
            }
        }
    }

    pub fn tally(&self, gate: &Gate) -> Tally {
        self.tallies.get(&gate.name).cloned().unwrap_or_default()
    }
}

impl Tally {
    pub(super) fn take(&mut self, readings: Readings, now: Timestamp) {
        self.last_look = Some(now);
        match readings {
            Readings::One(Reading::Error(why)) => {
                self.errors += 1;
                self.last = Some(Reading::Error(why));
            }
            Readings::One(reading) => {
                self.errors = 0;
                self.seen_until = Some(now);
                match &reading {
                    Reading::Pass(_) => self.passed += 1,
                    Reading::Fail(said) => {
                        self.failed += 1;
                        self.failure = Some(said.clone());
                    }
                    Reading::NoData(_) => self.no_data += 1,
                    Reading::Wait(_) | Reading::Error(_) => {}
                }
                self.last = Some(reading);
            }
            Readings::All {
                passed,
                failed,
                no_data,
                last,
                failure,
                until,
            } => {
                self.errors = 0;
                (self.passed, self.failed, self.no_data) = (passed, failed, no_data);
                self.seen_until = Some(until);
                self.last = Some(last);
                self.failure = failure;
            }
        }
    }
}
