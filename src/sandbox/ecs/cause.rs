//! Why failure detection ends a deployment, and the sentences in which ECS says so.
//!
//! Source: ECS developer guide, "deployment circuit breaker", "service event messages".

/// Which failure detection found a deployment to be bad. The breaker's sentences are AWS's but for `status_reason`;
/// of an alarm's, only the service event is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Breaker,
    Alarm,
}

impl Cause {
    pub fn rollout_reason(self) -> &'static str {
        match self {
            Self::Breaker => "ECS deployment circuit breaker: tasks failed to start.",
            Self::Alarm => "ECS deployment failed: alarm detected.",
        }
    }

    pub fn event_reason(self) -> &'static str {
        match self {
            Self::Breaker => "tasks failed to start",
            Self::Alarm => "alarm detected",
        }
    }

    pub fn status_reason(self) -> &'static str {
        match self {
            Self::Breaker => "the circuit breaker threshold was exceeded",
            Self::Alarm => "an alarm was detected",
        }
    }

    pub fn rolling_back(self, deployment: &str) -> String {
        match self {
            Self::Breaker => format!(
                "ECS deployment circuit breaker: rolling back to deploymentId {deployment}."
            ),
            Self::Alarm => format!("ECS deployment rolling back to deploymentId {deployment}."),
        }
    }
}
