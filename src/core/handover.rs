//! Handing a deployment over to AWS's own engine: which strategies can, and what comes of it when nobody returns.
//!
//! **Invariant:** what this program does itself (a canary beside the service, weights of task sets) is never handed over.

use serde::{Deserialize, Serialize};

use super::plan::{Plan, Refusal, Strategy};
use super::service::{Detach, Intent};

/// What AWS does with the deployment from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Handover {
    /// ECS finishes; only its circuit breaker and the service's deployment alarms end a bad release.
    EcsFinishes {
        /// The service's own deployment configuration is put back when a rollout of it is run again.
        left_behind: LeftBehind,
    },
    /// ECS waits at each pause, and rolls back if nobody lets it go on in time.
    EcsWaits { minutes: u64 },
    /// CodeDeploy finishes; its alarms and its hooks end a bad release.
    CodeDeployFinishes,
    /// CodeDeploy waits before it moves traffic, and goes back if nobody lets it go on in time.
    CodeDeployWaits { minutes: u64 },
}

/// Whether the service has a deployment configuration that is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftBehind {
    Nothing,
    Configuration,
}

/// What a plan that detaches comes to; `None` for one that does not.
pub fn handover(plan: &Plan) -> Option<Handover> {
    let nothing = LeftBehind::Nothing;
    match (&plan.strategy, plan.intent.detach) {
        (_, Detach::No) | (Strategy::Beside(_) | Strategy::TaskSets(_), _) => None,
        (Strategy::Rolling, _) => Some(Handover::EcsFinishes {
            left_behind: nothing,
        }),
        (Strategy::Native(native), Detach::Finish) => {
            let is_own = native.during == native.after;
            let left_behind = if is_own {
                nothing
            } else {
                LeftBehind::Configuration
            };
            Some(Handover::EcsFinishes { left_behind })
        }
        (Strategy::Native(_), Detach::Hold) => Some(Handover::EcsWaits {
            minutes: plan.minutes_of_pauses(),
        }),
        (Strategy::CodeDeploy(way), _) => Some(match way.waits {
            Some(minutes) => Handover::CodeDeployWaits { minutes },
            None => Handover::CodeDeployFinishes,
        }),
    }
}

/// Refuses to hand over what nobody could take.
pub fn check(strategy: &Strategy, intent: &Intent) -> Result<(), Refusal> {
    let (strategy, why) = match strategy {
        _ if intent.detach == Detach::No => return Ok(()),
        Strategy::Beside(_) => (
            "a canary beside the service",
            "it is watched and put away by ecsdeploy itself",
        ),
        Strategy::TaskSets(_) => (
            "task sets",
            "the traffic between them is moved by ecsdeploy itself",
        ),
        Strategy::Rolling | Strategy::Native(_) | Strategy::CodeDeploy(_) => return Ok(()),
    };
    Err(Refusal::HandOver { strategy, why })
}
