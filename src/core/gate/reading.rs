//! What one look, or one period of a metric, said.
//!
//! **Invariant:** "nothing to measure" and "could not be measured" are readings of their own, never a pass.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One look at one gate, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reading", content = "said", rename_all = "snake_case")]
pub enum Reading {
    Pass(String),
    Fail(String),
    /// It is too early to say.
    Wait(String),
    /// There was nothing to measure.
    NoData(String),
    /// The look itself did not work.
    Error(String),
}

/// What one sample comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readings {
    /// One more look.
    One(Reading),
    /// All that there is so far, instead of what was counted before: windows are always asked for from their start,
    /// so that minutes which CloudWatch filled late are judged as they are.
    All {
        passed: u32,
        failed: u32,
        no_data: u32,
        last: Reading,
        /// The newest failure's words.
        failure: Option<String>,
        /// The end of what was judged.
        until: Timestamp,
    },
}

impl Readings {
    pub fn of(each: impl Iterator<Item = Reading>, until: Timestamp) -> Self {
        let (mut passed, mut failed, mut no_data) = (0, 0, 0);
        let mut last = Reading::Wait("no whole period yet".to_owned());
        let mut failure = None;
        for reading in each {
            match &reading {
                Reading::Pass(_) => passed += 1,
                Reading::Fail(said) => {
                    failed += 1;
                    failure = Some(said.clone());
                }
                Reading::NoData(_) => no_data += 1,
                Reading::Wait(_) | Reading::Error(_) => {}
            }
            last = reading;
        }
        Self::All {
            passed,
            failed,
            no_data,
            last,
            failure,
            until,
        }
    }
}

impl Reading {
    pub fn said(&self) -> &str {
        match self {
            Self::Pass(said)
            | Self::Fail(said)
            | Self::Wait(said)
            | Self::NoData(said)
            | Self::Error(said) => said,
        }
    }

    /// Keeps the first words.
    pub(super) fn cut(&mut self) {
        match self {
            Self::Pass(said)
            | Self::Fail(said)
            | Self::Wait(said)
            | Self::NoData(said)
            | Self::Error(said) => cut(said),
        }
    }
}

/// Characters that are left of words for which there is little room.
const FIRST_WORDS: usize = 60;

/// Keeps the first words; what was cut is marked by `…`.
pub(super) fn cut(said: &mut String) {
    if let Some((end, _)) = said.char_indices().nth(FIRST_WORDS) {
        said.truncate(end);
        said.push('…');
    }
}
