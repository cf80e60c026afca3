//! Application Auto Scaling, over awsJson: what scales a service.

use serde_json::{Value, json};

use super::Aws;
use super::json_service::{Api, Repeat};
use super::observe::all;
use crate::core::id::ServiceKey;
use crate::core::live::ScalingPolicy;
use crate::core::rollout::Fault;

pub const API: Api = Api {
    id: "Application Auto Scaling",
    host: "application-autoscaling",
    target: "AnyScaleFrontendService",
    content_type: "application/x-amz-json-1.1",
};

impl Aws {
    /// The first page, which holds up to 50: more than a service may have.
    pub(super) async fn scaling_policies(
        &self,
        key: &ServiceKey,
    ) -> Result<Vec<ScalingPolicy>, Fault> {
        let resource = format!("service/{}/{}", key.cluster.short(), key.service.short());
        let input = json!({"ServiceNamespace": "ecs", "ResourceId": resource});
        let answer = self
            .scaling
            .call("DescribeScalingPolicies", input, Repeat::Freely)
            .await?;
        Ok(all(answer, "ScalingPolicies").map(|it| read(&it)).collect())
    }
}

fn read(policy: &Value) -> ScalingPolicy {
    let text = |pointer: &str| {
        let said = policy.pointer(pointer).and_then(Value::as_str);
        said.unwrap_or_default().to_owned()
    };
    let tracking = "/TargetTrackingScalingPolicyConfiguration/PredefinedMetricSpecification";
    ScalingPolicy {
        name: text("/PolicyName"),
        metric: text(&format!("{tracking}/PredefinedMetricType")),
    }
}
