//! Listener rules: reading their weights, and changing only these.
//!
//! **Invariant:** a rule's other actions, its stickiness, the order, and every other rule stay as they are. ELBv2 replaces
//! a rule's actions whole, so they are read just before they are written.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, Rule as ElbRule, TargetGroup, TargetGroupTuple,
};

use super::Aws;
use super::faults::fault;
use crate::core::id::{RuleArn, TargetGroupArn};
use crate::core::live::Rule;
use crate::core::rollout::{Fault, FaultKind, Receipt};

impl Aws {
    pub(super) async fn rule(&self, arn: &RuleArn) -> Result<Option<Rule>, Fault> {
        Ok(self.raw_rule(arn).await?.as_ref().map(read))
    }

    /// Every rule of the load balancers that the group belongs to.
    pub(super) async fn rules_around(
        &self,
        group: &TargetGroupArn,
    ) -> Result<Option<Vec<Rule>>, Fault> {
        let groups = self
            .elb
            .describe_target_groups()
            .target_group_arns(group.as_str())
            .send()
            .await
            .map_err(|error| fault("DescribeTargetGroups", &error))?;
        let balancers = groups
            .target_groups()
            .iter()
            .flat_map(TargetGroup::load_balancer_arns);
        let mut rules = Vec::new();
        for balancer in balancers {
            for listener in self.listeners(balancer).await? {
                rules.extend(self.rules_of(&listener).await?.iter().map(read));
            }
        }
        Ok(Some(rules))
    }

    async fn listeners(&self, balancer: &str) -> Result<Vec<String>, Fault> {
        let mut pages = self
            .elb
            .describe_listeners()
            .load_balancer_arn(balancer)
            .into_paginator()
            .items()
            .send();
        let mut listeners = Vec::new();
        while let Some(listener) = pages.next().await {
            let listener = listener.map_err(|error| fault("DescribeListeners", &error))?;
            listeners.extend(listener.listener_arn().map(str::to_owned));
        }
        Ok(listeners)
    }

    async fn rules_of(&self, listener: &str) -> Result<Vec<ElbRule>, Fault> {
        let mut rules = Vec::new();
        let mut marker = None;
        loop {
            let page = self
                .elb
                .describe_rules()
                .listener_arn(listener)
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| fault("DescribeRules", &error))?;
            rules.extend_from_slice(page.rules());
            marker = page.next_marker().map(str::to_owned);
            if marker.is_none() {
                return Ok(rules);
            }
        }
    }

    async fn raw_rule(&self, arn: &RuleArn) -> Result<Option<ElbRule>, Fault> {
        let described = self
            .elb
            .describe_rules()
            .rule_arns(arn.as_str())
            .send()
            .await;
        match described {
            Ok(described) => Ok(described.rules().first().cloned()),
            Err(error) => match fault("DescribeRules", &error) {
                absent if absent.code.starts_with("RuleNotFound") => Ok(None),
                fault => Err(fault),
            },
        }
    }

    pub(super) async fn shift(
        &self,
        arn: &RuleArn,
        weights: &BTreeMap<TargetGroupArn, u32>,
    ) -> Result<Receipt, Fault> {
        let rule = self.raw_rule(arn).await?.ok_or_else(|| gone(arn))?;
        let actions = rule
            .actions()
            .iter()
            .map(|action| weigh(action, weights))
            .collect();
        if rule.is_default() == Some(true) {
            let modified = self.elb.modify_listener().listener_arn(listener_of(arn));
            let sent = modified.set_default_actions(Some(actions)).send().await;
            sent.map_err(|error| fault("ModifyListener", &error))?;
        } else {
            let modified = self.elb.modify_rule().rule_arn(arn.as_str());
            let sent = modified.set_actions(Some(actions)).send().await;
            sent.map_err(|error| fault("ModifyRule", &error))?;
        }
        Ok(Receipt::Shifted)
    }
}

/// The same action, with these weights if it is the one that forwards.
fn weigh(action: &Action, weights: &BTreeMap<TargetGroupArn, u32>) -> Action {
    if action.r#type().map(ActionTypeEnum::as_str) != Some("forward") {
        return action.clone();
    }
    let tuples = weights.iter().map(|(group, weight)| {
        TargetGroupTuple::builder()
            .target_group_arn(group.as_str())
            .weight(i32::try_from(*weight).unwrap_or(999))
            .build()
    });
    let stickiness = action
        .forward_config()
        .and_then(|config| config.target_group_stickiness_config());
    let forward = ForwardActionConfig::builder()
        .set_target_groups(Some(tuples.collect()))
        .set_target_group_stickiness_config(stickiness.cloned())
        .build();
    let mut weighed = action.clone();
    weighed.target_group_arn = None;
    weighed.forward_config = Some(forward);
    weighed
}

fn read(rule: &ElbRule) -> Rule {
    Rule {
        arn: RuleArn::new(rule.rule_arn().unwrap_or_default()),
        weights: rule.actions().iter().flat_map(forwards).collect(),
    }
}

fn forwards(action: &Action) -> Vec<(TargetGroupArn, u32)> {
    let tuples = action
        .forward_config()
        .map(ForwardActionConfig::target_groups)
        .unwrap_or_default();
    let listed: Vec<_> = tuples
        .iter()
        .filter_map(|tuple| {
            let weight = u32::try_from(tuple.weight().unwrap_or(1)).unwrap_or_default();
            Some((TargetGroupArn::new(tuple.target_group_arn()?), weight))
        })
        .collect();
    match (listed.is_empty(), action.target_group_arn()) {
        (true, Some(only)) => vec![(TargetGroupArn::new(only), 1)],
        _ => listed,
    }
}

/// `…:listener-rule/app/NAME/LB/LISTENER/RULE` -> `…:listener/app/NAME/LB/LISTENER`.
fn listener_of(rule: &RuleArn) -> String {
    let listener = rule
        .as_str()
        .rsplit_once('/')
        .map_or(rule.as_str(), |(listener, _)| listener);
    listener.replacen(":listener-rule/", ":listener/", 1)
}

fn gone(rule: &RuleArn) -> Fault {
    Fault {
        operation: "DescribeRules".to_owned(),
        kind: FaultKind::Refused,
        code: "RuleNotFound".to_owned(),
        message: format!("the listener rule {rule} is gone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_rules_listener_is_read_off_its_name() {
        let rule = RuleArn::from("arn:aws:elasticloadbalancing:r:1:listener-rule/app/web/1a/2b/3c");
        assert_eq!(
            listener_of(&rule),
            "arn:aws:elasticloadbalancing:r:1:listener/app/web/1a/2b"
        );
    }
}
