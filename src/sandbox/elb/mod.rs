//! Elastic Load Balancing v2: load balancers, listeners, rules, target groups and the health of their targets.

mod api;
mod health;
mod model;

pub use api::answer;
pub use health::{Probe, TargetHealth, TargetState};
pub use model::{Action, Elb, Listener, LoadBalancer, Rule, Target, TargetGroup, WeightedGroup};
