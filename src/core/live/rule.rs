//! A listener rule's forward action: which target groups get how much of the traffic.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::id::{RuleArn, TargetGroupArn};

/// One listener rule, as far as traffic goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub arn: RuleArn,
    /// Of its forward action, 0–999 each (ELBv2 `TargetGroupTuple`); empty where it forwards to none.
    pub weights: BTreeMap<TargetGroupArn, u32>,
}

impl Rule {
    /// The share of the traffic that a group gets, 0 to 1: its weight over the sum of weights.
    pub fn share(&self, group: &TargetGroupArn) -> f64 {
        let sum: u32 = self.weights.values().sum();
        match self.weights.get(group) {
            Some(weight) if sum > 0 => f64::from(*weight) / f64::from(sum),
            _ => 0.0,
        }
    }

    /// Whether it divides traffic exactly so; weights 1 and 0 are the same division as 100 and 0.
    pub fn divides(&self, wanted: &BTreeMap<TargetGroupArn, u32>) -> bool {
        let wanted = Self {
            arn: self.arn.clone(),
            weights: wanted.clone(),
        };
        let groups = self.weights.keys().chain(wanted.weights.keys());
        let mut groups = groups.collect::<Vec<_>>();
        groups.dedup();
        groups
            .iter()
            .all(|group| (self.share(group) - wanted.share(group)).abs() < 1e-9)
    }

    /// The one group that is beside this one in the rule.
    pub fn other_than(&self, group: &TargetGroupArn) -> Option<&TargetGroupArn> {
        let mut others = self.weights.keys().filter(|other| *other != group);
        match (others.next(), others.next()) {
            (Some(other), None) => Some(other),
            _ => None,
        }
    }
}

/// The AWS CLI's command that gives one target group of a rule, or of a listener that stands in a rule's place, all of its
/// traffic, and the other none. It replaces all of the rule's actions.
pub fn all_to(rule: &RuleArn, to: &TargetGroupArn, not_to: &TargetGroupArn) -> String {
    let order = if rule.as_str().contains(":listener/") {
        format!("modify-listener --listener-arn {rule} --default-actions")
    } else {
        format!("modify-rule --rule-arn {rule} --actions")
    };
    format!(
        r#"aws elbv2 {order} '[{{"Type":"forward","ForwardConfig":{{"TargetGroups":[{{"TargetGroupArn":"{to}","Weight":100}},{{"TargetGroupArn":"{not_to}","Weight":0}}]}}}}]'"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(pairs: &[(&str, u32)]) -> BTreeMap<TargetGroupArn, u32> {
        let named = |(name, weight): &(&str, u32)| (TargetGroupArn::from(*name), *weight);
        pairs.iter().map(named).collect()
    }

    #[test]
    fn divisions_are_compared_by_share() {
        for (are, wanted, same) in [
            (&[("a", 1), ("b", 0)][..], &[("a", 100), ("b", 0)][..], true),
            (&[("a", 1)], &[("a", 100), ("b", 0)], true),
            (&[("a", 90), ("b", 10)], &[("a", 9), ("b", 1)], true),
            (&[("a", 90), ("b", 10)], &[("a", 10), ("b", 90)], false),
            (&[], &[("a", 100)], false),
        ] {
            let rule = Rule {
                arn: RuleArn::from("r"),
                weights: weights(are),
            };
            assert_eq!(rule.divides(&weights(wanted)), same, "{are:?} {wanted:?}");
        }
    }
}
