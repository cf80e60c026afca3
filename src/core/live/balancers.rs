//! The load balancers of a service: which target groups its tasks are registered in, and where ECS can shift its traffic.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Service, TaskSet, count, list, text};
use crate::core::id::{RuleArn, TargetGroupArn};

/// One element of `Service.loadBalancers` that names a target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    pub target_group: TargetGroupArn,
    pub container: String,
    pub port: u32,
}

/// Target groups in any of which a task may be registered.
pub type Place = BTreeSet<TargetGroupArn>;

impl Service {
    /// Target groups of the service; classic load balancers name none and are left out.
    pub fn load_balancers(&self) -> Vec<LoadBalancer> {
        list(self.as_value(), "loadBalancers")
            .iter()
            .filter(|lb| !text(lb, "targetGroupArn").is_empty())
            .map(|lb| LoadBalancer {
                target_group: TargetGroupArn::new(text(lb, "targetGroupArn")),
                container: text(lb, "containerName").to_owned(),
                port: count(lb, "containerPort"),
            })
            .collect()
    }

    pub fn target_groups(&self) -> Vec<TargetGroupArn> {
        self.load_balancers()
            .into_iter()
            .map(|lb| lb.target_group)
            .collect()
    }

    /// Whether each load balancer has the `advancedConfiguration` that native shifts need, and there is one.
    pub fn can_shift(&self) -> bool {
        let balancers = list(self.as_value(), "loadBalancers");
        !balancers.is_empty()
            && balancers
                .iter()
                .all(|balancer| balancer.get("advancedConfiguration").is_some())
    }

    /// Whether test traffic has a listener rule of its own.
    pub fn has_test_rule(&self) -> bool {
        list(self.as_value(), "loadBalancers")
            .iter()
            .any(|balancer| {
                balancer
                    .pointer("/advancedConfiguration/testListenerRule")
                    .is_some()
            })
    }

    /// Where ECS itself can shift: both target groups, in no particular order, and the production rule (behind a Network
    /// Load Balancer the listener) of each load balancer.
    pub fn pairs(&self) -> Vec<([TargetGroupArn; 2], RuleArn)> {
        let pairs = list(self.as_value(), "loadBalancers")
            .iter()
            .filter_map(|balancer| {
                let advanced = balancer.get("advancedConfiguration")?;
                let groups = [
                    text(balancer, "targetGroupArn"),
                    text(advanced, "alternateTargetGroupArn"),
                ];
                let rule = text(advanced, "productionListenerRule");
                let is_whole = !rule.is_empty() && groups.iter().all(|group| !group.is_empty());
                is_whole.then(|| (groups.map(TargetGroupArn::new), RuleArn::new(rule)))
            });
        pairs.collect()
    }

    /// Target groups that the other revision uses while a native shift runs.
    pub fn alternate_target_groups(&self) -> Vec<TargetGroupArn> {
        list(self.as_value(), "loadBalancers")
            .iter()
            .filter_map(|balancer| {
                balancer
                    .pointer("/advancedConfiguration/alternateTargetGroupArn")
                    .and_then(Value::as_str)
                    .map(TargetGroupArn::new)
            })
            .collect()
    }

    /// The target group of the primary task set, or of the service itself.
    pub fn serving_group(&self) -> Option<TargetGroupArn> {
        let of_set = self.primary_task_set().and_then(TaskSet::target_group);
        of_set.or_else(|| self.target_groups().into_iter().next())
    }

    /// Target groups of the service and of its other side.
    pub fn target_groups_of_all(&self) -> BTreeSet<TargetGroupArn> {
        let groups = self.target_groups().into_iter();
        let sets = self.task_sets().filter_map(TaskSet::target_group);
        groups
            .chain(self.alternate_target_groups())
            .chain(sets)
            .collect()
    }

    /// Where the tasks of a deployment are registered, for each load balancer: in either of two groups where ECS can shift
    /// its traffic, for the two change roles with each shift.
    pub fn places(&self) -> Vec<Place> {
        let balancers = list(self.as_value(), "loadBalancers").iter();
        let places = balancers.map(|balancer| {
            let advanced = balancer.get("advancedConfiguration");
            let alternate = advanced.map_or("", |of| text(of, "alternateTargetGroupArn"));
            let groups = [text(balancer, "targetGroupArn"), alternate].into_iter();
            let named = groups.filter(|group| !group.is_empty());
            named.map(TargetGroupArn::new).collect::<Place>()
        });
        places.filter(|place| !place.is_empty()).collect()
    }
}
