//! A target's health as DescribeTargetHealth answers it.

use serde::{Deserialize, Serialize};

/// One target of a target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// An IP address (target type `ip`) or an instance id (`instance`).
    pub id: String,
    pub port: u32,
    pub state: TargetState,
    /// `Target.ResponseCodeMismatch`, `Elb.InitialHealthChecking`, …; empty when healthy.
    pub reason: String,
    /// AWS's sentence for people; empty when healthy.
    pub description: String,
}

/// `TargetHealth.State`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    Initial,
    Healthy,
    Unhealthy,
    Unused,
    Draining,
    Unavailable,
    #[serde(untagged)]
    Other(String),
}

impl TargetState {
    pub fn read(said: &str) -> Self {
        match said {
            "initial" => Self::Initial,
            "healthy" => Self::Healthy,
            "unhealthy" => Self::Unhealthy,
            "unused" => Self::Unused,
            "draining" => Self::Draining,
            "unavailable" => Self::Unavailable,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl std::fmt::Display for TargetState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unused => "unused",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
            Self::Other(said) => said,
        })
    }
}
