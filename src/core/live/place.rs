//! Where the tasks of a service are registered.

use std::collections::BTreeSet;

use super::{Service, list, text};
use crate::core::id::TargetGroupArn;

/// Target groups in any of which a task may be registered.
pub type Place = BTreeSet<TargetGroupArn>;

impl Service {
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
