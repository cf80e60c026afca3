//! What a rollout of a service should be: strategy, limits, and what to do when it fails.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gate::Gate;
use super::id::RuleArn;
use super::said::Said;
use super::service_document::ServiceDocument;
use super::weights::Weights;

/// What the user asks for; the plan says what it comes to for the service as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub limits: Limits,
    pub on_failure: OnFailure,
    pub redeploy: Redeploy,
    pub contest: Contest,
    /// Sent to ECS only when it is asked for, so that autoscaling keeps the count it chose.
    pub desired_count: Option<u32>,
    pub strategy: StrategyAsked,
    /// Minutes that ECS waits at each of our pauses before it rolls back by itself.
    pub pause_minutes: u32,
    /// How long a canary must run well before the rollout goes on.
    pub bake: Duration,
    /// Percent of production traffic, step by step, for task sets.
    pub weights: Weights,
    /// The production rule, where it cannot be told from the target groups, and the test rule.
    pub rule: Option<RuleArn>,
    pub test_rule: Option<RuleArn>,
    /// How long a side without traffic is kept at most, before it is removed.
    pub drain: Duration,
    #[serde(default, skip_serializing_if = "CodeDeployAsked::is_nothing")]
    pub code_deploy: CodeDeployAsked,
    #[serde(default)]
    pub detach: Detach,
    /// For how long each step must hold, if that was asked for; else the strategy's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Duration>,
    /// What must hold in each step. `None`: tasks, targets and the service's own deployment alarms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Vec<Gate>>,
    /// Empty: the strategy's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Members of the service that a file manages, changed along with the revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ServiceDocument>,
    /// Options that have to be heard by the chosen strategy. No part of a plan: it was made with them.
    #[serde(skip)]
    pub said: Vec<Said>,
}

/// Whether the run ends once AWS's own engine has the deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detach {
    /// It stays to the verdict.
    #[default]
    No,
    /// The engine finishes by itself, and is told of no pauses.
    Finish,
    /// The engine waits at our pauses; who does not come back in time finds it rolled back.
    Hold,
}

/// Of a service of the CODE_DEPLOY controller: what is given instead of found or made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CodeDeployAsked {
    pub application: Option<String>,
    pub group: Option<String>,
    /// The deployment configuration for this deployment.
    pub config: Option<String>,
    /// The AppSpec, as a document; its task definition is replaced.
    pub appspec: Option<Value>,
}

impl CodeDeployAsked {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Which strategy the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyAsked {
    /// What the service is set up for.
    #[default]
    Auto,
    Rolling,
    BlueGreen,
    /// A part of the new revision first: ECS's own canary for services whose load balancers can shift traffic, else
    /// a second service beside the first.
    Canary(CanarySize),
    /// Percent of production traffic in each step.
    Linear(f64),
    /// Weights of two task sets, moved by this program.
    TaskSets,
    /// By AWS CodeDeploy.
    CodeDeploy,
}

/// How many canary tasks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CanarySize {
    Tasks(u32),
    /// Of the desired count, rounded up, at least one.
    Percent(f64),
}

impl CanarySize {
    pub fn tasks(self, desired_count: u32) -> u32 {
        match self {
            Self::Tasks(tasks) => tasks.max(1),
            Self::Percent(percent) => {
                let tasks = (f64::from(desired_count) * percent / 100.0).ceil();
                (tasks as u32).max(1)
            }
        }
    }
}

/// One step of a rollout: how much of the new revision, for how long, and what must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub share: Share,
    /// `None`: the rollout's.
    pub bake: Option<Duration>,
    /// `None`: the rollout's.
    pub gates: Option<Vec<Gate>>,
}

/// How much of the new revision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Percent of production traffic, for strategies that weigh it.
    Traffic(f64),
    /// Tasks beside the old revision's, for canaries that share a target group.
    Tasks(CanarySize),
}

impl Share {
    /// The new revision is in place and has no production traffic yet.
    pub const NOTHING: Self = Self::Traffic(0.0);
    /// The new revision is all there is.
    pub const ALL: Self = Self::Traffic(100.0);
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Traffic(100.0) => f.write_str("the whole service"),
            Self::Traffic(percent) => write!(f, "{percent} % of the traffic"),
            Self::Tasks(CanarySize::Tasks(1)) => f.write_str("1 canary task"),
            Self::Tasks(CanarySize::Tasks(tasks)) => write!(f, "{tasks} canary tasks"),
            Self::Tasks(CanarySize::Percent(percent)) => write!(f, "{percent} % canary tasks"),
        }
    }
}

/// Every wait ends: these say when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// From the start of the rollout to a serving revision.
    pub timeout: Duration,
    /// From the start of the undo to the old revision serving.
    pub undo_timeout: Duration,
    pub failed_tasks: FailedTasks,
    /// Looks at the service that may fail in a row before the rollout gives up watching.
    pub blind_looks: u32,
}

/// How many failed tasks of the new deployment end the rollout, however long ECS would go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailedTasks {
    /// 10 % of the desired count, at least 2: one unlucky task is not a bad release, and ECS's own
    /// circuit breaker waits for 50 % and at least 3 (`DeploymentCircuitBreaker`, bounded percent).
    Automatic,
    After(u32),
    /// Only ECS's circuit breaker and the timeout end it.
    LeaveToEcs,
}

/// What happens to a deployment that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// Go back to the revision that served before, and watch that it serves.
    RollBack,
    /// Leave the service as it is, and a canary beside it.
    Leave,
}

/// What becomes of a rollout whose run is told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnCancel {
    /// ECS goes on, and the same command takes the rollout up.
    #[default]
    Leave,
    /// Going back is begun before the run stops.
    RollBack,
}

/// Whether a service that already runs the wanted revision is deployed to again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Redeploy {
    WhenChanged,
    /// `forceNewDeployment`.
    Always,
}

/// What to do when somebody else's deployment is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contest {
    Refuse,
    /// Start ours; ECS replaces the running one.
    Supersede,
}

impl FailedTasks {
    /// The limit for a service of so many desired tasks, `None` where there is none.
    pub fn limit(self, desired_count: u32) -> Option<u32> {
        match self {
            Self::Automatic => Some(desired_count.div_ceil(10).max(2)),
            Self::After(limit) => Some(limit),
            Self::LeaveToEcs => None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(30),
            undo_timeout: Duration::from_mins(30),
            failed_tasks: FailedTasks::Automatic,
            blind_looks: 10,
        }
    }
}

impl Default for Intent {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            on_failure: OnFailure::RollBack,
            redeploy: Redeploy::WhenChanged,
            contest: Contest::Refuse,
            desired_count: None,
            strategy: StrategyAsked::Auto,
            pause_minutes: 30,
            bake: Duration::from_mins(5),
            weights: Weights::default(),
            rule: None,
            test_rule: None,
            // A minute without requests is known of after three to four.
            drain: Duration::from_mins(5),
            code_deploy: CodeDeployAsked::default(),
            detach: Detach::No,
            hold: None,
            gates: None,
            steps: Vec::new(),
            managed: None,
            said: Vec::new(),
        }
    }
}
