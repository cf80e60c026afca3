//! Desired and current in, what is to be done out; the plan's digest is its name.
//!
//! **Invariant:** a plan is a value. It says everything that the rollout will change, and the rollout changes nothing else.

mod code_deploy;
mod course;
mod ground;
mod refusal;
mod strategy;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::handover;
use super::id::{DeploymentId, ServiceKey, TaskDefinitionArn};
use super::live::{RolloutState, Rule, Service, TaskSet};
use super::preflight::Further;
use super::said;
use super::service::{Intent, Redeploy};
use super::service_document::Settings;
use super::steps::sides;
use super::strategy::{Choice, choose};
use super::taskdef::{Described, TaskDefinition, same};

pub use code_deploy::{CodeDeploy, CodeDeployFound, Moves};
pub use ground::{Balanced, Ground};
pub use refusal::Refusal;
pub use strategy::{Beside, Native, Sides, Strategy, TaskSets};

/// What was found before anything was changed.
#[derive(Clone, Debug)]
pub struct Survey {
    pub service: Service,
    /// The task definition that the service runs.
    pub running: Described,
    /// The newest active revision of the wanted family, if there is one.
    pub latest: Option<Described>,
    /// The listener rules around the primary task set's target group, for services of the EXTERNAL controller; the
    /// production rules of services whose traffic ECS itself can shift.
    pub rules: Vec<Rule>,
    /// Of a service of the CODE_DEPLOY controller that is to be deployed to.
    pub code_deploy: Option<CodeDeployFound>,
    /// What the plan's strategy had to know beside this.
    pub further: Further,
}

/// One rollout, decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub target: ServiceKey,
    pub course: Course,
    pub strategy: Strategy,
    /// Why this strategy, in one sentence.
    pub why: String,
    pub revision: Revision,
    pub before: Before,
    /// Whether UpdateService must force a deployment: it was asked for, or the wanted revision's own
    /// deployment has failed and ECS starts no other for an unchanged service.
    pub redeploy: Redeploy,
    pub intent: Intent,
    /// Members of the service that are changed along with its revision.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// What the gates of a step rest on where nothing else is said.
    #[serde(default)]
    pub ground: Ground,
}

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// The service runs the wanted revision and has completed: nothing is called.
    Nothing,
    /// The wanted revision is being deployed already (by an earlier run): follow that deployment.
    Follow,
    /// One UpdateService, then follow the deployment it starts.
    Deploy,
}

/// Where the wanted revision comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revision {
    /// A revision with the same canonical form exists.
    Existing(TaskDefinitionArn),
    /// It is to be registered.
    New(TaskDefinition),
}

/// What an undo goes back to, and what tells our deployment from an older one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    pub deployment: Option<DeploymentId>,
    pub task_definition: TaskDefinitionArn,
    /// The revision of the last *completed* deployment; never guessed from revision numbers.
    pub serving: Option<TaskDefinitionArn>,
    pub desired_count: u32,
}

impl Plan {
    /// Members of UpdateService that the rollout changes beside the revision, as they were: the service document's, and the
    /// count.
    pub fn changed(&self) -> Map<String, Value> {
        let mut members = self.settings.before.clone();
        let before = self.before.desired_count;
        if self
            .intent
            .desired_count
            .is_some_and(|asked| asked != before)
        {
            members.insert("desiredCount".to_owned(), before.into());
        }
        members
    }

    /// Decides how `wanted` gets to serve.
    pub fn make(
        target: ServiceKey,
        wanted: TaskDefinition,
        intent: Intent,
        survey: &Survey,
    ) -> Result<Self, Refusal> {
        let service = &survey.service;
        deployable(service)?;
        let settings = settings(&intent, &target, service)?;
        let Choice { mut strategy, why } = choose(&intent, &target, &survey.with(&settings))?;
        handover::check(&strategy, &intent)?;
        said::check(&intent.said, &strategy, &why)?;
        if let Strategy::Native(native) = &mut strategy {
            native.sides = sides(service, &survey.rules);
        }
        let ground = Ground::of(service).to_run(&wanted);
        let revision = revision(wanted, survey);
        let course = course::of(&revision, &intent, &settings, survey)?;
        let mut plan = Self {
            target,
            course,
            strategy,
            why,
            revision,
            before: Before::of(service, course),
            redeploy: redeploy(&intent, service),
            ground,
            intent: without_appspec(intent),
            settings,
        };
        plan.lay_pauses(service);
        Ok(plan)
    }

