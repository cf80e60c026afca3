//! What has happened so far, as data for every reader: the terminal, JSON, and later the pull request.
//!
//! **Invariant:** an event says what was seen, in AWS's own words where AWS spoke; nothing here is phrased for one reader.

mod cause;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fate::Fate;
use super::gate::{Approval, TaskFailure, Verdict};
use super::handover::Handover;
use super::id::{DeploymentId, TargetGroupArn, TaskDefinitionArn};
use super::journal::Owner;
use super::live::{Deployment, Service, ServiceEvent, Target};
use super::taskdef::Finding;

pub use cause::Cause;

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Somebody seems to drive a rollout to the same goal: whether the lease is renewed is awaited.
    Waiting {
        owner: Owner,
        until: Timestamp,
    },
    /// A rollout that its owner left unfinished is seen to.
    TakenUp {
        owner: Owner,
        since: Timestamp,
        #[serde(default)]
        fate: Fate,
    },
    /// What `ecsdeploy rollback` goes back to.
    GoingBack {
        task_definition: TaskDefinitionArn,
        why: BackTo,
    },
    /// The deployment that `ecsdeploy watch` follows, or whose deployment it waits for.
    Watching {
        deployment: Option<DeploymentId>,
        task_definition: Option<TaskDefinitionArn>,
        owner: Option<Owner>,
    },
    /// `ecsdeploy watch` found nothing that runs: this serves.
    Idle {
        deployment: Option<DeploymentId>,
        task_definition: TaskDefinitionArn,
    },
    /// What is followed is not on record here as a rollout of this program: it is told of as AWS sees it.
    Unrecorded {
        deployment: DeploymentId,
    },
    /// Something to be minded: found before anything was changed, or what only somebody else can end.
    Finding {
        finding: Finding,
    },
    /// A new revision was made.
    Registered {
        task_definition: TaskDefinitionArn,
    },
    /// The wanted revision exists already.
    Reused {
        task_definition: TaskDefinitionArn,
    },
    /// ECS started a deployment for this run, or one is found running.
    Deploying {
        deployment: DeploymentId,
        task_definition: TaskDefinitionArn,
    },
    /// The run ends here, and AWS's own engine goes on with the deployment.
    HandedOver {
        deployment: DeploymentId,
        to: Handover,
    },
    Progress(Progress),
    /// The canary's service was started, or found and taken over.
    Canary {
        service: String,
        tasks: u32,
    },
    /// The canary did not hold; the service itself was not touched.
    CanaryFailed {
        service: String,
        cause: Cause,
    },
    /// The canary is scaled to 0 and deleted, now that it is not needed any more.
    CanaryPutAway {
        service: String,
    },
    /// The canary is still there at the end: as was asked for, or because it could not be put away.
    CanaryLeft {
        cluster: String,
        service: String,
    },
    /// What is left for a person to do, where the service needs one.
    ByHand {
        commands: Vec<String>,
    },
    /// The canary's tasks ran well for long enough.
    CanaryPassed {
        seconds: u64,
    },
    /// The service has to go back, and its canary is scaled to 0 before that.
    CanaryStandsDown {
        service: String,
    },
    /// Production traffic stands so, as read back.
    Shifted {
        percent: u32,
    },
    /// The gates of a step begin to be asked; each must hold for so long, unless it has a time of its own.
    Asking {
        /// In words: `1 canary task`, `5 % of the traffic`.
        step: String,
        gates: Vec<String>,
        /// Gates that were declared and have no place in this step, each with the reason.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<String>,
        seconds: u64,
    },
    /// A person is waited for, with `ecsdeploy promote` or `abort`, or in one of these ways.
    Asked {
        step: String,
        gate: String,
        how: Approval,
        until: Timestamp,
    },
    /// What a gate of the step comes to has changed.
    Gate {
        step: String,
        gate: String,
        verdict: Verdict,
        /// What was measured, in words.
        said: String,
    },
    TaskFailed(TaskFailure),
    TargetUnhealthy {
        target_group: TargetGroupArn,
        target: Target,
    },
    Service(ServiceEvent),
    /// A look or a call did not work; the rollout goes on.
    Trouble {
        operation: String,
        message: String,
    },
    /// The old revision is to serve again.
    Undoing {
        cause: Cause,
        task_definition: TaskDefinitionArn,
        by: Undoer,
    },
    Finished(Outcome),
}

/// Why `ecsdeploy rollback` goes to a revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackTo {
    /// It served before the one that runs.
    Before(TaskDefinitionArn),
    /// Somebody drives a rollout, and was told to go back to what served before it.
    Told(Owner),
    /// Somebody's rollout has ended and only puts away what was there for its time, which is waited for.
    Ended(Owner),
    /// Somebody's rollout is unfinished, and it served before that.
    Left(Owner),
    /// The rollout that was told to go back had put it aside already.
    TooLate,
    /// ECS goes back to it already.
    ByEcs,
}

