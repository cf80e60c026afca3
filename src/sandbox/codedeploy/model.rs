//! What CodeDeploy remembers.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sandbox::codedeploy::appspec::AppSpec;
use crate::sandbox::codedeploy::shift::{self, Shift};
use crate::sandbox::ecs::task_sets::{Driven, SetNumber};
use crate::sandbox::{ApiError, Duration, Time};

/// Deployments that are remembered.
const KEPT: usize = 500;

/// Everything that CodeDeploy remembers.
#[derive(Clone, Debug, Default)]
pub struct CodeDeploy {
    /// By name.
    pub applications: BTreeMap<String, Application>,
    /// By application and name.
    pub groups: BTreeMap<(String, String), Group>,
    /// Deployment configurations that somebody made.
    pub configs: BTreeMap<String, Shift>,
    /// In order of creation.
    pub deployments: Vec<Deployment>,
}

#[derive(Clone, Debug)]
pub struct Application {
    pub id: String,
    pub created: Time,
}

/// A deployment group. What it was given is kept as a document, and read by the functions beside it.
#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub document: Value,
    pub service: Driven,
    pub pair: Pair,
}

/// Two target groups and the listeners that choose between them, as ARNs.
#[derive(Clone, Debug)]
pub struct Pair {
    pub groups: [String; 2],
    pub production: String,
    pub test: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Created,
    InProgress,
    Ready,
    Succeeded,
    Failed,
    Stopped,
}

/// One deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    pub id: String,
    pub application: String,
    pub group: String,
    pub config: String,
    pub shift: Shift,
    pub description: Option<String>,
    pub creator: &'static str,
    /// Absent for a rollback to what was there before the first deployment.
    pub spec: Option<AppSpec>,
    pub previous: Option<AppSpec>,
    /// The group's settings when the deployment was made, with the deployment's own over them.
    pub settings: Value,
    pub service: Driven,
    pub pair: Pair,
    pub status: Status,
    pub error: Option<(&'static str, String)>,
    pub created: Time,
    pub started: Option<Time>,
    pub completed: Option<Time>,
    pub events: Vec<Event>,
    pub phase: Phase,
    /// When the phase began.
    pub since: Time,
    /// Somebody said that the present wait is over.
    pub continued: bool,
    pub sets: Sets,
    pub rollback: Rollback,
}

/// What a deployment does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The event at this place.
    Event(usize),
    /// Waits to be told to shift production traffic, before the event at this place.
    Ready(usize),
    /// All traffic is shifted; waits before it deletes the other task set.
    Terminating,
    Ended,
}

/// The task sets and what each has.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    pub blue: Option<SetNumber>,
    pub green: Option<SetNumber>,
    /// ARNs of their target groups.
    pub blue_group: String,
    pub green_group: String,
    /// Green's percent of production traffic.
    pub percent: u64,
}

/// How deployments and their rollbacks are tied.
#[derive(Clone, Debug, Default)]
pub struct Rollback {
    /// The deployment that undoes this one.
    pub undone_by: Option<String>,
    /// The deployment that this one undoes.
    pub undoes: Option<String>,
}

/// A lifecycle event of a deployment.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: &'static str,
    pub status: &'static str,
    pub started: Option<Time>,
    pub ended: Option<Time>,
    pub problem: Option<String>,
}

impl Event {
    pub const fn pending(name: &'static str) -> Self {
        Self {
            name,
            status: "Pending",
            started: None,
            ended: None,
            problem: None,
        }
    }
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::InProgress => "InProgress",
            Self::Ready => "Ready",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        }
    }
}

impl Deployment {
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// For how long it waits before blue is deleted.
    pub fn termination_wait(&self) -> Duration {
        let option = &self.settings["blueGreenDeploymentConfiguration"]["terminateBlueInstancesOnDeploymentSuccess"];
        minutes(&option["terminationWaitTimeInMinutes"])
    }

    /// For how long it waits to be told to go on before production traffic shifts; `None` if it does not.
    pub fn ready_wait(&self) -> Option<Duration> {
        let option = &self.settings["blueGreenDeploymentConfiguration"]["deploymentReadyOption"];
        let waits = option["actionOnTimeout"] == "STOP_DEPLOYMENT";
        waits.then(|| minutes(&option["waitTimeInMinutes"]))
    }

    /// Whether the group rolls back by itself upon this (`DEPLOYMENT_FAILURE` and the like).
    pub fn rolls_back_on(&self, event: &str) -> bool {
        let option = &self.settings["autoRollbackConfiguration"];
        let events = option["events"].as_array().into_iter().flatten();
        option["enabled"] == true && events.into_iter().any(|known| known == event)
    }
}

fn minutes(value: &Value) -> Duration {
    let minutes = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    Duration::from_secs(60 * minutes.unwrap_or(0))
}

impl CodeDeploy {
    pub fn group(&self, application: &str, name: &str) -> Result<&Group, ApiError> {
        if !self.applications.contains_key(application) {
            return Err(ApiError::client(
                "ApplicationDoesNotExistException",
                format!("No application found for name: {application}"),
            ));
        }
        let found = self.groups.get(&(application.to_owned(), name.to_owned()));
        found.ok_or_else(|| {
            ApiError::client(
                "DeploymentGroupDoesNotExistException",
                format!("No Deployment Group found for name: {name}"),
            )
        })
    }

    /// How a configuration, of everybody's or of one's own, shifts traffic.
    pub fn shift(&self, config: &str) -> Result<Shift, ApiError> {
        let found = shift::predefined(config).or_else(|| self.configs.get(config).copied());
        found.ok_or_else(|| {
            ApiError::client(
                "DeploymentConfigDoesNotExistException",
                format!("No Deployment Configuration found for name: {config}"),
            )
        })
    }

    pub fn deployment(&mut self, id: &str) -> Result<&mut Deployment, ApiError> {
        let found = self.deployments.iter_mut().find(|one| one.id == id);
        found.ok_or_else(|| {
            ApiError::client(
                "DeploymentDoesNotExistException",
                format!("The deployment {id} could not be found"),
            )
        })
    }

    /// The deployments of a group, oldest first.
    pub fn of_group(&self, application: &str, group: &str) -> impl Iterator<Item = &Deployment> {
        let (application, group) = (application.to_owned(), group.to_owned());
        let all = self.deployments.iter();
        all.filter(move |one| one.application == application && one.group == group)
    }

    /// Adds a deployment, and forgets the oldest that is over if there are too many.
    pub fn add(&mut self, deployment: Deployment) {
        self.deployments.push(deployment);
        if self.deployments.len() > KEPT
            && let Some(oldest) = self.deployments.iter().position(Deployment::is_over)
        {
            self.deployments.remove(oldest);
        }
    }
}
