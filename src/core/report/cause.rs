//! Why a rollout did not end as it was wanted.

use serde::{Deserialize, Serialize};

use crate::core::gate::Verdict;

/// Why a rollout did not complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    CircuitBreaker {
        reason: String,
    },
    /// Tasks of the new deployment failed, more than the limit.
    TasksFailing {
        failed: u32,
        limit: u32,
    },
    /// A task failed in a way that no further attempt can mend.
    Unrunnable {
        reason: String,
    },
    /// Deployment alarms of the service.
    Alarm {
        alarms: Vec<String>,
    },
    /// A gate did not hold, had no data, or could not be measured.
    Gate {
        gate: String,
        step: String,
        verdict: Verdict,
        /// What was measured, in words.
        said: String,
        /// The limit that was passed, as `ecsdeploy.yml` names it: `failure_limit 0`, `timeout 10m`.
        limit: String,
    },
    /// A person or a runner wished to go back.
    Cancelled {
        by: String,
    },
    /// Somebody stopped the deployment.
    Stopped {
        reason: String,
    },
    /// ECS failed the deployment for a reason it gave in its own words.
    FailedByEcs {
        reason: String,
    },
    /// CodeDeploy failed the deployment for a reason it gave in its own words.
    FailedByCodeDeploy {
        reason: String,
    },
    Deadline {
        seconds: u64,
        awaiting: String,
    },
    /// AWS refused a call.
    Refused {
        operation: String,
        message: String,
    },
    /// The service could not be read for too long.
    Blind {
        operation: String,
        message: String,
    },
    /// The machine took turn after turn without a pause: a defect of ecsdeploy, which ends it.
    Restless,
    /// AWS takes the credentials no longer, and none came in their place.
    NoCredentials {
        operation: String,
        message: String,
    },
    /// A service with the canary's name is there and is not ours.
    NotOurs {
        service: String,
    },
    /// The service is gone or not active.
    ServiceGone {
        status: String,
    },
    /// There is no completed deployment to go back to.
    NoWayBack {
        from: Box<Cause>,
    },
    /// Going back failed as well.
    UndoFailed {
        from: Box<Cause>,
        reason: String,
    },
}

impl Cause {
    /// Whether going back was wished for, by us or by whoever stopped the deployment.
    pub fn is_asked_for(&self) -> bool {
        matches!(self, Self::Cancelled { .. } | Self::Stopped { .. })
    }

    /// One word for outputs and scripts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CircuitBreaker { .. } => "circuit_breaker",
            Self::TasksFailing { .. } => "tasks_failing",
            Self::Unrunnable { .. } => "unrunnable",
            Self::Alarm { .. } => "alarm",
            Self::Gate { .. } => "gate",
            Self::Cancelled { .. } => "cancelled",
            Self::Stopped { .. } => "stopped",
            Self::FailedByEcs { .. } => "failed_by_ecs",
            Self::FailedByCodeDeploy { .. } => "failed_by_code_deploy",
            Self::Deadline { .. } => "deadline",
            Self::Refused { .. } => "refused",
            Self::Blind { .. } => "blind",
            Self::Restless => "restless",
            Self::NoCredentials { .. } => "no_credentials",
            Self::NotOurs { .. } => "not_ours",
            Self::ServiceGone { .. } => "service_gone",
            Self::NoWayBack { .. } => "no_way_back",
            Self::UndoFailed { .. } => "undo_failed",
        }
    }
}

impl Cause {
    /// As it is told where the gate's own line, just before, has said what was measured.
    pub fn brief(&self) -> String {
        match self {
            Self::Gate {
                gate,
                step,
                verdict,
                limit,
                ..
            } => format!("the gate {gate} {verdict} at {step} ({limit})"),
            other => other.to_string(),
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CircuitBreaker { reason } => {
                write!(f, "the deployment circuit breaker fired: {reason}")
            }
            Self::TasksFailing { failed, limit } => {
                write!(
                    f,
                    "{failed} tasks of the new deployment failed, and {limit} end the rollout"
                )
            }
            Self::Unrunnable { reason } => {
                write!(f, "the new task definition cannot run: {reason}")
            }
            Self::Alarm { alarms } => write!(f, "deployment alarms fired: {}", alarms.join(", ")),
            Self::Gate {
                gate,
                step,
                verdict,
                said,
                limit,
            } => write!(f, "the gate {gate} {verdict} at {step}: {said} ({limit})"),
            Self::Cancelled { by } => write!(f, "cancelled by {by}"),
            Self::Stopped { reason } => write!(f, "the deployment was stopped: {reason}"),
            Self::FailedByEcs { reason } => write!(f, "ECS failed the deployment: {reason}"),
            Self::FailedByCodeDeploy { reason } => {
                write!(f, "CodeDeploy failed the deployment: {reason}")
            }
            Self::Deadline { seconds, awaiting } => {
                write!(f, "the timeout of {seconds} s passed while {awaiting}")
            }
            Self::Refused { operation, message } => write!(f, "{operation} was refused: {message}"),
            Self::Blind { operation, message } => {
                write!(f, "the service could not be read: {operation}: {message}")
            }
            Self::Restless => f.write_str("ecsdeploy went round in circles and was stopped"),
            Self::NoCredentials { operation, message } => {
                write!(
                    f,
                    "AWS does not take the credentials: {operation}: {message}"
                )
            }
            Self::NotOurs { service } => write!(
                f,
                "there is a service {service} that no rollout of this service made"
            ),
            Self::ServiceGone { status } => write!(f, "the service is {status}"),
            Self::NoWayBack { from } => {
                write!(f, "{from}; no completed deployment is left to go back to")
            }
            Self::UndoFailed { from, reason } => {
                write!(f, "{from}; going back failed too: {reason}")
            }
        }
    }
}
