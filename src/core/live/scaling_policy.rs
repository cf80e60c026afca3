//! What scales a service, as DescribeScalingPolicies answers it.

/// A scaling policy, as far as it says what it scales by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalingPolicy {
    pub name: String,
    /// `predefinedMetricType` of target tracking: `ALBRequestCountPerTarget`, `ECSServiceAverageCPUUtilization`, …;
    /// empty for a metric of somebody's own and for step scaling.
    pub metric: String,
}
