//! What a plan holds of CodeDeploy: the group that was found, and what CreateDeployment gets.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::id::TargetGroupArn;
use crate::core::live::{CodeDeployment, DeploymentGroup, GroupKey};

/// The deployment group of a service, and its unfinished deployments.
#[derive(Clone, Debug)]
pub struct CodeDeployFound {
    pub group: DeploymentGroup,
    pub running: Vec<CodeDeployment>,
}

/// What CreateDeployment gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeDeploy {
    pub group: GroupKey,
    /// The deployment configuration, where it is not to be the group's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config: Option<String>,
    /// The AppSpec; its task definition is put in when there is one.
    pub appspec: Value,
    /// How the traffic moves.
    pub moves: Moves,
    /// For so many minutes it waits to be continued before traffic moves, if it does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waits: Option<u64>,
    /// For how long the old task set is kept after that.
    pub kept: Duration,
    /// The target group that serves.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub blue: Option<TargetGroupArn>,
    /// `app/NAME/ID` of the load balancer, as its metrics are named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub load_balancer: Option<String>,
}

impl CodeDeploy {
    /// Of a deployment that is followed only: nothing is made of it.
    pub fn watched(group: GroupKey) -> Self {
        Self {
            group,
            config: None,
            appspec: Value::Null,
            moves: Moves {
                config: String::new(),
                percents: Vec::new(),
                takes: Duration::ZERO,
            },
            waits: None,
            kept: Duration::ZERO,
            blue: None,
            load_balancer: None,
        }
    }
}

/// How a deployment configuration moves traffic, by its name where it is a predefined one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moves {
    pub config: String,
    /// Percent of production traffic for the new set before it has all.
    pub percents: Vec<u32>,
    pub takes: Duration,
}
