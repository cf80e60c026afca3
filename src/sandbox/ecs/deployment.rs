//! Deployments and service revisions: how one starts, is superseded, completes, fails and is rolled back.
//!
//! Source: ECS API reference, `Deployment` and `ServiceRevision`; ECS developer guide, "deployment circuit breaker".
//! **Invariant:** a service revision never changes once it is made; a rollback reuses the old one, number and all.

use serde_json::{Value, json};

use crate::sandbox::ecs::cause::Cause;
use crate::sandbox::ecs::defaults;
use crate::sandbox::ecs::document::{Document, list, member, text};
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::images::ResolvedImage;
use crate::sandbox::ecs::native::Resolved;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::service_deployment::{Rollout, RolloutStatus};
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::{Duration, Time, ids};

/// The members of a service that a deployment carries out; a change to one of them starts a deployment.
pub const REVISION_MEMBERS: [&str; 11] = [
    "taskDefinition",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "platformFamily",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// An immutable configuration of a service, numbered like the deployment that brought it.
#[derive(Clone, Debug)]
pub struct ServiceRevision {
    pub number: u64,
    pub arn: String,
    pub document: Document,
    pub images: Vec<ResolvedImage>,
    pub created_at: Time,
    /// The target groups it is in, one a load balancer, where it had a choice; settled when its deployment starts.
    pub resolved: Vec<Resolved>,
}

/// One entry of a service's `deployments`.
#[derive(Clone, Debug)]
pub struct Deployment {
    pub number: u64,
    pub state: RolloutState,
    pub reason: String,
    /// 0 until the scheduler has seen it.
    pub desired: u32,
    /// Consecutive failures.
    pub failed_tasks: u32,
    pub created_at: Time,
    pub updated_at: Time,
    pub throttle: Throttle,
}

/// `rolloutState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    InProgress,
    Completed,
    Failed,
}

/// The service throttle: growing waits while tasks fail before they run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Throttle {
    failures: u32,
    until: Option<Time>,
}

impl Throttle {
    pub fn is_open(&self, now: Time) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    /// Whether tasks fail so consistently that the service is told.
    pub fn is_impaired(&self) -> bool {
        self.failures >= defaults::BACK_OFF_AFTER
    }

    pub fn task_failed(&mut self, now: Time) {
        self.failures += 1;
        if self.is_impaired() {
            self.until = Some(now + self.wait());
        }
    }

    /// A task that could not be placed is tried again after a while, from the first time on.
    pub fn not_placed(&mut self, now: Time) {
        self.failures += 1;
        self.until = Some(now + self.wait());
    }

    pub fn task_ran(&mut self) {
        *self = Self::default();
    }

    fn wait(&self) -> Duration {
        let doublings = self
            .failures
            .saturating_sub(defaults::BACK_OFF_AFTER)
            .min(20);
        let wait = Duration::from_millis(defaults::BACK_OFF_FIRST.millis() << doublings);
        wait.min(defaults::BACK_OFF_LIMIT)
    }
}

impl RolloutState {
    fn text(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

impl ServiceRevision {
    pub fn task_definition(&self) -> &str {
        text(&self.document, "taskDefinition").unwrap_or_default()
    }

    pub fn launch_type(&self) -> &str {
        text(&self.document, "launchType").unwrap_or_else(|| {
            let provider = list(&self.document, "capacityProviderStrategy").first();
            let name = provider
                .and_then(|provider| provider["capacityProvider"].as_str())
                .unwrap_or_default();
            if name.starts_with("FARGATE") {
                "FARGATE"
            } else {
                "EC2"
            }
        })
    }
}

impl Deployment {
    /// `ecs-svc/<19 digits>`.
    pub fn id(&self) -> String {
        deployment_id(self.number)
    }

    fn new(number: u64, now: Time) -> Self {
        Self {
            number,
            state: RolloutState::InProgress,
            reason: format!("ECS deployment {} in progress.", deployment_id(number)),
            desired: 0,
            failed_tasks: 0,
            created_at: now,
            updated_at: now,
            throttle: Throttle::default(),
        }
    }

    pub fn is_in_progress(&self) -> bool {
        self.state == RolloutState::InProgress
    }

    fn set(&mut self, state: RolloutState, reason: String, now: Time) {
        self.state = state;
        self.reason = reason;
        self.updated_at = now;
    }

    pub fn answer(&self, revision: &ServiceRevision, is_primary: bool, counts: &Counts) -> Value {
        let mut answer = Document::new();
        let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
        put("id", json!(self.id()));
        put(
            "status",
            json!(if is_primary { "PRIMARY" } else { "ACTIVE" }),
        );
        put("desiredCount", json!(self.desired));
        put("pendingCount", json!(counts.pending));
        put("runningCount", json!(counts.running));
        put("failedTasks", json!(self.failed_tasks));
        put("createdAt", self.created_at.epoch_seconds());
        put("updatedAt", self.updated_at.epoch_seconds());
        put("rolloutState", json!(self.state.text()));
        put("rolloutStateReason", json!(self.reason));
        for key in REVISION_MEMBERS {
            // A deployment shows neither, though its service and its revision do.
            if key == "loadBalancers" || key == "serviceRegistries" {
                continue;
            }
            if let Some(value) = member(&revision.document, key) {
                put(key, value.clone());
            }
        }
        Value::Object(answer)
    }
}

/// Tasks of one deployment, or of a service, by `lastStatus`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub running: usize,
    pub pending: usize,
}

pub fn deployment_id(number: u64) -> String {
    format!("ecs-svc/{number}")
}

impl Service {
    /// Starts a deployment of the service as its document now is. It becomes PRIMARY; what was under way drains.
    pub fn deploy(&mut self, images: Vec<ResolvedImage>, ground: &mut Ground<'_>) {
        let now = ground.now;
        let number = ids::digits(ground.rng, 19)
            .parse()
            .expect("19 digits fit into 64 bits");
        let sources = self
            .deployments
            .iter()
            .map(|deployment| deployment.number)
            .collect();
        self.supersede(now);
        let arn = ground.arn(&format!(
            "service-revision/{}/{}/{number}",
            self.cluster, self.name
        ));
        let document = self.revision_members();
        self.revisions.insert(
            number,
            ServiceRevision {
                number,
                arn,
                document,
                images,
                created_at: now,
                resolved: Vec::new(),
            },
        );
        self.deployments.insert(0, Deployment::new(number, now));
        let rollout = Rollout::new(self, number, sources, ground);
        self.rollouts.insert(0, rollout);
    }

