//! People who set the rule's weights by hand while a rollout runs.
//!
//! **Invariant:** weights that this rollout did not order are a person's word, and traffic is never moved against it: if
//! they give everything to the old set, the rollout goes back as well; else it stops where it is, with both sets there.

use std::collections::BTreeMap;

use super::division;
use crate::core::id::TargetGroupArn;
use crate::core::live::Rule;
use crate::core::plan::TaskSets;
use crate::core::report::{Cause, Outcome};
use crate::core::rollout::Turn;
use crate::core::rollout::pace::{LOOK_AGAIN, SETTLE};
use crate::core::rollout::turning::Turning;

impl Turning<'_> {
    /// Whether the rule divides the traffic in none of the ways that this rollout may have left it in. A read may be
    /// older than what was ordered last, in this stage or the one before.
    pub(super) fn is_overruled(&self, rule: &Rule, ours: &[BTreeMap<TargetGroupArn, u32>]) -> bool {
        let has_settled = !self.just_ordered() && self.waited(self.next.entered) >= SETTLE;
        has_settled && !ours.iter().any(|ours| rule.divides(ours))
    }

    pub(super) fn overruled(self, sets: &TaskSets, rule: &Rule) -> Turn {
        let reason = overruling(sets, rule);
        let cause = Cause::Stopped { reason };
        if rule.divides(&division(sets, 0)) {
            return self.begin_back(cause);
        }
        self.finish(Outcome::Stranded { cause })
    }

    /// The new set has all of the traffic, as was read back; else the turn that deals with that.
    pub(super) fn has_all(self, sets: &TaskSets, rule: &Rule) -> Result<Self, Box<Turn>> {
        let all = division(sets, 100);
        if rule.divides(&all) {
            return Ok(self);
        }
        if self.is_overruled(rule, &[all]) {
            return Err(Box::new(self.overruled(sets, rule)));
        }
        let watch = self.watch_sets(sets);
        Err(Box::new(self.look_after(LOOK_AGAIN, watch)))
    }
}

pub(super) fn overruling(sets: &TaskSets, rule: &Rule) -> String {
    // Whole percents are all that this tool orders; people may set others.
    let percent = (rule.share(&sets.green) * 1000.0).round() / 10.0;
    format!(
        "somebody else set the listener rule's weights, {percent} % of the traffic to the new revision"
    )
}
