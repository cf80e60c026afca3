//! One task: what it runs, where, and how far it has come.

use serde_json::Value;

use crate::sandbox::apps::Behaviour;
use crate::sandbox::ecs::document::Document;
use crate::sandbox::ecs::health::Check;
use crate::sandbox::ecs::placement::Needs;
use crate::sandbox::{Duration, Time};

/// A task of a service, or one that was run by hand.
#[derive(Clone, Debug)]
pub struct Task {
    /// 32 hexadecimal digits.
    pub id: String,
    pub arn: String,
    pub cluster_arn: String,
    pub definition_arn: String,
    pub family: String,
    pub origin: Origin,
    pub launch_type: String,
    /// Members of the answer that are settled when the task is made (`group`, `startedBy`, `overrides`, `cpu` …).
    pub document: Document,
    pub tags: Vec<Value>,
    pub zone: String,
    /// The container instance's id, on EC2.
    pub instance: Option<String>,
    pub interface: Option<Interface>,
    pub containers: Vec<Container>,
    /// Where its target groups find it.
    pub targets: Vec<TargetBinding>,
    pub step: Step,
    /// When the present step ends; `None` if only an event ends it.
    pub due: Option<Time>,
    pub times: Times,
    pub stop: Option<Stop>,
    /// Goes up with every change that EventBridge would show.
    pub version: u64,
    pub standing: Standing,
    /// The reason with which a condemned task will be stopped.
    pub sentence: Option<String>,
    /// Until when scale-in and deployments leave it alone.
    pub protected_until: Option<Time>,
    /// What it takes from its instance.
    pub holds: Needs,
}

/// Who wants the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A deployment, by number, of a service, by name.
    Service {
        name: String,
        deployment: u64,
    },
    RunTask,
}

/// How far a task has come. Several steps may share a `lastStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Provisioning,
    PickUp,
    Pulling,
    Starting,
    Activating,
    Running,
    Deactivating,
    Draining,
    Stopping,
    Deprovisioning,
    Stopped,
}

/// What the service scheduler thinks of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not yet counted as healthy.
    New,
    /// Has counted as healthy.
    Proven,
    /// Failed a health check: to be replaced.
    Condemned,
}

/// Why a task stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// `TaskStopCode`.
    pub code: &'static str,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub created: Time,
    pub connected: Option<Time>,
    pub pull_started: Option<Time>,
    pub pull_stopped: Option<Time>,
    pub started: Option<Time>,
    pub stopping: Option<Time>,
    pub execution_stopped: Option<Time>,
    pub stopped: Option<Time>,
}

/// The network interface of an awsvpc task.
#[derive(Clone, Debug)]
pub struct Interface {
    pub attachment_id: String,
    pub subnet: String,
    pub eni: String,
    pub mac: String,
    pub address: String,
    pub dns_name: String,
}

/// A task's entry in a target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetBinding {
    pub group_arn: String,
    pub id: String,
    pub port: u16,
}

/// One container of a task.
#[derive(Clone, Debug)]
pub struct Container {
    pub name: String,
    pub arn: String,
    pub image: String,
    pub digest: Option<String>,
    pub runtime_id: String,
    pub essential: bool,
    pub cpu: String,
    pub memory: Option<String>,
    pub memory_reservation: Option<String>,
    pub ports: Vec<Port>,
    pub check: Option<Check>,
    pub stop_timeout: Duration,
    pub behaviour: Behaviour,
    pub exit: Option<Exit>,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Absent if it never ran.
    pub code: Option<i64>,
    pub reason: Option<String>,
}

/// A port that a container listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    pub container: u16,
    pub host: u16,
    pub is_udp: bool,
}

impl Step {
    pub fn last_status(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::PickUp | Self::Pulling | Self::Starting => "PENDING",
            Self::Activating => "ACTIVATING",
            Self::Running => "RUNNING",
            Self::Deactivating | Self::Draining => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

impl Task {
    /// Whether ECS wants the task to run (`desiredStatus` RUNNING).
    pub fn is_wanted(&self) -> bool {
        self.stop.is_none()
    }

    pub fn is_running(&self) -> bool {
        self.step == Step::Running
    }

    /// Before RUNNING, and wanted.
    pub fn is_pending(&self) -> bool {
        self.is_wanted() && self.step < Step::Running
    }

    /// Whether its containers hold CPU, memory and ports.
    pub fn holds_resources(&self) -> bool {
        self.step < Step::Deprovisioning
    }

    pub fn service(&self) -> Option<(&str, u64)> {
        match &self.origin {
            Origin::Service { name, deployment } => Some((name, *deployment)),
            Origin::RunTask => None,
        }
    }

    /// Since when it has been running, whether or not it still is.
    pub fn up_since(&self) -> Option<Time> {
        self.times.started
    }

    pub fn enter(&mut self, step: Step, due: Option<Time>) {
        if step.last_status() != self.step.last_status() {
            self.version += 1;
        }
        self.step = step;
        self.due = due;
    }
}
