//! What `ELBv2` remembers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sandbox::elb::health::{Health, HealthCheck};
use crate::sandbox::{ApiError, Duration, Time};

/// Everything that `ELBv2` remembers, by ARN.
#[derive(Clone, Debug, Default)]
pub struct Elb {
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    pub listeners: BTreeMap<String, Listener>,
    pub rules: BTreeMap<String, Rule>,
    pub groups: BTreeMap<String, TargetGroup>,
    /// By resource ARN, then key.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
}

/// A load balancer; `kind` is `application` or `network`.
#[derive(Clone, Debug)]
pub struct LoadBalancer {
    pub arn: String,
    pub name: String,
    pub kind: String,
    pub scheme: String,
    pub dns_name: String,
    pub vpc: String,
    pub ip_address_type: String,
    /// Zone name and subnet.
    pub zones: Vec<(String, String)>,
    pub security_groups: Vec<String>,
    pub created: Time,
    pub attributes: BTreeMap<String, String>,
}

/// A listener. Its default actions are those of its default [`Rule`].
#[derive(Clone, Debug)]
pub struct Listener {
    pub arn: String,
    pub load_balancer: String,
    pub port: u16,
    pub protocol: String,
    /// Members that only HTTPS and TLS listeners have (certificates, policy), echoed as given.
    pub tls: serde_json::Map<String, Value>,
    pub attributes: BTreeMap<String, String>,
}

/// A listener rule; the default rule has no priority.
#[derive(Clone, Debug)]
pub struct Rule {
    pub arn: String,
    pub listener: String,
    pub priority: Option<u32>,
    /// As given.
    pub conditions: Vec<Value>,
    pub actions: Vec<Action>,
}

/// What a rule does with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Forward {
        order: Option<u64>,
        groups: Vec<WeightedGroup>,
        /// For how long a client sticks to the group that it was first sent to; `None` is off.
        sticky_seconds: Option<u64>,
    },
    /// A redirect, fixed response or authentication, echoed as given.
    Other(Value),
}

/// A target group with its weight, 0 to 999; the share is the weight over the sum of weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedGroup {
    pub arn: String,
    pub weight: u32,
}

/// A target group with its targets.
#[derive(Clone, Debug)]
pub struct TargetGroup {
    pub arn: String,
    pub name: String,
    pub protocol: String,
    pub protocol_version: Option<String>,
    pub port: u16,
    pub vpc: String,
    /// `ip` or `instance`.
    pub target_type: String,
    pub ip_address_type: String,
    pub check: HealthCheck,
    pub attributes: BTreeMap<String, String>,
    /// By id and port.
    pub targets: BTreeMap<(String, u16), Target>,
}

/// A registered, or still draining, target.
#[derive(Clone, Debug)]
pub struct Target {
    pub zone: Option<String>,
    pub registered: Time,
    pub health: Health,
}

impl Rule {
    /// The groups that this rule forwards to.
    pub fn forwards(&self) -> impl Iterator<Item = &WeightedGroup> {
        self.actions.iter().flat_map(|action| match action {
            Action::Forward { groups, .. } => groups.as_slice(),
            Action::Other(_) => &[],
        })
    }
}

impl TargetGroup {
    /// `deregistration_delay.timeout_seconds`.
    pub fn deregistration_delay(&self) -> Duration {
        let seconds = self
            .attributes
            .get("deregistration_delay.timeout_seconds")
            .and_then(|s| s.parse().ok());
        Duration::from_secs(seconds.unwrap_or(300))
    }
}

impl Elb {
    pub fn group(&self, arn: &str) -> Option<&TargetGroup> {
        self.groups.get(arn)
    }

    /// A group that must exist.
    pub fn existing_group(&mut self, arn: &str) -> Result<&mut TargetGroup, ApiError> {
        self.groups.get_mut(arn).ok_or_else(|| {
            ApiError::client(
                "TargetGroupNotFoundException",
                "One or more target groups not found",
            )
        })
    }
}

impl Elb {
    /// The load balancers whose rules forward to a group: none or one.
    pub fn load_balancers_of(&self, group_arn: &str) -> BTreeSet<String> {
        let rules = self
            .rules
            .values()
            .filter(|rule| rule.forwards().any(|group| group.arn == group_arn));
        rules
            .filter_map(|rule| self.listeners.get(&rule.listener))
            .map(|listener| listener.load_balancer.clone())
            .collect()
    }
}
