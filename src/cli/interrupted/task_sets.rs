//! What has the traffic, of two task sets that are left: nobody but this program moves the weights, so they stay.
//!
//! **Invariant:** says only what was read back; what was ordered and not read back is said to be so.

use super::Ends;
use crate::core::plan::TaskSets;
use crate::core::rollout::{Stage, State};

pub fn stand(sets: &TaskSets, stage: &Stage, state: &State) -> (String, Ends) {
    let was_ordered = state.ordered.is_some();
    let ends = match stage {
        Stage::Raise if state.deployment.is_none() && !was_ordered => Ends::NotBegun,
        Stage::Remove | Stage::Back { .. } => Ends::Settled,
        _ => Ends::Never,
    };
    let says = match stage {
        Stage::Raise if state.deployment.is_some() => shared(0),
        Stage::Raise if was_ordered => {
            "the old task set has all of the traffic; a new one may have been made beside it"
                .to_owned()
        }
        Stage::Raise => "the service was not changed".to_owned(),
        Stage::Shift { step, since } => {
            let percent = |step: usize| sets.steps.get(step).copied().unwrap_or(100);
            let (before, wanted) = (step.checked_sub(1).map_or(0, percent), percent(*step));
            match since {
                Some(_) => shared(wanted),
                None if was_ordered => format!(
                    "the new task set was given {wanted} % of the traffic after {before} %, which was not read back \
                     yet; both stay"
                ),
                None => shared(before),
            }
        }
        Stage::Promote | Stage::Drain { .. } | Stage::Remove => shared(100),
        Stage::Back { since: Some(_), .. } => {
            "the old task set has all of the traffic again; the new one is not removed yet"
                .to_owned()
        }
        Stage::Back { since: None, .. } if was_ordered => {
            "going back has begun: the old task set was given all of the traffic, which was not read back yet"
                .to_owned()
        }
        Stage::Back { since: None, .. } => {
            "going back has begun, and the new task set may still have traffic".to_owned()
        }
    };
    (says, ends)
}

/// The weights as they were read back.
fn shared(percent: u32) -> String {
    match percent {
        0 => "the old task set has all of the traffic; the new one stays beside it".to_owned(),
        100.. => "the new task set has all of the traffic; the old one stays beside it".to_owned(),
        _ => format!(
            "the new task set has {percent} % of the traffic and the old one the rest; both stay"
        ),
    }
}