/// How far a deployment is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    /// Running tasks of other deployments, still to be replaced.
    pub old: u32,
    /// What is awaited when the tasks are there; empty while they start.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub awaiting: String,
}

/// Who puts the old revision back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undoer {
    /// ECS's circuit breaker, its deployment alarms, or somebody's StopServiceDeployment.
    Ecs,
    /// CodeDeploy's automatic rollback.
    CodeDeploy,
    Ecsdeploy,
}

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The service already runs the wanted revision; nothing was called.
    Unchanged,
    /// The deployment that this run started completed and serves.
    Completed,
    /// The old revision serves again.
    RolledBack { cause: Cause },
    /// It failed before anything was changed.
    Failed { cause: Cause },
    /// It failed, and the service is not where it was.
    Stranded { cause: Cause },
    /// Another deployment took the service over.
    Superseded { by: DeploymentId },
}

/// The story of one rollout.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub entries: Vec<Entry>,
}

/// One event, and when it was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    #[serde(flatten)]
    pub event: Event,
}

impl Progress {
    /// How far this deployment of the service is.
    pub fn of(service: &Service, ours: Deployment<'_>) -> Self {
        let others = service
            .deployments()
            .filter(|other| other.id() != ours.id());
        Self {
            desired: service.desired_count(),
            running: ours.running_count(),
            pending: ours.pending_count(),
            old: others.map(|other| other.running_count()).sum(),
            awaiting: String::new(),
        }
    }
}

impl Report {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn record(&mut self, at: Timestamp, event: Event) {
        self.entries.push(Entry { at, event });
    }

    pub fn outcome(&self) -> Option<&Outcome> {
        self.entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.event {
                Event::Finished(outcome) => Some(outcome),
                _ => None,
            })
    }

    /// Where a way back that was asked for goes.
    pub fn goes_back_to(&self) -> Option<&TaskDefinitionArn> {
        let mut entries = self.entries.iter().rev();
        entries.find_map(|entry| match &entry.event {
            Event::GoingBack {
                task_definition, ..
            } => Some(task_definition),
            _ => None,
        })
    }

    /// The commands that are left for a person, if the service needs one.
    pub fn by_hand(&self) -> &[String] {
        let told = self.entries.iter().find_map(|entry| match &entry.event {
            Event::ByHand { commands } => Some(commands.as_slice()),
            _ => None,
        });
        told.unwrap_or_default()
    }

    /// What serves, where nothing ran that could be watched.
    pub fn idle(&self) -> Option<&TaskDefinitionArn> {
        self.entries.iter().find_map(|entry| match &entry.event {
            Event::Idle {
                task_definition, ..
            } => Some(task_definition),
            _ => None,
        })
    }

    pub fn task_failures(&self) -> impl Iterator<Item = &TaskFailure> {
        self.entries.iter().filter_map(|entry| match &entry.event {
            Event::TaskFailed(failure) => Some(failure),
            _ => None,
        })
    }

    /// The revision that was made or found for this rollout.
    pub fn revision(&self) -> Option<&TaskDefinitionArn> {
        self.entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.event {
                Event::Registered { task_definition } | Event::Reused { task_definition } => {
                    Some(task_definition)
                }
                _ => None,
            })
    }

    /// The deployment that ECS started for it.
    pub fn deployment(&self) -> Option<&DeploymentId> {
        self.entries.iter().find_map(|entry| match &entry.event {
            Event::Deploying { deployment, .. } => Some(deployment),
            _ => None,
        })
    }

    /// Seconds from the first entry to the last.
    pub fn seconds(&self) -> i64 {
        match (self.entries.first(), self.entries.last()) {
            (Some(first), Some(last)) => last.at.duration_since(first.at).as_secs(),
            _ => 0,
        }
    }
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            desired,
            running,
            pending,
            old,
            awaiting,
        } = self;
        write!(f, "{running}/{desired} running, {pending} pending")?;
        if *old > 0 {
            write!(f, ", {old} old")?;
        }
        if !awaiting.is_empty() {
            write!(f, "; waiting: {awaiting}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unchanged => f.write_str("nothing to do: the service runs it already"),
            Self::Completed => f.write_str("the new revision serves"),
            Self::RolledBack { cause } => write!(f, "the old revision serves again: {cause}"),
            Self::Failed { cause } => write!(f, "failed, nothing changed: {cause}"),
            Self::Stranded { cause } => write!(f, "failed, the service needs a hand: {cause}"),
            Self::Superseded { by } => write!(f, "deployment {by} took the service over"),
        }
    }
}
