//! What AWS says is: lossless documents with typed views over the members that decisions rest on.
//!
//! **Invariant:** reading is tolerant. A member that is missing, of another type or of an unknown value
//! is data ("not said"), never an error; what is not read is still kept in the document.

mod alarm;
mod balancers;
mod code_deploy;
mod deployment;
mod image;
mod rule;
mod scaling_policy;
mod service;
mod service_deployment;
mod service_event;
mod target;
mod target_group;
mod task;
mod task_set;

pub use alarm::{Alarm, AlarmState};
pub use balancers::{LoadBalancer, Place};
pub use code_deploy::{CodeDeployment, DeploymentGroup, GroupKey, Readiness};
pub use deployment::{Deployment, RolloutState};
pub use image::{EcrImage, EcrImageDetail, Tagging};
pub use rule::{Rule, all_to};
pub use scaling_policy::ScalingPolicy;
pub use service::{Breaker, Service};
pub use service_deployment::ServiceDeployment;
pub use service_event::ServiceEvent;
pub use target::{Target, TargetState};
pub use target_group::TargetGroup;
pub use task::{ContainerExit, INSTANCE, Task};
pub use task_set::{OURS, TaskSet};

use jiff::Timestamp;
use serde_json::Value;

/// A string member, empty when it is not said.
pub(crate) fn text<'a>(of: &'a Value, member: &str) -> &'a str {
    of.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// A count member, 0 when it is not said.
pub(crate) fn count(of: &Value, member: &str) -> u32 {
    of.get(member)
        .and_then(Value::as_u64)
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or_default()
}

/// A list member, empty when it is not said.
pub(crate) fn list<'a>(of: &'a Value, member: &str) -> &'a [Value] {
    of.get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A time member: awsJson writes seconds since the epoch, fractions allowed.
pub(crate) fn time(of: &Value, member: &str) -> Option<Timestamp> {
    let seconds = of.get(member)?.as_f64()?;
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}