    /// The members of the service's document that a revision keeps.
    pub fn revision_members(&self) -> Document {
        let mut members = Document::new();
        for key in REVISION_MEMBERS {
            if let Some(value) = member(&self.document, key) {
                members.insert(key.to_owned(), value.clone());
            }
        }
        if text(&members, "platformVersion") == Some("LATEST") {
            members.insert(
                "platformVersion".to_owned(),
                json!(defaults::FARGATE_PLATFORM),
            );
        }
        members
    }

    fn supersede(&mut self, now: Time) {
        if let Some(rollout) = self
            .rollouts
            .first_mut()
            .filter(|rollout| !rollout.status.is_final())
        {
            // Ours: the status is AWS's word for a deployment that did not finish, the sentence is not published.
            rollout.end(
                RolloutStatus::Stopped,
                "Service deployment stopped because a newer deployment replaced it.",
                now,
            );
        }
    }

    /// All new tasks are healthy and all old ones gone.
    pub fn complete(&mut self, ground: &mut Ground<'_>) {
        let now = ground.now;
        let primary = self.primary_mut();
        let id = primary.id();
        primary.set(
            RolloutState::Completed,
            format!("ECS deployment {id} completed."),
            now,
        );
        self.last_completed = Some(self.primary().number);
        if let Some(rollout) = self
            .rollouts
            .first_mut()
            .filter(|rollout| !rollout.status.is_final())
        {
            match rollout.status {
                RolloutStatus::RollbackInProgress => {
                    rollout.finish(RolloutStatus::RollbackSuccessful, now);
                }
                _ => rollout.finish(RolloutStatus::Successful, now),
            }
        }
        self.events
            .tell(now, ground.rng, events::completed(&self.name, &id));
    }

    /// Failure detection has found the deployment to be bad.
    pub fn trip(&mut self, cause: Cause, ground: &mut Ground<'_>) {
        let now = ground.now;
        let id = self.primary().id();
        self.fail(cause.rollout_reason().to_owned(), now);
        let line = events::failed(&self.name, &id, cause.event_reason());
        self.events.tell(now, ground.rng, line);
        let target = self.last_completed.filter(|_| self.rolls_back_on(cause));
        let why = cause.status_reason();
        let rollout = self
            .rollouts
            .first_mut()
            .filter(|rollout| !rollout.status.is_final());
        match (rollout, target) {
            (Some(rollout), Some(target)) => {
                let reason = format!("Service deployment rolled back because {why}.");
                rollout.begin_rollback(target, &reason, now);
            }
            (Some(rollout), None) if rollout.status == RolloutStatus::RollbackInProgress => {
                let reason = format!("Service deployment rollback failed because {why}.");
                rollout.end(RolloutStatus::RollbackFailed, &reason, now);
            }
            (Some(rollout), None) => {
                let reason = format!("Service deployment stopped because {why}.");
                rollout.end(RolloutStatus::Stopped, &reason, now);
            }
            (None, _) => {}
        }
        if let Some(target) = target {
            let reason = cause.rolling_back(&deployment_id(target));
            self.roll_back(target, reason, ground);
        }
    }

    fn rolls_back_on(&self, cause: Cause) -> bool {
        match cause {
            Cause::Breaker => self.breaker().rolls_back,
            Cause::Alarm => {
                let alarms = self
                    .rollouts
                    .first()
                    .and_then(|rollout| rollout.alarms.as_ref());
                alarms.is_some_and(|alarms| alarms.rolls_back)
            }
        }
    }

    /// Makes an earlier deployment PRIMARY again, under its old number.
    pub fn roll_back(&mut self, target: u64, reason: String, ground: &mut Ground<'_>) {
        let now = ground.now;
        self.events.tell(
            now,
            ground.rng,
            events::rolling_back(&self.name, &deployment_id(target)),
        );
        let place = self
            .deployments
            .iter()
            .position(|deployment| deployment.number == target);
        let mut deployment = match place {
            Some(place) => self.deployments.remove(place),
            // Its last task is gone already: it comes back from its revision.
            None => Deployment {
                created_at: self.revision(target).created_at,
                ..Deployment::new(target, now)
            },
        };
        deployment.set(RolloutState::InProgress, reason, now);
        deployment.failed_tasks = 0;
        deployment.throttle = Throttle::default();
        self.deployments.insert(0, deployment);
        self.last_completed = None;
        self.take_over(target);
    }

    /// Ends a deployment that somebody stopped; the rollback that follows is the caller's.
    pub fn abandon(&mut self, now: Time) {
        let reason = format!("ECS deployment {} was stopped.", self.primary().id()); // ours
        self.fail(reason, now);
    }

    /// The primary deployment has failed: it launches nothing more.
    pub fn fail(&mut self, reason: String, now: Time) {
        self.primary_mut().set(RolloutState::Failed, reason, now);
    }
}
