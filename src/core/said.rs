//! Options that ask for something of one kind of strategy only.
//!
//! **Invariant:** what was said in so many words is heard or refused, never quietly left out. Configuration is not held
//! to that: a block may serve services and environments of several kinds.

use super::plan::{Refusal, Strategy};

/// An option that was given, and the strategies that it says something to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// As it is typed: `--drain`.
    pub option: &'static str,
    pub to: Hearer,
}

/// Who can do something with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearer {
    TaskSets,
    CodeDeploy,
}

impl Hearer {
    fn is(self, strategy: &Strategy) -> bool {
        match self {
            Self::TaskSets => matches!(strategy, Strategy::TaskSets(_)),
            Self::CodeDeploy => matches!(strategy, Strategy::CodeDeploy(_)),
        }
    }

    /// What it goes with, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::TaskSets => {
                "task sets, which services of the deployment controller EXTERNAL have"
            }
            Self::CodeDeploy => "services of the deployment controller CODE_DEPLOY",
        }
    }
}

/// Refuses the first option that says nothing to the chosen strategy.
pub fn check(said: &[Said], strategy: &Strategy, why: &str) -> Result<(), Refusal> {
    let unheard = said.iter().find(|said| !said.to.is(strategy));
    unheard.map_or(Ok(()), |said| {
        Err(Refusal::Unheard {
            said: *said,
            strategy: words(strategy),
            why: why.to_owned(),
        })
    })
}

fn words(strategy: &Strategy) -> &'static str {
    match strategy {
        Strategy::Rolling => "a rolling deployment",
        Strategy::Beside(_) => "a canary beside the service",
        Strategy::Native(_) => "a shift by ECS itself",
        Strategy::TaskSets(_) => "a weighted shift between task sets",
        Strategy::CodeDeploy(_) => "a deployment by CodeDeploy",
    }
}
