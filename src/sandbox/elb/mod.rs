//! Elastic Load Balancing v2: load balancers, listeners, rules, target groups and the health of their targets.

mod actions;
mod api;
mod attributes;
mod balancers;
mod groups;
mod health;
mod listeners;
mod model;
mod page;
mod registration;
mod rules;
mod seed;
mod tags;
mod targets;
#[cfg(test)]
mod tests;

pub use api::answer;
pub use health::{Health, HealthCheck, Probe, TargetHealth, TargetState};
pub use model::{Action, Elb, Listener, LoadBalancer, Rule, Target, TargetGroup, WeightedGroup};
pub use seed::{ElbSeed, find_group, find_listener, find_rule, seed};
#[cfg(test)]
pub use tests::weighted;
