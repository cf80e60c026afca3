//! A target group as DescribeTargetGroups answers it.

use crate::core::id::TargetGroupArn;

/// A target group, as far as what can be registered with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    pub arn: TargetGroupArn,
    pub name: String,
    /// `ip`, `instance`, `lambda` or `alb`.
    pub target_type: String,
}