    /// `sha256:…` over the plan's own JSON: two equal plans have one name.
    pub fn digest(&self) -> String {
        let json = serde_json::to_vec(self).expect("a plan holds only JSON");
        let mut name = "sha256:".to_owned();
        for byte in Sha256::digest(json) {
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    pub fn is_native(&self) -> bool {
        matches!(self.strategy, Strategy::Native(_))
    }

    pub fn family(&self) -> &str {
        match &self.revision {
            Revision::Existing(arn) => family_of(arn),
            Revision::New(document) => document.family(),
        }
    }
}

impl Before {
    /// The deployment that is to be followed is not what was there before it.
    fn of(service: &Service, course: Course) -> Self {
        let completed = service.last_completed();
        let set = service.primary_task_set();
        let there = match course {
            Course::Follow => completed,
            Course::Nothing | Course::Deploy => service.primary(),
        };
        let followed_from = there.filter(|_| course == Course::Follow);
        Self {
            deployment: there.map(|d| d.id()).or_else(|| set.map(TaskSet::id)),
            task_definition: followed_from.map_or_else(
                || service.running_task_definition(),
                |there| there.task_definition(),
            ),
            serving: completed
                .map(|d| d.task_definition())
                .or_else(|| set.map(TaskSet::task_definition)),
            desired_count: service.desired_count(),
        }
    }
}

impl Survey {
    /// What will be there once the service has these settings.
    #[must_use]
    pub fn with(&self, settings: &Settings) -> Self {
        Self {
            service: self.service.with(&settings.wanted),
            ..self.clone()
        }
    }
}

/// `arn:…:task-definition/FAMILY:REVISION` -> `FAMILY`.
fn family_of(arn: &TaskDefinitionArn) -> &str {
    let name = arn.short();
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

fn deployable(service: &Service) -> Result<(), Refusal> {
    if !service.is_active() {
        let status = service.status().to_owned();
        return Err(Refusal::NotActive { status });
    }
    if !matches!(service.controller(), "ECS" | "EXTERNAL" | "CODE_DEPLOY") {
        let controller = service.controller().to_owned();
        return Err(Refusal::Controller { controller });
    }
    Ok(())
}

/// What the service document changes. Source: of a service with another controller UpdateService changes next to nothing.
fn settings(intent: &Intent, target: &ServiceKey, service: &Service) -> Result<Settings, Refusal> {
    let Some(document) = &intent.managed else {
        return Ok(Settings::default());
    };
    let settings = document.changes(target, service)?;
    if !settings.is_empty() && service.controller() != "ECS" {
        let members: Vec<&str> = settings.wanted.keys().map(String::as_str).collect();
        let members = members.join(", ");
        return Err(Refusal::Unmanageable { members });
    }
    Ok(settings)
}

/// The running revision first: a service that already runs what is wanted needs no newer twin of it.
fn revision(wanted: TaskDefinition, survey: &Survey) -> Revision {
    let known = std::iter::once(&survey.running)
        .chain(&survey.latest)
        .find(|known| known.is_active() && same(&known.definition, &wanted));
    match known {
        Some(known) => Revision::Existing(known.arn.clone()),
        None => Revision::New(wanted),
    }
}

fn redeploy(intent: &Intent, service: &Service) -> Redeploy {
    let failed = service
        .primary()
        .is_some_and(|primary| primary.rollout_state() == RolloutState::Failed);
    if failed {
        Redeploy::Always
    } else {
        intent.redeploy
    }
}

/// The strategy holds the AppSpec that was asked for; a plan says everything once.
fn without_appspec(mut intent: Intent) -> Intent {
    intent.code_deploy.appspec = None;
    intent
}
