//! The load balancing around target groups, as it would be made again.
//!
//! **Invariant:** only reads. What lies around other target groups of the same load balancers is left out, and what
//! could not be carried over is said.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types;
use serde_json::{Value, json};

use super::Aws;
use super::faults::fault;
use super::forms;
use crate::core::id::TargetGroupArn;
use crate::core::live::TargetGroup;
use crate::core::rollout::Fault;

/// Each thing as the input of its Create operation, in AWS's spelling, with its own ARN and, for target groups,
/// `Attributes` beside it.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    pub target_groups: Vec<Value>,
    pub load_balancers: Vec<Value>,
    pub listeners: Vec<Value>,
    pub rules: Vec<Value>,
    /// By subnet: its zone and its VPC.
    pub subnets: Vec<(String, String, String)>,
    /// What was not carried over, a sentence each.
    pub left_out: BTreeSet<String>,
}

/// DescribeTargetGroups and DescribeLoadBalancers take so many names at most.
const NAMES_PER_CALL: usize = 20;

impl Aws {
    /// Looks at the load balancers, listeners and rules that lead to these target groups.
    pub async fn routing(&self, groups: &[TargetGroupArn]) -> Result<Routing, Fault> {
        let mut routing = Routing::default();
        let mut wanted: BTreeSet<String> = groups.iter().map(|g| g.as_str().to_owned()).collect();
        if wanted.is_empty() {
            return Ok(routing);
        }
        let found = self.groups(&wanted).await?;
        let balancers = found
            .iter()
            .flat_map(types::TargetGroup::load_balancer_arns);
        let balancers: BTreeSet<String> = balancers.cloned().collect();
        for arn in &balancers {
            self.listeners_of(arn, &mut wanted, &mut routing).await?;
        }
        self.load_balancers(&balancers, &mut routing).await?;
        // Rules may share the traffic with groups that nobody asked for.
        for group in self.groups(&wanted).await? {
            let delay = self.attributes(&group).await?;
            routing
                .target_groups
                .push(forms::target_group(&group, delay));
        }
        Ok(routing)
    }

    async fn groups(&self, arns: &BTreeSet<String>) -> Result<Vec<types::TargetGroup>, Fault> {
        let mut found = Vec::new();
        let arns: Vec<String> = arns.iter().cloned().collect();
        for some in arns.chunks(NAMES_PER_CALL) {
            let described = self
                .elb
                .describe_target_groups()
                .set_target_group_arns(Some(some.to_vec()))
                .send()
                .await
                .map_err(|error| fault("DescribeTargetGroups", &error))?;
            found.extend(described.target_groups.unwrap_or_default());
        }
        Ok(found)
    }

    /// The target groups of these names.
    pub async fn groups_named(&self, names: &[&str]) -> Result<Vec<TargetGroupArn>, Fault> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let described = self
            .elb
            .describe_target_groups()
            .set_names(Some(names))
            .send()
            .await
            .map_err(|error| fault("DescribeTargetGroups", &error))?;
        let arns = described.target_groups().iter();
        Ok(arns
            .filter_map(|group| group.target_group_arn().map(TargetGroupArn::new))
            .collect())
    }

    pub(super) async fn target_group_kinds(
        &self,
        arns: &BTreeSet<TargetGroupArn>,
    ) -> Result<Vec<TargetGroup>, Fault> {
        let arns = arns.iter().map(|arn| arn.as_str().to_owned()).collect();
        let kind = |group: types::TargetGroup| TargetGroup {
            arn: TargetGroupArn::new(group.target_group_arn().unwrap_or_default()),
            name: group.target_group_name().unwrap_or_default().to_owned(),
            target_type: group
                .target_type()
                .map_or_else(String::new, |kind| kind.as_str().to_owned()),
        };
        Ok(self.groups(&arns).await?.into_iter().map(kind).collect())
    }

    /// The attributes that a deployment meets: how long a target drains, and how slowly a new one starts.
    async fn attributes(&self, group: &types::TargetGroup) -> Result<Vec<Value>, Fault> {
        const MET: [&str; 2] = [
            "deregistration_delay.timeout_seconds",
            "slow_start.duration_seconds",
        ];
        let described = self
            .elb
            .describe_target_group_attributes()
            .set_target_group_arn(group.target_group_arn.clone())
            .send()
            .await
            .map_err(|error| fault("DescribeTargetGroupAttributes", &error))?;
        let met = described.attributes().iter().filter_map(|attribute| {
            let (key, value) = (attribute.key()?, attribute.value()?);
            MET.contains(&key)
                .then(|| json!({"Key": key, "Value": value}))
        });
        Ok(met.collect())
    }

    async fn load_balancers(
        &self,
        arns: &BTreeSet<String>,
        routing: &mut Routing,
    ) -> Result<(), Fault> {
        let arns: Vec<String> = arns.iter().cloned().collect();
        for some in arns.chunks(NAMES_PER_CALL) {
            let described = self
                .elb
                .describe_load_balancers()
                .set_load_balancer_arns(Some(some.to_vec()))
                .send()
                .await
                .map_err(|error| fault("DescribeLoadBalancers", &error))?;
            for balancer in described.load_balancers() {
                let vpc = balancer.vpc_id().unwrap_or_default();
                for zone in balancer.availability_zones() {
                    if let (Some(name), Some(subnet)) = (zone.zone_name(), zone.subnet_id()) {
                        let known = (subnet.to_owned(), name.to_owned(), vpc.to_owned());
                        routing.subnets.push(known);
                    }
                }
                routing.load_balancers.push(forms::load_balancer(balancer));
            }
        }
        Ok(())
    }

    /// The listeners of a load balancer that lead to a wanted group, by their default action or by a rule.
    async fn listeners_of(
        &self,
        balancer: &str,
        wanted: &mut BTreeSet<String>,
        routing: &mut Routing,
    ) -> Result<(), Fault> {
        let listeners = self
            .elb
            .describe_listeners()
            .load_balancer_arn(balancer)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(|error| fault("DescribeListeners", &error))?;
        for listener in listeners {
            let rules = self
                .elb
                .describe_rules()
                .set_listener_arn(listener.listener_arn.clone())
                .into_paginator()
                .items()
                .send()
                .collect::<Result<Vec<_>, _>>()
                .await
                .map_err(|error| fault("DescribeRules", &error))?;
            keep(&listener, &rules, wanted, routing);
        }
        Ok(())
    }
}

/// Keeps the rules of a listener that lead to a wanted group, and the listener if there are any.
fn keep(
    listener: &types::Listener,
    rules: &[types::Rule],
    wanted: &mut BTreeSet<String>,
    routing: &mut Routing,
) {
    let leads = |actions: &[types::Action]| {
        forms::forwards(actions)
            .iter()
            .any(|group| wanted.contains(group))
    };
    let is_kept: Vec<&types::Rule> = rules.iter().filter(|rule| leads(rule.actions())).collect();
    if is_kept.is_empty() {
        return;
    }
    let by_default = leads(listener.default_actions());
    routing
        .listeners
        .push(forms::listener(listener, by_default));
    for rule in is_kept {
        wanted.extend(forms::forwards(rule.actions()));
        routing.left_out.extend(forms::left_out(rule));
        if rule.is_default() != Some(true) {
            let arn = listener.listener_arn().unwrap_or_default();
            routing.rules.push(forms::rule(arn, rule));
        }
    }
}
